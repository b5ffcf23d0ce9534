"""What Gradio's queue tells an open page, and what it works out for nobody."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import pytest
from gradio.queueing import Queue

from tests.support.fake_gemini import FakeGemini, Made, Pause, Step
from tests.support.house import launched, loaded
from tests.support.intruder import Intruder

SUMS: list[Any] = []
"""What pandas was given to sum up."""


async def seldom(queue: Queue) -> None:
    """Instead of what each is told once a second, if it waits for so long."""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Queue, "_get_df", staticmethod(SUMS.append))
        patch.setattr(Queue, "notify_clients", seldom)
        with launched(loaded()) as address:
            yield address


@pytest.fixture
def gemini(fake: FakeGemini) -> FakeGemini:
    fake.reset()
    return fake


@pytest.fixture
def intruders(url: str, gemini: FakeGemini) -> Iterator[list[Intruder]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Intruder(url))) for _ in range(20)]


def test_of_many_who_ask_at_once_each_is_told_once_where_it_stands(
    intruders: list[Intruder], gemini: FakeGemini
) -> None:
    gemini.always("Hello.")
    with ThreadPoolExecutor(len(intruders)) as threads:
        list(threads.map(lambda one: one.ask("Hi"), intruders))
        told = threads.map(Intruder.told, intruders)
        kinds = Counter(each["msg"] for one in told for each in one)
    assert (kinds["estimation"], kinds["process_completed"]) == (20, 20)


def end(said: threading.Event) -> str:
    """The last word."""
    said.set()
    return "end"


def test_for_a_page_that_takes_nothing_no_backlog_piles_up(
    intruders: list[Intruder], gemini: FakeGemini
) -> None:
    said = threading.Event()
    words: tuple[str | Step, ...] = ("word ", Pause(0.06)) * 50
    gemini.enqueue(*words, Made(partial(end, said)))
    intruders[0].ask("Hi")
    assert said.wait(60)
    told = intruders[0].told()
    updates = [each["output"]["data"] for each in told if each["msg"] == "process_generating"]
    assert len(updates) < 10
    assert json.dumps(updates).count("word ") == 50


def test_nobody_sums_up_what_was_run(intruders: list[Intruder], gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    intruders[0].try_out("Hi")
    assert SUMS == []
