"""Gemini with long histories in its requests, for less.

google-genai finds out anew in each request of what kind every content is: 0.3 ms for each, while
all other visitors wait (`ContentListUnion`, google/genai/types.py). Plain contents are handed to it
as the JSON that it would make of them.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from google.adk.models import Gemini, LlmRequest, LlmResponse
from google.genai import types

from agent.models.genai_internals import replaces_contents, uses_interactions_api, with_contents

# The fields of a part that google-genai sends as they are in these models. Bytes become base64 in
# its URL-safe alphabet, here as there. A part with another field is not plain.
PLAIN = {"text", "thought", "thought_signature", "function_call", "function_response"}


class GeminiWithPlainRequests(Gemini):
    """Gemini, whose plain requests cost less."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gemini's answer, after the request was made cheaper where that can be done."""
        if not uses_interactions_api(self) and replaces_contents(self.api_client):
            llm_request = as_plain_json(llm_request)
        responses = super().generate_content_async(llm_request, stream)
        async with aclosing(responses) as answer:
            async for response in answer:
                yield response


def as_plain_json(request: LlmRequest) -> LlmRequest:
    """The request with its contents as JSON; the same request where not all of them are plain."""
    options = request.config.http_options
    if request.cache_config or (options and options.extra_body):
        return request
    contents = request.contents
    # Where the last content is not the user's, ADK adds one (adk/models/base_llm.py).
    if not contents or contents[-1].role != "user" or not all(map(_is_plain, contents)):
        return request
    return with_contents(
        request,
        [content.model_dump(mode="json", by_alias=True, exclude_none=True) for content in contents],
    )


def _is_plain(content: types.Content) -> bool:
    return all(
        getattr(part, name) is None
        for part in content.parts or []
        for name in part.model_fields_set - PLAIN
    )
