"""A page that plays a recording, in real Chromium: it says so, and answers as it was, or not."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from agent.agent import EXAMPLES
from agent.chat.recordings import Tape
from agent.core.settings import Settings
from agent.models.recording import Recorder
from agent.page.header import describe
from tests.support.app_process import App
from tests.support.app_setup import loaded
from tests.support.browser import ACTION_TIMEOUT, Visitor
from tests.support.fake_gemini import Call, FakeGemini, Pause, Think
from tests.support.terminal import ran

pytestmark = pytest.mark.slow

HELLO, SUM = EXAMPLES[0], EXAMPLES[2]


def test_a_page_that_is_recorded_says_so(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "demo.jsonl")
    told = describe(replace(loaded(), tape=Tape(recorder)), Settings())
    assert "**This page is being recorded**" in told
    assert "recorded" not in describe(loaded(), Settings())


def test_a_visitor_of_a_replay_sees_that_it_is_one(
    gemini: FakeGemini, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "demo.jsonl"
    gemini.always("Yes.")
    gemini.reply_to(HELLO, Think("Hm. "), "Hello, ", Pause(0.6), "I ", Pause(0.6), "help.")
    gemini.reply_to(SUM, Call("calculate", {"expression": "12*7"}))
    gemini.reply_to("response calculate", "It is 84.")
    assert ran("record", "--to", str(file)).code == 0
    asked = len(gemini.requests)

    app = App(
        REPLAY=str(file),
        SESSION_DB="memory://",
        GOOGLE_API_KEY="",
        GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:9",
    )
    try:
        assert f"no AI is asked. {file} answers, a recording of gemini" in "".join(app.said)
        page = visitor().open(app.url)
        expect(page.tab.locator(".about")).to_contain_text(
            "These answers are a recording of gemini"
        )
        page.click_example(HELLO)
        page.wait_idle()
        expect(page.seen.get_by_text("Hello, I help.")).to_be_visible()
        expect(page.seen.get_by_text("This answer is a recording of gemini")).to_be_visible()
        page.seen.get_by_text("How the last answer came").click()
        panel = page.tab.locator(".stream-answer")
        expect(panel.locator("dt").first).to_be_visible(timeout=ACTION_TIMEOUT)
        names, values = (panel.locator(tag).all_inner_texts() for tag in ("dt", "dd"))
        figures = dict(zip(names, values, strict=True))
        assert (figures["Chunks of text"], figures["Characters"]) == ("3", "14")
        assert float(figures["Longest gap between chunks"].removesuffix(" s")) > 0.4

        page.send("Tell me a joke")
        page.wait_idle()
        expect(page.seen.get_by_text("What it has here: “Explain quantum").first).to_be_visible()
        page.begin_anew()
        page.send(SUM)
        page.wait_idle()
        expect(page.seen.get_by_text("It is 84.")).to_be_visible()
        assert len(gemini.requests) == asked
        page.tab.context.close()
    finally:
        app.end()
