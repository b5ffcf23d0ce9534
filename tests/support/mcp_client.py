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
    """The words of an answer."""
    content = result.content[0]
    assert isinstance(content, TextContent)
    return content.text


def session_of(result: CallToolResult) -> str:
    """By what to go on with the conversation."""
    return str((result.structuredContent or {})["session_id"])


async def call(tools: ClientSession, message: str) -> str:
    return text_of(await tools.call_tool("ask", {"message": message}))
