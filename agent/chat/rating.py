"""A visitor rates an answer, or gives a chat as an example: what of it may be kept, and with what
it is kept.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from google.adk.events import Event
from google.adk.sessions import Session

from agent.chat.agent_tree import version_of
from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.chat.versions import app_version
from agent.core.adk_internals import SESSION_METADATA
from agent.core.feedback import (
    ANSWER,
    CHAT,
    GOOD,
    MAX_BEFORE,
    REASONS,
    Finding,
    Opinion,
    can_be_rated,
    frozen_copy,
    frozen_turns,
    parse_opinion,
)
from agent.core.history import TurnRecord
from agent.core.notices import PlainError
from agent.core.secrets import is_secret
from agent.core.text import from_json, to_json
from agent.render.foot import foot_of
from agent.stores.first_state import PREFIXES

# How the names of state begin that is no part of a test: what this app itself keeps; what a session
# begins without; and what other chats have left, which a visitor who rates an answer does not show.
LEFT_OUT = ("adk_chat_page_", SESSION_METADATA, *PREFIXES)

# Characters of the state, as JSON, that a finding keeps; none of it, where there is more.
MAX_STATE = 50_000


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
        record = next((record for record in conversation.turns if record.id == turn_id), None)
        if record is None or not can_be_rated(record.id, record.transcript):
            raise PlainError("not_rated")
        finding = await finding_about(registry, conversation, record, opinion)
        # What the host has written to it stays.
        expectation = kept.expectation if kept else None
        await registry.feedback.keep(replace(finding, expectation=expectation))
    return opinion


async def keep_example(registry: Registry, conversation: Conversation) -> None:
    """Keep a chat as it is now, as an example of how it should go.

    Raises:
        PlainError: for what cannot be kept, with a sentence for the visitor.
    """
    address = registry.limits.address_of(conversation.user_id)
    await registry.limits.admit_rating(conversation.user_id, address)
    await conversation.refresh()
    last = conversation.turns[-1] if conversation.turns else None
    if conversation.is_running or last is None or not can_be_rated(last.id, last.transcript):
        raise PlainError("not_kept_as_example")
    finding = await finding_about(registry, conversation, last, Opinion(GOOD), CHAT)
    await registry.feedback.keep(finding)


async def take_back_example(registry: Registry, conversation: Conversation) -> None:
    """Have a chat be no example any more."""
    await registry.feedback.withdraw(conversation.user_id, conversation.session_id, CHAT)


def reasons(registry: Registry) -> tuple[str, ...]:
    """Why an answer of this agent's is bad, to be chosen from."""
    return registry.loaded.reasons or REASONS


async def finding_about(
    registry: Registry,
    conversation: Conversation,
    record: TurnRecord,
    opinion: Opinion,
    kind: str = ANSWER,
) -> Finding:
    """An opinion with a copy of what it is about: that turn, and of others above it what a test
    needs."""
    settings = registry.settings.model_copy(update={"show_figures": True})
    session = await conversation.session()
    replied = _replied(session.events if session else ())
    above = conversation.turns[: conversation.turns.index(record)]
    frozen = frozen_copy(record, replied)
    if len(above) > MAX_BEFORE:
        above, frozen["why_not"] = [], "long"
    return Finding(
        user_id=conversation.user_id,
        session_id=conversation.session_id,
        opinion=opinion,
        at=time.time(),
        figures=foot_of(record, settings),
        agent=registry.agent_name,
        agent_version=version_of(registry.loaded.runner.agent),
        app_version=app_version(),
        before=frozen_turns(above, replied, is_whole=kind == CHAT),
        state=_first_state(session, registry) if session else {},
        kind=kind,
        **frozen,
    )


def _replied(events: Iterable[Event]) -> set[str]:
    """The invocations that went on with what somebody answered to a call."""
    users = (event for event in events if event.author == "user")
    return {event.invocation_id for event in users if event.get_function_responses()}


def _first_state(session: Session, registry: Registry) -> dict[str, Any]:
    """The state that a chat began with, as far as that is known: what no event has changed, and
    what the owner has given. Without secrets, and what is this app's own."""
    given = getattr(registry.loaded.runner.session_service, "first_state", {})
    changed = {name for event in session.events for name in event.actions.state_delta}
    own = {
        name: value
        for name, value in session.state.items()
        if name not in changed and not name.startswith(LEFT_OUT) and value is not None
    }
    state = {**own, **given}
    kept = {name: value for name, value in state.items() if not is_secret(name, value)}
    text = to_json(kept)
    return dict(from_json(text)) if len(text) <= MAX_STATE else {}
