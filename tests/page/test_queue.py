"""What Gradio's queue tells an open page, and what it works out for nobody."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial

import pytest
from gradio.queueing import Queue

from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini, Made, Pause, Step
from tests.support.raw_queue_client import RawQueueClient

pytestmark = pytest.mark.slow


async def seldom(queue: Queue) -> None:
    """Instead of what each is told once a second, if it waits for so long."""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Queue, "notify_clients", seldom)
        with launched(loaded()) as address:
            yield address


@pytest.fixture
def queue_clients(url: str, gemini: FakeGemini) -> Iterator[list[RawQueueClient]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(RawQueueClient(url))) for _ in range(20)]


def test_of_many_who_ask_at_once_each_is_told_once_where_it_stands(
    queue_clients: list[RawQueueClient], gemini: FakeGemini
) -> None:
    gemini.always("Hello.")
    with ThreadPoolExecutor(len(queue_clients)) as threads:
        list(threads.map(lambda client: client.ask("Hi"), queue_clients))
        told = threads.map(RawQueueClient.told, queue_clients)
        kinds = Counter(message["msg"] for messages in told for message in messages)
    assert (kinds["estimation"], kinds["process_completed"]) == (20, 20)


def end(said: threading.Event) -> str:
    """The last word."""
    said.set()
    return "end"


def test_for_a_page_that_takes_nothing_no_backlog_piles_up(
    queue_clients: list[RawQueueClient], gemini: FakeGemini
) -> None:
    said = threading.Event()
    words: tuple[str | Step, ...] = ("word ", Pause(0.06)) * 50
    gemini.enqueue(*words, Made(partial(end, said)))
    queue_clients[0].ask("Hi")
    assert said.wait(60)
    told = queue_clients[0].told()
    updates = [
        message["output"]["data"] for message in told if message["msg"] == "process_generating"
    ]
    assert len(updates) < 10
    assert json.dumps(updates).count("word ") == 50
