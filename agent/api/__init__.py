"""HTTP for programs: the same turns as on the page, for clients of other kinds."""

import logging
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from agent.api import example_client, health, media, openai, share, signed_in, sse, tool_results
from agent.chat.loader import LoadedAgent
from agent.chat.registry import Registry

log = logging.getLogger(__name__)


def api_app(loaded: LoadedAgent, registry: Registry) -> FastAPI:
    """An app with all API routes; the OpenAI-compatible ones only where a token is set, those for
    MCP clients only where the package `mcp` is installed.

    It is an app of its own, so that its `/openapi.json` describes these routes alone. The page
    serves its routes beside Gradio's, and uvicorn serves it without a page.
    """
    app = FastAPI(title=loaded.title, description=loaded.description, docs_url=None, redoc_url=None)
    app.include_router(sse.router(registry))
    app.include_router(example_client.router())
    app.include_router(health.router(loaded))
    app.include_router(media.router())
    app.include_router(signed_in.router())
    app.include_router(share.router(loaded, registry))
    if registry.settings.api_token:
        app.include_router(openai.router(registry, loaded.runner.agent.name))
        app.include_router(tool_results.router(registry, registry.settings.api_token))
    if has_mcp():
        from agent.api.mcp_server import PATH, McpServer

        app.mount(PATH, McpServer(loaded, registry))
    return app


def has_mcp() -> bool:
    """Whether MCP's SDK is installed, in the version whose API is used here."""
    try:
        major = version("mcp").partition(".")[0]
    except PackageNotFoundError:
        return False
    if major != "1":
        log.warning('MCP clients do not find the agent: that needs `pip install "mcp<2"`.')
    return major == "1"
