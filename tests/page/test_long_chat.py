"""A page of a long conversation shows the latest turns; all of it is remembered."""

import pytest
from google.adk.models import LlmRequest

import agent.page.page_state
from agent.page.page_state import LATEST, PageState
from tests.support.app_setup import launched, loaded, registry
from tests.support.browser import Visitor
from tests.support.fake_gemini import FakeGemini
from tests.support.scripted_model import ScriptedModel, contents


async def talk(page: PageState, model: ScriptedModel, number: int) -> None:
    """So many turns, on a page that shows each."""
    for turn in range(number):
        model.enqueue(f"answer {turn}")
        await page.ask(f"question {turn}", len(page.screen.turn_ids), "").finish()


async def replayed(page: PageState) -> list[str]:
    """The questions that the page shows then."""
    return [turn.question async for told, _ in page.replay() for turn in told]


def texts(request: LlmRequest) -> list[str]:
    return [text for _, text in contents(request)]


async def test_a_long_conversation_is_shown_from_its_latest_turns_on() -> None:
    model = ScriptedModel()
    page = PageState(registry(model, history_events=1000))
    await talk(page, model, LATEST + 3)
    assert await replayed(page) == [f"question {turn}" for turn in range(3, LATEST + 3)]
    assert page.screen.hidden == 3
    model.enqueue("yes")
    await page.ask("go on", LATEST, "").finish()
    assert len(texts(model.requests[-1])) == 2 * (LATEST + 3) + 1


async def test_what_is_taken_back_on_it_leaves_the_earlier_turns_alone() -> None:
    model = ScriptedModel()
    page = PageState(registry(model, history_events=1000))
    await talk(page, model, LATEST + 2)
    await replayed(page)
    model.enqueue("edited")
    await page.ask("first on the page, edited", 0, "").finish()
    assert texts(model.requests[-1]) == [
        *("question 0", "answer 0", "question 1", "answer 1", "first on the page, edited")
    ]
    assert await replayed(page) == ["question 0", "question 1", "first on the page, edited"]
    assert page.screen.hidden == 0


@pytest.mark.slow
def test_a_page_that_grows_too_long_begins_anew(
    gemini: FakeGemini, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent.page.page_state, "LATEST", 2)
    gemini.always("Yes.")
    with launched(loaded()) as url:
        page = visitor().open(url)
        for turn in range(5):
            page.send(f"question {turn}")
            page.wait_idle()
        latest = [("3 earlier messages and what came of them", ""), ("user", "question 3")]
        latest += [("model", "Yes."), ("user", "question 4"), ("model", "Yes.")]
        page.shows(*latest)
        page.wait_idle()
        page.send("go on")
        page.shows(*latest, ("user", "go on"), ("model", "Yes."))
        page.wait_idle()
    told = [text for role, text in gemini.requests[-1].conversation if role == "user"]
    assert told == [*(f"question {turn}" for turn in range(5)), "go on"]
