"""The conversations that programs have with the agent, by the id that each goes on with."""

import asyncio
import uuid
from dataclasses import dataclass

from google.adk.runners import Runner

from agent.changes import Log
from agent.conversation import Conversation
from agent.settings import Settings


@dataclass
class Visit:
    """One conversation, and the log of its latest turn."""

    id: str
    conversation: Conversation
    log: Log | None = None
    turns: int = 0
    """How many turns were begun: the latest one's number."""

    def ask(self, query: str) -> Log:
        """Begin a turn, and end the one before, which nobody reads any more."""
        if self.log:
            self.log.turn.stop()
        self.log = Log(self.conversation.ask(query))
        self.turns += 1
        return self.log

    @property
    def is_running(self) -> bool:
        """Whether an answer is running."""
        return bool(self.log and not self.log.turn.over)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is running that somebody reads, or is about to."""
        return bool(self.log and self.is_running and not self.log.turn.abandoned)


class Directory:
    """Who knows an id holds its conversation: ids are random, made here, and never guessed."""

    def __init__(self, runner: Runner, settings: Settings) -> None:
        self._runner, self._settings = runner, settings
        self._visits: dict[str, Visit] = {}
        self._clocks: dict[str, asyncio.TimerHandle] = {}

    def open(self) -> Visit:
        """A new conversation."""
        visit = Visit(str(uuid.uuid4()), Conversation(self._runner, self._settings))
        self._visits[visit.id] = visit
        self._wind_clock(visit)
        return visit

    def find(self, id: str) -> Visit | None:
        """The conversation with this id, unless it was idle for too long."""
        if visit := self._visits.get(id):
            self._wind_clock(visit)
        return visit

    def _wind_clock(self, visit: Visit) -> None:
        if clock := self._clocks.get(visit.id):
            clock.cancel()
        self._clocks[visit.id] = asyncio.get_running_loop().call_later(
            self._settings.session_idle, self._forget, visit
        )

    def _forget(self, visit: Visit) -> None:
        if visit.is_running:
            self._wind_clock(visit)
            return
        del self._visits[visit.id], self._clocks[visit.id]
        visit.conversation.forget_soon()
