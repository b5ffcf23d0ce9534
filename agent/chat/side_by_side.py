"""One question to two settings at once, each in a session of its own that is forgotten afterwards;
and what its visitor finds better.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from uuid import uuid4

from agent.chat.agent_tree import version_of
from agent.chat.comparison import asked_apart
from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.chat.versions import app_version
from agent.core.errors import MAX_TOKENS
from agent.core.feedback import MAX_ANSWER, MAX_WORDS
from agent.core.history import TurnRecord
from agent.core.notices import PlainError
from agent.core.question import Question
from agent.core.sides import Better, Preference, Side, SideAnswer, Sides
from agent.core.text import clean
from agent.core.transcript import ToolCall, answer
from agent.core.visitor import Visitor

# Seconds between two looks at both answers, while they are written: as often as one can read.
LOOK_INTERVAL = 0.2


class SideBySide:
    """The two answers to one question.

    Args:
        question: What was asked.
        sides: By which settings.
        turns: The turns that answer.
        versions: Those of the agents.
        is_blind: Whether the visitor is not to know which answer is whose, until one is chosen.
    """

    def __init__(
        self,
        question: str,
        sides: Sides,
        turns: Sequence[Turn],
        versions: Sequence[str],
        is_blind: bool,
    ) -> None:
        self.id = str(uuid4())
        self.question, self.sides, self.turns = question, sides, turns
        self.is_blind, self._versions = is_blind, versions
        # Which side stands at which place.
        self.order = random.sample((0, 1), 2) if is_blind else [0, 1]
        # What was chosen; None until then.
        self.better: Better | None = None

    @property
    def is_over(self) -> bool:
        """Whether both answers have ended."""
        return all(turn.over for turn in self.turns)

    @property
    def is_told(self) -> bool:
        """Whether the visitor may know which answer is whose."""
        return not self.is_blind or self.better is not None

    @property
    def can_choose(self) -> bool:
        """Whether there are two whole answers of the agents' own models, and nothing is chosen."""
        return self.is_over and self.better is None and all(map(_is_whole, self.turns))

    def stop(self) -> None:
        """End both answers."""
        for turn in self.turns:
            turn.stop()

    async def watch(self) -> AsyncGenerator[None, None]:
        """Again and again, as the answers grow, until both have ended. Leaving this
        leaves both turns."""
        changed = asyncio.Event()

        async def follow(turn: Turn) -> None:
            async with aclosing(turn.watch()) as transcripts:
                async for _transcript in transcripts:
                    changed.set()

        followers = [asyncio.create_task(follow(turn)) for turn in self.turns]
        try:
            while True:
                is_over = self.is_over
                changed.clear()
                yield
                if is_over:
                    return
                await asyncio.sleep(LOOK_INTERVAL)
                await changed.wait()
        finally:
            for follower in followers:
                follower.cancel()
            await asyncio.gather(*followers, return_exceptions=True)

    def record(self, number: int) -> TurnRecord:
        """One of the turns with what was measured of it."""
        turn = self.turns[number]
        return turn.measured(TurnRecord(turn.id or "", self.question, turn.transcript))

    def choose(self, place: str, reason: str, user_id: str) -> Preference:
        """What the visitor finds better.

        Args:
            place: "first" or "second" by where the answers stand; or "both" or "neither".
            reason: In the visitor's own words.
            user_id: The visitor.

        Raises:
            PlainError: for what cannot be chosen, with a sentence for the visitor.
        """
        reason = clean(reason).strip()
        if len(reason) > MAX_WORDS:
            raise PlainError("feedback_too_long", longest=MAX_WORDS)
        found: dict[str, Better] = {"both": "both", "neither": "neither"}
        names: tuple[Better, Better] = ("first", "second")
        found |= {names[place]: names[number] for place, number in enumerate(self.order)}
        if not self.can_choose or place not in found:
            raise PlainError("nothing_to_compare")
        self.better = found[place]
        return Preference(
            id=self.id,
            user_id=user_id,
            at=time.time(),
            question=clean(self.question),
            sides=self.sides,
            answers=(self._copy(0), self._copy(1)),
            better=self.better,
            is_blind=self.is_blind,
            reason=reason,
            app_version=app_version(),
        )

    def _copy(self, number: int) -> SideAnswer:
        record = self.record(number)
        calls = [entry for entry in record.transcript if isinstance(entry, ToolCall)]
        return SideAnswer(
            answer=clean(answer(record.transcript))[:MAX_ANSWER],
            tools=tuple(clean(call.name) for call in calls),
            models=record.usage.models,
            first_words=record.figures.first_token,
            seconds=record.figures.total,
            tokens_read=record.usage.prompt,
            tokens_written=record.usage.answer,
            agent_version=self._versions[number],
        )


def _is_whole(turn: Turn) -> bool:
    """Whether it is a whole answer, which says something of the settings that it was given by."""
    is_answered = bool(turn.id and answer(turn.transcript).strip()) and not turn.is_waiting
    # How long an answer may be is one of the settings.
    has_ended = turn.failure in (None, MAX_TOKENS)
    return is_answered and has_ended and not turn.spent.is_offline


def _version(registry: Registry, side: Side) -> str:
    version, variant = version_of(registry.loaded.runner.agent), side.variant
    if variant:
        settings = registry.loaded.variants[variant].model_dump_json()
        version += f"-{hashlib.sha256(settings.encode()).hexdigest()[:4]}"
    return version


@asynccontextmanager
async def asked_of_both(
    registries: Sequence[Registry], text: str, sides: Sides, visitor: Visitor, is_blind: bool
) -> AsyncIterator[SideBySide]:
    """The two answers to a question, as long as this lasts.

    Args:
        registries: Where each side is asked; all limits hold, for each answer.
        text: The question.
        sides: The settings.
        visitor: Who asks, for the limits.
        is_blind: Whether the visitor is not to know which answer is whose.

    Raises:
        PlainError: where both are the same.
    """
    if sides[0] == sides[1]:
        raise PlainError("same_sides")
    question = Question(text, visitor=visitor)
    questions = [
        replace(question, options=side.options(registry.loaded.variants))
        for registry, side in zip(registries, sides, strict=True)
    ]
    versions = list(map(_version, registries, sides))
    async with AsyncExitStack() as stack:
        answers = map(asked_apart, registries, questions)
        turns = [await stack.enter_async_context(answer) for answer in answers]
        yield SideBySide(question.text, sides, turns, versions, is_blind)
