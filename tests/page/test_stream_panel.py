"""The panel that shows how the last answer came, in real Chromium: its plot, its figures, the same
question with streaming off, and the switch in the settings."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from google.adk.models import Gemini
from google.adk.tools import FunctionTool
from playwright.sync_api import FloatRect, Locator, Request, expect

from agent.chat.loader import LoadedAgent
from agent.models.coalescing import coalescing
from agent.models.offline import OfflineModel
from tests.support.app_setup import GEMINI, launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.chat_page import STOPPED, open_settings, remembers_what_is_seen
from tests.support.fake_gemini import Call, FakeGemini, Hang, Pause, Think
from tests.support.limits import lot

pytestmark = pytest.mark.slow

TITLE = "How the last answer came"
OFF, ON = "Ask the same with streaming off", "Ask the same with streaming on"

# Forty chunks that come within 40 ms, and so in few events; silence; and some more.
SCRIPT = (Think("Hm. "), "One ", *["word "] * 39, Pause(0.8), *["more "] * 5)
ANSWER = "One " + "word " * 39 + "more " * 5

# Seconds by which an arrival may be late on a slow, busy machine.
TOLERANCE = 0.4

# Scrolls the table of events to its last column; where that ends then.
END_OF_TABLE = """(events) => {
    events.scrollLeft = 10_000
    return events.querySelector('th:last-child').getBoundingClientRect().right
}"""

# Keeps what the server has sent for the panel.
LISTEN = """() => {
    const { show } = chatStream
    chatStream.show = (told) => { window.told = told; show(told) }
}"""


def look() -> str:
    """Look at the sky."""
    return "blue"


def roll() -> int:
    """Roll a die."""
    return 4


def gemini_agent() -> LoadedAgent:
    """An agent whose answers come by way of the page's own reader, as those of a loaded one."""
    ask_first = FunctionTool(roll, require_confirmation=True)
    return loaded(coalescing(Gemini(model=GEMINI)), tools=[look, ask_first])


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(gemini_agent(), request_retries=0) as url:
        yield url


@pytest.fixture
def page(url: str, visitor: Visitor) -> Page:
    return visitor().open(url)


def open_panel(page: Page) -> Locator:
    panel, x = page.tab.locator(".stream-panel"), "heading => heading.getBoundingClientRect().x"
    heading = page.seen.get_by_text(TITLE)
    heading.click()
    # The server has been asked, and has told what there is so far.
    expect(panel.locator(".stream-answers")).not_to_be_empty(timeout=ACTION_TIMEOUT)
    # Wide as the panel is, its heading stands where the lines below the text box begin.
    begins = page.tab.locator(".settings-panel > summary").evaluate(x)
    assert heading.evaluate(x) == pytest.approx(begins, abs=1)
    return panel


def plots(page: Page, *names: str) -> None:
    """Wait until there are plots of just these names, of answers that are over."""
    headings = page.tab.locator(".stream-answer h3")
    expect(headings).to_have_text(list(names), timeout=ACTION_TIMEOUT)
    expect(page.seen.get_by_text("So far")).to_have_count(0, timeout=ACTION_TIMEOUT)


def figures(page: Page, number: int = 0) -> dict[str, str]:
    """The figures below a plot, as a reader sees them."""
    answer = page.tab.locator(".stream-answer").nth(number)
    names, values = (answer.locator(tag).all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def seconds(figure: str) -> float:
    return float(figure.removesuffix(" s"))


def ask_again(page: Page, label: str) -> None:
    page.tab.get_by_role("button", name=label).click()


def test_the_panel_tells_what_the_model_itself_has_sent_and_when(
    page: Page, gemini: FakeGemini
) -> None:
    open_panel(page)
    page.tab.evaluate(LISTEN)
    talk(page, gemini, "Count", *SCRIPT)
    plots(page, "Streaming on")
    (request,) = gemini.requests
    sent = request.sent
    shown = page.tab.evaluate("told.answer")
    assert shown["isFromModel"]
    assert [chunk[1:] for chunk in shown["chunks"]] == [
        [len(text), int(is_thought)] for _, text, is_thought in sent
    ]
    # Both clocks are one; the question was on its way for an unknown time before the first chunk.
    first_sent, first_came = sent[0][0], shown["chunks"][0][0]
    for (at, _, _), (came, _, _) in zip(sent, shown["chunks"], strict=True):
        assert came - first_came == pytest.approx(at - first_sent, abs=TOLERANCE)
    gaps = [after[0] - before[0] for before, after in pairwise(sent)]
    answer_began = sent[1][0] - request.arrived_at
    told = figures(page)
    assert told["Chunks of text"] == str(len(sent) - 1) == "45"
    assert told["Characters"] == str(len(ANSWER))
    assert told["Thoughts"] == "1 chunk, 4 characters"
    assert seconds(told["Longest gap between chunks"]) == pytest.approx(max(gaps), abs=TOLERANCE)
    assert answer_began <= seconds(told["First text after"]) + 0.01
    assert seconds(told["First text after"]) < seconds(told["Over after"])
    # Fewer events than chunks: what the plot shows is not what ADK was given.
    assert len(shown["events"]) < 20


def test_the_plot_has_a_mark_for_each_chunk_and_says_the_same_in_words(
    page: Page, gemini: FakeGemini
) -> None:
    panel = open_panel(page)
    talk(page, gemini, "Count", *SCRIPT)
    plots(page, "Streaming on")
    plot = panel.get_by_role("img")
    assert (plot.locator(".plot-marks.plot-text").get_attribute("d") or "").count("h0") == 45
    label = plot.get_attribute("aria-label") or ""
    assert label.startswith("Streaming on. First text after: ")
    assert "Chunks of text: 45. Characters: 224." in label


def test_adks_events_are_a_table(page: Page, gemini: FakeGemini) -> None:
    panel = open_panel(page)
    gemini.enqueue("I look. ", Call("look", {}))
    talk(page, gemini, "Sky?", "Blue.")
    plots(page, "Streaming on")
    panel.get_by_text("ADK's events").click()
    rows = [row.all_inner_texts() for row in panel.locator("tbody tr").locator("td").all()]
    cells = [cell for row in rows for cell in row]
    table = [cells[start + 1 : start + 7] for start in range(0, len(cells), 7)]
    assert ["user", "final", "text, state", "4", "", ""] in table
    assert ["helper", "partial", "text", "8", "7", "5"] in table
    assert ["helper", "final", "text, tool call", "8", "7", "5"] in table
    assert ["helper", "final", "tool result", "0", "", ""] in table
    assert ["helper", "final", "text", "5", "7", "5"] in table


def test_a_closed_panel_asks_the_server_for_nothing(page: Page, gemini: FakeGemini) -> None:
    posts: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            posts.append(request.url.partition("?")[0].rpartition("/")[2])

    page.tab.on("request", note)
    talk(page, gemini, "Hi", "Hello.")
    talk(page, gemini, "And?", "More.")
    assert posts == ["join", "join"]
    open_panel(page)
    plots(page, "Streaming on")
    assert len(posts) == 3


@pytest.mark.thorough
def test_an_open_panel_is_always_about_the_last_answer(page: Page, gemini: FakeGemini) -> None:
    panel = open_panel(page)
    expect(panel).to_contain_text("Nothing is known here")
    for words in ("One.", "Two, and more."):
        talk(page, gemini, "Count", words)
        characters = panel.locator("dd").nth(2)
        expect(characters).to_have_text(str(len(words)), timeout=ACTION_TIMEOUT)
    page.undo()
    expect(panel).to_contain_text("Nothing is known here", timeout=ACTION_TIMEOUT)
    page.wait_idle()


def test_a_page_that_was_reloaded_still_knows(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Hi", "Hello.")
    page.reload()
    page.shows(("user", "Hi"), ("model", "Hello."))
    open_panel(page)
    plots(page, "Streaming on")
    assert figures(page)["Characters"] == "6"


def test_the_same_question_without_streaming_comes_in_one_lump_and_leaves_the_chat_alone(
    page: Page, gemini: FakeGemini
) -> None:
    talk(page, gemini, "Hi", "Hello.")
    gemini.enqueue("Th", Pause(0.3), "ere.")
    page.send("And?")
    page.wait_idle()
    open_panel(page)
    before = page.texts()
    gemini.enqueue("There.")
    ask_again(page, OFF)
    plots(page, "Streaming on", "Streaming off")
    assert [figures(page, number)["Chunks of text"] for number in (0, 1)] == ["2", "1"]
    assert figures(page, 1)["Longest gap between chunks"] == "there is none"
    first, second = gemini.requests[1:]
    assert (first.streaming, second.streaming) == (True, False)
    assert second.conversation == first.conversation
    assert page.texts() == before
    remembers_what_is_seen(page, gemini)
    page.open_side_bar()
    page.lists("Hi")


@pytest.mark.thorough
def test_the_second_answer_can_be_stopped(page: Page, gemini: FakeGemini) -> None:
    panel = open_panel(page)
    talk(page, gemini, "Hi", "Hello.")
    gemini.enqueue("There", Hang())
    ask_again(page, OFF)
    asked = gemini.arrived(2)
    expect(panel).to_contain_text("Asking the same once more (1 s)", timeout=ACTION_TIMEOUT)
    panel.get_by_role("button", name="Stop").click()
    plots(page, "Streaming on", "Streaming off")
    assert asked.left.wait(20)
    expect(panel).to_contain_text("Stopped.")
    page.shows(("user", "Hi"), ("model", "Hello."))


def test_a_second_answer_ends_when_another_answer_is_the_last_one(
    page: Page, gemini: FakeGemini
) -> None:
    open_panel(page)
    talk(page, gemini, "Hi", "Hello.")
    gemini.enqueue("There", Hang())
    ask_again(page, OFF)
    asked = gemini.arrived(2)
    talk(page, gemini, "And?", "More.")
    assert asked.left.wait(20)
    plots(page, "Streaming on")


@pytest.mark.thorough
def test_what_was_not_streamed_is_asked_again_streamed(page: Page, gemini: FakeGemini) -> None:
    open_panel(page)
    open_settings(page).get_by_label("Show answers as they are written").uncheck()
    talk(page, gemini, "Hi", "Hel", "lo.")
    plots(page, "Streaming off")
    gemini.enqueue("Hel", Pause(0.2), "lo.")
    ask_again(page, ON)
    plots(page, "Streaming off", "Streaming on")
    assert [figures(page, number)["Chunks of text"] for number in (0, 1)] == ["1", "2"]


def test_a_question_that_needed_an_approval_is_not_asked_again(
    page: Page, gemini: FakeGemini
) -> None:
    panel = open_panel(page)
    talk(page, gemini, "Roll", Call("roll", {}))
    expect(panel).to_contain_text("needed somebody's approval", timeout=ACTION_TIMEOUT)
    gemini.enqueue("A four.")
    page.answer_card("Approve")
    expect(panel.locator("dd").nth(2)).to_have_text("7", timeout=ACTION_TIMEOUT)
    expect(panel).to_contain_text("needed somebody's approval")
    expect(panel.get_by_role("button", name="Ask the same")).to_have_count(0)


def test_the_switch_holds_for_every_way_to_ask_on_this_page(page: Page, gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    switch = open_settings(page).get_by_label("Show answers as they are written")
    expect(switch).to_be_checked(timeout=ACTION_TIMEOUT)
    switch.uncheck()
    page.click_example("Hello")
    page.wait_idle()
    page.retry()
    page.wait_idle()
    page.edit(0, "Hi")
    page.wait_idle()
    switch.check()
    page.send("And?")
    page.wait_idle()
    assert [request.streaming for request in gemini.requests] == [False, False, False, True]


def test_an_answer_that_is_not_streamed_shows_that_it_waits_and_can_be_stopped(
    visitor: Visitor, gemini: FakeGemini, url: str
) -> None:
    with launched(gemini_agent(), streaming="none", first_token_timeout=0.5) as quiet:
        page = visitor().open(quiet)
        talk(page, gemini, "Hi", Think("Hm."), "Hel", Pause(1), "lo.")
        page.shows(("user", "Hi"), ("Thought", ""), ("model", "Hello."))
        assert not gemini.requests[0].streaming
        gemini.enqueue("Never", Hang())
        page.send("And?")
        page.waits(1)
        page.stop()
        page.shows(
            *(("user", "Hi"), ("Thought", ""), ("model", "Hello.")),
            *(("user", "And?"), STOPPED),
        )
        page.wait_idle()
        panel = open_settings(page)
        expect(panel.get_by_label("Show answers as they are written")).not_to_be_checked(
            timeout=ACTION_TIMEOUT
        )
        page.tab.context.close()


@pytest.mark.thorough
def test_of_a_model_that_is_no_gemini_the_panel_says_whose_times_it_shows(
    visitor: Visitor, gemini: FakeGemini, url: str
) -> None:
    with launched(loaded(OfflineModel(delay=0))) as offline:
        page = visitor().open(offline)
        panel = open_panel(page)
        page.send("/markdown")
        page.wait_idle()
        plots(page, "Streaming on")
        expect(panel).to_contain_text("The times of ADK's events")
        page.tab.context.close()


def test_the_same_question_counts_as_one_more_message(visitor: Visitor, gemini: FakeGemini) -> None:
    with launched(gemini_agent(), visitor_per_minute=1) as limited:
        page = visitor().open(limited)
        panel = open_panel(page)
        talk(page, gemini, "Hi", "Hello.")
        ask_again(page, OFF)
        plots(page, "Streaming on", "Streaming off")
        expect(panel).to_contain_text(lot("1 a minute", "")[:50])
        assert len(gemini.requests) == 1
        page.tab.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_panel_is_no_wider_than_the_page(
    url: str, visitor: Visitor, gemini: FakeGemini, width: int
) -> None:
    page = visitor(viewport={"width": width, "height": 800}).open(url)
    panel = open_panel(page)
    talk(page, gemini, "Hi", *["word "] * 100)
    gemini.enqueue(*["word "] * 100)
    ask_again(page, OFF)
    plots(page, "Streaming on", "Streaming off")
    panel.get_by_text("ADK's events").first.click()
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    assert panel.locator(".stream-events").first.evaluate(END_OF_TABLE) <= width
    left, right = (box_of(plot) for plot in panel.get_by_role("img").all())
    are_beside = left["y"] == right["y"]
    assert are_beside is (width == 1280)
    assert right["x"] + right["width"] <= width


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box
    return box
