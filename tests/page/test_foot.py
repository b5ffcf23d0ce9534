"""The line of figures below an answer, and the button by which a cut answer goes on."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.app_setup import GEMINI, launched, loaded
from tests.support.browser import Bubble, Page, Visitor, talk
from tests.support.chat_page import STOPPED
from tests.support.fake_gemini import Call, FakeGemini, Finish, Hang, Status, Until

pytestmark = pytest.mark.slow

MESSAGE = "Please continue where you stopped."

CUT = (
    "Length limit reached",
    "The answer reached its length limit. Say “Continue” to have the rest.",
)


@pytest.fixture(scope="module")
def tool_may_answer() -> threading.Event:
    return threading.Event()


@pytest.fixture(scope="module")
def url(fake: FakeGemini, tool_may_answer: threading.Event) -> Iterator[str]:
    def sky(city: str) -> dict[str, str]:
        """Tell the colour of the sky."""
        assert tool_may_answer.wait(20)
        return {"colour": f"blue over {city}"}

    prices: dict[str, Any] = {"input_price": 1_000, "output_price": 10_000, "currency": "€"}
    with launched(
        loaded(tools=[sky]), show_figures=True, request_retries=0, leave_grace=600, **prices
    ) as address:
        yield address


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def foot(calls: int = 1) -> Bubble:
    read, written = 7 * calls, 5 * calls
    cost = f"about €{(read * 1_000 + written * 10_000) / 1_000_000:.4f}"
    return ("foot", f"Took SECONDS · {read} tokens read, {written} written · {GEMINI} · {cost}")


def shows(page: Page, *expected: Bubble) -> None:
    """Wait until exactly this is to be seen, whatever the seconds are."""
    page.tab.wait_for_function("count => bubbles().length === count", arg=len(expected))
    page.wait_idle()
    assert [
        (who, re.sub(r"Took [^·]* ·", "Took SECONDS ·", text)) for who, text in page.texts()
    ] == [*expected]


def test_the_line_is_the_same_while_one_looks_after_a_reload_and_in_another_window(
    page: Page, gemini: FakeGemini
) -> None:
    may_end = threading.Event()
    gemini.enqueue("Hello", Until(may_end), " there.")
    page.send("Hi")
    page.speaks()
    other = page.another()
    other.speaks()
    may_end.set()
    shows(page, ("user", "Hi"), ("model", "Hello there."), foot())
    seen = page.texts()
    with_line = [frame for frame in page.film() if any(who == "foot" for who, _ in frame)]
    assert with_line
    assert all(frame == seen for frame in with_line), "It comes when the answer is over."
    other.shows(*seen)
    page.reload()
    page.shows(*seen)
    assert page.copy_answer() == "Hello there."


def test_what_is_seen_is_what_is_remembered_and_copied(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Hi", "Hello.")
    talk(page, gemini, "And now?", "Noted.")
    assert gemini.requests[1].conversation == page.words()[:3]
    copied = page.copy_answer("Copy conversation")
    assert copied == "user: Hi\n\nassistant: Hello.\n\nuser: And now?\n\nassistant: Noted."


def test_a_reader_who_points_at_it_is_told_what_a_token_is(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Hi", "Hello <small title=x>there</small>.")
    line = page.tab.locator(".message-content small[title]")
    expect(line).to_have_count(1)
    assert "piece of a word" in str(line.get_attribute("title"))


def test_a_saved_copy_has_the_line(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Hi", "Hello.")
    page.open_side_bar()
    _, text = page.save("Save as Markdown")
    assert re.search(r"\n\*Took .* · 7 tokens read", text)


def test_a_stopped_answer_goes_on_by_a_button(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Once upon", Hang())
    page.send("Tell me a story")
    page.speaks()
    page.offers_to_go_on(False)
    page.stop()
    begun = (("user", "Tell me a story"), ("model", "Once upon"), STOPPED, foot())
    shows(page, *begun)
    page.reload()
    shows(page, *begun)
    may_end = threading.Event()
    gemini.enqueue(" a time", Until(may_end), ".")
    page.go_on()
    page.offers_to_go_on(False)
    may_end.set()
    shows(page, *begun, ("user", MESSAGE), ("model", "a time."), foot())
    page.offers_to_go_on(False)
    remembered = [("user", "Tell me a story"), ("model", "Once upon"), ("user", MESSAGE)]
    assert gemini.requests[1].conversation == remembered


def test_so_does_one_that_was_too_long_and_undo_offers_it_again(
    page: Page, gemini: FakeGemini
) -> None:
    talk(page, gemini, "Count", "1, 2", Finish("MAX_TOKENS"))
    begun = (("user", "Count"), ("model", "1, 2"), CUT, foot())
    shows(page, *begun)
    gemini.enqueue("3, 4")
    page.go_on()
    shows(page, *begun, ("user", MESSAGE), ("model", "3, 4"), foot())
    page.undo()
    shows(page, *begun)
    page.offers_to_go_on()
    expect(page.box).to_have_value(MESSAGE)
    gemini.enqueue("3")
    page.go_on()
    page.wait_idle()
    assert gemini.requests[2].conversation == gemini.requests[1].conversation


def test_on_a_phone_the_button_is_large_enough_for_a_thumb(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor(viewport={"width": 390, "height": 800}).open(url)
    talk(page, gemini, "Count", "1, 2", Finish("MAX_TOKENS"))
    page.offers_to_go_on()
    box = page.tab.get_by_role("button", name="Continue", exact=True).bounding_box()
    assert box
    assert box["height"] >= 44
    assert box["x"] + box["width"] <= 390


def test_without_words_there_is_nothing_to_go_on_from(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Hang())
    page.send("Hi")
    gemini.arrived()
    page.stop()
    page.wait_idle()
    page.offers_to_go_on(False)
    talk(page, gemini, "Hi", Status(403, "PERMISSION_DENIED"))
    page.offers_to_go_on(False)


def test_there_is_always_a_sign_of_life(
    page: Page,
    gemini: FakeGemini,
    tool_may_answer: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.render.messages.STALLED", 0.5)
    tool_may_answer.clear()
    gemini.enqueue(Call("sky", {"city": "Oslo"}))
    gemini.enqueue("It is", Hang())
    page.send("What colour is the sky?")
    log = page.tab.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"at work for [1-9] s"), timeout=20_000)
    other = page.another()
    expect(other.tab.get_by_role("log")).to_contain_text("at work for", timeout=20_000)
    tool_may_answer.set()
    expect(log).to_contain_text(
        re.compile(r"Waiting for the next words \([1-9] s\)"), timeout=20_000
    )
    page.stop()
    page.wait_idle()
    expect(log).not_to_contain_text("Waiting")
