"""The agent as a tool, by the official MCP client, over streamable HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent


@asynccontextmanager
async def tools_of(url: str) -> AsyncIterator[ClientSession]:
    """An MCP client of the page at this address."""
    async with (
        streamable_http_client(f"{url}gradio_api/mcp/") as (incoming, outgoing, _),
        ClientSession(incoming, outgoing) as tools,
    ):
        await tools.initialize()
        yield tools


def text_of(result: CallToolResult) -> str:
    """All that a tool has answered."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


async def call(tools: ClientSession, message: str) -> str:
    return text_of(await tools.call_tool("ask", {"message": message}))
