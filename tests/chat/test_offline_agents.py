"""Whole agents without a key: every model in them is found, or stood in for when it is called."""

from dataclasses import replace
from typing import Any

import pytest

from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent, load
from agent.core.settings import Settings
from agent.core.transcript import Thought, Transcript, answer, notices
from agent.models.offline import EXAMPLES, IN_A_FORM, WHAT_I_AM
from agent.page.header import describe, examples_for
from tests.support.agent_folder import HELPER, Write
from tests.support.app_setup import say

NODES = {
    "an agent that a node makes": """
        from google.adk import Agent, Workflow
        from google.adk.workflow import node

        @node(rerun_on_resume=True)
        async def ask(ctx, node_input: str):
            agent = Agent(name="inner", model="gemini-2.5-flash", instruction="Help.")
            return await ctx.run_node(agent, node_input)

        root_agent = Workflow(name="outer", edges=[("START", ask)])
    """,
    "an agent that a node names": """
        from google.adk import Agent, Workflow
        from google.adk.workflow import node

        inner = Agent(name="inner", model="gemini-2.5-flash", instruction="Help.")

        @node(rerun_on_resume=True)
        async def ask(ctx, node_input: str):
            return await ctx.run_node(inner, node_input)

        root_agent = Workflow(name="outer", edges=[("START", ask)])
    """,
    "an agent that another one holds": """
        from google.adk.agents import Agent, BaseAgent

        class Holder(BaseAgent):
            helper: Agent

            async def _run_async_impl(self, ctx):
                async for event in self.helper.run_async(ctx):
                    yield event

        inner = Agent(name="inner", model="gemini-2.5-flash", instruction="Help.")
        root_agent = Holder(name="outer", helper=inner)
    """,
}

SORTER = """
    from typing import Literal
    from google.adk import Agent, Event, Workflow
    from pydantic import BaseModel

    class Kind(BaseModel):
        kind: Literal["question", "statement"]

    classify = Agent(
        name="classify", model="gemini-2.5-flash", output_schema=Kind, output_key="kind"
    )

    def tell(node_input: Kind):
        kind = node_input["kind"] if isinstance(node_input, dict) else node_input.kind
        yield Event(message=f"That was a {kind}.")

    root_agent = Workflow(name="sorter", edges=[("START", classify, tell)])
"""


async def asked(loaded: LoadedAgent, message: str) -> Transcript:
    return await say(Conversation(loaded.runner, Settings()), message)


@pytest.mark.parametrize("source", NODES.values(), ids=NODES)
async def test_every_agent_has_a_model_that_answers(source: str, folder: Write) -> None:
    transcript = await asked(load(folder({"agent.py": source})), "/think")
    assert notices(transcript) == []
    assert f"{WHAT_I_AM}I have thought about it." in answer(transcript)


@pytest.mark.parametrize("name", [*NODES][1:])
def test_the_page_says_of_an_agent_that_it_can_find_that_it_is_offline(
    name: str, folder: Write
) -> None:
    loaded = load(folder({"agent.py": NODES[name]}))
    assert (loaded.is_offline, loaded.costs) == (True, False)


def test_an_agent_that_is_not_found_may_cost_something(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    assert load(folder({"agent.py": NODES["an agent that a node makes"]})).costs


async def test_a_node_with_a_form_of_its_own_is_answered_in_that(folder: Write) -> None:
    transcript = await asked(load(folder({"agent.py": SORTER})), "Why?")
    assert notices(transcript) == []
    assert [entry.text for entry in transcript if isinstance(entry, Thought)] == [IN_A_FORM]
    assert answer(transcript).endswith("That was a question.")


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
async def test_a_loop_that_its_agents_end_themselves_comes_to_its_end(folder: Write) -> None:
    loop = """
        from google.adk.agents import Agent, LoopAgent
        from google.adk.tools import exit_loop
        inner = Agent(name="inner", model="gemini-2.5-flash", tools=[exit_loop])
        root_agent = LoopAgent(name="outer", sub_agents=[inner])
    """
    loaded = load(folder({"agent.py": loop}))
    transcript = await say(Conversation(loaded.runner, Settings(turn_timeout=10)), "/think")
    assert notices(transcript) == []
    assert answer(transcript) == f"{WHAT_I_AM}I have thought about it."


# Of other providers

OTHERS = {
    "found at the start": """
        from google.adk.agents import Agent
        root_agent = Agent(name="inner", model="gpt-5")
    """,
    "made by a node": """
        from google.adk import Agent, Workflow
        from google.adk.workflow import node

        @node(rerun_on_resume=True)
        async def ask(ctx, node_input: str):
            return await ctx.run_node(Agent(name="inner", model="gpt-5"), node_input)

        root_agent = Workflow(name="outer", edges=[("START", ask)])
    """,
}


@pytest.mark.parametrize("source", OTHERS.values(), ids=OTHERS)
async def test_without_its_key_the_offline_model_answers(source: str, folder: Write) -> None:
    transcript = await asked(load(folder({"agent.py": source})), "/think")
    assert answer(transcript) == f"{WHAT_I_AM}I have thought about it."


def test_the_host_alone_reads_which_key_is_missing(folder: Write) -> None:
    loaded = load(folder({"agent.py": OTHERS["found at the start"]}))
    said = "Answered by the **built-in offline model**, which is not an AI: no AI is connected."
    how = "To hear from the agent's own AI instead, set `OPENAI_API_KEY` in .env, and start again."
    of_host = f'<div lang="en" dir="ltr">\n\n{how}\n\n</div>'
    assert f"{said}\n\n{of_host}" in describe(loaded, Settings(), for_host=True)
    assert f"{said}\n" in describe(loaded, Settings())
    assert loaded.no_ai.endswith(f"so the built-in offline model answers. {how}")


def test_who_has_chosen_the_offline_model_is_told_nothing(folder: Write) -> None:
    loaded = load(folder({"agent.py": HELPER.replace("gemini-3.5-flash", "offline")}))
    assert (loaded.is_offline, loaded.no_ai) == (True, "")


TWO = """
    from google.adk.agents import Agent
    inner = Agent(name="inner", model="gpt-5", description="Knows.")
    root_agent = Agent(name="outer", model="gemini-3.5-flash", sub_agents=[inner])
"""


def test_where_one_of_two_has_its_key_the_page_says_that(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    loaded = load(folder({"agent.py": TWO}))
    assert ("set `OPENAI_API_KEY`" in loaded.how_to_connect, loaded.costs) == (True, True)
    assert "In part answered by the **built-in" in describe(loaded, Settings())


# Messages to begin with


def examples(source: str, folder: Write) -> tuple[str, ...]:
    return load(folder({"agent.py": HELPER + source})).offline_examples


def test_of_the_owners_examples_those_are_offered_that_are_understood(folder: Write) -> None:
    source = "    EXAMPLES = ['Hello', 'Why is the sky blue?', 'What can you help me with?']\n"
    assert examples(source, folder) == ("Hello", "What can you help me with?", *EXAMPLES)


def test_an_example_for_a_tool_is_understood(folder: Write) -> None:
    source = """
    def get_time(city: str) -> str:
        'Tell the time.'
    root_agent.tools.append(get_time)
    EXAMPLES = ['What time is it in Rome?', 'How is the weather in Rome?']
    """
    assert examples(source, folder) == ("What time is it in Rome?", *EXAMPLES)


def test_the_page_offers_what_suits_the_model_that_answers(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    loaded = load(folder({"agent.py": HELPER + "    EXAMPLES = ['Why is the sky blue?']\n"}))
    own, offline = [["Why is the sky blue?"]], [[example] for example in EXAMPLES]
    assert examples_for(loaded, Settings()) == own
    assert examples_for(loaded, Settings(demo_paused=True)) == offline
    instead = replace(loaded, is_offline=True)
    assert examples_for(instead, Settings()) == offline
    # The host may miss them.
    said = (
        "Those of the agent's `EXAMPLES` that the offline model would not understand are not shown."
    )
    told = [describe(instead, Settings(), for_host=is_host) for is_host in (True, False)]
    assert [said in description for description in told] == [True, False]


@pytest.mark.slow
async def test_each_example_of_the_agent_on_show_is_answered_offline() -> None:
    loaded = load()
    answers: dict[str, Any] = {}
    for example in loaded.offline_examples:
        answers[example] = answer(await asked(loaded, example))
    assert len(answers) >= 6
    assert [e for e, text in answers.items() if "I do not understand" in text] == []
