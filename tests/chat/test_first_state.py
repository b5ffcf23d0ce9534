"""Values that a conversation's state begins with, and what is told of those that are missing."""

import pytest
from google.adk.tools import ToolContext

from agent.chat.conversation import Conversation
from agent.chat.load_errors import LoadError
from agent.chat.loader import load
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import answer, notices
from tests.support.agent_folder import HELPER, Write
from tests.support.app_setup import say
from tests.support.scripted_model import ScriptedModel, call

INSTRUCTED = HELPER.replace(
    'description="Helps."',
    'description="Helps.", instruction="The customer is {customer_name} on plan {plan}."',
)

STATE = "    STATE = {'customer_name': 'Ann', 'plan': ['gold'], 'user:visits': 0}\n"


def talk(source: str, folder: Write, *scripts: list[object]) -> tuple[Conversation, ScriptedModel]:
    """A conversation with the agent, by a model that says this."""
    runner = load(folder({"agent.py": source})).runner
    model = ScriptedModel(scripts=[list(script) for script in scripts])
    runner.agent.model = model  # type: ignore[attr-defined]
    return Conversation(runner, Settings()), model


def instructions(model: ScriptedModel) -> list[str]:
    return [str(request.config.system_instruction) for request in model.requests]


async def test_an_instruction_has_the_first_values(folder: Write) -> None:
    what, model = talk(INSTRUCTED + STATE, folder, ["Hello."])
    assert answer(await say(what, "Hi")) == "Hello."
    assert "The customer is Ann on plan ['gold']." in instructions(model)[0]


async def test_a_rewind_does_not_take_them_away(folder: Write) -> None:
    what, model = talk(INSTRUCTED + STATE, folder, ["One."], ["Two."], ["Three."])
    await say(what, "first")
    await say(what, "second", kept=1)
    told = await say(what, "again", kept=0)
    assert notices(told) == []
    assert ["The customer is Ann" in text for text in instructions(model)] == [True] * 3


async def test_what_a_tool_sets_is_kept_and_undone_with_its_turn(folder: Write) -> None:
    what, model = talk(INSTRUCTED + STATE, folder, [call("rename")], ["Done."], ["One."], ["Two."])

    def rename(tool_context: ToolContext) -> str:
        """Rename."""
        tool_context.state["customer_name"] = "Bob"
        tool_context.state["plan"].append("silver")
        return "done"

    what.runner.agent.tools = [rename]  # type: ignore[attr-defined]
    await say(what, "Call me Bob")
    await say(what, "Who am I?")
    await say(what, "Who am I?", kept=0)
    names = ["is Bob" if "is Bob" in text else "is Ann" for text in instructions(model)]
    assert names == ["is Ann", "is Bob", "is Bob", "is Ann"]
    assert "plan ['gold']." in instructions(model)[-1]


async def test_a_conversation_of_an_earlier_version_has_them_too(folder: Write) -> None:
    before, _ = talk(INSTRUCTED + STATE, folder, ["Hello."])
    store = before.runner.session_service
    await store.real.create_session(**before.key._asdict())  # type: ignore[attr-defined]
    what = Conversation(before.runner, Settings(), *before.key[1:], is_stored=True)
    assert answer(await say(what, "Hi")) == "Hello."


async def test_a_users_value_is_not_set_back_by_the_next_conversation(folder: Write) -> None:
    what, _ = talk(INSTRUCTED + STATE, folder, [call("count")], ["Done."], ["One."])

    def count(tool_context: ToolContext) -> int:
        """Count."""
        tool_context.state["user:visits"] += 1
        return int(tool_context.state["user:visits"])

    what.runner.agent.tools = [count]  # type: ignore[attr-defined]
    await say(what, "Count me")
    other = Conversation(what.runner, Settings(), user_id=what.user_id)
    await say(other, "Hi")
    session = await other.session()
    assert session
    assert session.state["user:visits"] == 1


async def test_they_are_stored_for_adk_web(folder: Write) -> None:
    what, _ = talk(INSTRUCTED + STATE, folder, ["Hello."])
    await say(what, "Hi")
    stored = await what.runner.session_service.real.get_session(  # type: ignore[attr-defined]
        **what.key._asdict()
    )
    assert stored.state["customer_name"] == "Ann"


@pytest.mark.parametrize("state", ["'Ann'", "[1]", "{1: 2}", "{'a': object()}"])
def test_what_is_no_state_is_told_in_a_sentence(state: str, folder: Write) -> None:
    with pytest.raises(LoadError, match=r"STATE in .* should be a dict"):
        load(folder({"agent.py": HELPER + f"    STATE = {state}\n"}))


# What is missing


async def test_a_visitor_is_told_that_the_owner_has_something_to_do(folder: Write) -> None:
    what, _ = talk(INSTRUCTED, folder, ["Hello."])
    assert notices(await say(what, "Hi")) == [SENTENCES["no_state_value"]]


def told(source: str, folder: Write, caplog: pytest.LogCaptureFixture) -> list[str]:
    load(folder({"agent.py": source}))
    return caplog.messages


def test_a_missing_value_is_told_at_the_start(
    folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    assert told(INSTRUCTED, folder, caplog) == [
        "The agent kind_helper has {customer_name} and {plan} in its instruction, and nothing "
        "seems to give a value for it, so that every message will fail. Give one in agent.py: "
        'STATE = {"customer_name": "…", "plan": "…"}. Or write {customer_name?} if there need '
        "not be one."
    ]


def test_so_it_is_in_a_sub_agent(folder: Write, caplog: pytest.LogCaptureFixture) -> None:
    source = """
        from google.adk.agents import Agent
        inner = Agent(name="inner", model="gemini-3.5-flash", instruction="In {room}.")
        root_agent = Agent(name="outer", model="gemini-3.5-flash", sub_agents=[inner])
    """
    (said,) = told(source, folder, caplog)
    assert said.startswith("The agent inner has {room} in its instruction")


def test_an_agents_own_name_is_no_value_of_its_state(
    folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    (said,) = told(HELPER.replace('"Helps."', '"Helps.", instruction="To {name}."'), folder, caplog)
    assert "{name} in its instruction" in said


QUIET = {
    "given": INSTRUCTED + STATE,
    "optional": INSTRUCTED.replace("name}", "name?}").replace("plan}", "plan?}"),
    "an artifact": HELPER.replace('"Helps."', '"Helps.", instruction="By {artifact.rules.txt}."'),
    "no key": HELPER.replace('"Helps."', '"Helps.", instruction="As {\\"a\\": 1} or {a b}."'),
    "set by a tool": INSTRUCTED + "    KEYS = ['customer_name', \"plan\"]\n",
    "an output_key": """
        from google.adk.agents import Agent, SequentialAgent
        writer = Agent(name="writer", model="gemini-3.5-flash", output_key="draft")
        critic = Agent(name="critic", model="gemini-3.5-flash", instruction="Judge {draft}.")
        root_agent = SequentialAgent(name="both", sub_agents=[writer, critic])
    """,
}


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("source", QUIET.values(), ids=QUIET)
def test_nothing_is_told_where_nothing_is_missing(
    source: str, folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    assert told(source, folder, caplog) == []
