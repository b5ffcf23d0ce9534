"""What a question asks of the model that answers it."""

from google.adk.agents import Agent
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from agent.core.question import Options, Question
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
