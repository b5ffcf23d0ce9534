"""Where a sign-in elsewhere leads back to: a page that hands its own address to the chat, which is
open in another tab of the same browser. An agent's owner registers its address as the
`redirect_uri`.
"""

from html import escape
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from agent.core.language import N_, _, direction, language

SIGNED_IN_PAGE = Path(__file__).with_name("signed_in.html")

# The words of the page, by the names of their places in it.
SIGNED_IN_WORDS = {
    "title": N_("Signed in"),
    "heading": N_("Back from the sign-in"),
    "close": N_("You can close this tab, and go on in the chat."),
    "copy": N_("If the chat still asks, copy the address of this page into it."),
}

# The address holds what the sign-in has given.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'none'; frame-ancestors 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
}


def router() -> APIRouter:
    """`/signed-in`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/signed-in")
    async def signed_in() -> HTMLResponse:
        """The page."""
        page = SIGNED_IN_PAGE.read_text(encoding="utf-8")
        values = {name: escape(_(words)) for name, words in SIGNED_IN_WORDS.items()}
        for name, value in {**values, "language": language(), "direction": direction()}.items():
            page = page.replace(f"{{{name}}}", value)
        return HTMLResponse(page, headers=PAGE_HEADERS)

    return routes
