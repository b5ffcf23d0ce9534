"""A model's small partials as fewer, larger ones, before ADK does its work for each: it costs more
than all else in a stream.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from itertools import groupby
from typing import ClassVar, TypeAlias

from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.genai import types

from agent.models.batching import HOLD, hold
from agent.models.gemini_request import LightGemini, light_client

Responses: TypeAlias = AsyncGenerator[LlmResponse, None]

USUAL = {"content", "partial", "usage_metadata", "model_version", "turn_complete"}
OTHERS = tuple(LlmResponse.model_fields.keys() - USUAL)


class CoalescingModel(BaseLlm):
    """What `merging` puts before a model's own class."""

    held: ClassVar[float] = HOLD
    """Seconds; none where what comes has been merged before."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> Responses:
        """The model's answer, merged."""
        responses = super().generate_content_async(llm_request, stream)
        async with aclosing(hold(responses, joined, self.held)) as answer:
            async for response in answer:
                yield response


def coalescing(model: BaseLlm) -> BaseLlm:
    """The same model, with its answers merged; still of its own class, which ADK asks for."""
    if isinstance(model, CoalescingModel):
        return model
    own = type(model)
    bases = CoalescingModel, LightGemini if own is Gemini else own
    client = light_client(model) if type(model) is Gemini else {}
    told = {"__module__": own.__module__, "held": 0.0 if client else HOLD}
    twin = model.model_copy(update=client)
    twin.__class__ = type(own.__name__, bases, told)
    return twin


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
