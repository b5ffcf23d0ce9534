"""The agent's other doors: HTTP for programs, one more watcher of the same turns as the page.

The routes are an app of their own, so that its `/openapi.json` tells of them alone; the page
serves them beside its own, and uvicorn serves them without a page.
"""

from fastapi import FastAPI

from agent.api import example_client as plain
from agent.api import health
from agent.api import media as files
from agent.api import openai as completions
from agent.api import share as shared
from agent.api import sse as stream
from agent.chat.loader import LoadedAgent
from agent.chat.registry import Registry


def doors(loaded: LoadedAgent, registry: Registry) -> FastAPI:
    """The app with all doors; the OpenAI-compatible one only where the host has set a token."""
    app = FastAPI(title=loaded.title, description=loaded.description, docs_url=None, redoc_url=None)
    app.include_router(stream.router(registry))
    app.include_router(plain.router())
    app.include_router(health.router(loaded))
    app.include_router(files.router())
    app.include_router(shared.router(loaded, registry))
    if registry.settings.api_token:
        app.include_router(completions.router(registry, loaded.runner.agent.name))
    return app
