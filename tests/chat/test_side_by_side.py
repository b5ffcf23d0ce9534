"""One question to two settings at once, by the real client: what each request asks for, how both
come, how both end, and what is kept of what their visitor finds better."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from google.adk.tools import FunctionTool

from agent.chat import conversation
from agent.chat.load_errors import LoadError
from agent.chat.loader import load
from agent.chat.model_options import ModelOptions
from agent.chat.registry import Registry
from agent.chat.side_by_side import SideBySide, asked_of_both
from agent.core.choices import Variant
from agent.core.feedback import MAX_WORDS
from agent.core.notices import SENTENCES, PlainError
from agent.core.settings import Settings
from agent.core.sides import Side, Sides
from agent.core.transcript import answer
from agent.core.visitor import Visitor, visitor_id
from agent.stores.retention import Retention
from tests.support.agent_folder import HELPER, Write
from tests.support.app_setup import GEMINI, UNLIMITED, loaded, notices, registry
from tests.support.fake_gemini import Call, Cut, FakeGemini, Finish, Hang, Request, Step
from tests.support.limits import HERE, lot

ANN = Visitor(visitor_id("11111111-1111-1111-1111-111111111111"), HERE)

PRO = "gemini-3.1-pro-preview"

PLAIN, WARM = Side("helper"), Side("helper", chosen={"temperature": 1.5, "model": PRO})


async def asked(
    there: Registry, sides: Sides = (PLAIN, WARM), visitor: Visitor = ANN, is_blind: bool = False
) -> SideBySide:
    """Both answers, to their end."""
    async with asked_of_both([there, there], "Hi", sides, visitor, is_blind) as both:
        async for _look in both.watch():
            pass
    return both


def told(request: Request) -> dict[str, Any]:
    """How a request asks for its answer."""
    config = request.body.get("generationConfig", {})
    system = request.body.get("systemInstruction", {}).get("parts", [{}])[0].get("text", "")
    about = {"model": request.model, "streaming": request.streaming, "instruction": system}
    return about | {"temperature": config.get("temperature")}


def with_models(**agent: Any) -> Registry:
    """Conversations with an agent whose model may be another."""
    what = loaded(instruction="Be brief.", **agent)
    for plugin in what.runner.plugin_manager.plugins:
        if isinstance(plugin, ModelOptions):
            plugin._named = frozenset({"helper"})
    told = {"instruction": "Be a pirate.", "temperature": 0.5}
    variants = {"Pirate": Variant.model_validate(told)}
    return Registry(replace(what, variants=variants), Settings(**UNLIMITED))


async def sessions(there: Registry) -> set[str]:
    """Whose sessions are stored, once those that are being deleted are gone."""
    await asyncio.gather(*conversation._forgetting)
    stored = await there._runner.session_service.list_sessions(app_name="test")
    return {session.user_id for session in stored.sessions}


async def test_each_side_asks_the_model_for_what_is_set_there(gemini: FakeGemini) -> None:
    there = with_models()
    gemini.enqueue("One.")
    gemini.enqueue("Two.")
    pirate = Side("helper", "Pirate", {"streaming": False})
    both = await asked(there, (WARM, pirate))
    by_model = {request.model: request for request in gemini.requests}
    warm, other = by_model[PRO], by_model[GEMINI]
    assert (told(warm)["temperature"], told(warm)["streaming"]) == (1.5, True)
    assert (told(other)["temperature"], told(other)["streaming"]) == (0.5, False)
    assert "Be brief." in told(warm)["instruction"]
    assert "Be a pirate." in told(other)["instruction"]
    assert "Be brief." not in told(other)["instruction"]
    for turn, request in zip(both.turns, (warm, other), strict=True):
        assert answer(turn.transcript) == "".join(text for _, text, _ in request.sent)
    # Nothing of it is left, and neither was told of the other.
    assert await sessions(there) == set()
    assert [request.conversation for request in gemini.requests] == [[("user", "Hi")]] * 2


async def test_both_are_written_at_the_same_time_and_stop_ends_both(gemini: FakeGemini) -> None:
    there = registry()
    gemini.enqueue("One", Hang())
    gemini.enqueue("Two", Hang())
    async with asked_of_both([there, there], "Hi", (PLAIN, WARM), ANN, False) as both:
        async for _look in both.watch():
            if all(answer(turn.transcript) for turn in both.turns):
                both.stop()
    said = [answer(turn.transcript) for turn in both.turns]
    assert sorted(said) == ["One", "Two"]
    assert [notices(turn.transcript) for turn in both.turns] == [["Stopped."]] * 2
    assert not both.can_choose
    with pytest.raises(PlainError):
        both.choose("first", "", ANN.user_id)


async def test_who_leaves_leaves_both(gemini: FakeGemini) -> None:
    there = registry()
    gemini.enqueue("One", Hang())
    gemini.enqueue("Two", Hang())
    async with asked_of_both([there, there], "Hi", (PLAIN, WARM), ANN, False) as both:
        async for _look in both.watch():
            if all(answer(turn.transcript) for turn in both.turns):
                break
    for turn in both.turns:
        await turn.finish()
    assert await sessions(there) == set()
    for request in gemini.requests:
        assert await asyncio.to_thread(request.left.wait, 10)


async def test_each_answer_counts_as_a_message_of_its_visitor(gemini: FakeGemini) -> None:
    there = registry(visitor_per_minute=1)
    gemini.always("Hello.")
    both = await asked(there)
    refused = [notices(turn.transcript) for turn in both.turns]
    assert sorted(refused) == [[], [lot("1 a minute", "60 seconds")]]
    assert len(gemini.requests) == 1
    assert not both.can_choose


@pytest.mark.parametrize(("ending", "can_choose"), [(Finish("MAX_TOKENS"), True), (Cut(), False)])
async def test_an_answer_that_broke_off_is_none_but_one_of_limited_length_is(
    ending: Step, can_choose: bool, gemini: FakeGemini
) -> None:
    gemini.always("Hello", ending)
    both = await asked(registry(request_retries=0))
    assert both.can_choose is can_choose


async def test_a_side_that_asks_a_person_ends_there_and_is_no_answer(gemini: FakeGemini) -> None:
    def pay() -> str:
        """Pay."""
        raise AssertionError("Nobody has approved it.")

    there = registry(agent={"tools": [FunctionTool(pay, require_confirmation=True)]})
    gemini.enqueue("I ask. ", Call("pay", {}))
    gemini.enqueue("Hello.")
    both = await asked(there)
    assert sorted(turn.is_waiting for turn in both.turns) == [False, True]
    assert not both.can_choose
    assert await sessions(there) == set()


async def test_what_is_found_better_is_kept_with_both_answers(gemini: FakeGemini) -> None:
    there = registry()
    gemini.always("Hello.")
    both = await asked(there)
    await there.preferences.keep(both.choose("second", " It is warmer. ", ANN.user_id))
    (kept,) = await there.preferences.of_visitor(ANN.user_id)
    assert (kept.better, kept.reason, kept.question) == ("second", "It is warmer.", "Hi")
    assert kept.sides == (PLAIN, WARM)
    assert [side.answer for side in kept.answers] == ["Hello."] * 2
    assert kept.answers[0].tokens_read == 7
    assert kept.answers[0].models == (GEMINI,)
    assert not kept.is_blind
    # It is chosen once.
    with pytest.raises(PlainError):
        both.choose("first", "", ANN.user_id)
    await there.forget_visitor(ANN.user_id)
    assert await there.preferences.all() == []


async def test_blind_answers_stand_in_random_order_and_the_choice_is_of_what_stands_there(
    gemini: FakeGemini,
) -> None:
    there = registry()
    gemini.always("Hello.")
    seen = set[str]()
    for _ in range(20):
        both = await asked(there, is_blind=True)
        assert not both.is_told
        kept = both.choose("first", "", ANN.user_id)
        assert both.is_told
        assert kept.better == ("first", "second")[both.order[0]]
        seen.add(kept.better)
    assert seen == {"first", "second"}  # By luck alone once in 500,000 times it is not.


async def test_what_cannot_be_chosen_is_refused_with_a_sentence(gemini: FakeGemini) -> None:
    there = registry()
    gemini.always("Hello.")
    both = await asked(there)
    with pytest.raises(PlainError, match="A field can have 2,000"):
        both.choose("first", "x" * (MAX_WORDS + 1), ANN.user_id)
    for place in ("third", "", "None"):
        with pytest.raises(PlainError, match=SENTENCES["nothing_to_compare"]):
            both.choose(place, "", ANN.user_id)
    assert both.can_choose
    with pytest.raises(PlainError, match="Both settings are the same"):
        await asked(there, (WARM, WARM))


async def test_what_the_offline_model_says_in_place_of_the_ai_says_nothing_of_the_settings() -> (
    None
):
    both = await asked(registry(demo_paused=True))
    assert both.is_over
    assert not both.can_choose


async def test_what_is_kept_is_deleted_when_it_is_old(gemini: FakeGemini) -> None:
    there = registry()
    gemini.always("Hello.")
    both = await asked(there)
    await there.preferences.keep(both.choose("both", "", ANN.user_id))
    await sessions(there)

    async def forget(_session: object) -> None:
        raise AssertionError("There is no conversation.")

    for idle, left in ((3600, 1), (1e-9, 0)):
        settings = Settings(**{**UNLIMITED, "session_idle": idle})
        await Retention(there._runner, settings, forget)._sweep()
        assert len(await there.preferences.all()) == left


def test_variants_are_the_owners(folder: Write) -> None:
    variants = '{"Short": {"instruction": "Be short.", "temperature": 0.2}}'
    what = load(folder({"agent.py": HELPER + f"    VARIANTS = {variants}\n"}))
    assert what.variants["Short"].instruction == "Be short."


@pytest.mark.parametrize(
    "wrong", ['["Short"]', '{"Short": {"tone": "kind"}}', '{"Short": {"temperature": 3}}']
)
def test_what_are_no_variants_is_told_in_a_sentence(wrong: str, folder: Write) -> None:
    with pytest.raises(LoadError, match=r"VARIANTS in .* should be a dict of dicts"):
        load(folder({"agent.py": HELPER + f"    VARIANTS = {wrong}\n"}))


async def test_two_agents_can_stand_side_by_side(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    both = [
        registry(agent={"name": name, "instruction": f"Be {name}."}) for name in ("kind", "odd")
    ]
    sides = Side("kind"), Side("odd")
    async with asked_of_both(both, "Hi", sides, ANN, False) as answers:
        async for _look in answers.watch():
            pass
    told = sorted(
        request.body["systemInstruction"]["parts"][0]["text"] for request in gemini.requests
    )
    assert ["Be kind." in told[0], "Be odd." in told[1]] == [True, True]
    assert answers.can_choose
