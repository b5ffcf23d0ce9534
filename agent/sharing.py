"""Read-only links to conversations, which can be withdrawn.

A link is an ADK session of a user of its own. It says which turns of whose conversation may be
read, and holds nothing of them: what is taken back or deleted is gone from the link too, and what
is said later was never in it. So links are where the conversations are: they outlast a restart,
and are the same for all replicas.

A link's token has two halves. The first is made of the conversation's ids, which it does not tell:
so there is one link at most, and it can be found for whoever knows those. The second is random, and
new after each withdrawal.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from google.adk.events import Event, EventActions
from google.adk.runners import Runner
from google.adk.sessions import Session

OWNER = "shared"
"""The ADK user that links belong to. No visitor is called so."""

LINK = "adk_chat_page_link"
"""Under which name the link's state holds what may be read."""

HALVES = re.compile(r"([0-9a-f]{32})([\w-]{22})", re.ASCII)
"""128 random bits each."""


@dataclass(frozen=True)
class Shared:
    """What whoever has the link may read."""

    user_id: str
    session_id: str
    title: str
    turns: Sequence[str]
    """By their invocations."""


async def share(runner: Runner, shared: Shared) -> str:
    """The token by which this can be read from now on: the same, as long as it is not withdrawn."""
    link = await _link(runner, shared.user_id, shared.session_id)
    secret = link.state[LINK]["secret"] if link else secrets.token_urlsafe(16)
    state = {LINK: {**asdict(shared), "secret": secret}}
    await _store(runner, shared, link, state)
    return _first_half(shared.user_id, shared.session_id) + str(secret)


async def token(runner: Runner, user_id: str, session_id: str) -> str | None:
    """The conversation's, if it is shared."""
    link = await _link(runner, user_id, session_id)
    return _first_half(user_id, session_id) + link.state[LINK]["secret"] if link else None


async def withdraw(runner: Runner, user_id: str, session_id: str) -> None:
    """Nobody can read the conversation by a link any more."""
    if link := await _link(runner, user_id, session_id):
        await runner.session_service.delete_session(**_key(runner, link.id))


async def find(runner: Runner, token: str) -> Shared | None:
    """What the token opens."""
    halves = HALVES.fullmatch(token)
    link = await runner.session_service.get_session(**_key(runner, halves[1])) if halves else None
    if not (halves and link):
        return None
    known = dict(link.state[LINK])
    return Shared(**known) if secrets.compare_digest(known.pop("secret"), halves[2]) else None


async def _store(runner: Runner, shared: Shared, link: Session | None, state: Any) -> None:
    store = runner.session_service
    if link:
        event = Event(author=OWNER, actions=EventActions(state_delta=state))
        await store.append_event(link, event)
    else:
        key = _key(runner, _first_half(shared.user_id, shared.session_id))
        await store.create_session(**key, state=state)


async def _link(runner: Runner, user_id: str, session_id: str) -> Session | None:
    return await runner.session_service.get_session(
        **_key(runner, _first_half(user_id, session_id))
    )


def _key(runner: Runner, link: str) -> dict[str, str]:
    return {"app_name": runner.app_name, "user_id": OWNER, "session_id": link}


def _first_half(user_id: str, session_id: str) -> str:
    """Both ids are random, so that nobody finds them out by trying."""
    return hashlib.sha256(f"link to {user_id} {session_id}".encode()).hexdigest()[:32]
