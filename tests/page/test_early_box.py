"""The text box that is there while Gradio still loads."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.support.accessibility import violations
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor
from tests.support.chat_page import BEGUN, begun, remembers_what_is_seen
from tests.support.fake_gemini import FakeGemini, Until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(), request_retries=0) as address:
        yield address


@contextmanager
def loading(page: Page, load: Callable[[], object]) -> Iterator[Locator]:
    """The text box of a page, until the end of which none of Gradio's scripts comes."""
    held: list[Route] = []
    may_come = threading.Event()
    page.tab.route(
        "**/assets/*.js",
        lambda route: route.continue_() if may_come.is_set() else held.append(route),
    )
    load()
    box = page.tab.locator("#early textarea")
    expect(box).to_be_editable(timeout=ACTION_TIMEOUT)
    page.complaints.clear()  # Of the streams that were broken off when the page was left.
    yield box
    may_come.set()
    for route in held:
        route.continue_()


def opened(page: Page, url: str) -> Callable[[], object]:
    return lambda: page.tab.goto(url, wait_until="commit")


def reloaded(page: Page) -> Callable[[], object]:
    return lambda: page.tab.reload(wait_until="commit")


def test_one_goes_on_typing_where_one_was(url: str, visitor: Visitor) -> None:
    page = visitor()
    with loading(page, opened(page, url)) as box:
        expect(box).to_be_focused()
        page.tab.keyboard.type("Hell, world")
        for _ in range(len(", world")):
            page.tab.keyboard.press("ArrowLeft")
    expect(page.box).to_be_focused(timeout=ACTION_TIMEOUT)
    page.tab.keyboard.type("o")
    expect(page.box).to_have_value("Hello, world")
    expect(box).to_have_count(0)


def test_what_is_sent_meanwhile_is_sent(url: str, gemini: FakeGemini, visitor: Visitor) -> None:
    page = visitor()
    gemini.enqueue("Hello.")
    with loading(page, opened(page, url)) as box:
        box.press("Enter")  # Nothing is not sent.
        box.type("Hi")
        box.press("Enter")
        expect(page.tab.get_by_role("status")).to_have_text(
            "Your message is sent as soon as the page has loaded."
        )
        box.press("Enter")
    page.shows(*BEGUN)
    assert len(gemini.requests) == 1
    remembers_what_is_seen(page, gemini)


def test_so_it_is_by_the_button(url: str, gemini: FakeGemini, visitor: Visitor) -> None:
    page = visitor()
    gemini.enqueue("Hello.")
    with loading(page, opened(page, url)) as box:
        box.fill("Hi")
        page.tab.get_by_role("button", name="Send").click()
    page.shows(*BEGUN)


def test_shift_and_enter_break_the_line(url: str, visitor: Visitor) -> None:
    page = visitor()
    with loading(page, opened(page, url)) as box:
        box.type("One")
        box.press("Shift+Enter")
        box.type("two")
    expect(page.box).to_have_value("One\ntwo", timeout=ACTION_TIMEOUT)
    page.shows()


def test_a_word_that_is_being_composed_is_not_broken_off(url: str, visitor: Visitor) -> None:
    page = visitor()
    with loading(page, opened(page, url)) as box:
        keyboard = page.tab.context.new_cdp_session(page.tab)
        about = {"selectionStart": 2, "selectionEnd": 2}
        keyboard.send("Input.imeSetComposition", {"text": "にほ", **about})
        box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(page.box).to_be_enabled(timeout=ACTION_TIMEOUT)
    expect(box).to_have_value("にほ")
    keyboard.send("Input.insertText", {"text": "日本"})
    expect(page.box).to_have_value("日本")
    page.shows()


def test_it_is_for_the_chat_that_comes_back(url: str, gemini: FakeGemini, visitor: Visitor) -> None:
    page = visitor().open(url)
    begun(page, gemini)
    gemini.enqueue("Fine.")
    with loading(page, reloaded(page)) as box:
        box.fill("And you?")
        box.press("Enter")
    page.shows(*BEGUN, ("user", "And you?"), ("model", "Fine."))
    remembers_what_is_seen(page, gemini)


def test_what_was_typed_before_a_reload_stands_above_it_and_nothing_is_sent(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(url)
    begun(page, gemini)
    page.box.fill("Half a ques")
    with loading(page, reloaded(page)) as box:
        box.fill("And you?")
        box.press("Enter")
    expect(page.box).to_have_value("Half a ques\nAnd you?", timeout=ACTION_TIMEOUT)
    page.shows(*BEGUN)


def test_while_an_answer_runs_it_stays_in_the_box(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page, may_end = visitor().open(url), threading.Event()
    gemini.enqueue("Hel", Until(may_end), "lo.")
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Hel"))
    with loading(page, reloaded(page)) as box:
        box.fill("And you?")
        box.press("Enter")
    expect(page.box).to_have_value("And you?", timeout=ACTION_TIMEOUT)
    expect(box).to_have_count(0)
    may_end.set()
    page.shows(*BEGUN)
    expect(page.box).to_have_value("And you?")


@pytest.mark.parametrize(
    ("tag", "direction", "placeholder"),
    [("de", "ltr", "Nachricht …"), ("ar", "rtl", "اكتب رسالة…")],
)
def test_it_speaks_the_readers_language(
    url: str, visitor: Visitor, tag: str, direction: str, placeholder: str
) -> None:
    page = visitor(locale=tag)
    with loading(page, opened(page, url)) as box:
        expect(box).to_have_attribute("placeholder", placeholder)
        expect(page.tab.locator("html")).to_have_attribute("dir", direction)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule_of_wcag(url: str, visitor: Visitor, scheme: str) -> None:
    page = visitor(color_scheme=scheme)
    with loading(page, opened(page, url)) as box:
        assert violations(page) == []
        box.fill("Hi")
        assert violations(page) == []


@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (844, 390)])
def test_the_page_puts_its_own_in_the_same_place(
    url: str, visitor: Visitor, size: tuple[int, int]
) -> None:
    width, height = size
    page = visitor(viewport={"width": width, "height": height})
    with loading(page, opened(page, url)) as box:
        early = box.bounding_box()
    expect(page.box).to_be_editable(timeout=ACTION_TIMEOUT)
    own = page.box.bounding_box()
    assert early
    assert own
    assert all(abs(own[side] - early[side]) < 2 for side in ("x", "y"))


def test_where_one_has_to_sign_in_there_is_none(fake: FakeGemini, visitor: Visitor) -> None:
    with launched(loaded(), {"auth": ("ann", "sesame")}) as url:
        page = visitor().come(url)
        expect(page.tab.get_by_role("button", name="Login")).to_be_visible()
        expect(page.tab.locator("#early")).to_have_count(0)
