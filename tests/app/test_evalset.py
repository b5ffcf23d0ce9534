"""From a thumb down to a failing test: the bad answer fails, that of the mended agent passes."""

from pathlib import Path
from typing import Any

from google.adk.agents import Agent

from tests.support.adk_evals import Results, evaluated
from tests.support.app_setup import GEMINI
from tests.support.fake_gemini import FakeGemini
from tests.support.scripted_model import ScriptedModel, call, scripted, thought
from tests.support.testers import PageTester

PASSES = {"tool_trajectory_avg_score": True, "must_say": True, "must_not_say": True}


def find_order(number: int) -> dict[str, str]:
    """Look up an order."""
    return {"arrives": "Friday" if number == 17 else "never"}


class Orders(PageTester):
    """Who tests an agent that knows of orders."""

    def __init__(self, first_state: dict[str, Any] | None = None, **agent: Any) -> None:
        super().__init__(first_state, tools=[find_order], **agent)

    async def results(
        self, tmp_path: Path, *scripts: tuple[Any, ...], instruction: str = ""
    ) -> Results:
        """What comes of all that was said, where the agent answers so."""
        root = helper(scripted(*scripts), instruction)
        return await evaluated((await self.evalset()).files, tmp_path, root)


def helper(model: ScriptedModel | str, instruction: str = "") -> Agent:
    return Agent(name="helper", model=model, tools=[find_order], instruction=instruction)


async def test_a_bad_answer_fails_and_the_mended_agent_passes(tmp_path: Path) -> None:
    tester = Orders()
    await tester.ask("Hello", "Hi.")
    await tester.ask("When does 17 come?", call("find_order", number=71), "Order 17: on Monday.")
    await tester.rate("down", expected="It arrives on Friday.")
    (found,) = await tester.found()
    await tester.registry.feedback.mark(
        found, expectation={**WANTED, "tools": [{"name": "find_order", "args": {"number": 17}}]}
    )
    again = [("Hi.",), (call("find_order", number=71),), ("Order 17: on Monday.",)]
    (bad,) = (await tester.results(tmp_path, *again)).values()
    assert bad == dict.fromkeys(PASSES, False)
    # Shorter, in other words, and with a thought that has the wrong day.
    mended = [("Hello!",), (call("find_order", number=17),), (thought("Monday?"), "**Friday**!")]
    (good,) = (await tester.results(tmp_path, *mended)).values()
    assert good == PASSES
    # Only thought, and not said.
    silent = [("Hello!",), (call("find_order", number=17),), (thought("Friday."), "Soon.")]
    (wrong,) = (await tester.results(tmp_path, *silent)).values()
    assert wrong == {**PASSES, "must_say": False}


WANTED = {"must_say": ["Friday"], "must_not_say": ["Monday"]}


async def test_without_a_word_of_the_host_the_testers_own_words_are_looked_for(
    tmp_path: Path,
) -> None:
    tester = Orders()
    await tester.ask("When does 17 come?", "Order 17 arrives on Monday.")
    await tester.rate("down", expected="Order 17 arrives on Friday.")
    (wrong_day,) = (await tester.results(tmp_path, ("Order 17 arrives on Tuesday.",))).values()
    assert wrong_day == {**PASSES, "must_say": False}
    (same,) = (await tester.results(tmp_path, ("Order 17 arrives on monday.",))).values()
    assert same == {**PASSES, "must_say": False, "must_not_say": False}
    (short,) = (await tester.results(tmp_path, ("On Friday.",))).values()
    assert short == PASSES


async def test_a_good_answer_is_to_be_come_by_in_the_same_way(tmp_path: Path) -> None:
    tester = Orders()
    await tester.ask("When does 17 come?", call("find_order", number=17), "On Friday.")
    await tester.rate("up", passage="Friday")
    right = (call("find_order", number=17),), ("Friday it is.",)
    (same,) = (await tester.results(tmp_path, *right)).values()
    assert same == PASSES
    (guessed,) = (await tester.results(tmp_path, ("Some day.",))).values()
    assert guessed == {"tool_trajectory_avg_score": False, "must_say": False, "must_not_say": True}


async def test_a_whole_chat_is_kept_as_an_example_of_how_it_should_go(tmp_path: Path) -> None:
    tester = Orders()
    await tester.ask("When does 17 come?", call("find_order", number=17), "On Friday.")
    await tester.ask("And 18?", call("find_order", number=18), "Never.")
    await tester.rate("down", comment="This is about the answer alone.")
    await tester.give_example()
    answers = [("Friday.",), (call("find_order", number=18),), ("Never.",)]
    first = (call("find_order", number=17),)
    whole = (await tester.results(tmp_path, *[first, *answers] * 2)).values()
    assert list(whole) == [PASSES, {**PASSES, "must_not_say": False}]
    one_missing = [("Friday.",), *answers[1:]]
    (kept, _) = (await tester.results(tmp_path, *one_missing, *one_missing)).values()
    assert kept == {**PASSES, "tool_trajectory_avg_score": False}


async def test_the_state_that_a_chat_began_with_goes_with_it(tmp_path: Path) -> None:
    instruction = "You talk to {customer}, who has {plan}."
    tester = Orders({"customer": "Ann", "plan": "gold"}, instruction=instruction)
    await tester.ask("Who am I?", "Bob.")
    await tester.rate("down", expected="Ann")
    model = scripted(("You are Ann.",))
    files = (await tester.evalset()).files
    (result,) = (await evaluated(files, tmp_path, helper(model, instruction))).values()
    assert result == PASSES
    assert "You talk to Ann, who has gold." in str(model.requests[0].config.system_instruction)


async def test_a_model_judges_where_the_host_wants_it(gemini: FakeGemini, tmp_path: Path) -> None:
    tester = Orders()
    await tester.ask("Hello", "Hi.")
    await tester.ask("May I return it?", "No.")
    await tester.rate("down", expected="you can give it back")
    verdict = '{"reasoning": "It says so.", "is_the_agent_response_valid": "%s"}'
    files = (await tester.evalset(judge=GEMINI)).files
    for valid in ("valid", "invalid"):
        gemini.always(verdict % valid)
        model = scripted(("Hi.",), (thought("Refundable."), "It is refundable."))
        (result,) = (await evaluated(files, tmp_path, helper(model))).values()
        assert result == {**PASSES, "same_meaning": valid == "valid"}
    assert len(gemini.requests) == 6
    for asked in gemini.requests:
        said = str(asked.conversation)
        assert "you can give it back" in said
        assert "It is refundable." in said
        assert "Refundable.It" not in said
