"""The agent's other doors: HTTP for programs, one more watcher of the same turns as the page.

The routes are an app of their own, so that its `/openapi.json` tells of them alone; the page
serves them beside its own, and uvicorn serves them without a page.
"""

from fastapi import FastAPI

from agent.directory import Directory
from agent.doors import completions, files, health, plain, shared, stream
from agent.loading import Loaded


def doors(loaded: Loaded, directory: Directory) -> FastAPI:
    """The app with all doors; the OpenAI-compatible one only where the host has set a token."""
    app = FastAPI(title=loaded.title, description=loaded.description, docs_url=None, redoc_url=None)
    app.include_router(stream.router(directory))
    app.include_router(plain.router())
    app.include_router(health.router(loaded))
    app.include_router(files.router())
    app.include_router(shared.router(loaded, directory))
    if directory.settings.api_token:
        app.include_router(completions.router(directory, loaded.runner.agent.name))
    return app
