"""Where the host has visitors sign in, page and APIs are for those who have."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from agent.models.offline import OfflineModel
from tests.support.app_process import free_port
from tests.support.app_process import served as program
from tests.support.app_setup import launched, loaded
from tests.support.browser import Visitor

pytestmark = pytest.mark.slow

TOKEN = "open-sesame-and-more"

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}

CHAT = {"model": "helper", "messages": [{"role": "user", "content": "Hi"}]}

# What a program may send, to every API that there is.
REQUESTS: dict[str, dict[str, Any]] = {
    "SSE": {"method": "POST", "url": "chat/stream", "json": {"query": "/think"}},
    "EventSource": {"method": "GET", "url": "chat/stream?query=/think"},
    "stop": {"method": "POST", "url": "chat/stop", "json": {"session_id": "1"}},
    "the example client": {"method": "GET", "url": "chat/plain"},
    "the description": {"method": "GET", "url": "openapi.json"},
    "MCP": {"method": "POST", "url": "gradio_api/mcp/", "json": INITIALIZE},
    "a shared chat": {"method": "GET", "url": "shared/1"},
    "a picture": {"method": "GET", "url": "files/1.png"},
    "Gradio's client": {
        "method": "POST",
        "url": "gradio_api/call/chat",
        "json": {"data": ["Hi", None]},
    },
    "Gradio's description": {"method": "GET", "url": "gradio_api/info"},
    "the page's configuration": {"method": "GET", "url": "config"},
    "the page's heartbeat": {"method": "GET", "url": "gradio_api/queue/data?session_hash=1"},
    "OpenAI": {"method": "POST", "url": "v1/chat/completions", "json": CHAT},
    "OpenAI's models": {"method": "GET", "url": "v1/models"},
}

OPEN = ("", "healthz", "readyz", "theme.css", "favicon.ico", "gradio_api/app_id")

HEADERS = {"Accept": "application/json, text/event-stream"}


@contextmanager
def served(**options: Any) -> Iterator[str]:
    """The address of a page that is launched with these options."""
    with launched(loaded(OfflineModel(delay=0)), options, api_token=SecretStr(TOKEN)) as url:
        yield url


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(auth=("ann", "sesame")) as url:
        yield url


def send(url: str, what: dict[str, Any], **more: Any) -> httpx.Response:
    headers = {**HEADERS, **more.pop("headers", {})}
    return httpx.request(**{**what, "url": url + what["url"]}, headers=headers, timeout=20, **more)


def signed_in(url: str, password: str = "sesame") -> dict[str, str]:
    """The cookies of one who has signed in so."""
    answer = httpx.post(f"{url}login", data={"username": "ann", "password": password})
    return dict(answer.cookies)


@pytest.mark.parametrize("name", REQUESTS)
def test_who_has_not_signed_in_is_refused(url: str, name: str) -> None:
    assert send(url, REQUESTS[name]).status_code == 401


@pytest.mark.parametrize("name", REQUESTS)
def test_so_is_who_makes_up_a_cookie_or_has_the_wrong_password(url: str, name: str) -> None:
    names = list(signed_in(url))
    assert names
    for cookies in (dict.fromkeys(names, "made-up"), signed_in(url, "guessed")):
        assert send(url, REQUESTS[name], cookies=cookies).status_code == 401


def test_a_refusal_is_a_sentence(url: str) -> None:
    refusal = send(url, REQUESTS["SSE"])
    assert "sign in" in refusal.json()["detail"]
    shown = send(url, REQUESTS["a shared chat"], headers={"Accept": "text/html"})
    assert shown.text == refusal.json()["detail"]
    assert "Content-Security-Policy" in shown.headers


@pytest.mark.parametrize("path", OPEN)
def test_what_the_form_needs_and_what_watches_over_the_app_is_open(url: str, path: str) -> None:
    assert httpx.get(url + path).status_code == 200


def test_who_has_signed_in_is_answered(url: str) -> None:
    cookies = signed_in(url)
    said = send(url, REQUESTS["SSE"], cookies=cookies).text
    assert "data: [DONE]" in said
    assert "offline model" in said
    for name in ("the example client", "the description", "MCP", "Gradio's description"):
        assert send(url, REQUESTS[name], cookies=cookies).status_code == 200, name
    assert send(url, REQUESTS["a shared chat"], cookies=cookies).status_code == 404


@pytest.mark.parametrize("name", ["SSE", "MCP", "OpenAI", "OpenAI's models"])
def test_a_program_with_the_hosts_token_is_answered(url: str, name: str) -> None:
    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return send(url, REQUESTS[name], headers=headers).status_code

    assert [status(TOKEN), status("x"), status(TOKEN + "x")] == [200, 401, 401]


def test_a_function_may_decide_who_is_let_in() -> None:
    with served(auth=lambda name, password: password == "sesame") as url:
        assert send(url, REQUESTS["SSE"]).status_code == 401
        assert "[DONE]" in send(url, REQUESTS["SSE"], cookies=signed_in(url)).text


def test_so_may_the_hosts_own_sign_in() -> None:
    with served(auth_dependency=lambda request: request.headers.get("x-user")) as url:
        ann = {"X-User": "ann"}
        for name in ("SSE", "MCP", "a shared chat", "Gradio's description"):
            assert send(url, REQUESTS[name]).status_code == 401, name
            assert send(url, REQUESTS[name], headers=ann).status_code in (200, 404), name
        assert httpx.get(f"{url}login").status_code == 404
        assert httpx.get(f"{url}healthz").status_code == 200


def test_without_sign_in_everybody_is_answered() -> None:
    with served() as url:
        assert "[DONE]" in send(url, REQUESTS["SSE"]).text
        assert httpx.post(f"{url}login").status_code == 404


WITH_AUTH = """
import app
from agent.server import serve_until_end
serve_until_end(app.demo, app.agents, auth=("ann", "sesame"))
"""


def test_a_host_adds_it_to_the_last_line_of_the_app(visitor: Visitor) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with program([sys.executable, "-c", WITH_AUTH], GRADIO_SERVER_PORT=str(port)):
        assert send(url, REQUESTS["SSE"]).status_code == 401
        page = visitor().come(url)
        expect(page.tab.get_by_text("Chat assistant")).to_be_visible()  # What one signs in to.
        page.sign_in("ann", "sesame")
        page.tab.wait_for_selector("#message textarea:not([disabled])")
        page.send("What is 12*7?")
        page.wait_idle()
        assert "84" in page.words()[-1][1]
        page.tab.context.close()  # Before the server ends, of which it would complain.
