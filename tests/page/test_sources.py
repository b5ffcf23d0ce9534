"""The sources of an answer, as Gemini names them: on the page, and in copies."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor
from tests.support.fake_gemini import FakeGemini, Grounded
from tests.support.grounded import ANSWER, FACTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(), request_retries=0) as url:
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
