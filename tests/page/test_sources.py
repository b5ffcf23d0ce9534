"""The sources of an answer, as Gemini names them: on the page, and in copies."""

from collections.abc import Iterator

import pytest
from google.adk.models import Gemini
from playwright.sync_api import expect

from agent.models.coalescing import coalescing
from agent.render.suggestions import SANDBOX, document
from tests.support.app_setup import GEMINI, launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini, Grounded, PagesRead
from tests.support.grounded import ANSWER, FACTS, SUGGESTIONS

pytestmark = pytest.mark.slow

GROUND = "element => getComputedStyle(element).backgroundColor"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(coalescing(Gemini(model=GEMINI))), request_retries=0) as url:
        yield url


@pytest.fixture(autouse=True)
def knows(gemini: FakeGemini) -> None:
    gemini.enqueue(ANSWER[:20], ANSWER[20:], Grounded(FACTS))


@pytest.fixture
def page(url: str, visitor: Visitor) -> Page:
    return visitor().open(url)


def test_a_reader_sees_numbers_and_a_list_and_copies_the_answer_alone(page: Page) -> None:
    page.send("Who won?")
    page.wait_idle()
    for _ in range(2):
        numbers = page.tab.locator("#conversation a", has_text="[")
        expect(numbers).to_have_text(["[1]", "[2]"], timeout=ACTION_TIMEOUT)
        assert numbers.first.get_attribute("href") == "https://www.example.com/euro"
        expect(page.tab.locator("#conversation ol li")).to_have_text(["example.com", "example.org"])
        search = page.tab.get_by_role("link", name="euro 2024 winner")
        assert search.get_attribute("href") == "https://www.google.com/search?q=euro+2024+winner"
        assert page.copy_answer() == ANSWER
        page.reload()


def test_what_is_selected_and_copied_has_no_numbers(page: Page) -> None:
    page.send("Who won?")
    page.wait_idle()
    expect(page.tab.locator("#conversation a", has_text="[1]")).to_be_visible()
    page.tab.evaluate(
        """() => getSelection().selectAllChildren(
            document.querySelector('[data-testid=bot] .message-content p, [data-testid=bot] p'))"""
    )
    page.tab.keyboard.press("Control+c")
    assert page.tab.evaluate("navigator.clipboard.readText()").strip() == ANSWER


def test_a_saved_copy_has_them_too(page: Page) -> None:
    page.send("Who won?")
    page.wait_idle()
    page.open_side_bar()
    _, text = page.save("Save as Markdown")
    assert r"Spain won Euro 2024.[\[1\]](https://www.example.com/euro)" in text
    assert "1. [example.com](https://www.example.com/euro)" in text


def test_googles_own_suggestions_stand_in_a_frame_in_which_nothing_runs(
    page: Page, gemini: FakeGemini
) -> None:
    page.send("Who won?")
    page.wait_idle()
    given = {**FACTS, "searchEntryPoint": {"renderedContent": SUGGESTIONS}}
    talk(page, gemini, "And again?", ANSWER, Grounded(given))
    for scheme in ("light", "dark"):
        frame = page.tab.locator("#conversation iframe")
        expect(frame).to_have_attribute("sandbox", SANDBOX, timeout=ACTION_TIMEOUT)
        chips = frame.content_frame.get_by_role("link")
        expect(chips).to_have_text(["euro 2024 winner", "euro 2024 final"], timeout=ACTION_TIMEOUT)
        ground = frame.content_frame.locator(".container").evaluate(GROUND)
        assert ground == {"light": "rgb(250, 250, 250)", "dark": "rgb(31, 31, 31)"}[scheme]
        assert int(frame.evaluate("frame => frame.clientHeight")) < 60
        assert page.copy_answer() == ANSWER
        page.tab.emulate_media(color_scheme="dark")
        page.reload()
    page.open_side_bar()
    _, saved = page.save("Save as a web page")
    page.tab.set_content(saved)
    expect(page.tab.frame_locator("iframe").get_by_role("link")).to_have_count(2)
    # The tests' own script is not run in the frame either.
    assert page.complaints
    assert all("srcdoc" in said for said in page.complaints)
    page.complaints.clear()


HOSTILE = [
    pytest.param(f"{SUGGESTIONS}<script>top.document.title = 'taken'</script>", id="a script"),
    pytest.param('<a href="https://evil.example/">Google</a>', id="a link elsewhere"),
    pytest.param('<img src="https://evil.example/"><a href="#">x</a>', id="a picture"),
    pytest.param("<p>Nothing</p>", id="no link"),
    pytest.param(SUGGESTIONS.replace("<div", "<div onclick=x()", 1), id="an attribute"),
    pytest.param("x" * 60_000, id="too much"),
]


@pytest.mark.parametrize("given", HOSTILE)
def test_what_is_not_googles_is_not_shown(given: str) -> None:
    assert document(given) == ""


def test_pages_that_the_model_has_read_are_told_and_those_that_it_could_not(
    page: Page, gemini: FakeGemini
) -> None:
    page.send("Who won?")
    page.wait_idle()
    read = {"https://one.example/a": "SUCCESS", "https://two.example/b": "PAYWALL"}
    talk(page, gemini, "What do they say?", "Little.", PagesRead(read))
    for _ in range(2):
        expect(page.tab.locator("#conversation ol").last.locator("li")).to_have_text(
            [
                "https://one.example/a",
                "https://two.example/b (not read, as it has to be paid for)",
            ],
            timeout=ACTION_TIMEOUT,
        )
        page.reload()
