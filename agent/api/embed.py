"""The chat on pages of other sites: a script with a button and a panel. Such a page needs one line:

    <script src="https://chat.example.org/embed.js" defer></script>

`EMBED_ON` names the sites; the security headers let those alone show this page in a frame.
"""

import json
from pathlib import Path
from string import Template

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import PlainTextResponse

from agent.chat.agents import Agents
from agent.core.colours import ON_ACCENT, PAGE, Pair
from agent.core.language import N_, _, direction, language

HERE = Path(__file__).parent

STYLE_TEMPLATE = Template((HERE / "embed.css").read_text(encoding="utf-8"))

NOT_HERE = (
    "This chat is on no other site. Its host can put it there: see EMBED_ON in .env.example.\n"
)

OPEN, CLOSE = N_("Open the chat"), N_("Close the chat")

# Any site may load the script, which holds words and colours alone; the security headers say which
# sites may show the page. Browsers ask for it again after five minutes: a chosen figure.
SCRIPT_HEADERS = {
    "Cache-Control": "private, max-age=300",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Language, Cookie",
}


def router(agents: Agents) -> APIRouter:
    """`/embed.js`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/embed.js")
    async def embed(agent: str = "") -> Response:
        """The script, for the agent of this name, or for the first one."""
        if not agents.settings.embed_on:
            return PlainTextResponse(NOT_HERE, 404)
        if agent and agent not in agents.names:
            raise HTTPException(404, agents.no_such(agent).text)
        loaded = (await agents.get(agent or agents.first_name)).loaded
        options = {
            "style": style(loaded.look.accent),
            "title": loaded.title,
            "language": language(),
            "direction": direction(),
            "open": _(OPEN),
            "close": _(CLOSE),
        }
        script = (HERE / "embed.js").read_text(encoding="utf-8")
        call = f"{script.rstrip().removesuffix(';')}({json.dumps(options)});\n"
        return Response(call, media_type="text/javascript", headers=SCRIPT_HEADERS)

    return routes


def style(accent: Pair) -> str:
    """The style of button and panel in this accent."""
    (light, dark), (on_light, on_dark), (page_light, page_dark) = accent, ON_ACCENT, PAGE
    return STYLE_TEMPLATE.substitute(
        light=light,
        dark=dark,
        on_light=on_light,
        on_dark=on_dark,
        page_light=page_light,
        page_dark=page_dark,
    )
