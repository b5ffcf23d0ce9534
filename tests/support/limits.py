"""Visitors who come up against a limit, and the sentences that they read then."""

from agent.chat.registry import ActiveConversation, Registry
from agent.core.question import Question
from agent.core.transcript import answer
from agent.core.visitor import Visitor
from tests.support.app_setup import notices
from tests.support.scripted_model import ScriptedModel

HERE, THERE = "192.0.2.1", "192.0.2.2"


def willing(times: int = 100) -> ScriptedModel:
    """A model that answers so many times, always the same."""
    return ScriptedModel(scripts=[["Yes."] for _ in range(times)])


async def ask(chat: ActiveConversation, message: str = "Hi", address: str = HERE) -> str:
    """The answer; or, where there is none, what is said in its place."""
    said = await chat.ask(Question(message, visitor=Visitor(address=address))).turn.finish()
    return answer(said) or " ".join(notices(said))


async def ask_as_new(visitors: Registry, address: str = HERE) -> str:
    """The same, by a visitor who has never been here."""
    return await ask(visitors.open(), address=address)


def lot(most: str, wait: str) -> str:
    return (
        f"That was a lot of messages: {most} can be sent here. Please send this one again in "
        f"{wait}."
    )


def full(answers: str) -> str:
    return (
        f"Your network address has {answers} running, and can have no more at once. Please send "
        "this message again as soon as one has ended."
    )


PAUSED = (
    "The owner of this page has paused the AI. In its place the built-in offline model answers, "
    "which is not an AI."
)


def used_up(wait: str) -> str:
    return (
        "Today's budget for the AI is used up. In its place the built-in offline model answers, "
        f"which is not an AI. The AI is back in {wait}."
    )
