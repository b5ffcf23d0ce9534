"""Gemini, but for what it costs to ask; and, by `light_stream`, to hear the answer.

google-genai tells anew in each request what each of the contents may be: 0.3 ms for every one of
them, while all other visitors wait (`ContentListUnion`, google/genai/types.py). Plain contents are
sent as JSON instead, by the option that it has for what is to be in the body besides.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from google.adk.models import Gemini, LlmRequest, LlmResponse
from google.genai import types

from agent.models.gemini_stream import HOOKS

PLAIN = {"text", "thought", "function_call", "function_response"}
"""What google-genai sends as it is in these models, of all that a part can have."""


class LightGemini(Gemini):
    """Gemini, but for what it costs to ask."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """The same answer to the same request."""
        responses = super().generate_content_async(light(llm_request), stream)
        async with aclosing(responses) as answer:
            async for response in answer:
                yield response


def light_client(model: Gemini) -> dict[str, Any]:
    """What is to be changed in the model, for ADK to make it a client that reads its answers
    lightly; nothing where it has a way of its own to ask."""
    own = model.client_kwargs or {}
    if model.client or model.use_interactions_api or "http_options" in own:
        return {}
    options = types.HttpOptions(async_client_args={"event_hooks": HOOKS})
    return {"client_kwargs": {**own, "http_options": options}}


def light(request: LlmRequest) -> LlmRequest:
    """The same request, if it is plain with its contents as JSON."""
    options = request.config.http_options or types.HttpOptions()
    if options.extra_body or request.cache_config or not _are_plain(request.contents):
        return request
    contents = [_json(content) for content in request.contents]
    options = options.model_copy(update={"extra_body": {"contents": contents}})
    config = request.config.model_copy(update={"http_options": options})
    return request.model_copy(update={"config": config, "contents": request.contents[-1:]})


def _are_plain(contents: list[types.Content]) -> bool:
    """Where the last word is not the visitor's, ADK adds one (`BaseLlm`)."""
    return bool(contents) and contents[-1].role == "user" and all(map(_is_plain, contents))


def _is_plain(content: types.Content) -> bool:
    return all(
        getattr(part, name) is None
        for part in content.parts or []
        for name in part.model_fields_set - PLAIN
    )


def _json(content: types.Content) -> dict[str, Any]:
    return content.model_dump(mode="json", by_alias=True, exclude_none=True)
