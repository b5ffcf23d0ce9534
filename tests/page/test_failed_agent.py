"""The page of an agent that fails: its host reads why, nothing is answered, and nothing is lost."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from agent.core.notices import SENTENCES
from tests.support.app_process import App
from tests.support.browser import Visitor
from tests.support.chat_page import BEGUN, begun
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

GOOD = """
from google.adk.agents import Agent
root_agent = Agent(name="sky", model="gemini-3.5-flash")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "sky_agent"
    path.mkdir()
    (path / "agent.py").write_text(GOOD)
    return path


@pytest.fixture
def app(folder: Path, gemini: FakeGemini) -> Iterator[App]:
    app = App(str(folder), SESSION_DB="")
    yield app
    app.end()


def test_a_host_reads_why_and_a_question_goes_back_into_the_box(
    folder: Path, app: App, visitor: Visitor, gemini: FakeGemini
) -> None:
    page = visitor().open(app.url)
    begun(page, gemini)
    page.tab.goto("about:blank")  # Of a server that is gone it would complain.
    app.end()
    (folder / "agent.py").write_text(f"{GOOD}raise ValueError('<b>No</b> $$sky$$')\n")
    app.start()
    why = f"The agent in {folder} could not be loaded. <b>No</b> $$sky$$\n\nagent.py, line 4:\n"
    assert why in "".join(app.said)
    assert "Traceback" not in "".join(app.said)
    assert app.said[-1].startswith("Running on ")
    page.open(app.url)
    assert page.tab.title() == "Sky agent"
    expect(page.tab.locator(".about pre")).to_contain_text(why)
    expect(page.tab.locator(".about")).to_contain_text("start the app again")
    page.shows(*BEGUN)
    again: tuple[Callable[[], None], ...] = (
        *(partial(page.send, "And now?"), partial(page.edit, 0, "And now?"), page.retry),
    )
    for ask in again:
        ask()
        expect(page.tab.get_by_test_id("toast-body")).to_contain_text(SENTENCES["being_mended"])
        page.wait_idle()
        page.shows(*BEGUN)
        page.tab.get_by_test_id("toast-close").click()
    expect(page.box).to_have_value("Hi")
    assert len(gemini.requests) == 1
