"""The host's own pages. They need the host's secret (`HOST_TOKEN`): a person types it into a form
here, and programs send it in `Authorization: Bearer …`.

    GET  /host             links to these pages; or a form that asks for the secret
    POST /host             token=…   -> a cookie, by which the browser is known for a while
    POST /host/sign-out

Plain pages: no script runs in them, and nothing is fetched from elsewhere.
"""

import hashlib
import hmac
import html
import time
from pathlib import Path
from string import Template
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr

from agent.api.host_token import bearer_of
from agent.chat.agents import Agents
from agent.core.text import clean
from agent.limits.client_address import client_address
from agent.limits.rate_limits import LimitExceeded
from agent.render.export import DOCUMENT_STYLE

HERE = Path(__file__).parent

# The pages that `/host` links to: their addresses, relative to it, and their names.
PAGES = {
    "host/findings": "What visitors said of answers",
    "host/preferences": "Which of two answers visitors prefer",
    "host/usage": "What the page is used for",
    "host/check": "Self-check: what is wrong, and what mends it",
}

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; media-src data:; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # Not none at all: a browser would then hide from which page a form comes.
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}

# The cookie of a browser that has signed in, and for how many seconds it counts: a working day.
COOKIE, SIGNED_IN_FOR = "adk_chat_page_host", 12 * 3600

WRONG_TOKEN = "This is not the secret that was set as HOST_TOKEN."

FORM = """<form method="post" action="host">
<p><label for="token">The secret that was set as HOST_TOKEN</label><br>
<input id="token" name="token" type="password" autocomplete="current-password" required></p>
<p role="alert">{complaint}</p>
<p><button>Sign in</button></p>
</form>
"""

# From one of these pages to `/host`.
BACK = '<p><a href="../host">Back</a></p>\n'

SIGN_OUT = """<form method="post" action="host/sign-out"><button>Sign out</button></form>
"""


class HostSignIn:
    """Knows by a signed cookie who has shown the host's secret. Replicas that have the same secret
    accept each other's cookies."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token.get_secret_value().encode()
        self._check_bearer = bearer_of(token)

    def is_right(self, token: str) -> bool:
        """Whether this is the secret."""
        return hmac.compare_digest(token.strip().encode(), self._token)

    def cookie(self) -> str:
        """A new cookie: until when it counts, in seconds since 1970, and a signature of that."""
        return self._signed(str(int(time.time() + SIGNED_IN_FOR)))

    def has_signed_in(self, request: Request) -> bool:
        """Whether the request shows such a cookie."""
        shown = request.cookies.get(COOKIE, "")
        until = shown.partition(".")[0]
        is_signed = hmac.compare_digest(shown.encode(), self._signed(until).encode())
        return is_signed and float(until) > time.time()

    def check(self, request: Request) -> None:
        """Let a request of the host's pass.

        Raises:
            HTTPException: 401 for any other request of a program; 303 for one of a browser, which
                leads to the form.
        """
        if "authorization" in request.headers:
            self._check_bearer(request)
        elif not self.has_signed_in(request):
            raise HTTPException(303, headers={"Location": f"{up(request)}host"})

    def _signed(self, until: str) -> str:
        signature = hmac.new(self._token, f"host {until}".encode(), hashlib.sha256)
        return f"{until}.{signature.hexdigest()}"


def up(request: Request) -> str:
    """The relative path from a page of the host's to the folder of `/host`, behind a proxy too."""
    return "../" * (request.url.path.rpartition("/host")[2].count("/"))


def to_page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page of the host's; `body` is HTML."""
    template = Template((HERE / "host.html").read_text(encoding="utf-8"))
    style = DOCUMENT_STYLE + (HERE / "host.css").read_text(encoding="utf-8")
    page = template.substitute(title=html.escape(title), style=style, body=body)
    return HTMLResponse(clean(page), status, PAGE_HEADERS)


def router(agents: Agents, sign_in: HostSignIn) -> APIRouter:
    """`/host`."""
    routes = APIRouter(prefix="/host", include_in_schema=False)

    @routes.get("")
    async def home(request: Request) -> Response:
        """Links to the host's pages, or the form."""
        return _home() if sign_in.has_signed_in(request) else _form()

    @routes.post("")
    async def enter(request: Request) -> Response:
        """Sign in."""
        try:
            await agents.limits.admit_sign_in(client_address(request))
        except LimitExceeded as error:
            return _form(str(error), 429)
        given = (await request.form()).get("token")
        if not (isinstance(given, str) and sign_in.is_right(given)):
            return _form(WRONG_TOKEN, 403)
        return _set_cookie(RedirectResponse("host", 303), request, sign_in.cookie(), SIGNED_IN_FOR)

    @routes.post("/sign-out")
    async def leave(request: Request) -> Response:
        """Sign out."""
        return _set_cookie(RedirectResponse("../host", 303), request, "", 0)

    return routes


def _home() -> Response:
    links = "".join(f'<li><a href="{path}">{name}</a></li>\n' for path, name in PAGES.items())
    return to_page("For the host of this page", f"<ul>\n{links}</ul>\n{SIGN_OUT}")


def _form(complaint: str = "", status: int = 200) -> Response:
    return to_page(
        "For the host of this page", FORM.format(complaint=html.escape(complaint)), status
    )


def _set_cookie(response: Response, request: Request, value: str, seconds: int) -> Response:
    proto = request.headers.get("x-forwarded-proto", request.url.scheme)
    # The proxy's path: other apps that the proxy shows on the same machine are not sent the cookie.
    path = request.scope.get("root_path") or "/"
    options: dict[str, Any] = {"httponly": True, "samesite": "strict", "path": path}
    response.set_cookie(COOKIE, value, max_age=seconds, secure=proto == "https", **options)
    return response
