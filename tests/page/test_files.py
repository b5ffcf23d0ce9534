"""Files that an agent makes, on the page: seen, read and saved."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.app_setup import GEMINI, launched, loaded_root
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor
from tests.support.fake_gemini import Call, FakeGemini, Image
from tests.support.file_agents import CSV, PNG, agent

pytestmark = pytest.mark.slow

# Whether all pictures of the conversation have been fetched and drawn.
DRAWN = """() => [...document.querySelectorAll('#conversation .message img')].every(
    picture => picture.complete && picture.naturalWidth > 0)"""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded_root(agent(GEMINI)), request_retries=0) as url:
        yield url


@pytest.fixture
def page(url: str, visitor: Visitor) -> Page:
    return visitor().open(url)


def paint(page: Page, gemini: FakeGemini, subject: str) -> None:
    gemini.enqueue(Call("paint", {"subject": subject}, "call-1"))
    gemini.enqueue("There it is.")
    page.send("Paint it")
    page.wait_idle()


def test_a_picture_and_a_table_that_a_tool_saved_are_seen_and_can_be_saved(
    page: Page, gemini: FakeGemini
) -> None:
    paint(page, gemini, "my cat")
    for _ in range(2):
        picture = page.seen.get_by_alt_text("my cat.png")
        expect(picture).to_be_visible(timeout=ACTION_TIMEOUT)
        page.tab.wait_for_function(DRAWN)
        cells = page.tab.locator("#conversation td, #conversation th")
        expect(cells).to_have_text(
            ["colour", "share", "red", "1", "<b>blue</b>", "2"], timeout=ACTION_TIMEOUT
        )
        assert page.copy_answer() == "There it is."
        page.reload()
    for name, content in (("my cat.png", PNG), ("colours.csv", CSV.encode())):
        link = page.tab.get_by_role("link", name=f"Save {name}")
        response = page.tab.request.get(str(link.evaluate("link => link.href")))
        assert response.body() == content
        assert name.rpartition(" ")[2] in response.headers["content-disposition"]


def test_after_delete_nobody_finds_the_file_any_more(page: Page, gemini: FakeGemini) -> None:
    paint(page, gemini, "gone")
    link = page.tab.get_by_role("link", name="Save gone.png")
    address = str(link.evaluate("link => link.href"))
    assert page.tab.request.get(address).ok
    page.open_side_bar()
    page.delete()
    page.shows()
    assert page.tab.request.get(address).status == 404


def test_bare_samples_of_a_speech_model_can_be_played(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Image("audio/L16;codec=pcm;rate=24000", bytes(4_800)))
    page.send("Say something")
    page.tab.wait_for_function(
        "() => document.querySelector('#conversation audio')?.duration === 0.1"
    )


def test_who_reads_a_shared_chat_sees_its_files(
    page: Page, gemini: FakeGemini, visitor: Visitor
) -> None:
    paint(page, gemini, "cat")
    page.open_side_bar()
    reader = visitor().come(page.share())
    assert reader.tab.evaluate("document.querySelector('img').naturalWidth") == 24
    with reader.tab.expect_download() as saved:
        reader.tab.get_by_role("link", name="Save colours.csv").click()
    assert saved.value.suggested_filename == "colours.csv"
    assert Path(saved.value.path()).read_text() == CSV
