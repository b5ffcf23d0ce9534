"""A person who has signed in is the same on the page and by the APIs, on every machine, and nobody
else is."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import app
from agent.chat.agents import Agents
from agent.core.settings import Settings
from agent.middleware.sign_in import SignInFault, sign_in_here
from agent.models.offline import OfflineModel
from agent.page.chat_interface import ChatPage
from agent.server import serve_until_end
from tests.support.agui_client import Thread
from tests.support.app_setup import launched, loaded
from tests.support.fake_openid import FakeOpenID

pytestmark = pytest.mark.slow

HEADER = "X-Goog-Authenticated-User-Email"

A_MEGABYTE = b"x" * 999_999


def ask(url: str, session_id: str | None = None, **options: Any) -> httpx.Response:
    asked = {"query": "/help", "session_id": session_id}
    return httpx.post(f"{url}chat/stream", json=asked, timeout=30, **options)


def session_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    [data] = re.findall(r"event: session\ndata: (.*)", answer.text)
    return str(json.loads(data)["session_id"])


def signed_in(url: str, name: str) -> dict[str, str]:
    """The cookies of one browser in which that person has signed in."""
    answer = httpx.post(f"{url}login", data={"username": name, "password": "sesame"})
    return dict(answer.cookies)


@contextmanager
def by_password(**settings: Any) -> Iterator[str]:
    people = [(name, "sesame") for name in ("ann", "bob")]
    with launched(loaded(OfflineModel(delay=0)), {"auth": people}, **settings) as url:
        yield url


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with by_password() as url:
        yield url


def test_a_persons_session_goes_on_on_another_machine_and_nobody_else_finds_it(url: str) -> None:
    one, other, bobs = (signed_in(url, name) for name in ("ann", "ann", "bob"))
    session_id = session_of(ask(url, cookies=one))
    assert session_of(ask(url, session_id, cookies=other)) == session_id
    assert ask(url, session_id, cookies=bobs).status_code == 404
    for cookies, status in ((bobs, 404), (other, 204)):
        which = {"session_id": session_id}
        stopped = httpx.post(f"{url}chat/stop", json=which, cookies=cookies)
        assert stopped.status_code == status
    resumed = {"Last-Event-ID": f"{session_id}.2.0"}
    assert "can no longer be taken up" in ask(url, cookies=bobs, headers=resumed).text
    assert session_of(ask(url, cookies=other, headers=resumed)) == session_id


def call_by_mcp(url: str, session_id: str, **options: Any) -> str:
    arguments = {"message": "/help", "session_id": session_id}
    call = {"name": "ask", "arguments": arguments}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    accept = {"Accept": "application/json, text/event-stream"}
    address = f"{url}gradio_api/mcp/"
    return httpx.post(address, json=request, headers=accept, timeout=30, **options).text


def test_mcp_knows_the_same_person(url: str) -> None:
    ann, bob = (signed_in(url, name) for name in ("ann", "bob"))
    session_id = session_of(ask(url, cookies=ann))
    assert "There is no such session" in call_by_mcp(url, session_id, cookies=bob)
    assert f"session_id {session_id}" in call_by_mcp(url, session_id, cookies=ann)


def test_ag_ui_knows_the_same_person(url: str) -> None:
    def thread(name: str) -> Thread:
        said = Thread(url)
        said.headers = {"Cookie": "; ".join(map("=".join, signed_in(url, name).items()))}
        return said

    def session_of_last(said: Thread) -> str:
        return str(said.messages[-1]["id"]).partition(".")[0]

    one, other, bobs = (thread(name) for name in ("ann", "ann", "bob"))
    one.ask("/help")
    before = [*one.messages]
    sessions = []
    for said in (other, bobs):
        said.messages = [*before]
        said.ask("/help")
        sessions.append(session_of_last(said) == session_of_last(one))
    assert sessions == [True, False]


def test_talks_know_the_same_person(url: str) -> None:
    ann, bob = (signed_in(url, name) for name in ("ann", "bob"))
    session_id = session_of(ask(url, cookies=ann))
    address = f"ws{url.removeprefix('http')}run_live?modalities=TEXT&session_id={session_id}"

    def talk(cookies: dict[str, str]) -> int:
        """The status with which it is refused; 101 if it begins."""
        headers = {"Cookie": "; ".join(map("=".join, cookies.items()))}
        try:
            with connect(address, additional_headers=headers, open_timeout=30):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    assert [talk(bob), talk({}), talk(ann)] == [404, 401, 101]


def test_limits_count_the_person_on_all_machines() -> None:
    with by_password(visitor_per_day=2) as url:
        one, other, bobs = (signed_in(url, name) for name in ("ann", "ann", "bob"))
        answers = [ask(url, cookies=cookies) for cookies in (one, other, one, other, bobs)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429, 200]


def test_files_count_for_who_has_sent_them_whatever_is_said() -> None:
    with by_password(visitor_uploads_per_day=1) as url:
        ann, bob = (signed_in(url, name) for name in ("ann", "bob"))

        def send(cookies: dict[str, str]) -> int:
            where = f"{url}files?visitor=signed-in-ann"
            return httpx.post(where, cookies=cookies, content=A_MEGABYTE, timeout=30).status_code

        assert [send(bob), send(bob), send(ann), send(ann)] == [201, 429, 201, 429]


@pytest.fixture
def behind_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A page whose proxy connects from 127.0.0.1."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    with launched(loaded(OfflineModel(delay=0)), sign_in=f"header {HEADER}") as url:
        yield url


def test_a_proxys_header_says_who_it_is(behind_proxy: str) -> None:
    def by_proxy(*names: str) -> dict[str, Any]:
        told = [(HEADER, f"accounts.google.com:{name}@example.com") for name in names]
        return {"headers": [*told, ("X-Forwarded-For", "203.0.113.7")]}

    session_id = session_of(ask(behind_proxy, **by_proxy("ann")))
    assert session_of(ask(behind_proxy, session_id, **by_proxy("ann"))) == session_id
    assert ask(behind_proxy, session_id, **by_proxy("bob")).status_code == 404
    assert httpx.get(behind_proxy, **by_proxy("ann")).status_code == 200
    # One of the two may be the visitor's.
    assert ask(behind_proxy, **by_proxy("ann", "bob")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{}, {HEADER: ""}, {HEADER: "ann"}, {HEADER: "ann", "X-Forwarded-For": "127.0.0.1"}],
    ids=["none", "empty", "forged", "forged as from the proxy"],
)
def test_from_elsewhere_that_header_is_nothing(behind_proxy: str, headers: dict[str, str]) -> None:
    source = "127.0.0.1" if HEADER not in headers or not headers[HEADER] else "127.0.0.2"
    transport = httpx.HTTPTransport(local_address=source)
    with httpx.Client(base_url=behind_proxy, headers=headers, transport=transport) as client:
        for path in ("", "config", "shared/1", "chat/plain", "openapi.json"):
            assert client.get(path).status_code == 401, path
        assert client.post("chat/stream", json={"query": "/help"}).status_code == 401
        refused = client.get("", headers={"Accept": "text/html"})
        assert "come through its host's sign-in" in refused.text
        assert client.get("healthz").status_code == 200


OAUTH = FakeOpenID.variables("https://huggingface.co")


@pytest.mark.parametrize(
    ("wanted", "options", "environment", "fault"),
    [
        ("header X-User", {}, {}, "needs FORWARDED_ALLOW_IPS"),
        ("header X-User", {}, {"FORWARDED_ALLOW_IPS": " "}, "needs FORWARDED_ALLOW_IPS"),
        ("header X-User", {}, {"FORWARDED_ALLOW_IPS": "*"}, "needs FORWARDED_ALLOW_IPS"),
        ("header X-User", {}, {"FORWARDED_ALLOW_IPS": "10.0.0.7,::/0"}, "FORWARDED_ALLOW_IPS"),
        ("header X-User", {}, {"FORWARDED_ALLOW_IPS": "10.0.0.7", **OAUTH}, "a Space's own proxy"),
        ("header X-User", {"share": True}, {"FORWARDED_ALLOW_IPS": "::1"}, "Gradio's share link"),
        ("header X-User", {"auth": ("a", "b")}, {}, "does not go with auth="),
        ("huggingface", {"auth": ("a", "b")}, OAUTH, "does not go with auth="),
        ("huggingface required", {}, {}, "works on a Space alone"),
        ("huggingface required", {}, {**OAUTH, "OAUTH_CLIENT_ID": ""}, "hf_oauth: true"),
    ],
)
def test_a_sign_in_that_is_not_there_or_could_be_forged_is_refused_at_the_start(
    wanted: str, options: dict[str, Any], environment: dict[str, str], fault: str
) -> None:
    with pytest.raises(SignInFault, match=fault.replace("*", ".")):
        sign_in_here(Settings(sign_in=wanted), options, environment, is_local=False)


def test_the_host_reads_that_in_place_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")
    agents = Agents(loaded(OfflineModel()), Settings(sign_in="header X-User"))
    with pytest.raises(SystemExit, match="needs FORWARDED_ALLOW_IPS"):
        serve_until_end(ChatPage(app.respond, agents), agents)


@pytest.mark.parametrize("wanted", ["huggingface", "huggingface required"])
def test_off_a_space_a_sentence_in_the_log_and_nothing_else(
    wanted: str, caplog: pytest.LogCaptureFixture
) -> None:
    with launched(loaded(OfflineModel(delay=0)), sign_in=wanted) as url:
        assert "[DONE]" in ask(url).text
        assert httpx.get(f"{url}login/huggingface").status_code == 404
    assert "SIGN_IN=huggingface works on a Space alone." in caplog.text
