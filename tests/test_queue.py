"""What Gradio's queue tells an open page, and what it works out for nobody."""

import asyncio
import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from fake_gemini import FakeGemini, Made, Pause, Step
from gradio.queueing import Queue
from house import launched, loaded, run

SUMS: list[Any] = []
"""What pandas was given to sum up."""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, launched(loaded()) as address:
        patch.setattr(Queue, "_get_df", staticmethod(SUMS.append))
        yield address


@pytest.fixture
def gemini(fake: FakeGemini) -> FakeGemini:
    fake.reset()
    return fake


class Page:
    """An open page, as the queue knows it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http, self._session = http, uuid.uuid4().hex

    async def ask(self, message: str) -> None:
        """Send a message; what comes of it is told elsewhere."""
        steps = (await self._http.get("config")).json()["dependencies"]
        step = next(each["id"] for each in steps if each["api_name"] == "respond")
        asked = {"text": message, "number": 1, "count": 0}
        body = {"fn_index": step, "session_hash": self._session, "data": [asked, None, "", ""]}
        (await self._http.post("gradio_api/queue/join", json=body)).raise_for_status()

    async def told(self) -> list[dict[str, Any]]:
        """All that it is told, until the answer is over."""
        watched = {"session_hash": self._session}
        said = await self._http.get("gradio_api/queue/data", params=watched)
        return [json.loads(line[5:]) for line in said.text.split("\n\n") if line]


def test_of_many_who_ask_at_once_each_is_told_once_where_it_stands(
    url: str, gemini: FakeGemini
) -> None:
    gemini.always("Hello.")

    async def story() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            pages = [Page(http) for _ in range(20)]
            await asyncio.gather(*(page.ask("Hi") for page in pages))
            told = await asyncio.gather(*(page.told() for page in pages))
        kinds = Counter(each["msg"] for one in told for each in one)
        assert (kinds["estimation"], kinds["process_completed"]) == (20, 20)

    run(story())


def end(said: threading.Event) -> str:
    """The last word."""
    said.set()
    return "end"


def test_for_a_page_that_takes_nothing_no_backlog_piles_up(url: str, gemini: FakeGemini) -> None:
    said = threading.Event()
    words: tuple[str | Step, ...] = ("word ", Pause(0.06)) * 50
    gemini.enqueue(*words, Made(partial(end, said)))

    async def story() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            page = Page(http)
            await page.ask("Hi")
            await asyncio.to_thread(said.wait, 60)
            told = await page.told()
        updates = [each["output"]["data"] for each in told if each["msg"] == "process_generating"]
        assert len(updates) < 10
        assert json.dumps(updates).count("word ") == 50

    run(story())


def test_nobody_sums_up_what_was_run(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")

    async def story() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            await (page := Page(http)).ask("Hi")
            await page.told()

    run(story())
    assert SUMS == []
