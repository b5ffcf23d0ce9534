"""A chat is saved from the side bar, and shared by a link that can be withdrawn."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import PATIENCE, Page, chromium, visitor  # noqa: F401
from fake_gemini import Call, FakeGemini, Think
from house import launched, loaded
from playwright.sync_api import expect

from agent.loading import Loaded

Visitor = Callable[..., Page]

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "6060f80f00010401005fe5c34b0000000049454e44ae426082"
)


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


@pytest.fixture(scope="module")
def agent() -> Loaded:
    return loaded(tools=[look])


@pytest.fixture(scope="module")
def url(fake: FakeGemini, agent: Loaded) -> Iterator[str]:
    with launched(agent, request_retries=0) as url:
        yield url


@pytest.fixture
def gemini(fake: FakeGemini) -> FakeGemini:
    fake.reset()
    return fake


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:  # noqa: F811
    return visitor().open(url)


def talk(page: Page, gemini: FakeGemini, question: str, *answer: Any) -> None:
    gemini.enqueue(*answer)
    page.send(question)
    page.wait_idle()


def save(page: Page, label: str) -> tuple[str, str]:
    """The name of the file that the browser saves, and what is in it."""
    with page.tab.expect_download() as saved:
        page.press(label)
    return saved.value.suggested_filename, Path(saved.value.path()).read_text()


def share(page: Page) -> str:
    """The link."""
    page.press("Share this chat as it is now")
    box = page.tab.locator("#link textarea")
    expect(box).to_have_value(re.compile("http.*"), timeout=PATIENCE)
    return box.input_value()


def test_a_chat_is_saved_as_markdown(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm."), Call("look", {"city": "Oslo"}))
    talk(page, gemini, "How is *Oslo*?", "Sun, **there**.")
    page.open_side_bar()
    name, text = save(page, "Save as Markdown")
    assert name == "How is Oslo.md"
    print(text)
    name, text = save(page, "Save as a web page")
    print(text)
    name, text = save(page, "Save for ADK (JSON)")
    print(text)
    link = share(page)
    print(link)
    print(httpx.get(link).text)
    page.press("Stop sharing")
    expect(page.tab.locator("#link")).to_be_hidden(timeout=PATIENCE)
    print(httpx.get(link).text)
    assert 0
