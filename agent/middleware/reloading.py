"""What is served beside a page, also when Gradio has reloaded the app."""

from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.chat.agents import Agents
from agent.chat.warmup import open_clients_soon
from agent.page.gradio_internals import attribute_of_page


@dataclass(frozen=True)
class Served:
    """What is served beside a page; the page has it as its attribute `served`."""

    agents: Agents
    # Of the APIs.
    routes: list[BaseRoute]


class ReloadedRoutes:
    """ASGI middleware: after Gradio has reloaded the app, which puts a new page in place of the
    one that was launched, the APIs are those beside the new page too. The old page's turns go on
    to their end. Middleware itself stays as it was until the app is started again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            _take_over(scope["app"])
        await self._app(scope, receive, send)


def _take_over(app: Any) -> None:
    old: Served = app.state.served
    new: Served = attribute_of_page(app, "served", old)
    if new is not old:
        app.state.served = new
        app.router.routes[: len(old.routes)] = new.routes  # Gradio's come after them.
        old.agents.retire()
        new.agents.begin()
        open_clients_soon(new.agents.first.loaded)
