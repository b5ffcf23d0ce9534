"""The wall around the HTTP app: headers, closed paths, and a cap on what is sent in."""

from collections.abc import Iterator

import httpx
import pytest
from house import launched, loaded

from agent.offline import OfflineModel

CLOSED = [
    "gradio_api/deep_link?session_hash=abc",
    "/gradio_api/deep_link",
    "gradio_api/file=https://example.com/x",
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
    "monitoring",
    "monitoring/summary",
    "login",
]


@pytest.fixture(scope="module")
def page() -> Iterator[httpx.Client]:
    with launched(loaded(OfflineModel(delay=0))) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/config", "/theme.css", "/healthz", "/nowhere", "/login"])
def test_every_answer_tells_browsers_what_they_may_do(page: httpx.Client, path: str) -> None:
    headers = page.get(path).headers
    assert "form-action 'none'" in headers["Content-Security-Policy"]
    assert "https://*.hf.space" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == (
        "nosniff",
        "no-referrer",
    )
    assert "X-Frame-Options" not in headers


def test_the_plain_page_keeps_a_stricter_policy_of_its_own(page: httpx.Client) -> None:
    policies = page.get("/chat/plain").headers.get_list("Content-Security-Policy")
    assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]


@pytest.mark.parametrize("path", CLOSED)
def test_what_the_page_does_not_need_is_closed(page: httpx.Client, path: str) -> None:
    answers = [page.get(f"/{path}"), page.post(f"/{path}")]
    assert [(answer.status_code, answer.text) for answer in answers] == [(404, "Not Found")] * 2


@pytest.mark.parametrize("path", ["etc/passwd", "../../etc/passwd", "app.py", "agent/agent.py"])
def test_no_file_of_the_host_is_served(page: httpx.Client, path: str) -> None:
    answer = page.get(f"/gradio_api/file={path}")
    assert answer.status_code in (403, 404)
    assert "/" not in answer.json()["detail"].replace(path, "")


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


def test_the_page_goes_on_after_all_that(page: httpx.Client) -> None:
    assert "/help" in page.get("/chat/stream", params={"query": "Hello"}).text
