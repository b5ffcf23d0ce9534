"""What people say first to the offline model is answered; and a handover is not made again and
again by the agent that has taken over."""

from typing import Any

import pytest
from google.adk.agents import Agent

from agent.chat.conversation import Conversation
from agent.core.transcript import Text, ToolCall, Transcript, answer
from agent.models.offline import WHAT_I_AM, OfflineModel
from agent.models.offline_talk import WHAT_TO_SAY
from agent.models.offline_texts import HELP
from tests.support.app_setup import conversation, notices, say


def offline(**agent: Any) -> Conversation:
    return conversation(OfflineModel(delay=0), agent=agent)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("hi", "Hello!"),
        ("Hello there", "Hello!"),
        ("hey!", "Hello!"),
        ("Good evening", "Hello!"),
        ("who are you?", "A program that stands in for an AI."),
        ("What are you", "A program that stands in for an AI."),
        ("hello, what is your name?", "A program that stands in for an AI."),
        ("Are you an AI?", "A program that stands in for an AI."),
        ("Who am I talking to?", "A program that stands in for an AI."),
        ("Hi, how are you?", "I am a program and feel nothing, but I work."),
        ("thanks!", "You are welcome."),
        ("Bye", "Goodbye!"),
    ],
)
async def test_small_talk_is_answered(message: str, said: str) -> None:
    transcript = await say(offline(), message)
    assert answer(transcript) == f"{WHAT_I_AM}{said} {WHAT_TO_SAY}"


async def test_asked_later_it_says_again_what_it_is() -> None:
    await say(what := offline(), "hi")
    assert answer(await say(what, "Who are you?")) == f"{WHAT_I_AM.strip()} {WHAT_TO_SAY}"


@pytest.mark.parametrize("message", ["What can you do?", "what can you help me with", "Help!"])
async def test_asked_what_it_can_do_it_lists_that(message: str) -> None:
    assert answer(await say(offline(), message)).startswith(WHAT_I_AM + HELP)


@pytest.mark.parametrize(
    "message",
    ["Hidden Markov models", "Which planet is largest?", "Byzantium", "Explain thankfulness"],
)
async def test_what_only_begins_like_small_talk_is_none(message: str) -> None:
    assert "I do not understand that" in answer(await say(offline(), message))


# Handing over


def calls(transcript: Transcript) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.name, entry.args) for entry in transcript if isinstance(entry, ToolCall)]


def two_agents() -> Conversation:
    cook = Agent(name="cook", description="Cooks.", model=OfflineModel(delay=0))
    return offline(name="guide", sub_agents=[cook])


async def test_the_handover_that_is_listed_works_as_it_is() -> None:
    await say(what := two_agents(), "/tools")
    listed = answer(await say(what, "/tools"))
    command = '/call transfer_to_agent {"agent_name": "cook"}'
    assert f"- `{command}` " in listed
    transcript = await say(what, command)
    assert calls(transcript) == [("transfer_to_agent", {"agent_name": "cook"})]
    (text,) = [entry for entry in transcript if isinstance(entry, Text)]
    assert text.source[0] == "cook"
    assert "has taken over" in text.text
    assert notices(transcript) == []


async def test_the_agent_that_has_taken_over_obeys_further_commands() -> None:
    what = two_agents()
    await say(what, '/call transfer_to_agent {"agent_name": "cook"}')
    assert answer(await say(what, "/think")) == "I have thought about it."
    back = await say(what, '/call transfer_to_agent {"agent_name": "guide"}')
    assert calls(back) == [("transfer_to_agent", {"agent_name": "guide"})]
    assert notices(back) == []


async def test_a_handover_to_nobody_ends() -> None:
    transcript = await say(two_agents(), '/call transfer_to_agent {"agent_name": "nobody"}')
    assert len(calls(transcript)) == 1
