"""What agents say to other agents, where the host does not mean it for visitors."""

import pytest

from agent.chat.conversation import Conversation
from agent.chat.loader import load
from agent.core.settings import Settings
from agent.core.transcript import Text, Thought, answer
from agent.render.messages import to_messages
from tests.support.agent_folder import Write
from tests.support.app_setup import say
from tests.support.fake_gemini import FakeGemini, Think

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")

PIPELINE = """
    from google.adk.agents import Agent, SequentialAgent

    model = "gemini-3.5-flash"
    writer = Agent(name="writer", model=model)
    critic = Agent(name="critic", model=model)
    editor = Agent(name="editor", model=model)
    root_agent = SequentialAgent(name="office", sub_agents=[writer, critic, editor])
"""

INNER = '    INNER = ["writer", "critic"]\n'


@pytest.fixture(autouse=True)
def key(gemini: FakeGemini) -> None:
    """Each agent says something; the critic thinks before."""
    gemini.enqueue("A ", "draft.")
    gemini.enqueue(Think("Hm."), "Too ", "long.")
    gemini.enqueue("The ", "text.")


def talk_with(folder: Write, source: str) -> Conversation:
    return Conversation(load(folder({"agent.py": source})).runner, Settings())


async def test_it_is_told_as_thoughts_are_live_and_after_a_reload(
    folder: Write, gemini: FakeGemini
) -> None:
    talk = talk_with(folder, PIPELINE + INNER)
    turn = talk.ask("Write something")
    words = set()
    async for transcript in turn.watch():
        words |= {entry.text for entry in transcript if isinstance(entry, Text)}
    [stored] = await talk.history()
    for transcript in (turn.transcript, stored.transcript):
        assert answer(transcript) == "The text."
        assert [
            (message["metadata"]["title"], message["content"]["text"])
            for message in to_messages(transcript)
            if message.get("metadata", {}).get("title") != "editor answers"
            and "metadata" in message
        ] == [("writer wrote", "A draft."), ("Thought", "Hm."), ("critic wrote", "Too long.")]
    assert "The text." in words
    assert not any("draft" in text or "long" in text for text in words)


async def test_the_agents_after_it_are_told_it_all_the_same(
    folder: Write, gemini: FakeGemini
) -> None:
    await say(talk_with(folder, PIPELINE + INNER), "Write something")
    told = str(gemini.requests[-1].conversation)
    assert all(words in told for words in ("[writer] said:", "A draft.", "Too long."))


async def test_without_the_list_each_agent_speaks_to_the_visitor(
    folder: Write, gemini: FakeGemini
) -> None:
    transcript = await say(talk_with(folder, PIPELINE), "Write something")
    assert [entry.text for entry in transcript if isinstance(entry, Text)] == [
        *("A draft.", "Too long.", "The text."),
    ]
    assert [entry.is_inner for entry in transcript if isinstance(entry, Thought)] == [False]


async def test_a_name_that_no_agent_has_is_told_at_the_start(
    folder: Write, gemini: FakeGemini, caplog: pytest.LogCaptureFixture
) -> None:
    talk = talk_with(folder, PIPELINE + "    INNER = 'criticus'\n")
    assert (
        "INNER names criticus, and no agent with a model is called so. Those are: writer, critic, "
        "editor."
    ) in caplog.text
    assert answer(await say(talk, "Write something")).endswith("The text.")
