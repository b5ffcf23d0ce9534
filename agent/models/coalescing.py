"""A model's small partials as fewer, larger ones, before ADK works on them: what it does for each
costs more than all else in a stream. Without it, 2,000 chunks that come at once take 1.7 s of CPU
instead of 0.1, and nobody sees any of them for a second.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from itertools import groupby
from typing import ClassVar

from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.genai import types

from agent.models import pages_read
from agent.models.batching import MAX_DELAY, batch
from agent.models.gemini_request import GeminiWithPlainRequests
from agent.models.gemini_stream import StreamHook
from agent.models.genai_internals import change_class, use_httpx, with_event_hook

# The fields of a response that a partial with nothing but text has, and all others. A partial with
# one of the others set is not coalesced; so neither is one with a field that is new in ADK.
TEXT_FIELDS = {"content", "partial", "usage_metadata", "model_version", "turn_complete"}
OTHER_FIELDS = tuple(LlmResponse.model_fields.keys() - TEXT_FIELDS)


class CoalescingModel(BaseLlm):
    """What `coalescing` puts before a model's own class."""

    # What coalesces the model's answers before they are read, where that is possible.
    stream_hook: ClassVar[StreamHook | None] = None

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """The model's answer, coalesced."""
        hook = self.stream_hook
        if isinstance(self, Gemini) and hook:
            use_httpx(self.api_client)
        named = pages_read.begin()
        responses = super().generate_content_async(llm_request, stream)
        # What the hook has made wait need not wait again. It goes through here all the same,
        # because `batch` hangs up when nobody reads on, and google-genai by itself does not.
        max_delay = 0.0 if hook and hook.is_effective else MAX_DELAY
        async with aclosing(batch(responses, coalesce, max_delay)) as answer:
            async for response in answer:
                if hook:
                    hook.answer_has_come()
                    pages_read.add_to(response, named)
                if not isinstance(self, Gemini):  # Some others do not say it, such as OpenAI's.
                    response.model_version = response.model_version or llm_request.model
                yield response


def coalescing(model: BaseLlm) -> BaseLlm:
    """A copy of the model that coalesces its answers; still of its own class, which ADK asks for.

    The model itself, if it does so already or its class cannot be changed.
    """
    if isinstance(model, CoalescingModel):
        return model
    own, hook = type(model), StreamHook()
    fields = with_event_hook(model, hook) if type(model) is Gemini else {}
    twin = model.model_copy(update=fields)
    bases = CoalescingModel, GeminiWithPlainRequests if own is Gemini else own
    changed = change_class(twin, *bases, stream_hook=hook if fields else None)
    return twin if changed else model


def coalesce(responses: Iterable[LlmResponse]) -> Iterator[LlmResponse]:
    """One partial for each run of those with text of one kind; the others as they came."""
    for kind, run in groupby(responses, _kind_of_text):
        same = list(run)
        yield from same if kind is None else [_one_partial(same)]


def _kind_of_text(response: LlmResponse) -> tuple[str | None, bool] | None:
    """The role and whether it is a thought, of a partial with nothing but text; else None."""
    content = response.content if response.partial else None
    match content.parts if content else None:
        case [types.Part() as part] if part.text and _has_only_text(response, part):
            return content.role if content else None, bool(part.thought)
    return None


def _has_only_text(response: LlmResponse, part: types.Part) -> bool:
    others = part.model_fields_set - {"text", "thought"}
    return all(getattr(part, name) is None for name in others) and all(
        getattr(response, name) is None for name in OTHER_FIELDS
    )


def _one_partial(run: list[LlmResponse]) -> LlmResponse:
    """The latest, with the text of all, and the latest count of tokens."""
    contents = [response.content for response in run if response.content]
    parts = [part for content in contents for part in content.parts or []]
    text = "".join(part.text or "" for part in parts)
    part = types.Part(text=text, thought=parts[0].thought)
    content = types.Content(role=contents[0].role, parts=[part])
    usages = [response.usage_metadata for response in run if response.usage_metadata]
    changes = {"content": content, "usage_metadata": usages[-1] if usages else None}
    return run[-1].model_copy(update=changes) if len(run) > 1 else run[0]
