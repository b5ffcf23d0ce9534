"""What a question asks of the model that answers it."""

import pytest
from google.adk.agents import Agent
from google.adk.models import Gemini
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from agent.chat.model_options import named_models, warn_of_unfit
from agent.core.question import Options, Question
from agent.models.coalescing import coalescing
from tests.support.app_setup import GEMINI, conversation
from tests.support.fake_gemini import Call, FakeGemini

WARM = Options(temperature=1.5, json_schema={})


async def test_each_question_has_options_of_its_own(gemini: FakeGemini) -> None:
    gemini.always("{}")
    talk = conversation()
    await talk.ask(Question("Hi", options=WARM)).finish()
    await talk.ask("Hi again").finish()
    first, second = [request.body.get("generationConfig", {}) for request in gemini.requests]
    assert (first["temperature"], first["responseMimeType"]) == (1.5, "application/json")
    assert not second.keys() & {"temperature", "responseMimeType"}


async def test_an_agent_that_is_used_as_a_tool_answers_as_it_is(gemini: FakeGemini) -> None:
    helper = Agent(name="helper_of_helper", model=GEMINI, description="Helps.")
    talk = conversation(agent={"tools": [AgentTool(helper)]})
    gemini.enqueue(Call("helper_of_helper", {"request": "Hi"}))
    gemini.enqueue("Hello.")
    gemini.enqueue("{}")
    await talk.ask(Question("Hi", options=WARM)).finish()
    configs = [request.body.get("generationConfig", {}) for request in gemini.requests]
    assert [config.get("temperature") for config in configs] == [1.5, None, 1.5]


async def test_what_the_agent_allows_less_of_it_keeps(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    own = types.GenerateContentConfig(max_output_tokens=10, stop_sequences=["a"])
    talk = conversation(agent={"generate_content_config": own})
    options = Options(max_output_tokens=100, stop=("b", "c", "d", "e", "f"))
    await talk.ask(Question("Hi", options=options)).finish()
    config = gemini.requests[0].body["generationConfig"]
    assert config["maxOutputTokens"] == 10
    assert config["stopSequences"] == ["a", "b", "c", "d", "e"]


async def test_an_agent_that_has_a_form_for_its_answers_keeps_it(gemini: FakeGemini) -> None:
    gemini.always('"Hello."')
    own = types.GenerateContentConfig(response_mime_type="text/x.enum")
    talk = conversation(agent={"generate_content_config": own})
    await talk.ask(Question("Hi", options=WARM)).finish()
    assert gemini.requests[0].body["generationConfig"]["responseMimeType"] == "text/x.enum"


PRO = "gemini-3.1-pro-preview"


async def test_another_model_answers_the_agent_and_those_below_it_for_this_question_alone(
    gemini: FakeGemini,
) -> None:
    below = Agent(name="below", model=GEMINI, description="Knows.")
    talk = conversation(agent={"sub_agents": [below]})
    gemini.enqueue(Call("transfer_to_agent", {"agent_name": "below"}))
    gemini.always("Hello.")
    await talk.ask(Question("Hi", options=Options(model=PRO))).finish()
    await talk.ask("And?").finish()
    assert [request.model for request in gemini.requests] == [PRO, PRO, GEMINI]
    assert [turn.usage.chosen for turn in talk.turns] == [{"model": PRO}, {}]
    assert below.model == GEMINI


@pytest.mark.parametrize("name", ["openai/gpt-5", "nobody's", "offline"])
async def test_a_model_of_another_kind_than_the_agents_does_not_answer(
    gemini: FakeGemini, name: str
) -> None:
    gemini.always("Hello.")
    await conversation().ask(Question("Hi", options=Options(model=name))).finish()
    assert gemini.requests[0].model == GEMINI


async def test_a_model_that_the_owner_has_made_stays(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    talk = conversation(Gemini(model=GEMINI))
    await talk.ask(Question("Hi", options=Options(model=PRO))).finish()
    assert gemini.requests[0].model == GEMINI


def test_which_agents_have_their_models_by_a_name() -> None:
    heir = Agent(name="heir_of_made", description="")
    made = Agent(name="made", model=coalescing(Gemini(model=GEMINI)), sub_agents=[heir])
    heir_of_named = Agent(name="heir_of_named", description="")
    named = Agent(name="named", model=GEMINI, sub_agents=[heir_of_named, made])
    agents = [named, heir_of_named, made, heir, Agent(name="adks")]
    assert named_models(agents) == {"named", "heir_of_named", "adks"}


@pytest.mark.parametrize(
    ("model", "how_much", "told"),
    [
        ("gemini-2.5-flash", "minimal", {"thinking_budget": 0}),
        ("gemini-2.5-pro", "minimal", {"thinking_budget": 128}),
        ("gemini-2.5-pro", "medium", {"thinking_budget": 8192}),
        ("gemini-3.5-flash", "minimal", {"thinking_level": "MINIMAL"}),
        (PRO, "minimal", {"thinking_level": "LOW"}),
        (PRO, "high", {"thinking_level": "HIGH"}),
        ("gemini-2.0-flash", "high", None),
        ("gemini-2.5-flash-image", "high", None),
    ],
)
async def test_a_gemini_is_told_how_much_to_think_in_its_own_terms(
    gemini: FakeGemini, model: str, how_much: str, told: dict[str, str] | None
) -> None:
    gemini.always("Hello.")
    talk = conversation(model)
    await talk.ask(Question("Hi", options=Options(thinking=how_much))).finish()
    config = gemini.requests[0].body.get("generationConfig", {})
    assert config.get("thinkingConfig") == told


async def test_whether_thoughts_are_shown_stays_as_the_agent_has_it(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    own = types.ThinkingConfig(include_thoughts=True, thinking_budget=5)
    config = types.GenerateContentConfig(thinking_config=own)
    talk = conversation("gemini-3.5-flash", {"generate_content_config": config})
    await talk.ask(Question("Hi", options=Options(thinking="low"))).finish()
    told = gemini.requests[0].body["generationConfig"]["thinkingConfig"]
    assert told == {"include_thoughts": True, "thinking_level": "LOW"}


async def test_what_was_chosen_is_stored_with_the_turn(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    options = Options(temperature=0.0, max_output_tokens=99, thinking="low", streaming=False)
    talk = conversation()
    await talk.ask(Question("Hi", options=options)).finish()
    await talk.ask("And?").finish()
    stored = [turn.usage.chosen for turn in await talk.history()]
    assert stored == [{"temperature": 0.0, "max_output_tokens": 99, "thinking": "low"}, {}]


def test_the_host_is_told_of_models_that_no_agent_can_have(
    caplog: pytest.LogCaptureFixture,
) -> None:
    warn_of_unfit([PRO, "openai/gpt-5"], [Agent(name="helper", model=GEMINI)], ())
    assert [record.args for record in caplog.records] == [("openai/gpt-5",)]
