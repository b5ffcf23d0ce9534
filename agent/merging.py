"""A model's small partials as fewer, larger ones, before ADK does its work for each.

That work costs more than all else in a stream. And a model whose answer comes in a burst gives
nobody else a turn while it is read: the HTTP client hands over hundreds of chunks without waiting
once. So the answer is read in a task of its own, which takes a breath now and then.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from itertools import groupby
from typing import TypeAlias

from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.genai import types

from agent.light_gemini import LightGemini

HOLD = 0.041
"""Seconds for which text is held for more to join it. The first is not held, nor what comes when
nothing has come for as long, nor the end."""

WORK, BREATH = 0.005, 0.001
"""Seconds for which a burst is read without a break, and of the break. A shorter one would not
have the event loop look for what else has come in."""

Responses: TypeAlias = AsyncGenerator[LlmResponse, None]

USUAL = {"content", "partial", "usage_metadata", "model_version", "turn_complete"}
OTHERS = tuple(LlmResponse.model_fields.keys() - USUAL)


class Merging(BaseLlm):
    """What `merging` puts before a model's own class."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> Responses:
        """The model's answer, merged."""
        responses = super().generate_content_async(llm_request, stream)
        async with aclosing(merge(responses)) as answer:
            async for response in answer:
                yield response


def merging(model: BaseLlm) -> BaseLlm:
    """The same model, with its answers merged; still of its own class, which ADK asks for. Gemini's
    requests cost less, too."""
    if isinstance(model, Merging):
        return model
    own = type(model)
    kind = LightGemini if own is Gemini else own
    twin = model.model_copy()
    twin.__class__ = type(own.__name__, (Merging, kind), {"__module__": own.__module__})
    return twin


async def merge(responses: Responses) -> Responses:
    """The same text in fewer partials; everything else as it is, and in its place."""
    came: asyncio.Queue[LlmResponse | None] = asyncio.Queue()
    reading = asyncio.create_task(_read(responses, came))
    given, last = 0.0, False
    try:
        while not last:
            first = await came.get()
            if time.monotonic() - given < HOLD:
                await asyncio.wait([reading], timeout=HOLD)
            batch = [first, *_waiting(came)]
            given, last = time.monotonic(), batch[-1] is None
            for response in joined(filter(None, batch)):
                yield response
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(responses: Responses, came: asyncio.Queue[LlmResponse | None]) -> None:
    since = time.monotonic()
    try:
        async with aclosing(responses):
            async for response in responses:
                came.put_nowait(response)
                if time.monotonic() - since > WORK:
                    await asyncio.sleep(BREATH)
                    since = time.monotonic()
    finally:
        came.put_nowait(None)


def _waiting(came: asyncio.Queue[LlmResponse | None]) -> Iterator[LlmResponse | None]:
    while not came.empty():
        yield came.get_nowait()


def joined(responses: Iterable[LlmResponse]) -> Iterator[LlmResponse]:
    """One partial for each run of those with text of one kind."""
    for kind, run in groupby(responses, _kind):
        same = list(run)
        yield from same if kind is None else [_one(same)]


def _kind(response: LlmResponse) -> tuple[str | None, bool] | None:
    """What text a partial is of, where it has nothing else; None for what stays as it is."""
    content = response.content if response.partial else None
    match content.parts if content else None:
        case [types.Part() as part] if part.text and _has_only_text(response, part):
            return content.role if content else None, bool(part.thought)
    return None


def _has_only_text(response: LlmResponse, part: types.Part) -> bool:
    rest = part.model_fields_set - {"text", "thought"}
    return all(getattr(part, name) is None for name in rest) and all(
        getattr(response, name) is None for name in OTHERS
    )


def _one(run: list[LlmResponse]) -> LlmResponse:
    """The latest, which reports the most tokens, with the text of all."""
    contents = [response.content for response in run if response.content]
    parts = [part for content in contents for part in content.parts or []]
    text = "".join(part.text or "" for part in parts)
    part = types.Part(text=text, thought=parts[0].thought)
    content = types.Content(role=contents[0].role, parts=[part])
    used = [response.usage_metadata for response in run if response.usage_metadata]
    changes = {"content": content, "usage_metadata": used[-1] if used else None}
    return run[-1].model_copy(update=changes) if len(run) > 1 else run[0]
