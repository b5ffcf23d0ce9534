"""The panel of settings, in real Chromium: what is chosen there reaches the model from the next
message on, and stays in that window; a visitor's own key stays in that page."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from agent.chat.loader import load
from agent.core.notices import SENTENCES
from agent.core.settings import CHOICES, Settings
from agent.models.offline import OfflineModel
from agent.page.settings_panel import NOTHING, OFFLINE, UNTIL_THEN, offered
from tests.support.app_setup import GEMINI, launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Visitor, talk
from tests.support.chat_page import open_settings
from tests.support.fake_gemini import FakeGemini, Status
from tests.support.scripted_model import scripted

PRO = "gemini-3.1-pro-preview"

KEY = "AQ.sentinel-key-of-a-visitor"

HOSTS = "test-key-of-nobody"

INSTRUCTION = "Be brief.\nBe kind."

ALL: dict[str, Any] = {"visitor_settings": " ".join(CHOICES), "models": PRO, "visitor_keys": True}

# Where a page could keep something.
KEPT = "JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    what = loaded(instruction=INSTRUCTION)
    with launched(what, max_output_tokens=500, show_figures=True, request_retries=0, **ALL) as url:
        yield url


def sent(gemini: FakeGemini) -> dict[str, Any]:
    """How the latest request asks for its answer."""
    request = gemini.requests[-1]
    config = request.body.get("generationConfig", {})
    return {"model": request.model, "key": request.key, "streaming": request.streaming} | {
        name: config[name] for name in ("temperature", "thinkingConfig") if name in config
    }


AS_IT_IS = {"model": GEMINI, "key": HOSTS, "streaming": True}

CHOSEN = {
    "model": PRO,
    "key": HOSTS,
    "streaming": False,
    "temperature": 0.5,
    "thinkingConfig": {"thinking_level": "LOW"},
}


def choose_all(panel: Locator) -> None:
    panel.get_by_label("Model", exact=True).select_option(PRO)
    panel.get_by_label("Temperature").fill("0.5")
    panel.get_by_label("How much the model thinks").select_option("little")
    panel.get_by_label("Show answers as they are written").uncheck()


@pytest.mark.slow
def test_what_is_chosen_holds_from_the_next_message_on_and_in_this_window_alone(
    url: str, visitor: Visitor, gemini: FakeGemini
) -> None:
    page = visitor().open(url)
    talk(page, gemini, "Hi", "Hello.")
    panel = open_settings(page)
    choose_all(panel)
    talk(page, gemini, "And?", "More.")
    assert [sent(gemini), gemini.requests[0].model] == [CHOSEN, GEMINI]
    foot = page.texts()[-1][1]
    assert foot.endswith(f"{PRO} · temperature 0.5 · thinking: little")
    # Another window of the same visitor's is as it was, and a reload changes nothing.
    other = page.another()
    expect(other.box).to_be_editable(timeout=ACTION_TIMEOUT)
    talk(other, gemini, "Here?", "Here.")
    assert sent(gemini) == AS_IT_IS
    page.reload()
    expect(page.tab.locator(".settings-panel > summary")).to_contain_text("changed")
    page.wait_idle()
    assert foot in [words for _, words in page.texts()]
    gemini.enqueue("There.")
    page.retry()
    page.wait_idle()
    assert sent(gemini) == CHOSEN
    # What is tried again is answered by today's settings.
    panel = open_settings(page)
    expect(panel.get_by_label("Temperature")).to_have_value("0.5")
    expect(panel.get_by_label("Model", exact=True)).to_have_value(PRO)
    page.press("All as the agent has it")
    expect(panel.get_by_label("Temperature")).to_have_value("")
    expect(panel.get_by_label("Show answers as they are written")).to_be_checked()
    gemini.enqueue("Again.")
    page.retry()
    page.wait_idle()
    assert sent(gemini) == AS_IT_IS


@pytest.mark.slow
def test_what_cannot_be_is_said_and_the_rest_is_within_the_hosts_bounds(
    url: str, visitor: Visitor, gemini: FakeGemini
) -> None:
    page = visitor().open(url)
    panel = open_settings(page)
    limit = panel.get_by_label("Length limit, in tokens")
    limit.fill("501")
    expect(limit).to_have_attribute("aria-invalid", "true")
    expect(panel).to_contain_text("This is no number that can be used here")
    talk(page, gemini, "Hi", "Hello.")
    assert "maxOutputTokens" not in gemini.requests[-1].body.get("generationConfig", {})
    limit.fill("99")
    expect(limit).to_have_attribute("aria-invalid", "false")
    talk(page, gemini, "Hi", "Hello.")
    assert gemini.requests[-1].body["generationConfig"]["maxOutputTokens"] == 99
    panel.get_by_text("What the agent is told to do").click()
    expect(panel.locator("pre")).to_have_text(INSTRUCTION)
    # Whatever a page says, the server's bounds hold.
    page.tab.evaluate('sessionStorage[\'chat settings\'] = \'{"model": "x", "temperature": 9}\'')
    page.reload()
    page.wait_idle()
    talk(page, gemini, "And?", "More.")
    assert sent(gemini) == AS_IT_IS


@pytest.mark.slow
def test_a_visitors_own_key_stays_in_the_page_and_is_gone_after_a_reload(
    url: str, visitor: Visitor, gemini: FakeGemini
) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = visitor(**phone).open(url)
    panel = open_settings(page)
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 390
    field = panel.get_by_label("Your own key for Gemini")
    expect(field).to_have_attribute("type", "password")
    field.fill("AIza too short")
    page.press("Use this key")
    expect(panel.get_by_role("status")).to_have_text(SENTENCES["no_key_form"])
    field.fill(f" {KEY} ")
    field.press("Enter")
    expect(panel.get_by_role("status")).to_contain_text("answered on your own key")
    expect(field).to_have_value("")
    talk(page, gemini, "Hi", "Hello.")
    assert sent(gemini) == {**AS_IT_IS, "key": KEY}
    assert page.texts()[-1][1].endswith("on the visitor's own key")
    # So is the same question once more.
    page.seen.get_by_text("How the last answer came").click()
    gemini.enqueue("Hello.")
    page.press("Ask the same with streaming off")
    expect(page.tab.locator(".stream-answer h3")).to_have_count(2, timeout=ACTION_TIMEOUT)
    assert sent(gemini) == {**AS_IT_IS, "key": KEY, "streaming": False}
    # It is not accepted any more: the visitor is told so, and nobody else's is used.
    wrong = Status(400, "INVALID_ARGUMENT", f"{KEY} is not valid.", reason="API_KEY_INVALID")
    talk(page, gemini, "And?", wrong)
    expect(page.seen.get_by_text("Your API key was not accepted").first).to_be_visible()
    assert {request.key for request in gemini.requests} == {KEY}
    page.open_side_bar()
    page.chats.first.wait_for()
    texts = [page.save(kind)[1] for kind in ("Save as Markdown", "Save as a web page")]
    texts += [page.tab.content(), page.tab.evaluate(KEPT)]
    assert [text for text in texts if "sentinel" in text] == []
    page.reload()
    page.wait_idle()
    talk(page, gemini, "Again?", "Again.")
    assert sent(gemini) == AS_IT_IS


AGENT = """
from google.adk.agents import Agent
root_agent = Agent(name="helper", model="gemini-3.5-flash")
"""


@pytest.mark.slow
def test_a_page_without_a_key_of_its_own_has_the_ai_for_those_who_bring_one(
    visitor: Visitor, gemini: FakeGemini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY")
    monkeypatch.setenv("VISITOR_KEYS", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / f"page_without_key_{abs(hash(tmp_path))}"
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    with launched(load(folder, coalesce=True), visitor_keys=True) as url:
        page = visitor().open(url)
        expect(page.seen.get_by_text("With a key of your own")).to_be_visible()
        page.send("/help")
        page.wait_idle()
        panel = open_settings(page)
        expect(panel).to_contain_text(OFFLINE)
        expect(panel).to_contain_text(UNTIL_THEN)
        panel.get_by_label("Your own key for Gemini").fill(KEY)
        page.press("Use this key")
        talk(page, gemini, "Hi", "I am the AI.")
        page.shows(*page.texts()[:-1], ("model", "I am the AI."))
        page.press("Forget the key")
        page.send("/help")
        page.wait_idle()
        assert [request.key for request in gemini.requests] == [KEY]
        page.tab.context.close()


@pytest.mark.slow
def test_a_host_may_let_nothing_be_chosen(visitor: Visitor, gemini: FakeGemini, url: str) -> None:
    with launched(loaded(), visitor_settings="none") as plain:
        page = visitor().open(plain)
        page.tab.evaluate("sessionStorage['chat settings'] = '{\"temperature\": 1}'")
        page.reload()
        page.wait_idle()
        expect(page.tab.locator(".settings-panel")).to_have_count(0)
        talk(page, gemini, "Hi", "Hello.")
        assert sent(gemini) == AS_IT_IS
        page.tab.context.close()


# What is offered


def test_only_what_has_an_effect_is_offered(gemini: FakeGemini) -> None:
    settings = Settings(**{**ALL, "models": f"{PRO} openai/gpt-5"})
    told = offered(loaded(instruction=INSTRUCTION), settings)
    assert list(told["fields"]) == list(CHOICES)
    assert told["fields"]["model"] == {"names": [PRO]}
    assert told["fields"]["instruction"] == {"texts": [("", INSTRUCTION)]}
    assert told["note"] == ""
    assert told["aboutKey"]


def test_of_another_model_than_gemini_there_is_no_thinking_and_no_key() -> None:
    told = offered(loaded(scripted()), Settings(**ALL))
    assert list(told["fields"]) == ["temperature", "max_output_tokens", "streaming", "instruction"]
    assert told["aboutKey"] == ""


def test_of_the_offline_model_it_is_said_what_it_follows() -> None:
    assert offered(loaded(OfflineModel()), Settings())["note"] == OFFLINE
    assert offered(loaded(OfflineModel()), Settings(visitor_settings="streaming"))["note"] == ""


def test_a_panel_in_which_there_is_nothing_says_so() -> None:
    keys_alone = Settings(visitor_settings="none", visitor_keys=True)
    assert offered(loaded(OfflineModel()), keys_alone)["note"] == NOTHING
