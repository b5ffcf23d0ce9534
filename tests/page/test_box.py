"""What is typed and not sent is not lost; what cannot be sent is told; and how a page is opened."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini
from tests.support.thorough import sample

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded()) as url:
        yield url


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def has_typed(page: Page, text: str) -> None:
    expect(page.box).to_have_value(text, timeout=ACTION_TIMEOUT)


def says(page: Page, code: str) -> None:
    """What stands below the text box."""
    expect(page.tab.locator("#said")).to_have_text(SENTENCES[code], timeout=ACTION_TIMEOUT)


# Its length


def test_a_message_that_is_too_long_stays_in_the_box_which_says_so(
    fake: FakeGemini, gemini: FakeGemini, visitor: Visitor
) -> None:
    with launched(loaded(), max_message_length=20) as url:
        page = visitor(locale="de").open(url)
        length, said = page.tab.locator("#length"), page.tab.locator("#said")
        page.box.fill("Fifteen 1234567")
        expect(length).to_be_hidden()
        page.box.press("End")
        page.box.type("😀")
        expect(length).to_have_text("16 / 20")
        page.box.type("56789")
        expect(length).to_have_text("21 / 20")
        expect(length).to_have_class("is-over")
        page.box.press("Enter")
        expect(said).to_have_text(
            "Diese Nachricht ist zu lang. Bitte kürze sie, oder schick sie in Teilen."
        )
        has_typed(page, "Fifteen 1234567😀56789")
        page.box.press("Backspace")
        expect(said).to_be_hidden()
        expect(length).to_have_text("20 / 20")
        gemini.enqueue("Hello.")
        page.box.press("Enter")
        page.shows(("user", "Fifteen 1234567😀5678"), ("model", "Hello."))
        page.wait_idle()
        expect(length).to_be_hidden()
        assert len(gemini.requests) == 1


# Drafts


def test_what_is_being_typed_outlasts_a_reload(page: Page, gemini: FakeGemini) -> None:
    page.box.fill("Half a questi")
    page.reload()
    page.wait_idle()
    has_typed(page, "Half a questi")
    talk(page, gemini, "Hi", "Hello.")
    page.box.fill("Another")
    page.reload()
    page.wait_idle()
    has_typed(page, "Another")
    page.send("Another")
    page.wait_idle()
    page.reload()
    page.wait_idle()
    has_typed(page, "")


def test_what_is_being_typed_stays_with_its_chat(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    page.box.fill("And Ven")
    page.press("New chat")
    page.shows()
    page.wait_idle()
    has_typed(page, "")
    page.box.fill("Some other questi")
    page.choose("How is Rome?")
    page.shows(("user", "How is Rome?"), ("model", "Sunny."))
    page.wait_idle()
    has_typed(page, "And Ven")
    page.press("New chat")
    page.shows()
    page.wait_idle()
    has_typed(page, "Some other questi")


def test_what_is_typed_when_a_chat_is_cleared_stays_in_the_box(
    page: Page, gemini: FakeGemini
) -> None:
    talk(page, gemini, "Hi", "Hello.")
    page.box.fill("And now")
    page.clear()
    page.shows()
    has_typed(page, "And now")


# The line


@pytest.mark.thorough
def test_a_message_that_a_lost_line_gives_back_is_told_of(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Hi", "Hello.")
    page.tab.route("**/gradio_api/**", lambda route: route.abort())
    page.box.fill("Are you there?")
    page.box.press("Enter")
    expect(page.seen.get_by_text("Connection to the server was lost")).to_be_visible()
    page.tab.unroute_all()  # Gradio loads the page anew then.
    has_typed(page, "Are you there?")
    says(page, "not_sent")
    gemini.enqueue("Yes.")
    page.send("Are you there?")
    expect(page.tab.locator("#said")).to_be_hidden()
    page.wait_idle()
    assert page.words()[-1] == ("model", "Yes.")
    page.complaints.clear()  # Of the line.


# Files

DROP = """([selector, kind, isFile]) => {
    const dataTransfer = new DataTransfer()
    if (isFile) dataTransfer.items.add(new File(['x'], 'x.txt'))
    else dataTransfer.setData('text/uri-list', 'http://127.0.0.1:9/')
    const data = kind === 'paste' ? {clipboardData: dataTransfer} : {dataTransfer}
    const event = new (kind === 'paste' ? ClipboardEvent : DragEvent)(
        kind, {bubbles: true, cancelable: true, ...data})
    document.querySelector(selector).dispatchEvent(event)
    return event.defaultPrevented
}"""


@pytest.mark.parametrize("where", sample(["#message textarea", "[role=log]", "h1", "body"]))
def test_a_file_that_is_dropped_never_takes_the_page_away_and_is_added(
    page: Page, where: str
) -> None:
    assert page.tab.evaluate(DROP, [where, "dragover", True])
    expect(page.tab.locator("#files li")).to_have_count(0)
    assert page.tab.evaluate(DROP, [where, "drop", True])
    expect(page.tab.locator("#files li")).to_have_text(["x.txt×"], timeout=ACTION_TIMEOUT)


def test_a_link_that_is_dropped_does_not_either(page: Page) -> None:
    assert page.tab.evaluate(DROP, ["[role=log]", "drop", False])
    expect(page.tab.locator("#said")).to_be_hidden()


# The focus


def test_the_box_has_the_focus_again_after_an_answer(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Hi", "<a href=http://there.test autofocus>x</a> [y](http://there.test)")
    expect(page.box).to_be_focused(timeout=ACTION_TIMEOUT)


# How a page is opened


def test_an_address_opens_a_page_without_any_stored_chat(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Hi", "Hello.")
    fresh = Page(page.tab.context.new_page()).open(f"{page.tab.url}?chat=new")
    fresh.shows()
    talk(fresh, gemini, "Another", "Well.")
    fresh.reload()
    fresh.shows(("user", "Another"), ("model", "Well."))
    newest = page.another()
    newest.shows(("user", "Another"), ("model", "Well."))
    newest.wait_idle()
    newest.open_side_bar()
    newest.lists("Another", "Hi")


def test_a_link_to_the_page_is_previewed_as_the_agents() -> None:
    with launched(loaded(), allowed_origins="http://agent.test") as url:
        page = httpx.get(url, headers={"Host": "agent.test"}).text
    found = re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)" ?/?>', page)
    about = {name: html.unescape(content) for name, content in found}
    assert about["og:title"] == "Helper"
    assert about["og:description"] == about["description"] == "Helps."
    assert about["og:url"] == "http://agent.test/"
    assert len(found) == len(about)
    assert "{url}" not in page
    assert not re.search('"(og|twitter)[^>]*gradio', page, re.IGNORECASE)
