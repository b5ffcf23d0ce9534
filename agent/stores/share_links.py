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
class SharedChat:
    """What whoever has the link may read."""

    user_id: str
    session_id: str
    title: str
    turns: Sequence[str]
    """By their invocations."""


class ShareLinks:
    """The links to all conversations of one app.

    Args:
        runner: Whose store it is.
    """

    def __init__(self, runner: Runner) -> None:
        self._store, self._app = runner.session_service, runner.app_name

    async def share(self, shared: SharedChat) -> None:
        """Let this be read from now on: by the same link, if there is one already."""
        link = await self._link(shared.user_id, shared.session_id)
        secret = link.state[LINK]["secret"] if link else secrets.token_urlsafe(16)
        state = {LINK: {**asdict(shared), "secret": secret}}
        if link:
            event = Event(author=OWNER, actions=EventActions(state_delta=state))
            await self._store.append_event(link, event)
        else:
            key = self._key(_first_half(shared.user_id, shared.session_id))
            await self._store.create_session(**key, state=state)

    async def token(self, user_id: str, session_id: str) -> str | None:
        """The conversation's, if it is shared."""
        link = await self._link(user_id, session_id)
        return link.id + link.state[LINK]["secret"] if link else None

    async def withdraw(self, user_id: str, session_id: str) -> None:
        """Nobody can read the conversation by its link any more."""
        if link := await self._link(user_id, session_id):
            await self._store.delete_session(**self._key(link.id))

    async def find(self, token: str) -> SharedChat | None:
        """What the token opens."""
        halves = HALVES.fullmatch(token)
        link = await self._store.get_session(**self._key(halves[1])) if halves else None
        if not (halves and link):
            return None
        known = dict(link.state[LINK])
        return (
            SharedChat(**known) if secrets.compare_digest(known.pop("secret"), halves[2]) else None
        )

    async def _link(self, user_id: str, session_id: str) -> Session | None:
        return await self._store.get_session(**self._key(_first_half(user_id, session_id)))

    def _key(self, link: str) -> dict[str, Any]:
        return {"app_name": self._app, "user_id": OWNER, "session_id": link}


def _first_half(user_id: str, session_id: str) -> str:
    """Both ids are random, so that nobody finds them out by trying."""
    return hashlib.sha256(f"link to {user_id} {session_id}".encode()).hexdigest()[:32]
