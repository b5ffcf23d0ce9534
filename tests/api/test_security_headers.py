"""What browsers may do: headers, closed paths, and a cap on what is sent in."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from agent.api.security_headers import BAD_REQUEST, SecurityHeaders
from agent.models.offline import OfflineModel
from tests.support.app_process import ROOT
from tests.support.app_setup import launched, loaded

CLOSED = [
    "gradio_api/deep_link?session_hash=abc",
    "/gradio_api/deep_link",
    "gradio_api/file=https://example.com/x",
    "gradio_api/file=/etc/passwd",
    "gradio_api/file=app.py",
    "gradio_api/file=",
    "gradio_api/file%3Dhttps://example.com/x",
    "gradio_api/file=HTTP://169.254.169.254/latest",
    "gradio_api/proxy=https://example.com/x",
    "gradio_api/upload",
    "gradio_api/upload_progress?upload_id=x",
    "gradio_api/component_server",
    "gradio_api/stream/x",
    "gradio_api/vibe-code",
    "gradio_api/runs",
    "gradio_api/dev/reload",
    "gradio_api/token",
    "gradio_api/openapi.json",
    "gradio_api/run-history/buckets",
    "gradio_api/run-history/connect",
    "gradio_api/process_recording",
    "gradio_api/user",
    "monitoring",
    "monitoring/summary",
    "login",
]


FILE = {"path": "app.py", "meta": {"_type": "gradio.FileData"}}
SAID = [{"role": "user", "content": [{"type": "file", "file": FILE}]}]

ASKED = [
    *(("GET", path, None) for path in ("", "config", "openapi.json", "gradio_api/info")),
    *(
        ("GET", path, None)
        for path in ("look/helper/style.css", "nowhere", "assets/..%2f..%2froutes.py")
    ),
    ("GET", "gradio_api/info?all_endpoints=true", None),
    *(("GET", f"files/{name}", None) for name in ("x", "..%2fx", "%2e%2e", f"{'a' * 32}.png")),
    ("GET", "gradio_api/custom_component/1/client/x/y.js", None),
    *(("POST", "gradio_api/run/predict", {"fn_index": n, "data": [SAID] * 3}) for n in range(12)),
    ("POST", "gradio_api/run/chat", {"data": [FILE, FILE]}),
    ("POST", "gradio_api/call/chat", {"data": "x"}),
    ("POST", "gradio_api/call/v2/chat", {"message": FILE}),
    ("POST", "gradio_api/queue/join", {"data": [FILE], "fn_index": 1, "session_hash": "x"}),
    ("POST", "gradio_api/cancel", ["x"]),
    ("POST", "chat/stream", {"query": FILE}),
]

EMBEDDED = ["image", "audio", "video", "track"]


@pytest.fixture(scope="module")
def page() -> Iterator[httpx.Client]:
    with launched(loaded(OfflineModel(delay=0))) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/config", "/theme.css", "/healthz", "/nowhere", "/login"])
def test_every_answer_tells_browsers_what_they_may_do(page: httpx.Client, path: str) -> None:
    headers = page.get(path).headers
    assert "form-action 'none'" in headers["Content-Security-Policy"]
    assert "https://*.hf.space" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == (
        "nosniff",
        "no-referrer",
    )
    assert headers["X-DNS-Prefetch-Control"] == "off"
    assert "X-Frame-Options" not in headers


@pytest.mark.slow
def test_the_plain_page_keeps_a_stricter_policy_of_its_own(page: httpx.Client) -> None:
    policies = page.get("/chat/plain").headers.get_list("Content-Security-Policy")
    assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]


@pytest.mark.slow
@pytest.mark.parametrize("path", CLOSED)
def test_what_the_page_does_not_need_is_closed(page: httpx.Client, path: str) -> None:
    url = f"{page.base_url}{path}"  # As it is: httpx takes "//gradio_api" for another host.
    answers = [page.get(url), page.post(url)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(404, "Not Found")] * 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["app.py", "..%2f..%2fetc%2fpasswd", "../etc/passwd", "%2fetc%2fpasswd", "a%00b"]
)
def test_no_file_of_the_host_is_served(page: httpx.Client, name: str) -> None:
    answer = page.get(f"/files/{name}")
    assert answer.status_code == 404
    assert "/" not in answer.json()["detail"]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path", "body"), ASKED)
def test_no_answer_names_a_directory_of_this_machine(
    page: httpx.Client, method: str, path: str, body: Any
) -> None:
    text = page.request(method, f"/{path}", json=body).text
    places = (str(ROOT), tempfile.gettempdir(), sys.prefix, f"{Path.home()}/", "site-packages")
    assert [place for place in places if place in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", EMBEDDED)
def test_only_files_can_be_shown_in_a_page(page: httpx.Client, kind: str) -> None:
    as_browser = {"Sec-Fetch-Dest": kind}
    closed = ["gradio_api/heartbeat/x", "gradio_api/queue/data", "chat/stream?query=Hi", "healthz"]
    answers = [page.get(f"/{path}", headers=as_browser) for path in closed]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert page.get("/favicon.ico", headers=as_browser).status_code == 200
    assert page.get("/", headers={"Sec-Fetch-Dest": "iframe"}).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["gradio_api/queue/join", "gradio_api/call/chat", "chat/stream", "chat/stop"]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_request_is_refused(page: httpx.Client, path: str, chunked: bool) -> None:
    body = b'{"query": "' + b"a" * 5_000_000 + b'"}'
    answer = page.post(
        f"/{path}",
        content=iter([body[:9], body[9:]]) if chunked else body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413


@pytest.mark.slow
def test_the_page_goes_on_after_all_that(page: httpx.Client) -> None:
    assert "/help" in page.get("/chat/stream", params={"query": "Hello"}).text


# A route that fails


async def fails_after(*messages: Message, of: str = "gradio.routes") -> httpx.Response:
    """The answer of a route of this module that sends these messages and then fails."""

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        scope["endpoint"] = type("Endpoint", (), {"__module__": of})
        for message in messages:
            await send(message)
        raise KeyError("/srv/secret")

    return await answer_of(SecurityHeaders(route, is_open=always, is_embeddable=always))


def always(scope: Scope) -> bool:
    return True


async def answer_of(app: SecurityHeaders) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
        return await client.get("/gradio_api/anything")


def begin(status: int, kind: str) -> Message:
    headers = [(b"content-type", kind.encode())]
    return {"type": "http.response.start", "status": status, "headers": headers}


PART: Message = {"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True}

STREAM, JSON = "text/event-stream; charset=utf-8", "application/json"


@pytest.mark.parametrize("messages", [[], [begin(500, JSON), PART]])
async def test_a_failure_of_gradios_is_a_refusal_in_a_sentence(messages: list[Message]) -> None:
    answer = await fails_after(*messages)
    assert (answer.status_code, answer.json()) == (400, {"detail": BAD_REQUEST})
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_stream_of_gradios_that_fails_ends() -> None:
    answer = await fails_after(begin(200, STREAM), PART)
    assert (answer.status_code, answer.text) == (200, "data: 1\n\n")


@pytest.mark.parametrize("messages", [[], [begin(200, STREAM), PART]])
async def test_a_failure_of_our_own_stays_one(messages: list[Message]) -> None:
    with pytest.raises(KeyError):
        await fails_after(*messages, of="agent.api.sse")


async def test_an_answer_that_breaks_off_half_way_is_not_made_to_look_whole() -> None:
    with pytest.raises(KeyError):
        await fails_after(begin(200, JSON), PART)


async def test_a_failure_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    await fails_after()
    lines = [record for record in caplog.records if record.name == "agent.api.security_headers"]
    assert [line.message for line in lines] == ["KeyError at GET '/gradio_api/anything'"]
    assert not lines[0].exc_info
