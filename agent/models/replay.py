"""A recording (agent/models/recording.py) played back in the place of Gemini: the same bytes at the
same times, by no network and without a key. What is not in it gets a sentence, and no answer.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.genai import Client, types

from agent.core.notices import PlainError
from agent.core.stream_record import StreamRecord, stream_record
from agent.models.genai_internals import (
    byte_stream,
    change_class,
    forget_client,
    http_library,
    uses_interactions_api,
)
from agent.models.model_request import Key, ModelRequest, read_request
from agent.models.recording import VERSION, RecordedAnswer, RecordingError

log = logging.getLogger(__name__)

# So many recorded questions are named to who asks another one.
MAX_NAMED = 3

# So many questions are remembered that got no answer; then all of them are forgotten.
MAX_REFUSED = 10_000

# A question that can be named in a sentence, where it would be taken for Markdown or HTML.
PLAIN_QUESTION = re.compile(r"[\w ,.:;?!'’\"+/=()-]*\*?[\w ,.:;?!'’\"+/=()-]*")


@dataclass
class Takes:
    """The answers to one request: of each turn that asked it, those that it got, in order."""

    turns: dict[str, list[RecordedAnswer]] = field(default_factory=dict)
    # How often one was begun.
    begun: int = 0

    def add(self, answer: RecordedAnswer) -> None:
        """The next one of the recording."""
        self.turns.setdefault(answer.turn, []).append(answer)

    def begin(self, wanted: str | None) -> list[RecordedAnswer]:
        """Those of a turn: of the wanted one if it is here, or else of the next, and after the last
        again of the first."""
        names = list(self.turns)
        place = names.index(wanted) if wanted in self.turns else self.begun % len(names)
        self.begun = place + 1
        return self.turns[names[place]]


@dataclass
class Listener:
    """A turn that is played to."""

    # Whose answers it has got.
    turn: str | None = None
    # What it is in the midst of: by the request, the answers, and how many it has had.
    at: dict[Key, tuple[list[RecordedAnswer], int]] = field(default_factory=dict)
    # What it has been given.
    played: list[RecordedAnswer] = field(default_factory=list)
    # Whether its tools have given other results than those that were recorded.
    has_other_results: bool = False


class Recording:
    """What a file holds, and where each listener is in it.

    Args:
        path: The file.

    Raises:
        RecordingError: if it cannot be read, or is no recording.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise RecordingError(f"REPLAY={path} cannot be read: {why}.") from None
        self.answers = list(_read(lines, path))
        if not self.answers:
            raise RecordingError(
                f"REPLAY={path} is no recording, or an empty one. `RECORD={path}` makes one."
            )
        self._takes: dict[bool, dict[Key, Takes]] = {True: {}, False: {}}
        for answer in self.answers:
            for is_exact, takes in self._takes.items():
                takes.setdefault(_key(answer, is_exact), Takes()).add(answer)
        self._listeners: WeakKeyDictionary[StreamRecord, Listener] = WeakKeyDictionary()
        self.refused: set[str] = set()

    @property
    def models(self) -> str:
        """The names of the models whose answers these are."""
        return ", ".join(dict.fromkeys(answer.model for answer in self.answers))

    @property
    def dates(self) -> str:
        """The days when they were given, as 2026-11-30."""
        days = sorted({answer.made[:10] for answer in self.answers})
        return days[0] if len(days) == 1 else f"{days[0]} – {days[-1]}"

    @property
    def openings(self) -> tuple[str, ...]:
        """The questions that can begin a conversation."""
        nothing = read_request("/m:generateContent", b'{"contents": []}')
        return tuple(self._questions(nothing.before if nothing else ""))

    def listener(self, record: StreamRecord | None) -> Listener:
        """The turn that has this record."""
        return self._listeners.setdefault(record, Listener()) if record else Listener()

    def find(self, request: ModelRequest) -> RecordedAnswer:
        """The next answer for the running turn.

        Raises:
            PlainError: with a sentence for the visitor, if there is none.
        """
        listener = self.listener(stream_record.get())
        for is_exact, takes in self._takes.items():
            key = request.key(is_exact)
            if key in takes:
                answer = _next(takes[key], key, listener)
                listener.has_other_results |= not is_exact
                listener.played.append(answer)
                return answer
        self._refuse(request)
        following = self._questions(request.before)
        if named := list(filter(PLAIN_QUESTION.fullmatch, following)):
            questions = ", ".join(f"“{text}”" for text in named[:MAX_NAMED])
            raise PlainError("not_recorded_but", questions=questions)
        raise PlainError("not_recorded")

    def _refuse(self, request: ModelRequest) -> None:
        """Remember a request that has no answer, and log what in it differs from the recording."""
        if len(self.refused) >= MAX_REFUSED:
            self.refused.clear()
        self.refused.add(request.latest)
        conversation = request.like["conversation"]
        near = [answer for answer in self.answers if answer.like["conversation"] == conversation]
        found = {"model": request.model, "method": request.method, **request.like}
        for answer in near[:1]:
            other = {"model": answer.model, "method": answer.method, **answer.like}
            names = " and ".join(name for name in found if found[name] != other[name])
            log.warning("%s has this conversation with another %s.", self.path, names)

    def _questions(self, before: str) -> list[str]:
        """The recorded questions that follow what was said `before`."""
        following = [answer.question for answer in self.answers if answer.before == before]
        return list(dict.fromkeys(filter(None, following)))


def _read(lines: list[str], path: Path) -> Iterator[RecordedAnswer]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            if fields.pop("recording") != VERSION:
                raise ValueError("another version")
            yield RecordedAnswer(**fields)
        except (ValueError, TypeError, KeyError, AttributeError):
            log.warning("%s, line %d: that is no part of a recording, and left out.", path, number)


def _key(answer: RecordedAnswer, is_exact: bool) -> Key:
    return answer.model, answer.method, *(answer.exact if is_exact else answer.like).values()


def _next(takes: Takes, key: Key, listener: Listener) -> RecordedAnswer:
    """A turn that asks the same again, after a failure, gets what came of that when it was
    recorded; one that asks it for the first time gets what the next turn got."""
    answers, had = listener.at.get(key, ([], 0))
    if had == len(answers) and answers and answers[-1].has_failed:
        had -= 1
    if had == len(answers):
        answers, had = takes.begin(listener.turn if not answers else None), 0
    listener.at[key] = answers, had + 1
    listener.turn = answers[had].turn
    return answers[had]


class ReplayTransport:
    """In place of the network, in whichever HTTP library google-genai uses.

    Args:
        recording: What is played.
        now: A clock, in seconds.
        sleep: Waits for so many.
    """

    def __init__(
        self,
        recording: Recording,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._recording, self._now, self._sleep = recording, now, sleep

    async def handle_async_request(self, request: Any) -> Any:
        """The recorded response.

        Raises:
            PlainError: with a sentence for the visitor, if there is none.
        """
        sent_at = self._now()
        body, refused = await request.aread(), self._recording.refused
        model_request = read_request(request.url.path, body, refused)
        if model_request is None:
            raise PlainError("not_recorded")
        answer = self._recording.find(model_request)
        await self._until(sent_at + answer.began)
        library = http_library(request)
        stream = byte_stream(library, ReplayedBody)(self._chunks(answer, sent_at, request))
        headers = {"content-type": answer.type}
        return library.Response(answer.status, headers=headers, stream=stream, request=request)

    def handle_request(self, request: Any) -> Any:
        """Raise PlainError: only what turns ask is recorded, and they ask by the other method."""
        raise PlainError("not_recorded")

    async def _chunks(
        self, answer: RecordedAnswer, sent_at: float, request: Any
    ) -> AsyncIterator[bytes]:
        for at, text in answer.chunks:
            await self._until(sent_at + at)
            yield text.encode("utf-8", "surrogateescape")
        await self._until(sent_at + answer.ended)
        if answer.end == "left":
            raise PlainError("recording_ends")
        if answer.end != "whole":
            library = http_library(request)
            kind = getattr(library, answer.end, library.ReadError)
            raise kind("It broke off when it was recorded.", request=request)

    async def _until(self, time: float) -> None:
        await self._sleep(max(0.0, time - self._now()))

    async def aclose(self) -> None:
        """There is nothing to close."""

    def close(self) -> None:
        """Nor here."""


class ReplayedBody:
    """The body of a response that is played."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        """End it."""
        await self._chunks.aclose()  # type: ignore[attr-defined]


class ReplayedGemini(BaseLlm):
    """What `replayed` puts before a model's own class."""

    recording: ClassVar[Recording]

    @cached_property
    def api_client(self) -> Client:
        """A client that reaches no network, whatever its owner's would reach; with what is said in
        `http_options` of the requests themselves."""
        own = (getattr(self, "client_kwargs", None) or {}).get("http_options")
        options = types.HttpOptions.model_validate(own or {})
        transport, hooks = ReplayTransport(self.recording), options.async_client_args or {}
        instead = {
            "async_client_args": {
                "event_hooks": hooks.get("event_hooks", {}),
                "transport": transport,
            },
            "client_args": {"transport": transport},
            "httpx_client": None,
            "httpx_async_client": None,
        }
        return Client(
            vertexai=False, api_key="none", http_options=options.model_copy(update=instead)
        )


class NotRecorded(BaseLlm):
    """Stands for a model of whose answers there is no recording."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """No answer."""
        raise PlainError("not_recorded")
        yield


def replayed(model: BaseLlm, recording: Recording) -> BaseLlm:
    """The recording in the place of a model: for a Gemini a copy that plays it, for any other one
    what says that there is none."""
    if isinstance(model, ReplayedGemini | NotRecorded):
        return model
    if isinstance(model, Gemini) and not uses_interactions_api(model):
        twin = model.model_copy(update={"client": None})
        forget_client(twin)
        if change_class(twin, ReplayedGemini, type(model), recording=recording):
            return twin
    return NotRecorded(model=model.model)
