"""A visitor rates an answer: what of it may be kept, and with what it is kept."""

import time
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from agent.chat.agent_tree import version_of
from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.core.feedback import REASONS, Finding, Opinion, can_be_rated, frozen_copy, parse_opinion
from agent.core.history import TurnRecord
from agent.core.notices import PlainError
from agent.render.foot import foot_of

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


async def rate(
    registry: Registry, conversation: Conversation, given: Mapping[str, Any], address: str | None
) -> Opinion:
    """Keep what a visitor says of an answer in a conversation of that visitor's, or take it back.

    Args:
        registry: Of the agent that has answered.
        conversation: Whose turn it is.
        given: What the browser sends: the `turn`, its `rating`, and what is written to it.
        address: The visitor's network address, for the limits.

    Returns:
        What is stored now.

    Raises:
        PlainError: for what cannot be rated or stored, with a sentence for the visitor.
    """
    await registry.limits.admit_rating(conversation.user_id, address)
    await conversation.refresh()
    whose = conversation.user_id, conversation.session_id
    turn_id = given.get("turn")
    kept = (await registry.feedback.of_chat(*whose)).get(str(turn_id))
    before = kept.opinion if kept else Opinion("")
    opinion = parse_opinion(given, before, reasons(registry))
    if not opinion.rating:
        await registry.feedback.withdraw(*whose, str(turn_id))
    elif opinion != before:
        turn = next((turn for turn in conversation.turns if turn.id == turn_id), None)
        if turn is None or not can_be_rated(turn.id, turn.transcript):
            raise PlainError("not_rated")
        await registry.feedback.keep(_finding(registry, conversation, turn, opinion))
    return opinion


def reasons(registry: Registry) -> tuple[str, ...]:
    """Why an answer of this agent's is bad, to be chosen from."""
    return registry.loaded.reasons or REASONS


def _finding(
    registry: Registry, conversation: Conversation, turn: TurnRecord, opinion: Opinion
) -> Finding:
    settings = registry.settings.model_copy(update={"show_figures": True})
    return Finding(
        user_id=conversation.user_id,
        session_id=conversation.session_id,
        opinion=opinion,
        at=time.time(),
        figures=foot_of(turn, settings),
        agent=registry.agent_name,
        agent_version=version_of(registry.loaded.runner.agent),
        app_version=app_version(),
        **frozen_copy(turn),
    )


@cache
def app_version() -> str:
    """This app's version; "" where the file that has it was left out."""
    with suppress(OSError, tomllib.TOMLDecodeError, KeyError):
        return str(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    return ""
