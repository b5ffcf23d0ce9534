"""Which of Gradio's routes are open: those that the page needs, and no others."""

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import iter_route_contexts
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError
from pydantic import SecretStr

from agent.models.offline import OfflineModel
from agent.page.routes import ROUTES
from tests.support.app_setup import launched_app, loaded, url_of
from tests.support.browser import Visitor

pytestmark = pytest.mark.slow

# Gradio's routes that nobody needs here. A route of a new release that is neither here nor in
# ROUTES has to be looked at, and put into one of them.
CLOSED = {
    "/gradio_api/component_server",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/gradio_api/deep_link",
    "/gradio_api/file/{path:path}",
    "/gradio_api/file={path_or_url:path}",
    "/gradio_api/login_check",
    "/gradio_api/openapi.json",
    "/gradio_api/process_recording",
    "/gradio_api/proxy={url_path:path}",
    "/gradio_api/queue/status",
    "/gradio_api/runs",
    "/gradio_api/stream/{event_id}",
    "/gradio_api/stream/{event_id}/close",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/gradio_api/theme.css",
    "/gradio_api/token",
    "/gradio_api/undo-vibe-edit",
    "/gradio_api/upload",
    "/gradio_api/upload_progress",
    "/gradio_api/user",
    "/gradio_api/vibe-code",
    "/gradio_api/vibe-edit",
    "/gradio_api/vibe-starter-queries",
    "/manifest.json",
    "/monitoring",
    "/monitoring/summary",
    "/monitoring/{key}",
    "/pwa_icon",
    "/pwa_icon/{size}",
    "/svelte/{path:path}",
}

# What is open where something is set, or is run in another way.
CONDITIONAL = (*ROUTES["sign-in"], *ROUTES["huggingface"], *ROUTES["reload"])

# A path to a route that is closed, written so that it may look like another one.
DISGUISED = [
    "//gradio_api/upload",
    "/gradio_api//upload",
    "//gradio_api//upload//",
    "/gradio_api/upload/",
    "/gradio_api/%75pload",
    "/gradio_api%2Fupload",
    "/gradio_api/upload%2f",
    "/gradio_api/./upload",
    "/gradio_api/upload;x",
    "/gradio_api/upload%00",
    "/GRADIO_API/UPLOAD",
    "/gradio_api/file=%2Fetc%2Fpasswd",
    "/gradio_api/file=//etc/passwd",
    "/gradio_api/file%3D/etc/passwd",
    "//login",
    "/login/",
    "/login//",
    "/%6cogin",
    "/monitoring/",
]

NOT_FOUND = (404, "Not Found")


@contextmanager
def app_launched(**options: Any) -> Iterator[Any]:
    """The served FastAPI app, all of whose APIs are on, launched with these options."""
    token = SecretStr("open-sesame-and-more")
    with launched_app(loaded(OfflineModel(delay=0)), options, api_token=token) as served:
        yield served


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with app_launched() as app:
        yield app


def paths(routes: list[Any]) -> set[str]:
    """The paths of routes, as they are written."""
    return {str(route.path) for route in iter_route_contexts(routes)}


def ours(served: Any) -> set[str]:
    """The paths of the APIs."""
    return paths(served.state.served.routes)


def same(path: str) -> str:
    """The same path for all routes that Starlette's router takes for the same."""
    return re.sub(r"{\w+(:path)?}", r"{\1}", path).rstrip("/") or "/"


def sample(path: str) -> str:
    """An address of the route."""
    return re.sub(r"{.*?}", "7", re.sub(r"{(api_)?name}", "chat", path))


def answer_of(url: str, method: str, path: str) -> tuple[int, str]:
    """The answer to a path that is sent as it is; of an endless one only that it is there."""
    host = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    host.request(method, path, body="{}" if method == "POST" else None)
    answer = host.getresponse()
    is_endless = answer.getheader("content-type", "").startswith("text/event-stream")
    text = "" if is_endless else answer.read().decode(errors="replace")
    host.close()
    return answer.status, text


ALLOWED = {same(path) for feature in ROUTES.values() for path in feature}


def test_every_route_of_gradio_is_known(served: Any) -> None:
    known = ALLOWED | {same(path) for path in CLOSED | ours(served)}
    assert {path for path in paths(served.routes) if same(path) not in known} == set()


def test_every_route_that_is_known_is_there(served: Any) -> None:
    there = {same(path) for path in paths(served.routes)} | {"/gradio_api/mcp/{:path}"}
    elsewhere = {same(path) for path in ROUTES["huggingface"]}  # test_huggingface.py
    assert (ALLOWED | {same(path) for path in CLOSED}) - there <= elsewhere


def test_only_what_is_allowed_answers(served: Any) -> None:
    allowed = {same(path) for path in ours(served)} | ALLOWED - {same(path) for path in CONDITIONAL}
    wrong = [
        (method, path)
        for path in paths(served.routes)
        for method in ("GET", "POST", "PUT", "DELETE")
        if (answer_of(url_of(served), method, sample(path)) != NOT_FOUND) != (same(path) in allowed)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", DISGUISED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_closed_route_is_closed_however_its_path_is_written(
    served: Any, method: str, path: str
) -> None:
    status, text = answer_of(url_of(served), method, path)
    assert (status, text) in [NOT_FOUND, (404, '{"detail":"Not Found"}')]


@pytest.mark.parametrize("path", ["/gradio_api/mcp/../upload", "/assets/../gradio_api/upload"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_dots_in_a_path_lead_nowhere(served: Any, method: str, path: str) -> None:
    assert answer_of(url_of(served), method, path)[0] in (403, 404, 405)


def test_below_another_path_the_same_routes_are_open_and_closed() -> None:
    with app_launched(root_path="/proxy") as served:
        url = url_of(served)
        for prefix in ("", "/proxy"):
            opened = [f"{prefix}{path}" for path in ("/", "/config", "/healthz", "/chat/plain")]
            assert [answer_of(url, "GET", path)[0] for path in opened] == [200] * 4
            closed = [f"{prefix}{path}" for path in ("/gradio_api/upload", "/login", "/monitoring")]
            assert [answer_of(url, "POST", path)[0] for path in closed] == [404] * 3


def test_a_slash_too_many_at_the_end_is_redirected(served: Any) -> None:
    assert answer_of(url_of(served), "GET", "/healthz/")[0] == 307
    assert answer_of(url_of(served), "GET", "/gradio_api/queue/data/")[0] == 307


# Sign-in


def test_where_the_host_sets_auth_visitors_sign_in_and_out(visitor: Visitor) -> None:
    with app_launched(auth=("ann", "sesame")) as served:
        page = visitor().come(url_of(served))
        page.sign_in("ann", "sesame")
        page.tab.wait_for_selector("#message textarea:not([disabled])")
        page.send("Hello")
        page.wait_idle()
        assert "offline model" in page.words()[-1][1]
        page.tab.goto(f"{url_of(served)}logout")
        page.tab.get_by_label("username").wait_for()


def test_where_the_host_sets_auth_clients_sign_in() -> None:
    with app_launched(auth=("ann", "sesame")) as served:
        url = url_of(served)
        with pytest.raises(AuthenticationError):
            Client(url, verbose=False)
        client = Client(url, auth=("ann", "sesame"), verbose=False)
        assert "offline" in client.predict("Hello", api_name="/chat")
        client.close()


def test_nobody_signs_in_where_the_host_sets_no_auth(served: Any) -> None:
    for path in ROUTES["sign-in"]:
        answers = [answer_of(url_of(served), method, path) for method in ("GET", "POST")]
        assert answers == [NOT_FOUND] * 2
