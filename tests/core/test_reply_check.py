"""Whether a reply is what was asked for, by a form that a model may have written."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply, check


def asked(schema: Any) -> Pause:
    return Pause("p", "adk_request_input", "input", schema=schema)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(PlainError, match="'two' is not of type 'integer'"):
        check(asked({"type": "integer"}), Reply(value="two"))
    check(asked({"type": "integer"}), Reply(value=2))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "what?"},
        {"$ref": "#/$defs/Nothing"},
        {"$ref": "#"},
        {"type": "string", "pattern": "("},
    ],
)
def test_a_form_that_is_no_form_takes_anything(schema: Any) -> None:
    check(asked(schema), Reply(value="x"))


# What Python's `re` needs about four seconds of CPU for, and twice as much for one more letter.
SLOW_PATTERN, SLOW_TEXT = "(a+)+$", "a" * 26 + "!"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "pattern": SLOW_PATTERN}, SLOW_TEXT),
        ({"type": "object", "patternProperties": {SLOW_PATTERN: {}}}, {SLOW_TEXT: 1}),
    ],
)
def test_a_pattern_that_would_take_seconds_is_not_tried(schema: Any, value: Any) -> None:
    begun = time.thread_time()
    check(asked(schema), Reply(value=value))
    assert time.thread_time() - begun < 1


def test_no_address_in_a_form_is_fetched() -> None:
    fetched: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/schema.json"
        check(asked({"$ref": address}), Reply(value="x"))
        server.shutdown()
    assert fetched == []
