"""Whatever a visitor does in whatever order: what the model is told next is what the page shows."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from google.adk.apps.app import EventsCompactionConfig
from google.adk.artifacts import InMemoryArtifactService
from google.adk.errors import StaleSessionError
from google.adk.events import Event, EventActions
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.sessions import BaseSessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types
from pydantic import Field

from agent.chat.rating import rate
from agent.chat.registry import Registry
from agent.core.files import File
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer, notices
from agent.page.page_state import PageState, open_last
from agent.render import media
from agent.stores.cleanup import InMemoryStore
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import USAGE, contents
from tests.support.summaries import BEGINNING, compaction, is_for_summary, summary, unfolded

SEQUENCES, STEPS = 120, 8

STEPS_OFTEN = ["ask", "ask", "send", "stop", "fail", "refuse", "retry", "undo", "edit", "clear"]
STEPS_SELDOM = [
    "reload",
    "reload",
    "restart",
    "write_elsewhere",
    "interrupt",
    "change_state",
    "rate",
    "rate",
]

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
        self._artifacts = InMemoryArtifactService()
        self.model = Parrot()
        self.registry = self._start()
        self.page_state = PageState(self.registry)
        self.page: list[tuple[str, Transcript]] = []
        # How answers are rated, by the ids of their turns.
        self.ratings: dict[str | None, str] = {}
        self._said = 0

    def _start(self) -> Registry:
        what = loaded(self.model, compaction=self._compaction)
        what.runner.session_service = self._store
        what.runner.artifact_service = self._artifacts
        return Registry(what, Settings(**UNLIMITED))

    async def do(self, step: str) -> None:
        """One thing that a visitor can do, or that can happen; nothing, where it cannot."""
        match step:
            case "ask" | "send" | "stop" | "fail":
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
            await self.page_state.undo()
            self.page.pop()
        else:
            asked = self.page[place][0]
            other = self._new("send" if asked.startswith("send") else "ask")
            await self.say(asked if step == "retry" else other, place)

    async def clear(self) -> None:
        """Delete the conversation."""
        await self.page_state.forget()
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
        turn = self.page_state.ask({"text": message, "files": sent_with(message)}, count, "")
        if message.startswith("stop"):
            await self.model.speaks.wait()
            await self.page_state.stop()
        if message.startswith("leave"):
            await self.model.speaks.wait()
            return
        said = await turn.finish()
        self.page[count:] = [(message, said)]
        if message.strip():
            assert len(self.model.requests) == before + 1, notices(said)
            assert unfolded(contents(self.model.requests[-1])) == self.remembered()[:-1]
            if not self._compaction:
                asked = [message for message, _ in self.page if message.strip()]
                assert files_of(self.model.requests[-1]) == list(map(content_with, asked))
            await self.has_artifacts()

    async def interrupt(self) -> None:
        """Ask, and while the answer runs take the question back, or ask it anew or otherwise."""
        await self.say(self._new("leave"), len(self.page))
        step = self.chance.choice(["undo", "retry", "edit"])
        if step == "undo":
            await self.page_state.undo()
        else:
            await self.say(self._new("ask"), len(self.page))

    async def change_state(self) -> None:
        """The session's state changes, in an event that belongs to no turn."""
        key = self.registry.key(self.page_state.user_id, self.page_state.session_id or "")
        actions = EventActions(state_delta={"colour": self._new("colour")})
        while session := await self._store.get_session(**key._asdict()):
            # A summary may still be on its way into the store: what was read before it is stale.
            with suppress(StaleSessionError):
                await self._store.append_event(session, Event(author="system", actions=actions))
                return

    async def rate(self) -> None:
        """Say what one thinks of an answer on the page, or take that back."""
        if ids := list(filter(None, self.page_state.screen.turn_ids)):
            id, given = self.chance.choice(ids), self.chance.choice(["up", "down", ""])
            opinion = {"turn": id, "rating": given, "comment": self._new("comment")}
            await rate(self.registry, await self.page_state.conversation(), opinion, None)
            self.ratings[id] = given

    async def has_ratings(self) -> None:
        """The answers on the page are rated as they were."""
        whose = self.page_state.user_id, self.page_state.session_id or ""
        kept = await self.registry.feedback.of_chat(*whose)
        for id in filter(None, self.page_state.screen.turn_ids):
            rated = kept[id].opinion.rating if id in kept else ""
            assert rated == self.ratings.get(id, "")

    async def reload(self) -> None:
        """Load the page: it shows the same, but for what was refused."""
        shown = [pair for pair in map(told, self.page) if pair[0].strip()]
        self.page_state = await open_last(self.registry, self.page_state.user_id)
        async for latest, is_running in self.page_state.replay():
            assert not is_running
            self.page = [(turn.question, turn.transcript) for turn in latest]
            for turn in latest:
                found = [media.content(file) for file in turn.files]
                assert found == content_with(turn.question)
        assert list(map(told, self.page)) == shown
        await self.has_ratings()

    async def write_elsewhere(self) -> None:
        """Ask from a second window; this one is behind then, and catches up before it goes on."""
        page, page_state = self.page, self.page_state
        await self.reload()
        if self.page_state.session_id != page_state.session_id:
            return  # Nothing was stored yet: each window would begin a chat of its own.
        await self.say(self._new("ask"), len(self.page))
        latest, self.page, self.page_state = self.page, page, page_state
        requests = len(self.model.requests)
        turn = self.page_state.ask(self._new("ask"), len(self.page), "")
        assert "gone on in another window" in notices(await turn.finish())[0]
        assert len(self.model.requests) == requests
        self.page = latest
        await self.reload()

    async def has_artifacts(self) -> None:
        """The session's artifacts are the files on the page."""
        key = self.registry.key(self.page_state.user_id, self.page_state.session_id or "")
        sent = [f"{message}.txt" for message, _ in self.page if message.startswith("send")]
        assert sorted(await self._artifacts.list_artifact_keys(**key._asdict())) == sorted(sent)

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


def content_with(message: str) -> list[bytes]:
    """What is in the files of a message."""
    return [f"file of {message}".encode()] if message.startswith("send") else []


def sent_with(message: str) -> list[File]:
    """Those files."""
    kept = [media.save("text/plain", content) for content in content_with(message)]
    return [File("", name=f"{message}.txt", kept_as=name) for name in kept]


def files_of(request: LlmRequest) -> list[list[bytes]]:
    """What is in the files of each message that a model is told."""
    users = [content for content in request.contents if content.role == "user"]
    blobs = [[part.inline_data for part in content.parts or []] for content in users]
    return [[blob.data or b"" for blob in parts if blob] for parts in blobs]


def told(pair: tuple[str, Transcript]) -> tuple[str, str, list[str]]:
    message, said = pair
    return message, answer(said), notices(said)


# All are slow, and three of four are for `make test-all`.
LATER = [
    pytest.param(seed, marks=[pytest.mark.slow, *([pytest.mark.thorough] if seed % 40 else [])])
    for seed in range(10, SEQUENCES, 10)
]


@pytest.mark.slow
@pytest.mark.parametrize("config", COMPACTIONS.values(), ids=COMPACTIONS)
@pytest.mark.parametrize("seed", [0, *LATER])
async def test_what_is_seen_is_what_is_remembered(
    seed: int, config: Compaction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "FOLDER", tmp_path / "pages")
    summaries = 0
    for number in range(seed, seed + 10):
        store = (
            SqliteSessionService(str(tmp_path / f"{number}.db")) if number % 2 else InMemoryStore()
        )
        summaries += await live(Visitor(store, random.Random(number), config))
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
