"""The offline model where an agent must answer in a form of its own, uses a part of Gemini as a
tool, or is made while another one runs: it says what it is wherever that can be said."""

import datetime
import json
import re
import uuid
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from google.adk.agents import Agent, BaseAgent
from google.adk.apps import App
from google.adk.code_executors import BuiltInCodeExecutor
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import google_search, url_context
from google.adk.tools.google_maps_grounding_tool import google_maps_grounding
from google.genai import types
from pydantic import (
    AnyUrl,
    AwareDatetime,
    BaseModel,
    Field,
    StringConstraints,
    TypeAdapter,
    field_validator,
)

from agent.chat.conversation import Conversation
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import Thought, ToolCall, Transcript, answer
from agent.limits.budget import Budget
from agent.models.offline import IN_A_FORM, OFFLINE_NAME, WHAT_I_AM, OfflineModel
from agent.models.offline_schema import LABEL, NoStandIn, as_json_schema, sample
from tests.support.app_setup import GEMINI, conversation, notices, say

CREDENTIALS = (
    *("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    *("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"),
)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)


def offline(**agent: Any) -> Conversation:
    return conversation(OfflineModel(delay=0), agent=agent)


# Forms


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    text: str
    parent: "Line | None" = None


class Form(BaseModel):
    name: str
    code: Annotated[str, StringConstraints(min_length=30, max_length=40)]
    short: Annotated[str, StringConstraints(max_length=3)]
    plate: Annotated[str, StringConstraints(pattern=r"^[A-Z]+$")]
    share: float = Field(gt=0, lt=1)
    stars: int = Field(ge=1, le=5)
    below: int = Field(lt=-3)
    step: int = Field(multiple_of=7, gt=10)
    price: Decimal
    kind: Literal["question", "statement"]
    colour: Colour
    on: bool
    since: AwareDatetime
    day: datetime.date
    took: datetime.timedelta
    mail: Annotated[str, Field(json_schema_extra={"format": "email"})]
    page: AnyUrl
    id: uuid.UUID
    lines: list[Line] = Field(min_length=2)
    tags: list[str]
    pair: tuple[int, str]
    prices: dict[str, float]
    either: int | str
    nothing: str | None
    line: Line
    left_out: str = "as the owner has it"


FORMS: list[Any] = [
    Form,
    Line,
    list[Form],
    list[str],
    dict[str, int],
    Annotated[list[int], Field(min_length=3)],
    int,
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_there_is_a_value_of_every_form(form: Any) -> None:
    adapter = TypeAdapter(form)
    adapter.validate_json(json.dumps(sample(adapter.json_schema())))


def test_a_text_says_what_it_is_and_all_else_is_as_empty_as_it_may_be() -> None:
    value = sample(Form.model_json_schema())
    assert value["name"] == value["line"]["text"] == LABEL
    assert LABEL in value["code"]
    assert (value["on"], value["nothing"], value["tags"], value["prices"]) == (False, None, [], {})
    assert "left_out" not in value


def test_geminis_own_way_to_write_a_schema_is_read_too() -> None:
    schema = types.Schema(
        type=types.Type.OBJECT,
        properties={
            "title": types.Schema(type=types.Type.STRING),
            "count": types.Schema(type=types.Type.INTEGER, minimum=2),
            "tags": types.Schema(
                type=types.Type.ARRAY, min_items=1, items=types.Schema(type=types.Type.STRING)
            ),
            "maybe": types.Schema(type=types.Type.STRING, nullable=True),
        },
        required=["title", "count", "tags", "maybe"],
    )
    expected = {"title": LABEL, "count": 2, "tags": [LABEL], "maybe": None}
    assert sample(as_json_schema(schema)) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": r"^[0-9]{9}-[a-f]{4}$"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "required": ["a"], "properties": {
            "a": {"$ref": "#/$defs/A"}}}}},
    ],
    ids=["a pattern", "itself"],
)  # fmt: skip
def test_where_no_value_can_be_found_that_is_told(schema: dict[str, Any]) -> None:
    with pytest.raises(NoStandIn):
        sample(schema)


class Ticket(BaseModel):
    title: str
    severity: int


TICKET = {"title": LABEL, "severity": 0}


def told(transcript: Transcript) -> list[str]:
    return [entry.text for entry in transcript if isinstance(entry, Thought)]


@pytest.mark.parametrize("message", ["The printer burns", "Hi", "/help", "/tools"])
async def test_an_answer_in_a_form_has_it_and_a_thought_says_what_it_is(message: str) -> None:
    transcript = await say(offline(output_schema=Ticket, output_key="ticket"), message)
    assert json.loads(answer(transcript)) == TICKET
    assert told(transcript) == [IN_A_FORM]
    assert notices(transcript) == []


async def test_with_tools_beside_the_form_both_are_used() -> None:
    def get_weather(city: str) -> str:
        """Tell the weather."""
        return f"Sun in {city}"

    what = offline(output_schema=Ticket, tools=[get_weather])
    transcript = await say(what, "How is the weather in Oslo?")
    calls = [entry.name for entry in transcript if isinstance(entry, ToolCall)]
    assert calls == ["get_weather", "set_model_response"]
    assert json.loads(answer(transcript)) == TICKET
    assert notices(transcript) == []


async def test_the_tool_for_the_form_is_not_offered_to_visitors() -> None:
    def get_weather(city: str) -> str:
        """Tell the weather."""
        return f"Sun in {city}"

    what = offline(output_schema=Ticket, tools=[get_weather])
    transcript = await say(what, "Set the model response")
    calls = [entry.args for entry in transcript if isinstance(entry, ToolCall)]
    assert calls == [TICKET]


class Odd(BaseModel):
    code: str

    @field_validator("code")
    @classmethod
    def _has_a_digit(cls, value: str) -> str:
        if not re.search("[5-9]", value):
            raise ValueError("no digit")
        return value


@pytest.mark.parametrize("tools", [[], [lambda: "x"]], ids=["alone", "beside tools"])
async def test_a_form_without_a_value_is_told_in_a_sentence(tools: list[Any]) -> None:
    if tools:

        def look() -> str:
            """Look."""
            return "x"

        tools = [look]
    transcript = await say(offline(output_schema=Odd, tools=tools), "Hi")
    assert notices(transcript) == [SENTENCES["no_stand_in"]]


# Parts of Gemini


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ({"tools": [google_search]}, "google_search"),
        ({"tools": [url_context]}, "url_context"),
        ({"tools": [google_maps_grounding]}, "google_maps"),
        ({"code_executor": BuiltInCodeExecutor()}, "code_execution"),
    ],
)
async def test_a_tool_that_is_a_part_of_gemini_is_told_as_that(
    agent: dict[str, Any], name: str
) -> None:
    what = offline(**agent)
    listed = answer(await say(what, "/tools"))
    assert f"- `{name}`: a part of Gemini, which I cannot use" in listed
    asked = await say(what, f"Please use {name.replace('_', ' ')} now")
    assert answer(asked).startswith(f"`{name}` is a part of Gemini, which I cannot use: ")
    assert answer(await say(what, f"/call {name} {{}}")).startswith(f"`{name}` is a part of")
    assert notices(asked) == []


async def test_so_it_is_where_the_offline_model_was_chosen_by_name() -> None:
    what = conversation("offline", agent={"tools": [google_search]})
    assert "google_search" in answer(await say(what, "/tools"))


def test_adk_takes_the_offline_model_for_a_gemini() -> None:
    assert OfflineModel().model == OfflineModel(model="offline").model == OFFLINE_NAME


# Agents that nobody could find


def inner(**more: Any) -> Agent:
    return Agent(name="inner", model=GEMINI, **more)


class Host(BaseAgent):
    """Makes an agent each time that it runs."""

    async def _run_async_impl(self, ctx: Any) -> Any:
        async for event in inner().run_async(ctx):
            yield event


class Holder(BaseAgent):
    """Holds agents in ways that are its own."""

    helpers: Any = None

    async def _run_async_impl(self, ctx: Any) -> Any:
        async for event in self.helpers["all"][0].run_async(ctx):
            yield event


@pytest.mark.parametrize(
    "root", [Host(name="host"), Holder(name="holder", helpers={"all": [inner()]})], ids=type
)
async def test_an_agent_that_is_made_or_held_by_another_goes_offline_too(root: BaseAgent) -> None:
    app = App(name="test", root_agent=root, plugins=[Budget(0)])
    runner = Runner(app=app, session_service=InMemorySessionService())
    transcript = await say(Conversation(runner, Settings()), "/think")
    assert answer(transcript) == f"{WHAT_I_AM}I have thought about it."
    assert notices(transcript) == []
