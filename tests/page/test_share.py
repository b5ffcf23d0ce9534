"""A chat is saved from the side bar, and shared by a link that can be withdrawn."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from google.adk.sessions import Session
from playwright.sync_api import expect

from agent.api.share import NOT_SHARED
from agent.chat.loader import LoadedAgent
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


def answer_in_full(page: Page, gemini: FakeGemini) -> None:
    """A turn with all that there is."""
    gemini.enqueue(Think("Hm."), Call("look", {"city": "Oslo"}))
    talk(page, gemini, "How is Oslo?", "Sun, **there**.")
    talk(page, gemini, "And a picture?", Image("image/png", PIXEL))
    page.open_side_bar()


# What a visitor and the model said on a page to take away.
WORDS = """() => [...document.querySelectorAll("main > div:not(.note)")].map(
    said => [said.className === "asked" ? "user" : "model", said.innerText.trim()])"""

# What a page for readers has none of.
DOES = "form, button, input, textarea, select, script, iframe, object, embed, link, base"


def test_a_chat_is_saved_as_markdown(page: Page, gemini: FakeGemini) -> None:
    answer_in_full(page, gemini)
    name, text = page.save("Save as Markdown")
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
    name, text = page.save("Save as a web page")
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
    name, text = page.save("Save for ADK (JSON)")
    events = Session.model_validate_json(text).events
    parts = [part for event in events for part in (event.content and event.content.parts) or []]
    assert name == "How is Oslo.json"
    assert [part.text for part in parts if part.text] == [
        *("How is Oslo?", "Hm.", "Sun, **there**.", "And a picture?")
    ]
    assert parts[-1].inline_data
    assert parts[-1].inline_data.data == PIXEL


def test_an_empty_chat_offers_nothing(page: Page) -> None:
    page.open_side_bar()
    page.lists()
    expect(page.tab.locator("#chats [aria-haspopup]")).to_have_count(0)


def test_a_link_shows_the_chat_in_another_browser_for_reading_alone(
    page: Page, gemini: FakeGemini, visitor: Visitor
) -> None:
    answer_in_full(page, gemini)
    link = page.share()
    reader = visitor(color_scheme="dark", viewport={"width": 360, "height": 700}).come(link)
    assert [tuple(said) for said in reader.tab.evaluate(WORDS)] == [
        *(("user", "How is Oslo?"), ("model", "Sun, there."), ("user", "And a picture?"))
    ]
    assert reader.tab.locator(DOES).count() == 0
    assert reader.tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.tab.evaluate("getComputedStyle(document.body).color") == "rgb(244, 244, 245)"


def test_nothing_of_a_shared_page_runs_or_calls_anybody(
    page: Page, gemini: FakeGemini, visitor: Visitor, second_origin: SecondOrigin
) -> None:
    evil = "\n\n".join([*CALLS_OUT, *COVERS, *ASKS]).replace("EVIL", second_origin.url)
    evil = evil.replace("HOST", second_origin.url.partition("//")[2])
    gemini.enqueue(Think(evil), Call("look", {"city": evil}))
    talk(page, gemini, evil[:4000], evil)
    page.open_side_bar()
    reader = visitor().come(page.share())
    for folded in reader.tab.locator("summary").all():
        folded.click()
    reader.tab.evaluate("() => new Promise(requestAnimationFrame)")
    assert reader.tab.evaluate("window.xss ?? null") is None
    assert reader.tab.locator(DOES).count() == 0
    assert second_origin.asked == []
    page.complaints.clear()  # Of what its Content-Security-Policy has blocked.


def test_a_link_is_copied_brought_up_to_date_and_withdrawn(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    page.pick("Share")
    # The visitor is asked before anybody can read it.
    dialog = page.tab.locator("#share")
    expect(dialog).to_contain_text("This chat is not shared. If", timeout=ACTION_TIMEOUT)
    page.tab.keyboard.press("Escape")
    page.pick("Share")
    expect(dialog).to_contain_text("This chat is not shared. If", timeout=ACTION_TIMEOUT)
    page.press("Share it as it is now")
    status = dialog.get_by_role("status")
    expect(status).to_have_text("It is shared now.", timeout=ACTION_TIMEOUT)
    page.press("Copy")
    link = page.link.input_value()
    page.tab.wait_for_function(
        "async link => await navigator.clipboard.readText() === link", arg=link
    )
    page.press("Close")
    talk(page, gemini, "And Oslo?", "Rainy.")
    page.pick("Share")
    expect(page.link).to_have_value(link, timeout=ACTION_TIMEOUT)
    assert "Rainy." not in httpx.get(link).text  # To look at the link shares nothing more.
    page.press("Share it as it is now")
    expect(status).to_have_text("It is shared as it is now.", timeout=ACTION_TIMEOUT)
    assert "Rainy." in httpx.get(link).text
    page.press("Stop sharing")
    expect(page.link).to_have_count(0, timeout=ACTION_TIMEOUT)
    assert (httpx.get(link).status_code, httpx.get(link).text) == (404, NOT_SHARED)
    page.press("Share it as it is now")
    expect(page.link).not_to_have_value(link, timeout=ACTION_TIMEOUT)


@pytest.mark.thorough
def test_each_chat_has_its_own_link(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    link = page.share()
    page.press("New chat")
    page.shows()
    talk(page, gemini, "How is Oslo?", "Rainy.")
    assert page.share() != link
    page.reload()
    page.open_side_bar()
    page.choose("How is Rome?")
    page.shows(("user", "How is Rome?"), ("model", "Sunny."))
    assert page.share() == link


@pytest.mark.parametrize("end", [Page.delete, Page.forget])
def test_what_is_deleted_is_not_shared_any_more(
    page: Page, gemini: FakeGemini, end: Callable[[Page], None]
) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    link = page.share()
    end(page)
    page.shows()
    page.lists()
    assert httpx.get(link).status_code == 404
