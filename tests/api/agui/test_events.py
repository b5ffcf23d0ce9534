"""Answers by AG-UI: which events, in which order, and what a client has in the end."""

import pytest

from tests.support.agui_client import Thread
from tests.support.fake_gemini import FakeGemini
from tests.support.sse_client import enqueue_everything

pytestmark = pytest.mark.slow


def test_an_answer_with_all_that_there_is(thread: Thread, gemini: FakeGemini) -> None:
    for gate in enqueue_everything(gemini):
        gate.set()
    thread.ask("Hi")
    print(thread.events)
    print(thread.outline())
    print(thread.messages)
    assert 0
