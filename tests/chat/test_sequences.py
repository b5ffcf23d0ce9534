"""Whatever a visitor does in whatever order: what the model is told next is what the page shows."""

import asyncio
import random
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from google.adk.apps.app import EventsCompactionConfig
from google.adk.events import Event, EventActions
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.sessions import BaseSessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types
from pydantic import Field

from agent.chat.registry import Registry
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer, notices
from agent.page.page_state import PageState, open_last
from agent.stores.cleanup import InMemoryStore
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import USAGE, contents
from tests.support.summaries import BEGINNING, compaction, is_for_summary, summary, unfolded

SEQUENCES, STEPS = 200, 8

STEPS_OFTEN = ["ask", "ask", "ask", "stop", "fail", "refuse", "retry", "undo", "edit", "clear"]
STEPS_SELDOM = ["reload", "reload", "restart", "write_elsewhere", "interrupt", "change_state"]

Compaction: TypeAlias = EventsCompactionConfig | None

# By ADK after the answer, where so many turns are new; or also before it, where there is more to be
# told than so many tokens.
COMPACTIONS: dict[str, Compaction] = {
    "whole": None,
    "sliding": compaction(compaction_interval=2, overlap_size=1),
    "by tokens": compaction(token_threshold=1, event_retention_size=2),
}


class Parrot(BaseLlm):
    """Says again what it was told last, in two pieces; stands still or fails where told to. Every
    fourth summary fails."""

    model: str = "parrot"
    requests: list[LlmRequest] = Field(default_factory=list)
    summaries: int = 0
    speaks: Any = Field(default_factory=asyncio.Event)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        message = contents(llm_request)[-1][1]
        if is_for_summary(message):
            self.summaries += 1
            if self.summaries % 4 == 0:
                raise KeyError(message)
            said = types.Content(role="model", parts=[types.Part(text=summary(message))])
            yield LlmResponse(content=said, usage_metadata=USAGE)
            return
        self.requests.append(llm_request.model_copy(deep=True))
        first, second = types.ModelContent(f"{message}, "), types.ModelContent("indeed.")
        yield LlmResponse(content=first, partial=True)
        self.speaks.set()
        if message.startswith(("stop", "leave")):
            await asyncio.Event().wait()
        if message.startswith("fail"):
            raise KeyError(message)
        yield LlmResponse(content=second, partial=True)
        whole = types.ModelContent(f"{message}, indeed.")
        yield LlmResponse(content=whole, usage_metadata=USAGE)


class Visitor:
    """One visitor, and the page: pairs of a message and what came of it."""

    def __init__(
        self, store: BaseSessionService, chance: random.Random, compaction: Compaction
    ) -> None:
        self._store, self.chance, self._compaction = store, chance, compaction
        self.model = Parrot()
        self.registry = self._start()
        self.view = PageState(self.registry)
        self.page: list[tuple[str, Transcript]] = []
        self._said = 0

    def _start(self) -> Registry:
        what = loaded(self.model, compaction=self._compaction)
        what.runner.session_service = self._store
        return Registry(what, Settings(**UNLIMITED))

    async def do(self, step: str) -> None:
        """One thing that a visitor can do, or that can happen; nothing, where it cannot."""
        match step:
            case "ask" | "stop" | "fail":
                await self.say(self._new(step), len(self.page))
            case "refuse":
                await self.say(" ", len(self.page))
            case "retry" | "undo" | "edit":
                await self.take_back(step) if self.page else None
            case _:
                await getattr(self, step)()

    async def take_back(self, step: str) -> None:
        """Change what is on the page already."""
        place = self.chance.randrange(len(self.page)) if step == "edit" else len(self.page) - 1
        if step == "undo":
            await self.view.undo()
            self.page.pop()
        else:
            await self.say(self.page[-1][0] if step == "retry" else self._new("ask"), place)

    async def clear(self) -> None:
        """Delete the conversation."""
        await self.view.forget()
        self.page = []

    async def restart(self) -> None:
        """The app is ended, and started again."""
        await self.registry.close()
        self.registry = self._start()
        await self.reload()

    async def say(self, message: str, count: int) -> None:
        """Send a message below the first `count` on the page, and see what the model is told."""
        self.model.speaks.clear()
        before = len(self.model.requests)
        turn = self.view.ask(message, count, "")
        if message.startswith("stop"):
            await self.model.speaks.wait()
            await self.view.stop()
        if message.startswith("leave"):
            await self.model.speaks.wait()
            return
        said = await turn.finish()
        self.page[count:] = [(message, said)]
        if message.strip():
            assert len(self.model.requests) == before + 1, notices(said)
            assert unfolded(contents(self.model.requests[-1])) == self.remembered()[:-1]

    async def interrupt(self) -> None:
        """Ask, and while the answer runs take the question back, or ask it anew or otherwise."""
        await self.say(self._new("leave"), len(self.page))
        step = self.chance.choice(["undo", "retry", "edit"])
        if step == "undo":
            await self.view.undo()
        else:
            await self.say(self._new("ask"), len(self.page))

    async def change_state(self) -> None:
        """The session's state changes, in an event that belongs to no turn."""
        key = self.registry.key(self.view.user_id, self.view.session_id or "")
        if session := await self._store.get_session(**key._asdict()):
            actions = EventActions(state_delta={"colour": self._new("colour")})
            await self._store.append_event(session, Event(author="system", actions=actions))

    async def reload(self) -> None:
        """Load the page: it shows the same, but for what was refused."""
        shown = [pair for pair in map(told, self.page) if pair[0].strip()]
        self.view = await open_last(self.registry, self.view.user_id)
        async for latest, is_running in self.view.replay():
            assert not is_running
            self.page = [(turn.question, turn.transcript) for turn in latest]
        assert list(map(told, self.page)) == shown

    async def write_elsewhere(self) -> None:
        """Ask from a second window; this one is behind then, and catches up before it goes on."""
        page, view = self.page, self.view
        await self.reload()
        if self.view.session_id != view.session_id:
            return  # Nothing was stored yet: each window would begin a chat of its own.
        await self.say(self._new("ask"), len(self.page))
        latest, self.page, self.view = self.page, page, view
        requests = len(self.model.requests)
        turn = self.view.ask(self._new("ask"), len(self.page), "")
        assert "gone on in another window" in notices(await turn.finish())[0]
        assert len(self.model.requests) == requests
        self.page = latest
        await self.reload()

    def remembered(self) -> list[tuple[str, str]]:
        """What stands on the page, as a model is told it."""
        lines: list[tuple[str, str]] = []
        for message, said in self.page:
            if message.strip():
                lines += [("user", message), ("model", answer(said))]
        return lines

    def _new(self, kind: str) -> str:
        self._said += 1
        return f"{kind} {self._said}"


def told(pair: tuple[str, Transcript]) -> tuple[str, str, list[str]]:
    message, said = pair
    return message, answer(said), notices(said)


LATER = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, SEQUENCES, 10)]


@pytest.mark.parametrize("config", COMPACTIONS.values(), ids=COMPACTIONS)
@pytest.mark.parametrize("seed", [0, *LATER])
async def test_what_is_seen_is_what_is_remembered(
    seed: int, config: Compaction, tmp_path: Path
) -> None:
    summaries = 0
    for each in range(seed, seed + 10):
        store = SqliteSessionService(str(tmp_path / f"{each}.db")) if each % 2 else InMemoryStore()
        summaries += await live(Visitor(store, random.Random(each), config))
    assert bool(summaries) == bool(config)


async def live(visitor: Visitor) -> int:
    """Some steps; how often the model was told a summary."""
    chance = visitor.chance
    steps = chance.choices(STEPS_OFTEN + STEPS_SELDOM, k=STEPS)
    try:
        for step in steps:
            await visitor.do(step)
        await visitor.do("ask")
    except AssertionError as error:
        raise AssertionError(f"after {steps}: {error}") from error
    await visitor.registry.close()
    told = [contents(request) for request in visitor.model.requests]
    return sum(text.startswith(BEGINNING) for lines in told for _, text in lines)
