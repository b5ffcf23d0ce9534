"""Read-only links to conversations, which can be revoked.

A link is an ADK session of a user of its own. Its state says which turns of which conversation may
be read, and holds nothing of what was said: what is rewound or deleted is gone from the link too,
and what is said later was never in it. So links are where the conversations are: they outlast a
restart, and are the same for all replicas.

A link's token has two halves. The first is a hash of the conversation's ids, which it does not
reveal: so a conversation has one link at most, which can be found by those ids. The second is
random, and new each time that a revoked link is made again.
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

# The ADK user that has the links as its sessions. It is no visitor's id.
LINK_USER_ID = "shared"

# The key in a link's state under which the fields of `SharedChat` and the secret are.
LINK = "adk_chat_page_link"

# A token's two halves: the link's id, 128 bits of a hash, and the secret, 128 random bits.
TOKEN = re.compile(r"([0-9a-f]{32})([\w-]{22})", re.ASCII)


@dataclass(frozen=True)
class SharedChat:
    """What the holder of a link may read. Its fields are stored by these names."""

    user_id: str
    session_id: str
    title: str
    # By their invocation ids.
    turns: Sequence[str]


class ShareLinks:
    """The links to all conversations of one app.

    Args:
        runner: Has the store.
    """

    def __init__(self, runner: Runner) -> None:
        self._store, self._app_name = runner.session_service, runner.app_name

    async def share(self, shared: SharedChat) -> None:
        """Let this be read from now on: by the same link, if there is one already."""
        link = await self._find_link(shared.user_id, shared.session_id)
        secret = link.state[LINK]["secret"] if link else secrets.token_urlsafe(16)
        state = {LINK: {**asdict(shared), "secret": secret}}
        if link:
            event = Event(author=LINK_USER_ID, actions=EventActions(state_delta=state))
            await self._store.append_event(link, event)
        else:
            key = self._key(_link_id(shared.user_id, shared.session_id))
            await self._store.create_session(**key, state=state)

    async def token(self, user_id: str, session_id: str) -> str | None:
        """The token of the conversation's link; None if it is not shared."""
        link = await self._find_link(user_id, session_id)
        return link.id + link.state[LINK]["secret"] if link else None

    async def revoke(self, user_id: str, session_id: str) -> None:
        """Delete the conversation's link, if there is one."""
        if link := await self._find_link(user_id, session_id):
            await self._store.delete_session(**self._key(link.id))

    async def find(self, token: str) -> SharedChat | None:
        """What the token lets its holder read; None for a wrong or revoked one."""
        halves = TOKEN.fullmatch(token)
        link = await self._store.get_session(**self._key(halves[1])) if halves else None
        if not (halves and link):
            return None
        stored = dict(link.state[LINK])
        is_right = secrets.compare_digest(stored.pop("secret"), halves[2])
        return SharedChat(**stored) if is_right else None

    async def _find_link(self, user_id: str, session_id: str) -> Session | None:
        return await self._store.get_session(**self._key(_link_id(user_id, session_id)))

    def _key(self, link_id: str) -> dict[str, Any]:
        return {"app_name": self._app_name, "user_id": LINK_USER_ID, "session_id": link_id}


def _link_id(user_id: str, session_id: str) -> str:
    """Both ids are random, so that nobody finds them by trying out what they hash to."""
    return hashlib.sha256(f"link to {user_id} {session_id}".encode()).hexdigest()[:32]
