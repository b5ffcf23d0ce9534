"""The page for those who do not see it, do not use a mouse, or write in another direction."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from agent.core.settings import CHOICES
from tests.support.accessibility import violations
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor
from tests.support.chat_page import open_settings
from tests.support.fake_gemini import Call, FakeGemini, Hang, Status, Think, Until

pytestmark = pytest.mark.slow

# Keeps all that a screen reader is told without being asked.
LISTEN = """() => {
    window.told = []
    const places = '[role=status], [role=alert], [aria-live=polite], [aria-live=assertive]'
    new MutationObserver(changes => changes.forEach(({target}) => {
        const place = (target.closest ? target : target.parentElement)?.closest(places)
        const text = place?.textContent.trim()
        if (text && text !== told.at(-1)) told.push(text)
    })).observe(document.body, {subtree: true, childList: true, characterData: true})
}"""

CODE = "```python\ndef greet(name: str) -> str:\n    return 'Hello, ' + name  # politely\n```"
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    def pay(amount: int) -> str:
        """Pay so much."""
        return "paid"

    chosen: dict[str, Any] = {"visitor_settings": " ".join(CHOICES), "visitor_keys": True}
    with launched(
        loaded(tools=[pay], instruction="Be brief."), request_retries=0, leave_grace=600, **chosen
    ) as address:
        yield address


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def has_many_kinds(page: Page, gemini: FakeGemini) -> None:
    """A chat with thoughts, a tool, code, a table and a failure, all of them open."""
    gemini.enqueue(Think("I have to pay."), Call("pay", {"amount": 3}))
    gemini.enqueue(f"Done.\n\n{CODE}\n\n{TABLE}")
    page.send("Pay 3")
    page.wait_idle()
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    page.send("And now?")
    page.wait_idle()
    folded = page.tab.locator(".title[aria-expanded=false]")
    while folded.count():
        title = folded.first.element_handle()
        title.click()
        page.tab.wait_for_function("title => title.ariaExpanded === 'true'", arg=title)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_state_of_the_page_breaks_a_rule_of_wcag(
    url: str, gemini: FakeGemini, visitor: Visitor, scheme: str
) -> None:
    page = visitor(color_scheme=scheme).open(url)
    assert violations(page) == []
    settings = open_settings(page)
    settings.get_by_text("What the agent is told to do").click()
    settings.get_by_label("Temperature").fill("9")
    assert violations(page) == []
    settings.locator("summary").first.click()
    has_many_kinds(page, gemini)
    assert violations(page) == []
    page.open_side_bar()
    page.pick("Delete")
    assert violations(page) == []
    page.press("Cancel")
    page.pick("Share")
    page.press("Share it as it is now")
    link = page.link.input_value(timeout=ACTION_TIMEOUT)
    assert violations(page) == []
    page.press("Close")
    page.tab.locator("#chats [aria-haspopup]").press("Enter")
    assert violations(page) == []
    page.tab.keyboard.press("Escape")
    for address in (link, f"{url}chat/plain"):
        other = visitor(color_scheme=scheme, viewport={"width": 360, "height": 740}).come(address)
        assert violations(other) == []
    page.tab.set_viewport_size({"width": 360, "height": 740})
    assert violations(page) == []
    expect(page.box).not_to_be_focused()
    page.box.focus()  # What the side bar covers is out of reach.
    expect(page.box).not_to_be_focused()
    page.tab.keyboard.press("Escape")
    expect(page.tab.get_by_role("button", name="Forget me")).to_be_hidden(timeout=ACTION_TIMEOUT)
    assert violations(page) == []


def test_an_answer_is_announced_once_when_it_begins_and_once_when_it_is_there(
    page: Page, gemini: FakeGemini
) -> None:
    page.tab.evaluate(LISTEN)
    may_end = threading.Event()
    gemini.enqueue(Think("Hm."), *(f"word {number} " for number in range(30)), Until(may_end))
    page.send("Count")
    page.speaks()
    may_end.set()
    page.wait_idle()
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    page.send("Again")
    page.wait_idle()
    assert page.tab.evaluate("told") == [
        "The agent is answering.",
        "".join(f"word {number} " for number in range(30)).strip(),
        "The agent is answering.",
        "The AI service failed\n\nThe AI service has a problem at its end. Nothing is wrong with "
        "your message: try again in a moment.",
    ]


def test_a_panel_says_whether_it_is_open_and_opens_by_space_as_by_enter(
    page: Page, gemini: FakeGemini
) -> None:
    gemini.enqueue(Think("Hm."), "Yes.")
    page.send("Well?")
    page.wait_idle()
    thought = page.tab.get_by_role("button", name="Thought")
    for key, is_open in (("Space", "true"), ("Enter", "false"), ("Space", "true")):
        thought.press(key)
        expect(thought).to_have_attribute("aria-expanded", is_open, timeout=ACTION_TIMEOUT)


def test_escape_stops_an_answer_and_leaves_an_edit(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Once upon", Hang())
    page.send("A tale")
    page.speaks()
    page.tab.keyboard.press("Escape")
    page.wait_idle()
    page.box.focus()
    page.tab.keyboard.press("ArrowUp")  # In an empty box: the last message is edited.
    edited = page.tab.locator("textarea.edit-textarea")
    expect(edited).to_have_value("A tale", timeout=ACTION_TIMEOUT)
    expect(page.tab.locator(".about")).to_be_hidden()  # What stands on a page without a chat.
    edited.press("Escape")
    expect(edited).to_have_count(0, timeout=ACTION_TIMEOUT)
    page.box.press("ArrowUp")
    gemini.enqueue("There was.")
    edited.fill("A short tale")
    edited.press("Enter")
    page.shows(("user", "A short tale"), ("model", "There was."))
    page.wait_idle()
    page.tab.get_by_role("button", name="Undo").focus()
    page.tab.keyboard.press("Enter")
    page.shows()
    expect(page.box).to_be_focused(timeout=ACTION_TIMEOUT)


@pytest.mark.parametrize(
    "event", ["{isComposing: true, keyCode: 13}", "{isComposing: false, keyCode: 229}"]
)
def test_enter_that_belongs_to_an_input_method_sends_nothing(
    page: Page, gemini: FakeGemini, event: str
) -> None:
    page.box.fill("にほん")
    page.box.evaluate(
        f"""box => ["keydown", "keypress"].forEach(type => box.dispatchEvent(
            new KeyboardEvent(type, {{key: "Enter", bubbles: true, cancelable: true, ...{event}}})
        ))"""
    )
    page.tab.wait_for_timeout(300)  # For as long as nothing may be sent.
    expect(page.box).to_have_value("にほん")
    assert gemini.requests == []
    gemini.enqueue("Yes.")
    page.box.press("Enter")
    page.shows(("user", "にほん"), ("model", "Yes."))


def test_on_a_touch_screen_enter_begins_a_new_line_and_the_button_sends(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = visitor(**phone).open(url)
    gemini.enqueue("Two lines.")
    page.box.press_sequentially("one")
    page.box.press("Enter")
    page.box.press_sequentially("two")
    page.press("Send")
    page.shows(("user", "one\ntwo"), ("model", "Two lines."))


def test_each_block_of_text_has_its_own_direction(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("مرحبا بالعالم\n\nHello\n\n- واحد")
    page.box.fill("سلام")
    assert page.box.evaluate("box => getComputedStyle(box).direction") == "rtl"
    page.send("سلام")
    page.wait_idle()
    directions = page.tab.evaluate(
        """[...document.querySelectorAll('[role=log] .message-content :is(p, ul)')].map(
            block => getComputedStyle(block).direction)"""
    )
    assert directions == ["rtl", "rtl", "ltr", "rtl"]


def test_the_page_says_in_which_language_its_own_words_are(visitor: Visitor, url: str) -> None:
    page = visitor(locale="de-DE").open(url)
    assert page.tab.evaluate(
        "[document.documentElement.lang, document.querySelector('[role=log]').lang]"
    ) == ["de", ""]
