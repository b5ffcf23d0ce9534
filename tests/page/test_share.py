"""A chat is saved from the side bar, and shared by a link that can be withdrawn."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from google.adk.sessions import Session
from playwright.sync_api import expect

from agent.api.share import NOT_SHARED
from agent.chat.loader import LoadedAgent
from agent.page.controls import NOTHING_SAID
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import Call, FakeGemini, Image, Think
from tests.support.hostile_texts import ASKS, CALLS_OUT, COVERS
from tests.support.second_origin import SecondOrigin

pytestmark = pytest.mark.slow

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "6060f80f00010401005fe5c34b0000000049454e44ae426082"
)


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


@pytest.fixture(scope="module")
def agent() -> LoadedAgent:
    return loaded(tools=[look])


@pytest.fixture(scope="module")
def url(fake: FakeGemini, agent: LoadedAgent) -> Iterator[str]:
    with launched(agent, request_retries=0) as url:
        yield url


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def save(page: Page, label: str) -> tuple[str, str]:
    """The name of the file that the browser saves, and what is in it."""
    with page.tab.expect_download() as saved:
        page.press(label)
    return saved.value.suggested_filename, Path(saved.value.path()).read_text()


def share(page: Page) -> str:
    """The link."""
    page.press("Share this chat as it is now")
    box = page.tab.locator("#link textarea")
    expect(box).to_have_value(re.compile("http.*"), timeout=ACTION_TIMEOUT)
    return box.input_value()


def answer_in_full(page: Page, gemini: FakeGemini) -> None:
    """A turn with all that there is."""
    gemini.enqueue(Think("Hm."), Call("look", {"city": "Oslo"}))
    talk(page, gemini, "How is Oslo?", "Sun, **there**.")
    talk(page, gemini, "And a picture?", Image("image/png", PIXEL))
    page.open_side_bar()


# What a visitor and the model said on a page to take away.
WORDS = """() => [...document.querySelectorAll("body > div")].map(
    said => [said.className === "asked" ? "user" : "model", said.innerText.trim()])"""

# What a page for readers has none of.
DOES = "form, button, input, textarea, select, script, iframe, object, embed, link, base"


def test_a_chat_is_saved_as_markdown(page: Page, gemini: FakeGemini) -> None:
    answer_in_full(page, gemini)
    name, text = save(page, "Save as Markdown")
    assert name == "How is Oslo.md"
    assert re.findall(r"^#+ [^(\n]+|^> \*\*.+|^Sun.+|^!.{17}", text, re.M) == [
        "# How is Oslo?",
        *("## Question ", "## Answer", "> **Thought**", "> **Tool look**", "Sun, **there**."),
        *("## Question ", "## Answer", "![Picture](data:im"),
    ]


def test_a_chat_is_saved_as_a_page_that_shows_the_same(
    page: Page, gemini: FakeGemini, tmp_path: Path
) -> None:
    answer_in_full(page, gemini)
    name, text = save(page, "Save as a web page")
    file = tmp_path / name
    file.write_text(text)
    reader = Page(page.tab.context.new_page()).come(file.as_uri())
    words = [said for said in page.words() if said[1]]
    assert [tuple(said) for said in reader.tab.evaluate(WORDS)] == words
    assert reader.tab.evaluate("document.querySelector('img').naturalWidth") == 1
    assert reader.tab.locator("summary").all_inner_texts()[0] == "Thought"
    assert reader.complaints == []


def test_a_chat_is_saved_for_adk(page: Page, gemini: FakeGemini) -> None:
    answer_in_full(page, gemini)
    name, text = save(page, "Save for ADK (JSON)")
    events = Session.model_validate_json(text).events
    parts = [part for event in events for part in (event.content and event.content.parts) or []]
    assert name == "How is Oslo.json"
    assert [part.text for part in parts if part.text] == [
        *("How is Oslo?", "Hm.", "Sun, **there**.", "And a picture?")
    ]
    assert parts[-1].inline_data
    assert parts[-1].inline_data.data == PIXEL


@pytest.mark.parametrize("button", ["Save as Markdown", "Share this chat as it is now"])
def test_an_empty_chat_is_nothing_to_save_or_share(page: Page, button: str) -> None:
    page.open_side_bar()
    page.press(button)
    expect(page.tab.get_by_text(NOTHING_SAID)).to_be_visible(timeout=ACTION_TIMEOUT)
    expect(page.tab.locator("#link")).to_be_hidden()


def test_a_link_shows_the_chat_in_another_browser_for_reading_alone(
    page: Page, gemini: FakeGemini, visitor: Visitor
) -> None:
    answer_in_full(page, gemini)
    link = share(page)
    reader = visitor(color_scheme="dark", viewport={"width": 360, "height": 700}).come(link)
    assert [tuple(said) for said in reader.tab.evaluate(WORDS)] == [
        *(("user", "How is Oslo?"), ("model", "Sun, there."), ("user", "And a picture?"))
    ]
    assert reader.tab.locator(DOES).count() == 0
    assert reader.tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.tab.evaluate("getComputedStyle(document.body).color") == "rgb(255, 255, 255)"


def test_nothing_of_a_shared_page_runs_or_calls_anybody(
    page: Page, gemini: FakeGemini, visitor: Visitor, second_origin: SecondOrigin
) -> None:
    evil = "\n\n".join([*CALLS_OUT, *COVERS, *ASKS]).replace("EVIL", second_origin.url)
    evil = evil.replace("HOST", second_origin.url.partition("//")[2])
    gemini.enqueue(Think(evil), Call("look", {"city": evil}))
    talk(page, gemini, evil[:4000], evil)
    page.open_side_bar()
    reader = visitor().come(share(page))
    for folded in reader.tab.locator("summary").all():
        folded.click()
    reader.tab.evaluate("() => new Promise(requestAnimationFrame)")
    assert reader.tab.evaluate("window.xss ?? null") is None
    assert reader.tab.locator(DOES).count() == 0
    assert second_origin.asked == []
    page.complaints.clear()  # Of what its shield has kept away.


def test_a_link_is_withdrawn(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    link = share(page)
    assert "Sunny." in httpx.get(link).text
    page.press("Stop sharing")
    expect(page.tab.locator("#link")).to_be_hidden(timeout=ACTION_TIMEOUT)
    assert (httpx.get(link).status_code, httpx.get(link).text) == (404, NOT_SHARED)


def test_each_chat_shows_its_own_link_and_no_other(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    link = share(page)
    page.press("New chat")
    expect(page.tab.locator("#link")).to_be_hidden(timeout=ACTION_TIMEOUT)
    page.choose("How is Rome?")
    expect(page.tab.locator("#link textarea")).to_have_value(link, timeout=ACTION_TIMEOUT)
    page.reload()
    page.open_side_bar()
    expect(page.tab.locator("#link textarea")).to_have_value(link, timeout=ACTION_TIMEOUT)


@pytest.mark.parametrize(
    "presses",
    [["Delete this chat", "Really delete this chat"], ["Forget me", "Really delete all my chats"]],
)
def test_what_is_deleted_is_not_shared_any_more(
    page: Page, gemini: FakeGemini, presses: list[str]
) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    link = share(page)
    for label in presses:
        page.press(label)
    page.shows()
    expect(page.tab.locator("#link")).to_be_hidden(timeout=ACTION_TIMEOUT)
    page.lists()
    assert httpx.get(link).status_code == 404


def test_a_cleared_page_shows_no_link(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    share(page)
    page.clear()
    expect(page.tab.locator("#link")).to_be_hidden(timeout=ACTION_TIMEOUT)
