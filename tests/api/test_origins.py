"""Whose pages may use the app: its own, those of allowed origins, and whatever is no page."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from agent.api.origins import FOREIGN, UNKNOWN_HOST, OriginCheck, is_local
from agent.middleware import exposure
from agent.middleware.exposure import behind_proxy, is_known, is_loopback
from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded

OUR = "http://127.0.0.1:7860"
OTHER = "https://other.example"

# What a browser says of a request, by what made it send that.
OWN: dict[str, dict[str, str]] = {
    "a program": {},
    "a program in Node": {"Sec-Fetch-Mode": "cors"},
    "the page itself": {"Sec-Fetch-Site": "same-origin", "Origin": OUR},
    "the page, without a word of its origin": {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    "an address that was typed": {"Sec-Fetch-Site": "none"},
    "an old browser": {"Origin": OUR},
    "an old browser's GET": {"Referer": f"{OUR}/chat/plain"},
    "an old browser behind a proxy": {
        "Origin": "https://chat.example:8443",
        "X-Forwarded-Host": "chat.example:8443, inner",
    },
    "an old browser at a port that is not written": {
        "Origin": "https://chat.example",
        "Host": "chat.example:443",
    },
}

FOREIGN_PAGES: dict[str, dict[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": OTHER},
    "another site, without an origin": {"Sec-Fetch-Site": "cross-site"},
    "another program of this machine": {"Sec-Fetch-Site": "same-site", "Origin": f"{OUR}1"},
    "another site, in an old browser": {"Origin": OTHER},
    "a link, in an old browser": {"Referer": f"{OTHER}/page"},
    "a file, or a frame without rights": {"Origin": "null"},
    "what is no origin": {"Origin": "http://[::"},
    "no origin at no host": {"Origin": "http://[::", "Host": "[::"},
    "a name that only begins like ours": {"Origin": "http://127.0.0.1:7860.other.example"},
    "another's name before ours": {"Origin": f"http://{OTHER}@127.0.0.1:7860x"},
    "another scheme": {"Origin": "chrome-extension://abcdef"},
}


async def asked(
    headers: dict[str, str], allowed: tuple[str, ...] = (), method: str = "POST", **check: Any
) -> tuple[int, str]:
    """The answer to a request for something that makes the agent work."""
    app = OriginCheck(
        PlainTextResponse("Yes."), allowed, lambda scope: scope["path"] == "/work", **check
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OUR) as client:
        answer = await client.request(method, "/work", headers=headers)
        return answer.status_code, answer.text


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN.keys())
async def test_own_pages_and_programs_may_ask(headers: dict[str, str]) -> None:
    assert await asked(headers) == (200, "Yes.")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("headers", FOREIGN_PAGES.values(), ids=FOREIGN_PAGES.keys())
async def test_pages_of_other_sites_may_not(headers: dict[str, str], method: str) -> None:
    assert await asked(headers, method=method) == (403, f'{{"detail":"{FOREIGN}"}}')


@pytest.mark.parametrize("allowed", [OTHER, "*"])
async def test_pages_of_an_allowed_origin_may(allowed: str) -> None:
    headers = FOREIGN_PAGES["another site"]
    assert await asked(headers, (allowed,)) == (200, "Yes.")
    assert (await asked(FOREIGN_PAGES["a link, in an old browser"], (OTHER,)))[0] == 403


async def test_a_page_is_opened_from_wherever_it_is_linked() -> None:
    app = OriginCheck(PlainTextResponse("Yes."), (), lambda scope: False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OUR) as client:
        for headers in FOREIGN_PAGES.values():
            assert (await client.get("/", headers=headers)).status_code == 200
            assert (await client.post("/", headers=headers)).status_code == 403


async def test_what_is_refused_is_told_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        await asked({"Origin": "https://once.example"})
    assert [line for line in caplog.messages if "once.example" in line] == [
        f"A request of 'https://once.example' was refused: {FOREIGN}"
    ]


# By which name


@pytest.mark.parametrize(
    ("host", "status"),
    {
        "127.0.0.1:7860": 200,
        "localhost:7860": 200,
        "LOCALHOST": 200,
        "localhost.": 200,
        "app.localhost": 200,
        "127.1.2.3": 200,
        "[::1]:7860": 200,
        "0.0.0.0:7860": 200,
        "chat.example": 200,
        "chat.example:8443": 200,
        "abc.gradio.live": 200,
        "evil.example:7860": 403,
        "127.0.0.1.evil.example": 403,
        "localhost.evil.example": 403,
        "notlocalhost": 403,
        "192.0.2.1": 403,
        "[::2]": 403,
        "[::": 403,
        "chat.example@evil.example": 403,
    }.items(),
)
async def test_a_local_page_is_found_by_its_own_names_alone(
    monkeypatch: pytest.MonkeyPatch, host: str, status: int
) -> None:
    link = "https://abc.gradio.live"
    monkeypatch.setattr(exposure, "attribute_of_page", lambda *_: link)
    check = OriginCheck(
        PlainTextResponse("Yes."), (), lambda scope: True, is_known(["https://chat.example"])
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await check({**scope, "app": None}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OUR) as client:
        answer = await client.get("/", headers={"Host": host})
    assert answer.status_code == status
    assert status == 200 or answer.json() == {"detail": UNKNOWN_HOST}


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "127.9.9.9", "::1"])
def test_a_name_of_this_machine(name: str) -> None:
    assert is_local(name)


@pytest.mark.parametrize(
    "name", ["", "?", "localhost.example", "128.0.0.1", "0.0.0.0", "::2", "127.0.0.1.x"]
)
def test_a_name_of_another(name: str) -> None:
    assert not is_local(name)


PLACES: list[tuple[dict[str, Any], dict[str, str], bool, bool]] = [
    ({}, {}, True, False),
    ({"server_name": "::1"}, {}, True, False),
    ({"server_name": "[::1]"}, {}, True, False),
    ({"server_name": "0.0.0.0"}, {}, False, False),
    ({}, {"GRADIO_SERVER_NAME": "0.0.0.0"}, False, False),
    ({}, {"GRADIO_SERVER_NAME": "192.0.2.1"}, False, False),
    ({}, {"GRADIO_SERVER_NAME": "localhost"}, True, False),
    ({}, {"SPACE_ID": "somebody/demo"}, False, True),
    ({}, {"FORWARDED_ALLOW_IPS": "10.0.0.1"}, True, True),
    ({}, {"FORWARDED_ALLOW_IPS": ""}, True, False),
    ({}, {"GRADIO_ROOT_PATH": "/chat"}, True, True),
    ({"root_path": "/chat"}, {}, True, True),
]


@pytest.mark.parametrize(("options", "environment", "local", "proxied"), PLACES)
def test_where_a_page_is_served(
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    environment: dict[str, str],
    local: bool,
    proxied: bool,
) -> None:
    for name in ("GRADIO_SERVER_NAME", "SPACE_ID", "FORWARDED_ALLOW_IPS", "GRADIO_ROOT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (is_loopback(options), behind_proxy(options)) == (local, proxied)


# The app itself


@pytest.fixture(scope="module")
def page() -> Iterator[httpx.Client]:
    what = loaded(OfflineModel(delay=0))
    with (
        launched(what, allowed_origins="https://friend.example") as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


WORK = [
    ("GET", "chat/stream?query=Hi"),
    ("POST", "chat/stream"),
    ("POST", "chat/stop"),
    ("POST", "gradio_api/queue/join"),
    ("POST", "gradio_api/call/chat"),
    ("POST", "gradio_api/run/chat"),
    ("POST", "gradio_api/cancel"),
    ("GET", "gradio_api/queue/data?session_hash=x"),
    ("GET", "gradio_api/heartbeat/x"),
    ("POST", "v1/chat/completions"),
    ("POST", "agui"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), WORK)
def test_another_site_makes_nothing_work(page: httpx.Client, method: str, path: str) -> None:
    headers = {"Origin": OTHER, "Content-Type": "text/plain"}
    answer = page.request(method, path, headers=headers, content='{"query": "Hi"}')
    assert answer.status_code == 403
    assert FOREIGN in answer.json().values() or answer.json()["error"]["message"] == FOREIGN
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.slow
@pytest.mark.parametrize("path", ["", "config", "healthz", "chat/plain", "shared/x", "favicon.ico"])
def test_another_site_may_lead_to_a_page_and_not_read_it(page: httpx.Client, path: str) -> None:
    for host in ({}, {"Host": "friend.example"}):
        headers = {"Origin": OTHER, "Sec-Fetch-Site": "cross-site", **host}
        answer = page.get(path, headers=headers)
        assert answer.status_code in (200, 404)
        assert [name for name in answer.headers if name.startswith("access-control-allow-o")] == []


@pytest.mark.slow
def test_an_allowed_site_asks_and_reads(page: httpx.Client) -> None:
    headers = {"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}
    asks = headers | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,last-event-id",
    }
    allowed = page.options("chat/stream", headers=asks)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-headers"] == "content-type,last-event-id"
    answer = page.post("chat/stream", headers=headers, json={"query": "Hello"})
    for response in (allowed, answer, page.get("config", headers=headers)):
        assert response.headers["access-control-allow-origin"] == "https://friend.example"
        assert response.headers["access-control-allow-credentials"] == "true"
    assert "/help" in answer.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Site": "none"},
        {"Purpose": "prefetch", "Sec-Fetch-Site": "same-origin"},
        {"X-Moz": "Prefetch"},
    ],
)
def test_an_answer_is_not_fetched_ahead_of_a_click(
    page: httpx.Client, headers: dict[str, str]
) -> None:
    answer = page.get("chat/stream?query=Hi", headers=headers)
    assert answer.status_code == 403
    assert "prefetched" in answer.json()["detail"]


@pytest.mark.slow
def test_a_page_of_this_machine_alone_is_not_found_by_a_strangers_name(page: httpx.Client) -> None:
    for path in ("", "config", "chat/stream?query=Hi", "gradio_api/info", "healthz"):
        answer = page.get(path, headers={"Host": "evil.example:7860"})
        assert (answer.status_code, answer.json()) == (403, {"detail": UNKNOWN_HOST})
    assert page.get("config", headers={"Host": "friend.example"}).status_code == 200
