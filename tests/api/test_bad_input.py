"""Bad input by raw HTTP: a clean 4xx in a sentence or a plain failure, and all goes on as before.

Each table names what is sent and the status it gets. All of it is sent to one server, by a client
in the middle of a conversation, which at the end is as it was.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agent.api.body_filter import UNREADABLE
from agent.api.body_limit import MAX_BODY
from agent.api.security_headers import BAD_REQUEST, TOO_LONG
from tests.support.app_process import ROOT
from tests.support.app_setup import launched, loaded
from tests.support.bad_inputs import (
    EVENTS,
    FILES,
    INPUTS,
    MISSHAPEN,
    NAMES,
    NOT_JSON,
    TOO_MANY,
    WRONG_CALLS,
    WRONG_STEPS,
)
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

SAID = [("user", "Hello"), ("model", "Good day.")]

LEAK = re.compile(
    "|".join([*map(re.escape, (str(ROOT), sys.prefix, "Traceback", "object at")), r"\w\.py\b"])
)


class Client:
    """Somebody with a conversation, by Gradio's API and by `/chat/stream`."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=20)
        self.hash = "a1b2c3"
        config = self.http.get("config").json()
        steps = config["dependencies"]
        self.steps = {step["id"]: len(step["inputs"]) for step in steps if step["inputs"]}
        self.chat = next(step["id"] for step in steps if step["api_name"] == "chat")
        self.session = ""

    def send(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        """One request, in this client's sessions; its answer gives nothing away."""
        for name, value in {"HASH": self.hash, "SESSION": self.session, "CHAT": self.chat}.items():
            content = content and content.replace(name.encode(), str(value).encode())
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Bearer open-sesame-and-more",
        }
        answer = self.http.request(method, path, content=content, headers=headers)
        assert not LEAK.search(answer.text), answer.text
        return answer

    def take_steps(self, data: Any, /, **more: Any) -> Iterator[dict[str, Any]]:
        """Have every step of the page that takes something take this; how each of them ended."""
        for step, inputs in self.steps.items():
            given = {"fn_index": step, "session_hash": "other", "data": [data] * inputs}
            body = given | more
            assert self.send("POST", "gradio_api/queue/join", dump(body)).status_code == 200
        events = self.send("GET", "gradio_api/queue/data?session_hash=other").text
        for event in re.findall("data: (.*)\n", events):
            if json.loads(event)["msg"] == "process_completed":
                yield json.loads(event)

    def say(self, text: str) -> str:
        """Say something by Gradio's API; the answer."""
        body = {"data": [text], "session_hash": self.hash}
        event_id = self.send("POST", "gradio_api/call/chat", dump(body)).json()["event_id"]
        return self.send("GET", f"gradio_api/call/chat/{event_id}").text

    def ask(self, text: str) -> str:
        """Say something by `/chat/stream`; the answer."""
        body = {"query": text, "session_id": self.session or None}
        answer = self.send("POST", "chat/stream", dump(body)).text
        self.session = self.session or re.findall('"session_id": "(.*?)"', answer)[0]
        return answer


def dump(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.fixture(scope="module")
def client(fake: FakeGemini) -> Iterator[Client]:
    with launched(loaded(), api_token=SecretStr("open-sesame-and-more")) as url:
        fake.always("Good day.")
        client = Client(url)
        assert "Good day." in client.say("Hello")
        assert "Good day." in client.ask("Hello")
        yield client
        client.http.close()


# What is no JSON, or none that can be carried


TAKE_JSON = ["queue/join", "run/predict", "run/chat", "api/chat", "call/chat", "call/v2/chat"]
TAKE_JSON += ["cancel", "reset", "mcp/"]


UNCARRIED = NOT_JSON | FILES


@pytest.mark.parametrize("body", UNCARRIED.values(), ids=UNCARRIED.keys())
def test_a_body_that_cannot_be_carried_is_refused_by_every_route_of_gradio(
    client: Client, body: bytes
) -> None:
    answers = [client.send("POST", f"gradio_api/{path}", body) for path in TAKE_JSON]
    assert {(a.status_code, a.text) for a in answers} == {(400, f'{{"detail":"{UNREADABLE}"}}')}


# JSON of another shape


ROUTES = {
    "gradio_api/queue/join": 422,
    "gradio_api/run/predict": 422,
    "gradio_api/call/chat": 422,
    "gradio_api/cancel": 422,
    "gradio_api/reset": 422,
    "gradio_api/mcp/": 406,
    "gradio_api/upload": 404,
    "chat/stream": 422,
    "chat/stop": 422,
    "v1/chat/completions": 400,
    "v1/models": 405,
    "healthz": 405,
    "nowhere": 404,
}


@pytest.mark.parametrize(("path", "status"), ROUTES.items())
@pytest.mark.parametrize("body", MISSHAPEN.values(), ids=MISSHAPEN.keys())
def test_json_of_another_shape_is_refused_in_a_sentence(
    client: Client, fake: FakeGemini, path: str, status: int, body: bytes
) -> None:
    asked = len(fake.requests)
    answer = client.send("POST", path, body)
    assert (answer.status_code, len(fake.requests)) == (status, asked)
    assert re.fullmatch(r"[\w ,.:/-]{9,200}", sentence(answer))


def sentence(answer: httpx.Response) -> str:
    """What an answer that says no says, in whichever form."""
    if not answer.headers["content-type"].startswith("application/json"):
        return answer.text
    body = answer.json()
    return str(body["error"]["message"] if "error" in body else body["detail"])


@pytest.mark.parametrize("path", ["queue/join", "run/predict", "run/chat"])
@pytest.mark.parametrize(("step", "status"), WRONG_STEPS.values(), ids=WRONG_STEPS.keys())
def test_a_step_that_there_is_not_is_refused_in_a_sentence(
    client: Client, path: str, step: bytes, status: int
) -> None:
    body = b'{"data": ["Hi", null], "session_hash": "HASH", "fn_index": %s}' % step
    answer = client.send("POST", f"gradio_api/{path}", body)
    assert (answer.status_code, sentence(answer) == BAD_REQUEST) == (status, status == 400)


@pytest.mark.parametrize(("path", "body"), WRONG_CALLS.items())
def test_what_gradio_itself_fails_at_is_refused_in_a_sentence(
    client: Client, path: str, body: bytes
) -> None:
    answer = client.send("POST", f"gradio_api/{path}", body)
    assert (answer.status_code, answer.json()) == (400, {"detail": BAD_REQUEST})


@pytest.mark.parametrize("path", ["call", "call/v2", "run", "api"])
def test_the_pages_own_steps_have_no_names_for_programs(client: Client, path: str) -> None:
    config = client.http.get("config").json()
    named = {step["api_name"] for step in config["dependencies"]}
    private = {step["api_name"] for step in config["dependencies"]} - {"chat", "predict"}
    assert {"respond", "arrive", "stop"} <= private < named
    for name in (*map(str, private), "nobody", "chat%00", "Chat", "v2"):
        answer = client.send("POST", f"gradio_api/{path}/{name}", b'{"data": []}')
        assert (answer.status_code, answer.text) in [
            (404, "Not Found"),
            (404, '{"detail":"Not Found"}'),
        ]


# Steps of the page, taken by hand with what no page sends


@pytest.mark.parametrize("given", INPUTS.values(), ids=INPUTS.keys())
def test_every_step_of_the_page_ends_whatever_it_is_given(client: Client, given: Any) -> None:
    ends = list(client.take_steps(given))
    assert len(ends) == len(client.steps)
    errors = [end["output"]["error"] for end in ends if not end["success"]]
    # The list of chats says which it does not hold; nothing else says anything.
    assert all(error is None or "not in the list of choices" in error for error in errors)


@pytest.mark.parametrize("more", EVENTS.values(), ids=EVENTS.keys())
def test_every_step_of_the_page_ends_whatever_comes_with_it(
    client: Client, more: dict[str, Any]
) -> None:
    ends = list(client.take_steps(None, **more))
    assert len(ends) == len(client.steps)
    assert all(end["success"] or end["output"] == {"error": None} for end in ends)


# Names that nothing has, in paths and in queries


PLACES = {
    "gradio_api/queue/data?session_hash=": {200},
    "gradio_api/call/chat/": {200, 404},
    "gradio_api/file=": {404},
    "files/": {404},
    "gradio_api/custom_component/textbox/client/": {404},
    "?page=": {400},
    "static/": {400, 403, 404},
    "assets/": {400, 403, 404},
    "pwa_icon/": {404, 422},
    "chat/": {404},
    "chat/stream?query=Hi&session_id=": {404},
    "v1/models/": {404},
    "healthz/": {404},
    "nowhere/": {404},
}


@pytest.mark.parametrize(("place", "statuses"), PLACES.items())
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_that_nothing_has_is_not_found(
    client: Client, place: str, statuses: set[int], name: str
) -> None:
    assert client.send("GET", place + name).status_code in statuses


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_heart_beats_for_whatever_session(client: Client, name: str) -> None:
    with client.http.stream("GET", f"gradio_api/heartbeat/{name}") as answer:
        beat = next(answer.iter_lines()) if answer.status_code == 200 else ""
    assert (answer.status_code, beat) in [(200, "data: ALIVE"), (404, "")]


def test_a_stream_of_no_session_says_so_and_ends(client: Client) -> None:
    answer = client.send("GET", "gradio_api/queue/data?session_hash=nobody's")
    assert answer.text == (
        'data: {"msg":"unexpected_error","event_id":null,"message":"404: Not Found",'
        '"session_not_found":true,"success":false}\n\n'
    )


# Too much


@pytest.mark.parametrize("path", ROUTES)
def test_50_mb_are_refused(client: Client, path: str) -> None:
    answer = client.send("POST", path, b'{"data": ["' + b"a" * 50_000_000 + b'"]}')
    is_closed = path == "gradio_api/upload"
    refusal = (404, "Not Found") if is_closed else (413, TOO_LONG)
    assert (answer.status_code, sentence(answer)) == refusal


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 413)])
def test_a_body_may_be_as_large_as_the_cap_and_no_larger(
    client: Client, more: int, status: int
) -> None:
    begin, end = b'{"event_id": "x", "more": "', b'"}'
    body = begin + b"a" * (MAX_BODY - len(begin + end) + more) + end
    assert client.send("POST", "gradio_api/reset", body).status_code == status


@pytest.mark.parametrize("path", [path for path in ROUTES if ROUTES[path] != 404])
@pytest.mark.parametrize("body", TOO_MANY.values(), ids=TOO_MANY.keys())
def test_what_would_take_long_to_parse_is_not_parsed(
    client: Client, path: str, body: bytes
) -> None:
    answer = client.send("POST", path, body)
    assert (answer.status_code, sentence(answer)) == (400, UNREADABLE)


def test_with_the_limits_of_a_host_a_request_is_as_large_as_a_message_needs(
    fake: FakeGemini,
) -> None:
    long = "\N{SLIGHTLY SMILING FACE}" * 4000
    limits: dict[str, Any] = {
        "max_message_length": 4000,
        "max_chat_turns": 50,
        "api_token": SecretStr("open-sesame-and-more"),
    }
    with launched(loaded(), **limits) as url, httpx.Client(base_url=url, timeout=20) as http:
        for message, status in ((long, 200), (long + "!", 422), ("x" * 80_000, 413)):
            assert http.post("chat/stream", json={"query": message}).status_code == status
        body = {"data": ["x" * 80_000], "session_hash": "a"}
        for path in (path for path in ROUTES if ROUTES[path] != 404):
            assert http.post(path, json=body).status_code == 413
            chunks = iter([b'{"data": ["', *[b"x" * 10_000] * 8])
            assert http.post(path, content=chunks).status_code == 413
        asks = {"model": "helper", "messages": [{"role": "user", "content": "x" * 900_000}]}
        known = {"Authorization": "Bearer open-sesame-and-more"}
        for headers, status in ((known, 400), ({"Authorization": "Bearer other"}, 413)):
            answer = http.post("v1/chat/completions", json=asks, headers=headers)
            assert answer.status_code == status


# After all that


def test_many_kinds_of_bad_input_were_tried() -> None:
    tables: list[dict[str, Any]] = [UNCARRIED, MISSHAPEN, WRONG_STEPS, WRONG_CALLS, INPUTS]
    kinds = [repr(given) for table in (*tables, EVENTS, NAMES) for given in table.values()]
    assert len(set(kinds)) == len(kinds) == 89


def test_the_conversations_go_on_as_they_were(client: Client, fake: FakeGemini) -> None:
    for say in (client.say, client.ask):
        fake.enqueue("All is well.")
        assert "All is well." in say("And now?")
        assert fake.requests[-1].conversation == [*SAID, ("user", "And now?")]


def test_the_page_and_the_apis_answer_as_before(client: Client) -> None:
    paths = ["", "config", "theme.css", "chat/plain", "v1/models", "healthz", "readyz"]
    assert [client.send("GET", path).status_code for path in paths] == [200] * len(paths)
