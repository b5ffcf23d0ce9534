"""What of a rated answer, or of a chat that is an example, becomes a test of the agent."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.adk.evaluation.eval_config import EvalConfig
from google.adk.evaluation.local_eval_sets_manager import LocalEvalSetsManager
from google.adk.tools import FunctionTool, LongRunningFunctionTool, ToolContext
from google.genai import types

from agent.chat import rating
from agent.core.feedback import CHAT, MAX_BEFORE
from agent.core.files import File
from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply
from agent.core.question import Question
from agent.render import media
from agent.render.evalset import CRITERIA_FILE, Exported
from tests.support.app_setup import below
from tests.support.file_agents import PNG
from tests.support.scripted_model import call, thought
from tests.support.testers import PageTester
from tests.support.waiting_agents import TICKET, ask_boss


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


def remember(who: str, tool_context: ToolContext) -> dict[str, str]:
    """Remember somebody."""
    tool_context.state["name"] = tool_context.state["met"] = who
    return {"status": "done"}


def cases(exported: Exported) -> list[dict[str, Any]]:
    """The cases of a set, as its file has them."""
    (text,) = (text for name, text in exported.files.items() if name.endswith(".evalset.json"))
    return list(json.loads(text)["eval_cases"])


def outline(case: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Of each turn what is asked, the tools and words that are looked for, and the reference."""

    def text(content: dict[str, Any] | None) -> Any:
        return content and content["parts"][0]["text"]

    return [
        (
            text(turn["userContent"]),
            [tool["name"] for tool in turn.get("intermediateData", {}).get("toolUses", [])],
            [rubric["rubricContent"]["textProperty"] for rubric in turn.get("rubrics", [])],
            text(turn.get("finalResponse")),
        )
        for turn in case["conversation"]
    ]


async def test_adk_reads_the_set_and_its_criteria(tmp_path: Path) -> None:
    tester = PageTester(tools=[look])
    await tester.ask("How is Rome?", call("look", city="Rome"), [thought("Hm."), "Rainy."])
    await tester.rate("up")
    exported = await tester.evalset()
    (tmp_path / "helper").mkdir()
    for name, text in exported.files.items():
        (tmp_path / "helper" / name).write_text(text)
    manager = LocalEvalSetsManager(agents_dir=str(tmp_path))
    assert manager.list_eval_sets("helper") == ["helper_findings"]
    found = manager.get_eval_set("helper", "helper_findings")
    assert found
    (case,) = found.eval_cases
    assert case.eval_id.startswith("how_is_rome_")
    assert case.conversation
    assert case.conversation[0].final_response == types.Content(
        role="model", parts=[types.Part(text="Rainy.")]
    )
    config = EvalConfig.model_validate_json(exported.files[CRITERIA_FILE])
    assert list(config.criteria) == ["tool_trajectory_avg_score", "must_say", "must_not_say"]


async def test_of_the_turns_above_only_the_questions_are_in_it() -> None:
    tester = PageTester(tools=[look])
    await tester.ask("How is Rome?", call("look", city="Rome"), "Rainy.")
    await tester.ask("And Oslo?", "Snow.")
    await tester.ask("And Bonn?", "Wet.")
    await tester.rate("down", 1, expected='"Sun"')
    (case,) = cases(await tester.evalset())
    assert outline(case) == [
        ("How is Rome?", [], [], None),
        ("And Oslo?", [], ["Sun", "Snow."], '"Sun"'),
    ]
    assert {"rating": "bad", "answered": "Snow."}.items() <= case.items()


async def test_turns_that_were_taken_back_are_not_in_it() -> None:
    tester = PageTester()
    await tester.ask("How is Rome?", "Rainy.")
    await tester.ask("Never mind", "Fine.")
    await tester.page.undo()
    await tester.ask("And Oslo?", "Snow.")
    await tester.rate("down", expected="Sun")
    await tester.ask("And Oslo?", "Sun.", kept=1)  # Which takes the answer back that was rated.
    await tester.give_example()
    example, bad = cases(await tester.evalset())
    assert [question for question, *_ in outline(bad)] == ["How is Rome?", "And Oslo?"]
    assert outline(bad)[1][2] == ["Sun", "Snow."]
    assert outline(example) == [
        ("How is Rome?", [], [], "Rainy."),
        ("And Oslo?", [], [], "Sun."),
    ]


async def test_an_example_is_not_the_rating_of_its_last_answer_and_goes_by_itself() -> None:
    tester = PageTester(tools=[look])
    with pytest.raises(PlainError, match="The last answer is not finished"):
        await tester.give_example()
    await tester.ask("How is Rome?", call("look", city="Rome"), "Rainy.")
    await tester.give_example()
    conversation = await tester.page.conversation()
    whose = conversation.user_id, conversation.session_id
    assert list(await tester.registry.feedback.of_chat(*whose)) == [CHAT]
    await tester.rate("down")
    await tester.ask("And Oslo?", "Snow.")
    await tester.give_example()  # Which replaces the earlier one.
    found = (await tester.found()).values()
    assert sorted((finding.kind, finding.question) for finding in found) == [
        ("answer", "How is Rome?"),
        ("chat", "And Oslo?"),
    ]
    example, _ = cases(await tester.evalset())
    assert outline(example)[0] == ("How is Rome?", ["look"], [], "Rainy.")
    await rating.take_back_example(tester.registry, conversation)
    assert [finding.kind for finding in (await tester.found()).values()] == ["answer"]
    await tester.give_example()
    await tester.page.forget_visitor()
    assert await tester.found() == {}


async def test_the_state_is_that_of_the_beginning_and_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "canary-77")
    first = {"customer": "Ann", "name": "nobody", "user:plan": "gold"}
    secret = {"shop_token": "x1", "shopApiKey": "x2", "note": "it is canary-77"}
    tester = PageTester({**first, **secret}, tools=[remember])
    await tester.ask("I am Bob", call("remember", who="Bob"), "Hello, canary-77.")
    await tester.rate("up")
    exported = await tester.evalset()
    (case,) = cases(exported)
    assert case["sessionInput"]["state"] == first
    assert "canary-77" not in repr(exported.files)
    assert tester.page.user_id not in repr(exported.files)


# What a test cannot ask


async def test_a_turn_with_a_file_is_left_out_and_so_are_those_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "FOLDER", tmp_path)
    tester = PageTester()
    tester.model.enqueue("Nice.")
    picture = File("", name="cat.png", kept_as=media.save("image/png", PNG))
    talk = await tester.page.conversation()
    await talk.ask(below(talk, None, "What is this?", files=[picture])).finish()
    tester.page.turn_to(talk.session_id)
    async for _ in tester.page.replay():
        pass
    await tester.rate("up")
    await tester.ask("Sure?", "Yes.")
    await tester.rate("down")
    exported = await tester.evalset()
    assert (exported.included, cases(exported)) == ((), [])
    assert exported.left_out == (
        "“Sure?” (bad): `adk eval` cannot ask question 1 of 2, because it has files.",
        "“What is this?” (good): `adk eval` cannot ask question 1 of 1, because it has files.",
    )
    assert all(line in exported.files["helper_findings.md"] for line in exported.left_out)


async def test_an_answer_below_more_than_a_test_asks_is_left_out() -> None:
    tester = PageTester()
    for number in range(MAX_BEFORE + 2):
        await tester.ask(f"Question {number}", "Fine.")
    await tester.rate("up")
    await tester.rate("up", -2)
    exported = await tester.evalset()
    assert len(exported.included) == 1
    (line,) = exported.left_out
    assert line.endswith("because it stands below more than 50 others.")


async def test_a_turn_in_which_a_person_was_asked_is_left_out() -> None:
    tester = PageTester(tools=[FunctionTool(look, require_confirmation=True)])
    tester.model.enqueue(call("look", city="Rome"))
    talk = await tester.page.conversation()
    asked = await talk.ask(below(talk, None, "Look at Rome")).finish()
    (pause,) = (entry for entry in asked if isinstance(entry, Pause))
    tester.model.enqueue("Sunny.")
    await talk.ask(Question(replies={pause.id: Reply()})).finish()
    await rate_last(tester, talk)
    (line,) = (await tester.evalset()).left_out
    assert line.endswith("cannot ask question 1 of 1, because it asks a person.")


async def test_a_turn_that_a_program_has_gone_on_with_is_left_out() -> None:
    tester = PageTester(tools=[LongRunningFunctionTool(ask_boss)])
    tester.model.enqueue(call("ask_boss", amount=5))
    tester.model.enqueue("I have asked.")
    talk = await tester.page.conversation()
    await talk.ask(below(talk, None, "May I?")).finish()
    tester.model.enqueue("You may.")
    await talk.ask(Question(results={TICKET["call_id"]: {"status": "approved"}})).finish()
    await rate_last(tester, talk)
    (line,) = (await tester.evalset()).left_out
    assert line.endswith("cannot ask question 1 of 1, because it waits for a program.")


async def rate_last(tester: PageTester, talk: Any) -> None:
    given = {"turn": talk.turns[-1].id, "rating": "up"}
    await rating.rate(tester.registry, talk, given, None)
