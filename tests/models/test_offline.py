"""The offline model, through the real Runner: it uses real tools, and never pretends."""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Literal

import pytest
from google.adk.agents import Agent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.events import Event
from google.adk.tools import BaseTool, ToolContext
from google.genai import types

from agent.agent import EXAMPLES, TOOLS
from agent.chat.conversation import Conversation
from agent.core.continuing import CONTINUE
from agent.core.transcript import Text, Thought, ToolCall, Transcript, answer
from agent.models.credentials import has_credentials
from agent.models.offline import (
    LONG_THOUGHT,
    MARKDOWN,
    WHAT_I_AM,
    OfflineModel,
    model_or_offline,
)
from agent.models.offline_texts import HELP
from tests.support.app_setup import conversation, loaded, notices, say, until

CREDENTIALS = (
    *("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    *("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"),
)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)


def offline(*tools: Callable[..., Any], **agent: Any) -> Conversation:
    """A conversation with the offline model, and with the tools of the agent on show."""
    model = OfflineModel(delay=0)
    return conversation(model, agent={"name": "guide", "tools": tools or TOOLS, **agent})


async def all_said(what: Conversation, *messages: str) -> list[Transcript]:
    return [await say(what, message) for message in messages]


async def ask(*messages: str, what: Conversation | None = None) -> Transcript:
    """The answer to the last of these messages, told to an agent that has introduced itself."""
    return (await all_said(what or offline(), "/help", *messages))[-1]


def calls(transcript: Transcript) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.name, entry.args) for entry in transcript if isinstance(entry, ToolCall)]


def thoughts(transcript: Transcript) -> list[str]:
    return [entry.text for entry in transcript if isinstance(entry, Thought)]


# It says what it is


@pytest.mark.parametrize("message", ["Hi", "/help", "12*7", "/call nothing", EXAMPLES[0]])
async def test_the_first_answer_alone_says_what_is_talking(message: str) -> None:
    first, second = await all_said(what := offline(), message, "Hi")
    assert answer(first).startswith(WHAT_I_AM)
    assert "offline model" not in answer(second)
    assert answer(first).count("offline model") == 1
    assert not notices(await say(what, "Hi"))


async def test_it_does_not_pretend_to_understand() -> None:
    transcript = await ask("Explain quantum computing in simple terms")
    assert answer(transcript) == (
        "You said: `Explain quantum computing in simple terms`. I do not understand that, and "
        "will not pretend to. Say `/help` to see what I can do."
    )
    assert calls(transcript) == []


async def test_a_very_long_message_is_repeated_only_in_part() -> None:
    assert len(answer(await ask("word " * 10_000))) < 400


# Its commands


async def test_help_lists_the_commands() -> None:
    said = answer(await ask("/help"))
    assert said == answer(await ask("What can you help me with?"))
    assert said == (
        f"{HELP}\nAnd so do plain words, such as `what time is it in Tokyo?`, `12*7`, "
        "`stream figures`, `draw chart 3, 5, 8`, `roll dice`, `what did I ask before?`.\n\n"
        "A tool that needs your approval asks you before it runs."
    )


def find_order(number: str) -> str:
    """Look up an order."""
    return f"{number} comes on Friday."


def paint(colour: Literal["red", "blue"]) -> str:
    """Paint it."""
    return f"It is {colour}."


def send_home(order: int, street: str) -> str:
    """Send an order."""
    return f"{order} goes to {street}."


async def test_help_names_what_this_agent_can_do_and_that_is_answered() -> None:
    what = offline(find_order, paint, send_home)
    said = answer(await say(what, "/help"))
    assert "such as `find order for …`, `paint red`, `what did I ask before?`.\n" in said
    answers = [answer(await say(what, question)) for question in ("find order for 17", "paint red")]
    assert ["17 comes" in answers[0], "It is red" in answers[1]] == [True, True]
    bare = answer(await ask("/help", what=offline(tools=[])))
    assert bare == f"{HELP}\nAnd so do plain words, such as `what did I ask before?`."


async def test_tools_lists_the_tools_each_with_its_command() -> None:
    assert answer(await ask("/tools")) == (
        "This agent's tools:\n\n"
        '- `/call get_time {"city": "…"}` Tell the date and time in a city.\n'
        '- `/call calculate {"expression": "…"}` Work out an arithmetic expression.\n'
        "- `/call stream_figures {}` Tell how the earlier answers of this conversation streamed, "
        "as measured by the app.\n"
        '- `/call draw_chart {"numbers": "…"}` Draw a chart of some numbers, which the visitor '
        "then sees.\n"
        "- `/call roll_dice {}` Roll dice. The visitor is asked first, and may decline."
    )


async def test_tools_says_when_there_are_none() -> None:
    assert answer(await ask("/tools", what=offline(tools=[]))) == "This agent has no tools."


async def test_call_calls_a_tool() -> None:
    transcript = await ask('/call calculate {"expression": "1+1"}')
    assert calls(transcript) == [("calculate", {"expression": "1+1"})]
    assert answer(transcript) == (
        "The tool `calculate` answered:\n\n- expression: 1+1\n- result: 2"
    )


@pytest.mark.parametrize("space", [" ", "   ", "\n", "\t"])
async def test_call_takes_any_space_between_its_words(space: str) -> None:
    transcript = await ask(f'/CALL{space}calculate{space}{{"expression": "1+1"}} ')
    assert calls(transcript) == [("calculate", {"expression": "1+1"})]


@pytest.mark.parametrize(
    "given", ["{", "city=Oslo", "[]", "[1]", '["ab"]', '[["city", "Oslo"]]', '""', "7", "null"]
)
async def test_call_explains_arguments_that_are_no_object(given: str) -> None:
    transcript = await ask(f"/call get_time {given}")
    example = '`/call get_time {"city": "…"}`'
    assert answer(transcript) == f"The arguments must be a JSON object, as in {example}."
    assert calls(transcript) == []


async def test_call_explains_arguments_that_are_nested_without_end() -> None:
    assert answer(await ask("/call get_time " + "[" * 100_000)).startswith("The arguments must be")


@pytest.mark.parametrize(
    ("name", "sorry"), [("no_such_tool", "There is no tool `no_such_tool`."), ("", "Which tool?")]
)
async def test_call_of_no_tool_lists_those_that_there_are(name: str, sorry: str) -> None:
    said = answer(await ask(f"/call {name}"))
    assert said.startswith(f"{sorry}\n\nThis agent's tools:\n\n- `/call get_time")


async def test_a_question_that_lacks_something_is_told_how_to_ask_it() -> None:
    said = answer(await ask("Hi", "What time is it?"))
    assert said.endswith('call the tool: `/call get_time {"city": "…"}`')


@pytest.mark.parametrize("words", ["<b>bold</b>", "*a* _b_", "``x`", "1\n  2", "`", "👩\u200d🚀"])
async def test_what_the_visitor_said_is_repeated_as_code(words: str) -> None:
    said = answer(await ask("Hi", f"Well {words}"))
    quoted = said.removeprefix("You said: ").partition(". I do not understand")[0]
    assert quoted.strip("` ") == f"Well {' '.join(words.split())}".strip("` ")
    assert quoted[0] == quoted[-1] == "`"


async def test_think_thinks_longer() -> None:
    transcript = await ask("/think")
    assert [(type(entry), getattr(entry, "text", "")) for entry in transcript] == [
        (Thought, LONG_THOUGHT),
        (Text, "I have thought about it."),
    ]


async def test_long_is_long() -> None:
    said = answer(await ask("/long"))
    assert [f"**Paragraph {n} of 20.**" in said for n in range(22)] == [False, *[True] * 20, False]


async def test_markdown_keeps_its_tabs_and_its_scripts() -> None:
    assert answer(await ask("/markdown")) == MARKDOWN


async def test_fail_keeps_what_it_said_and_then_all_is_well() -> None:
    failed, good = await all_said(offline(), "/fail", "/think")
    assert answer(failed) == WHAT_I_AM + "This answer is going to break off in the mid"
    assert [notice[:43] for notice in notices(failed)] == [
        "This failure is the one you asked for with "
    ]
    assert (answer(good), notices(good)) == ("I have thought about it.", [])


@pytest.mark.parametrize("message", ["/", "/ help", "/nonsense", "//", "/İ"])
async def test_an_unknown_command_is_answered_with_help(message: str) -> None:
    said = answer(await ask(message))
    assert said.startswith("I do not know the command `/")
    assert HELP in said


# Plain questions


async def test_two_cities_are_two_calls_in_parallel() -> None:
    transcript = await ask("What time is it in Tokyo and in New York?")
    assert calls(transcript) == [
        ("get_time", {"city": "Tokyo"}),
        ("get_time", {"city": "New York"}),
    ]
    kinds = [kind for kind, _ in groupby(type(entry) for entry in transcript)]
    assert kinds == [Thought, ToolCall, Text]
    assert "- zone: Asia/Tokyo\n" in answer(transcript)
    assert answer(transcript).endswith("- zone: America/New_York")


@pytest.mark.parametrize(
    ("message", "expression", "result"),
    [
        ("What is 12*7?", "12*7", "84"),
        ("12 * 7", "12 * 7", "84"),
        ("(3 + 4) * 2 please", "(3 + 4) * 2", "14"),
        ("What is 1,000*3?", "1,000*3", "3000"),
        ("5 + 3 − 2", "5 + 3 − 2", "6"),
        ("2^10 = ?", "2^10", "1024"),
        ("6 × 7 ÷ 2", "6 × 7 ÷ 2", "21"),
    ],
)
async def test_a_sum_is_worked_out_whole(message: str, expression: str, result: str) -> None:
    transcript = await ask(message)
    assert calls(transcript) == [("calculate", {"expression": expression})]
    assert answer(transcript).endswith(f"- result: {result}")


@pytest.mark.parametrize(
    "message", [".5*2", "1e3*2", "√16 + 2", "5*3!", "10 + 50% of 80", "x2*3", "1+" * 300 + "1"]
)
async def test_no_part_of_a_sum_is_taken_for_the_whole(message: str) -> None:
    assert calls(await ask(message)) in ([], [("calculate", {"expression": message})])


@pytest.mark.parametrize("end", [",", ", please", ".", "...", "?", " ="])
async def test_what_follows_a_sum_is_no_part_of_it(end: str) -> None:
    assert calls(await ask(f"What is 12*7{end}")) == [("calculate", {"expression": "12*7"})]


@pytest.mark.parametrize("message", ["wait --- what?", "a - b", "version 2", "(*)", "-.-", "..."])
async def test_what_has_no_numbers_to_reckon_with_is_no_sum(message: str) -> None:
    assert calls(await ask(message)) == []


FLOODS = ["1", "1 ", "(", "-", ".", "1+", "in ", "a and", "\t"]


@pytest.mark.parametrize("begin", ["so ", "time in "])
@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_of_characters_is_read_in_one_go(begin: str, flood: str) -> None:
    # A search that looks back at every character would take hours, and run into the time limit.
    assert answer(await ask("Hi", begin + flood * (200_000 // len(flood)) + "!"))


async def test_one_message_calls_no_more_than_a_handful_of_tools() -> None:
    cities = " and ".join(f"city {number}" for number in range(40))
    assert len(calls(await ask(f"time in {cities}"))) <= 10


async def test_it_remembers_what_was_asked_in_this_conversation() -> None:
    assert answer(await ask("Good morning", "What did I ask before?")) == (
        "Before this message you said:\n\n- `/help`\n- `Good morning`"
    )


async def test_it_knows_of_nothing_before_the_first_message() -> None:
    said = await say(offline(), "What did I ask before?")
    assert answer(said) == (
        f"{WHAT_I_AM}This is the first message that I know of in this conversation."
    )


async def test_it_thinks_before_it_answers() -> None:
    assert thoughts(await ask("Good morning")) == [
        "The message says: `Good morning`. I look for a command, for a tool it may mean, or a sum."
    ]


# Any agent's tools


def get_weather(city: str) -> dict[str, str]:
    """Tell the weather."""
    return {"city": city, "weather": "rain"}


def roll_dice() -> int:
    """Roll a dice."""
    return 4


def pick_color(color: Literal["red", "dark blue"]) -> str:
    """Take one."""
    return color


def plot(numbers: list[float]) -> str:
    """Plot numbers."""
    return "plotted"


def roll_sides(sides: int) -> int:
    """Roll a dice of so many sides."""
    return sides // 2


def odd_answer() -> dict[str, Any]:
    """Answer oddly."""
    return {"squares": {(1, 2): 3}}


def broken() -> str:
    """Break."""
    raise KeyError("secret")


@pytest.mark.parametrize(
    ("message", "called"),
    [
        ("How is the weather in Oslo?", [("get_weather", {"city": "Oslo"})]),
        (
            "weather for Rome, Paris and for São Paulo.",
            [("get_weather", {"city": city}) for city in ("Rome", "Paris", "São Paulo")],
        ),
        ("Roll the dice!", [("roll_dice", {})]),
        ("The color dark blue", [("pick_color", {"color": "dark blue"})]),
        ("Is it nice in Oslo?", []),
        ("How is the weather?", []),
        ("12*7", []),
        ("Plot -1, 2.5 and 30.", [("plot", {"numbers": [-1.0, 2.5, 30.0]})]),
        ("Plot x2 and v1.5.3", []),
        ("1, 2, 3", []),
    ],
)
async def test_it_calls_any_agents_tools(message: str, called: list[tuple[str, Any]]) -> None:
    assert (
        calls(await ask(message, what=offline(get_weather, roll_dice, pick_color, plot))) == called
    )


class DeclaredBySchema(BaseTool):
    """A tool that declares its parameters in the other of Gemini's two forms."""

    def _get_declaration(self) -> types.FunctionDeclaration:
        city = types.Schema(type=types.Type.STRING)
        schema = types.Schema(type=types.Type.OBJECT, properties={"city": city}, required=["city"])
        return types.FunctionDeclaration(name=self.name, parameters=schema)

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> Any:
        return {"told": args["city"]}


async def test_it_calls_a_tool_that_is_declared_by_a_schema() -> None:
    what = offline(tools=[DeclaredBySchema(name="get_weather", description="Tell the weather.")])
    assert calls(await ask("weather in Oslo", what=what)) == [("get_weather", {"city": "Oslo"})]


async def test_a_tools_answer_is_repeated_as_it_is() -> None:
    transcript = await ask("weather in Oslo", what=offline(get_weather))
    assert answer(transcript) == (
        "The tool `get_weather` answered:\n\n- city: Oslo\n- weather: rain"
    )


async def test_a_tool_is_never_called_with_an_argument_of_the_wrong_type() -> None:
    assert notices(await ask("roll sides for 6", what=offline(roll_sides))) == []


async def test_a_tool_may_answer_with_anything() -> None:
    assert notices(await ask("/call odd_answer", what=offline(odd_answer))) == []


async def test_a_tool_that_breaks_is_told_in_plain_words() -> None:
    transcript = await ask("/call broken", what=offline(broken))
    assert notices(transcript) == []
    assert answer(transcript).startswith("The tool `broken` answered:\n\n- error: ")


# Several agents


def two_agents() -> Conversation:
    cook = Agent(name="cook", description="Cooks.", model=OfflineModel(delay=0), tools=TOOLS)
    return offline(sub_agents=[cook])


async def test_it_hands_over_to_a_sub_agent_by_its_name() -> None:
    transcript = await ask("Let me talk to the cook", what=two_agents())
    assert calls(transcript) == [("transfer_to_agent", {"agent_name": "cook"})]
    (text,) = [entry for entry in transcript if isinstance(entry, Text)]
    assert text.source[0] == "cook"
    assert text.text.startswith("You said: `Let me talk to the cook`.")


async def test_the_sub_agent_remembers_what_was_said_before_it_came() -> None:
    transcript = await ask("cook", "What did I say before?", what=two_agents())
    assert answer(transcript) == "Before this message you said:\n\n- `/help`\n- `cook`"


async def test_the_sub_agent_hands_back_when_its_parent_is_named() -> None:
    transcript = await ask("cook", "Back to the guide", what=two_agents())
    assert calls(transcript) == [("transfer_to_agent", {"agent_name": "guide"})]


async def test_a_message_that_names_both_agents_does_not_go_round_in_circles() -> None:
    transcript = await ask("Who is better, the cook or the guide?", what=two_agents())
    assert notices(transcript) == []


# Streaming


async def events(message: str, mode: StreamingMode) -> list[Event]:
    """What ADK makes of one answer to `message`, in this streaming mode."""
    runner = loaded(OfflineModel(delay=0), tools=TOOLS).runner
    await runner.session_service.create_session(app_name="test", user_id="u", session_id="s")
    return [
        event
        async for event in runner.run_async(
            user_id="u",
            session_id="s",
            new_message=types.UserContent(message),
            run_config=RunConfig(streaming_mode=mode),
        )
    ]


def spoken(*events: Event) -> list[tuple[bool, str]]:
    """Thoughts and texts, with neighbours of a kind joined."""
    parts = [part for event in events for part in (event.content and event.content.parts) or []]
    said = [(bool(part.thought), part.text) for part in parts if part.text]
    return [
        (kind, "".join(text for _, text in run)) for kind, run in groupby(said, key=lambda p: p[0])
    ]


MESSAGES = ("Hi", "/help", "/think", "/long", "/markdown", "/tools", "/nonsense", "  \n a \t ")


@pytest.mark.parametrize("message", MESSAGES)
async def test_the_partials_together_are_the_whole(message: str) -> None:
    *partials, whole = await events(message, StreamingMode.SSE)
    assert all(event.partial for event in partials)
    assert not whole.partial
    assert spoken(*partials) == spoken(whole)


@pytest.mark.parametrize("message", MESSAGES)
async def test_without_streaming_it_says_the_same_at_once(message: str) -> None:
    (only,) = await events(message, StreamingMode.NONE)
    assert spoken(only) == spoken((await events(message, StreamingMode.SSE))[-1])


async def test_it_streams_in_chunks_as_small_as_words() -> None:
    *partials, _ = await events("/long", StreamingMode.SSE)
    assert max(len(text.split()) for event in partials for _, text in spoken(event)) == 1
    assert len(partials) > 500


@pytest.mark.parametrize("mode", [StreamingMode.SSE, StreamingMode.NONE])
async def test_it_reports_usage_with_every_whole(mode: StreamingMode) -> None:
    wholes = [e for e in await events("12*7", mode) if e.author != "user" and not e.partial]
    model_wholes = [e for e in wholes if not e.get_function_responses()]
    usages = [event.usage_metadata for event in model_wholes]
    assert len(usages) == 2
    assert all(u and u.prompt_token_count and u.total_token_count for u in usages)


# Any message at all


@pytest.mark.parametrize(
    "message",
    [
        *("/\u00a0", "/\u2028x", "\u200b", "\u202eabc", "👩‍🚀 🏳️‍🌈", "\ud83d", "/\ud83d", "a\0b"),
        *("/call \0", "/call get_time \ud83d", "time in \ud83d", "time in ?", "time in , and ."),
        *("{city}", "{", "}{", "%s %d", "\\", "<script>", "İıſ", "For context:", "x" * 100_000),
        *("\r\n\r\n.", "١+١", "1/0", "((((1+1", "9^9^9^9", "`" * 50, "time for for in in"),
    ],
)
async def test_no_message_is_too_odd_for_it(message: str) -> None:
    transcript = await ask(message)
    assert notices(transcript) == []
    assert answer(transcript)


@pytest.mark.parametrize("message", ["", " ", "\t\n", "\0", "\u3000"])
async def test_a_message_of_nothing_is_never_put_to_it(message: str) -> None:
    assert notices(await ask(message)) == ["Please type a message first."]


# When it takes another model's place


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"GOOGLE_API_KEY": ""},
        {"GOOGLE_GENAI_USE_ENTERPRISE": "0"},
        {"GOOGLE_GENAI_USE_VERTEXAI": "false"},
    ],
    ids=str,
)
def test_a_gemini_without_credentials_becomes_the_offline_model(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert not has_credentials()
    assert isinstance(model_or_offline("gemini-3.5-flash"), OfflineModel)
    assert isinstance(model_or_offline(), OfflineModel)
    assert isinstance(model_or_offline(""), OfflineModel)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GOOGLE_API_KEY", "k"),
        ("GEMINI_API_KEY", "k"),
        ("GOOGLE_GENAI_USE_ENTERPRISE", "1"),
        ("GOOGLE_GENAI_USE_VERTEXAI", "true"),
    ],
)
def test_with_credentials_a_model_stays_what_it_is(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert has_credentials()
    assert model_or_offline("gemini-2.5-pro") == "gemini-2.5-pro"
    assert model_or_offline() == model_or_offline("") == "gemini-3.5-flash"


@pytest.mark.parametrize("name", ["offline", "no-such-model"])
def test_a_model_that_needs_no_key_stays_what_it_is(name: str) -> None:
    assert model_or_offline(name) == name


def test_it_is_known_to_any_agent_by_its_name() -> None:
    assert isinstance(Agent(name="a", model="offline").canonical_model, OfflineModel)


# It goes on


async def test_an_answer_that_was_stopped_goes_on_where_it_was_as_often_as_it_is_stopped() -> None:
    what = conversation(OfflineModel(delay=0.001), agent={"name": "guide"})
    parts = []
    stopped_at = (("/long", "Paragraph 1 of"), (CONTINUE, "Paragraph 3 of"), (CONTINUE, ""))
    for message, words in stopped_at:
        turn = what.ask(message)
        if words:
            await until(turn, words)
            turn.stop()
        parts.append(answer(await turn.finish()))
    whole = answer((await all_said(offline(), "/long"))[0])
    assert "".join(parts) == whole
    assert answer(await say(what, CONTINUE)).startswith("I have nothing more to say to that.")
