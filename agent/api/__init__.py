"""HTTP for programs: the same turns as on the page, for clients of other kinds."""

import logging
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from agent.api import (
    agui,
    embed,
    example_client,
    findings_files,
    findings_page,
    health,
    host_check,
    host_page,
    host_usage,
    later,
    live,
    look,
    media,
    metrics,
    openai,
    page_talk,
    preferences_page,
    share,
    signed_in,
    sse,
    tool_results,
    uploads,
)
from agent.api.host_token import bearer_of
from agent.chat.agents import Agents

log = logging.getLogger(__name__)


def api_app(agents: Agents) -> FastAPI:
    """An app with all API routes; the OpenAI-compatible ones only where a token is set, those for
    MCP clients only where the package `mcp` is installed.

    It is an app of its own, so that its `/openapi.json` describes these routes alone. The page
    serves its routes beside Gradio's, and uvicorn serves it without a page.
    """
    title, description = agents.title, agents.description
    app = FastAPI(title=title, description=description, docs_url=None, redoc_url=None)
    app.include_router(sse.router(agents))
    app.include_router(live.router(agents))
    app.include_router(page_talk.router(agents))
    app.include_router(agui.router(agents))
    app.include_router(example_client.router())
    app.include_router(health.router(agents))
    app.include_router(media.router())
    app.include_router(later.router())
    app.include_router(look.router(agents))
    app.include_router(embed.router(agents))
    app.include_router(uploads.router(agents))
    app.include_router(signed_in.router())
    app.include_router(share.router(agents))
    host_token, token = agents.settings.host_token, agents.settings.api_token
    if host_token:
        sign_in = host_page.HostSignIn(host_token)
        app.include_router(host_page.router(agents, sign_in))
        for page in (findings_files, findings_page, preferences_page, host_check, host_usage):
            app.include_router(page.router(agents, sign_in.check))
    if (host_token or token) and metrics.has_prometheus():
        app.include_router(metrics.router(agents, bearer_of(host_token, token)))
    if token:
        app.include_router(openai.router(agents))
        app.include_router(tool_results.router(agents, token))
    if has_mcp():
        from agent.api.mcp_server import PATH, McpServer

        app.mount(PATH, McpServer(agents))
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
