"""Findings: what visitors think of answers, kept where the conversations are.

All findings about one conversation are the state of one ADK session, of a user of their own. So
they outlast a restart, are the same for all replicas, and are listed without any conversation being
read; no model is told of them, and what is rewound, summed up or stored in the conversation does
not touch them. They are deleted with it.

What a tester finds of tasks is kept so, too, in one session for each tester: verdicts outlast the
conversations in which the tasks were tried, but not what was said there.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.adk.errors import StaleSessionError
from google.adk.events import Event, EventActions
from google.adk.runners import Runner
from google.adk.sessions import Session
from google.adk.sessions.base_session_service import GetSessionConfig

from agent.core.adk_internals import AlreadyExistsError, SessionNotFoundError
from agent.core.feedback import NO_CHAT, Finding, from_stored, to_stored, without_chat
from agent.stores.fallback import StoreUnavailable

# The ADK user that has the findings as its sessions. It is no visitor's id.
FEEDBACK_USER_ID = "feedback"

# How the keys of findings begin in such a session's state, and under which it names the
# conversation.
FINDING, CHAT = "adk_chat_page_finding ", "adk_chat_page_chat"

# How often something is stored anew where another replica has stored something in between.
TRIES = 5

# The state of such a session.
FindingsState = dict[str, Any]


class Feedback:
    """The findings about all conversations with one agent.

    Args:
        runner: Has the store.
    """

    def __init__(self, runner: Runner) -> None:
        self._store, self._app_name = runner.session_service, runner.app_name

    async def of_chat(self, user_id: str, session_id: str) -> dict[str, Finding]:
        """Those about one conversation, or with `NO_CHAT` those about tasks, by their keys
        (`Finding.key`).

        Raises:
            StoreUnavailable: if they cannot be looked up.
        """
        found = await self._read(user_id, session_id)
        return {finding.key: finding for finding in _findings(found)} if found else {}

    async def keep(self, finding: Finding) -> None:
        """Store a finding, in the place of an earlier one about the same."""
        await self._change(
            finding.user_id,
            finding.place,
            lambda _: {FINDING + finding.key: to_stored(finding)},
        )

    async def withdraw(self, user_id: str, session_id: str, key: str) -> None:
        """Delete the finding of this key, and all that was stored of it on the way."""
        found = await self._read(user_id, session_id)
        if found is None or not found.state.get(FINDING + key):
            return
        others = [finding for finding in _findings(found) if finding.key != key]
        # A session's events keep what its state once was, so it goes as a whole.
        await self._delete(user_id, session_id)
        for other in others:
            await self.keep(other)

    async def mark(self, id: str, **marks: Any) -> None:
        """Store what the host says of the finding of this id: whether it `is_done`, or its
        `expectation`."""
        if finding := await self.find(id):
            key = FINDING + finding.key

            def marked(state: FindingsState) -> FindingsState:
                stored = state.get(key)
                return {key: {**stored, **marks}} if stored else {}

            await self._change(finding.user_id, finding.place, marked)

    async def all(self) -> list[Finding]:
        """Every finding, the newest first; without those in a store that fails."""
        listed = await self._store.list_sessions(app_name=self._app_name, user_id=FEEDBACK_USER_ID)
        found = [finding for session in listed.sessions for finding in _findings(session)]
        return sorted(found, key=lambda finding: finding.at, reverse=True)

    async def find(self, id: str) -> Finding | None:
        """The finding of this id (`finding_id`)."""
        return next((found for found in await self.all() if finding_id(found) == id), None)

    async def forget_chat(self, user_id: str, session_id: str) -> None:
        """Delete the findings about one conversation, and what those about tasks have of it.

        Raises:
            StoreUnavailable: if the store may still have them.
        """
        await self._delete(user_id, session_id)
        about_tasks = (await self.of_chat(user_id, NO_CHAT)).values()
        if any(finding.session_id == session_id for finding in about_tasks):
            await self._delete(user_id, NO_CHAT)  # As a whole: see `withdraw`.
            for finding in about_tasks:
                is_there = finding.session_id != session_id
                await self.keep(finding if is_there else without_chat(finding))

    async def _delete(self, user_id: str, place: str) -> None:
        if await self._read(user_id, place):
            await self._store.delete_session(**self._key(user_id, place))

    async def forget_visitor(self, user_id: str) -> None:
        """Delete a visitor's findings, also about what has been taken back.

        Raises:
            StoreUnavailable: if not all of them are known, or the store may still have some.
        """
        for finding in await self.all():
            if finding.user_id == user_id:
                await self._delete(user_id, finding.place)
        if getattr(self._store, "fails", False):
            raise StoreUnavailable

    async def _change(
        self, user_id: str, session_id: str, change: Callable[[FindingsState], FindingsState]
    ) -> None:
        """Store what `change` makes of the state as it is stored."""
        for tries_left in reversed(range(TRIES)):
            try:
                found = await self._read(user_id, session_id)
                if not (delta := change(found.state if found else {})):
                    return
                if found:
                    event = Event(author=FEEDBACK_USER_ID, actions=EventActions(state_delta=delta))
                    await self._store.append_event(found, event)
                else:
                    chat = {CHAT: {"user_id": user_id, "session_id": session_id}}
                    key = self._key(user_id, session_id)
                    await self._store.create_session(**key, state={**chat, **delta})
                return
            except (StaleSessionError, AlreadyExistsError, SessionNotFoundError):
                if not tries_left:
                    raise

    async def _read(self, user_id: str, session_id: str) -> Session | None:
        without_events = GetSessionConfig(num_recent_events=0)
        key = self._key(user_id, session_id)
        return await self._store.get_session(**key, config=without_events)

    def _key(self, user_id: str, session_id: str) -> dict[str, Any]:
        id = _hash(f"feedback on {user_id} {session_id}")
        return {"app_name": self._app_name, "user_id": FEEDBACK_USER_ID, "session_id": id}


def finding_id(finding: Finding) -> str:
    """By which a finding is asked for: it reveals none of the ids in it."""
    return _hash(f"finding {finding.user_id} {finding.place} {finding.key}")


def expired(stored: Iterable[Session], chats: Iterable[Session], since: float) -> list[Session]:
    """Of the stored sessions those with findings that are older, and about none of these
    conversations: their visitors have taken back all that was said there."""
    known = {(chat.user_id, chat.id) for chat in chats}
    ours = [session for session in stored if session.user_id == FEEDBACK_USER_ID]
    lone = [session for session in ours if _chat_of(session.state) not in known]
    return [s for s in lone if all(finding.at < since for finding in _findings(s))]


def _chat_of(state: Mapping[str, Any]) -> tuple[str, str]:
    """The visitor and the conversation that the findings in this state are about."""
    chat = state.get(CHAT) or {}
    return str(chat.get("user_id")), str(chat.get("session_id"))


def _findings(session: Session) -> list[Finding]:
    state = session.state
    return [from_stored(state[key]) for key in state if key.startswith(FINDING) and state[key]]


def _hash(text: str) -> str:
    """Of random ids, so that nobody finds them by trying out what they hash to."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
