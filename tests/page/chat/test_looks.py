"""How the page looks, on a phone too, and what a keyboard and a screen reader get."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import expect

from agent.agent import calculate
from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, IS_AT_END, Page, Visitor
from tests.support.fake_gemini import FakeGemini, Hang, Think, Until
from tests.support.thorough import sample

pytestmark = pytest.mark.slow


def test_the_header_tells_who_answers(page: Page) -> None:
    assert page.tab.title() == "Helper"
    expect(page.tab.get_by_role("heading", name="Helper")).to_be_visible()
    expect(page.seen.get_by_text("Helps.")).to_be_visible()
    expect(page.seen.get_by_text("Additional inputs", exact=False)).to_have_count(0)
    assert " ".join(page.tab.locator("main").inner_text().split()) == (
        "Helper Helps. Chats are kept in this server's memory, until it restarts or for 7 days "
        "after their last message. Hello + Message Send New chat Settings for your messages How "
        "the last answer came "
        "English Deutsch Français Español Português 日本語 简体中文 العربية"
    )


@pytest.fixture(scope="module")
def offline() -> Iterator[str]:
    free: Any = {"is_offline": True, "costs": False, "how_to_connect": "Do this."}
    with launched(replace(loaded(OfflineModel(delay=0)), **free)) as address:
        yield address


@pytest.mark.parametrize("by", sample(["the keyboard", "the button"]))
def test_the_end_of_the_next_answer_is_in_view(visitor: Visitor, by: str) -> None:
    with launched(loaded(OfflineModel(), tools=[calculate])) as url:
        page = visitor().open(url)
        page.tab.set_viewport_size({"width": 1000, "height": 640})
        for message in ("Hello", "What is 12*7?"):
            page.box.fill(message)
            press = page.box.press if by == "the keyboard" else page.press
            page._begin(partial(press, "Enter" if by == "the keyboard" else "Send"))
            page.wait_idle()
        page.seen.get_by_text("result: 84").wait_for()
        page.tab.wait_for_function(IS_AT_END)
        page.tab.context.close()


def test_the_offline_model_says_what_it_is(offline: str, visitor: Visitor) -> None:
    page = visitor().open(offline)
    assert (
        "Answered by the built-in offline model, which is not an AI: no AI is connected."
    ) in page.tab.locator("main").inner_text()
    # What the host is told is English on every page.
    expect(page.tab.locator(".about [lang=en][dir=ltr]")).to_have_text("Do this.")
    page.send("Hi")
    page.wait_idle()
    assert page.words()[1][1].startswith("I am the built-in offline model: a small program")


HARD_TEXTS = {
    "indented code": "So:\n\n```python\ndef f():\n\tif x:\n\t\treturn 1\n\n    # 4\n```\n    end",
    "a table": "| a | b |\n|:--|--:|\n| 1 | 2 |\n\n\nAfter three lines.",
    "emoji": "🙂 👩‍🚀 🏳️‍🌈 e\u0301",
    "right to left": "שלום עולם, مرحبا بالعالم",
    "edges": "  \n  two before, two after  \n  ",
    "markup": "a < b && c > d, <b>bold</b>, &amp;, \\* and $5 or $6",
}


@pytest.mark.parametrize("text", sample(HARD_TEXTS.values()), ids=HARD_TEXTS.keys())
def test_the_page_holds_the_very_text(page: Page, gemini: FakeGemini, text: str) -> None:
    gemini.enqueue(*text)
    page.send("Hi")
    page.wait_idle()
    assert page.copy_answer() == text


def test_each_column_of_a_table_stands_at_the_side_that_was_chosen_for_it(
    page: Page, gemini: FakeGemini
) -> None:
    gemini.enqueue("| a | b | c |\n|---|:-:|--:|\n| 1 | 2 | 3 |")
    page.send("Hi")
    page.wait_idle()
    cells = page.tab.locator("[data-testid=bot] :is(th, td)")
    for number, side in enumerate(["start", "center", "end"] * 2):
        expect(cells.nth(number)).to_have_css("text-align", side)


def test_waiting_is_told_once_and_nothing_is_pressed_below_what_has_not_begun(
    page: Page, gemini: FakeGemini
) -> None:
    may_begin = threading.Event()
    gemini.enqueue(Until(may_begin), "Hello.")
    page.send("Hi")
    page.waits(1)
    waiting = page.tab.locator(".bot-row")
    expect(waiting).to_have_text(re.compile(r"^\s*Waiting for an answer \(\d+ s\)\s*$"))
    # It does not open.
    expect(waiting.get_by_role("button")).to_have_count(0)
    below = page.tab.get_by_role("button", name="Retry")
    expect(below).to_have_count(0)
    may_begin.set()
    page.wait_idle()
    expect(below).to_be_visible()


def test_a_thought_that_follows_the_waiting_opens(page: Page, gemini: FakeGemini) -> None:
    may_begin = threading.Event()
    gemini.enqueue(Until(may_begin), Think("Hm."), "Hello.")
    page.send("Hi")
    page.waits(1)
    may_begin.set()
    page.wait_idle()
    page.tab.get_by_role("button", name="Thought").press("Enter")
    page.shows(("user", "Hi"), ("Thought", "Hm."), ("model", "Hello."))


def test_code_keeps_its_indentation_and_a_pasted_table_its_tabs(
    page: Page, gemini: FakeGemini
) -> None:
    gemini.enqueue("```python\ndef f():\n    if x:\n        return 1\n```")
    table = "Name\tCity\nAnn\t\tBerlin"
    page.send(table)
    page.shows(("user", table), ("model", "def f():\n    if x:\n        return 1"))


PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


@pytest.mark.parametrize("theme", ["", "?__theme=dark"], ids=["light", "dark"])
@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
def test_everything_is_within_reach(
    url: str, gemini: FakeGemini, visitor: Visitor, device: dict[str, Any], theme: str
) -> None:
    page = visitor(**device).open(url + theme)
    table, code = f"| a | b |\n|-|-|\n| {'x' * 300} | y |", f"```\n{'z' * 300}\n```"
    gemini.enqueue(f"{table}\n\n{code}\n\n{'w' * 300}", Hang())
    page.send("Hi " + "v" * 300)
    expect(page.stop_button).to_be_in_viewport(ratio=1, timeout=ACTION_TIMEOUT)
    expect(page.box).to_be_in_viewport(ratio=1)
    expect(page.tab.locator("table")).to_be_visible(timeout=ACTION_TIMEOUT)
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.stop()
    page.wait_idle()
    expect(page.tab.locator(".submit-button")).to_be_in_viewport(ratio=1)


def test_a_small_window_gives_the_chat_the_room_of_the_description(page: Page) -> None:
    page.tab.set_viewport_size({"width": 390, "height": 500})
    about, box = page.seen.get_by_text("Helps."), page.tab.locator("#message")
    expect(about).to_be_visible()
    page.send("Hi")
    page.wait_idle()
    expect(about).to_be_hidden()
    expect(box).to_be_in_viewport(ratio=1)


def test_a_new_page_begins_with_its_first_example(visitor: Visitor, gemini: FakeGemini) -> None:
    many = tuple(f"Example {number}, which takes a line of its own" for number in range(12))
    with launched(replace(loaded(), examples=many)) as url:
        page = visitor(viewport={"width": 375, "height": 620}).open(url)
        expect(page.seen.get_by_text(many[-1])).to_be_visible()
        page.tab.evaluate("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
        expect(page.seen.get_by_text(many[0])).to_be_in_viewport(ratio=1)


def test_the_keyboard_is_given_back_when_the_answer_is_over(page: Page) -> None:
    page.send("Hi")
    page.wait_idle()
    expect(page.box).to_be_focused()


def test_a_screen_reader_is_told_what_there_is_to_press_and_to_fill_in(page: Page) -> None:
    page.open_side_bar()
    for name in ("Send", "New chat", "Forget me"):
        expect(page.tab.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(page.tab.get_by_role("textbox", name="Message")).to_be_visible()
    search = page.tab.get_by_role("searchbox", name="Search your chats")
    expect(search).to_be_visible()
