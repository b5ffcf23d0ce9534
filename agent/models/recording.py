"""What Gemini answers, recorded where it comes in over HTTP: the stream itself, and when each of
its chunks came. The answer that goes on to the agent is the same, at the same time.

A recording is a file of JSON lines, one for each request, written when its answer is over or has
broken off. Of the request it has hashes and the visitor's words, and no header of either side, so
that it holds no key; what else is a secret is taken out of it.
"""

import json
import logging
import os
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, ClassVar
from uuid import uuid4
from weakref import WeakKeyDictionary

from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse

from agent.core.containment import describe
from agent.core.secrets import REDACTED, redacted
from agent.core.stream_record import StreamRecord, stream_record
from agent.models.genai_internals import (
    add_event_hooks,
    change_class,
    replace_body,
    use_httpx,
    uses_interactions_api,
)
from agent.models.model_request import read_request

log = logging.getLogger(__name__)

# The version of what a line has in it, and how each begins.
VERSION = 1
BEGINNING = b'{"recording": '

# Under which a request keeps, on its way, when it was sent.
SENT_AT = "adk_chat_page_sent_at"

# A project of Google Cloud's in an address, as errors quote it too.
PROJECT = re.compile(r"(?<=\bprojects/)[^/\s\"'`\\]+")

# The texts in Gemini's JSON.
TEXT = re.compile(r'"text":\s*"((?:[^"\\]|\\.)*)"')


class RecordingError(ValueError):
    """A file that cannot be recorded to or played back, with a sentence for the host."""


@dataclass
class RecordedAnswer:
    """A line of a recording. Times are in seconds since the request was sent."""

    model: str
    method: str
    exact: dict[str, str]
    like: dict[str, str]
    before: str
    latest: str
    question: str
    # The same for all requests of one turn.
    turn: str
    # When, as ISO 8601 in UTC.
    made: str
    status: int
    # The media type.
    type: str
    # When the answer's head came.
    began: float
    # When each chunk came; what is not UTF-8 in it, such as half of a character, as surrogates.
    chunks: list[tuple[float, str]] = field(default_factory=list)
    ended: float = 0.0
    # How: "whole"; "left", if it was not read to its end; or the class of the HTTP client's error.
    end: str = "whole"

    @property
    def has_failed(self) -> bool:
        """Whether it is no answer, so that the same may be asked once more."""
        return self.status >= 400 or self.end not in ("whole", "left")


class Recorder:
    """Writes what is recorded. Its two hooks are those of an HTTP client.

    Args:
        path: The file, which may be a recording already: then it goes on.

    Raises:
        RecordingError: if it cannot be written, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # For nobody else to read: it has what visitors and the agent have said.
            path.touch(0o600)
            with path.open("ab+") as file:
                begins, ends = _borders(file)
        except OSError as error:
            raise RecordingError(f"RECORD={path} cannot be written: {error.strerror}.") from None
        if begins != BEGINNING:
            raise RecordingError(
                f"RECORD={path} is a file, and no recording. Name another one; it need not exist."
            )
        # As where the process that wrote it was killed.
        self._is_cut = ends != b"\n"
        self._lock, self._has_failed = Lock(), False
        self._turns: WeakKeyDictionary[StreamRecord, str] = WeakKeyDictionary()
        self.written = 0
        # Whether any request has come by here.
        self.is_called = False

    async def note_request(self, request: Any) -> None:
        """Note when it is sent."""
        self.is_called = True
        request.extensions[SENT_AT] = time.monotonic()

    async def note_response(self, response: Any) -> None:
        """Have the answer go through here, if a model was asked."""
        request = response.request
        sent_at = request.extensions.get(SENT_AT, time.monotonic())
        if model_request := read_request(request.url.path, await request.aread()):
            answer = RecordedAnswer(
                **asdict(model_request),
                turn=self._turn(),
                made=datetime.now(UTC).isoformat(timespec="seconds"),
                status=response.status_code,
                type=response.headers.get("content-type", ""),
                began=_rounded(time.monotonic() - sent_at),
            )
            replace_body(response, partial(self._record, answer, sent_at, _secrets(request)))

    def _turn(self) -> str:
        record, new = stream_record.get(), uuid4().hex[:12]
        return self._turns.setdefault(record, new) if record else new

    async def _record(
        self, answer: RecordedAnswer, sent_at: float, secrets: list[str], response: Any
    ) -> AsyncGenerator[bytes]:
        """The body as it comes; what has come is written when it is over."""

        def now() -> float:
            return _rounded(time.monotonic() - sent_at)

        answer.end = "left"
        try:
            async with aclosing(response.aiter_bytes()) as chunks:
                async for chunk in chunks:
                    answer.chunks.append((now(), chunk.decode("utf-8", "surrogateescape")))
                    yield chunk
            answer.end = "whole"
        except Exception as error:
            answer.end = type(error).__name__
            raise
        finally:
            answer.ended = now()
            self._write(answer, secrets)

    def _write(self, answer: RecordedAnswer, secrets: list[str]) -> None:
        """Append a line, in one piece; an answer goes on without it where that fails."""
        if not _without_secrets(answer, secrets):
            log.warning("An answer is not recorded, because it spells out a secret.")
            return
        line = json.dumps({"recording": VERSION, **asdict(answer)}) + "\n"
        with self._lock:
            try:
                with self.path.open("ab", buffering=0) as file:
                    file.write(b"\n" * self._is_cut + line.encode())
                self._is_cut = False
                self.written += 1
            except OSError as error:
                if not self._has_failed:
                    log.error("%s: answers are not recorded. %s", self.path, describe(error))
                self._has_failed = self._is_cut = True


def _borders(file: BinaryIO) -> tuple[bytes, bytes]:
    """How a file begins and ends; an empty one as a recording does."""
    size = os.fstat(file.fileno()).st_size
    if not size:
        return BEGINNING, b"\n"
    file.seek(0)
    begins = file.read(len(BEGINNING))
    file.seek(size - 1)
    return begins, file.read(1)


def _rounded(seconds: float) -> float:
    return round(seconds, 4)


def _secrets(request: Any) -> list[str]:
    """What a request has that nobody may know: its key or token, and the project that pays."""
    headers = request.headers
    given = [
        headers.get("x-goog-api-key", ""),
        headers.get("authorization", "").rpartition(" ")[2],
        request.url.params.get("key") or "",
        headers.get("x-goog-user-project", ""),
        *PROJECT.findall(request.url.path),
    ]
    return [secret for secret in given if secret]


def _without_secrets(answer: RecordedAnswer, secrets: list[str]) -> bool:
    """Take them out of an answer; whether it can be kept."""

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, REDACTED)
        return redacted(PROJECT.sub(REDACTED, text) if answer.status >= 400 else text)

    answer.question = clean(answer.question)
    whole = "".join(text for _, text in answer.chunks)
    if (cleaned := clean(whole)) != whole:
        answer.chunks = [(at, clean(text)) for at, text in answer.chunks]
        if "".join(text for _, text in answer.chunks) != cleaned:  # A border goes through one.
            answer.chunks = [(answer.chunks[-1][0], cleaned)]
    said = "".join(TEXT.findall(cleaned))
    return clean(said) == said


class RecordedGemini(BaseLlm):
    """What `recorded` puts before a model's own class."""

    recorder: ClassVar[Recorder]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """The model's answer, which is recorded where it comes in."""
        client, recorder = getattr(self, "api_client", None), self.recorder
        use_httpx(client)
        add_event_hooks(client, recorder.note_request, recorder.note_response)
        async with aclosing(super().generate_content_async(llm_request, stream)) as answer:
            async for response in answer:
                if not recorder.is_called:
                    _tell_not_recorded(self.model)
                yield response


@cache
def _tell_not_recorded(model: str) -> None:
    """Say once of each that google-genai asks it by another HTTP client than those known here."""
    log.warning("%s is asked in a way that is not known here, and not recorded.", model)


def recorded(model: BaseLlm, recorder: Recorder) -> BaseLlm | None:
    """A copy of the model whose answers are recorded, with all that its owner has given it, such as
    `http_options`; None if they cannot be: those of other models than Gemini come in by other
    ways."""
    if isinstance(model, RecordedGemini):
        return model
    if not isinstance(model, Gemini) or uses_interactions_api(model):
        return None
    twin = model.model_copy()
    return twin if change_class(twin, RecordedGemini, type(model), recorder=recorder) else None
