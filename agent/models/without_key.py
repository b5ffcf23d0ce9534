"""Gemini without a key of the host's: asked on a visitor's own key alone, and else the offline
model answers in its place.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar

from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.genai import types

from agent.models.credentials import missing_credentials
from agent.models.genai_internals import change_class, uses_interactions_api
from agent.models.offline import OFFLINE_NAME, OfflineModel

# google-genai makes no client without a key; on this one nothing is sent.
NO_KEY = "none"

# ADK's classes that ask Google by a key, and by the header that it is sent in.
BY_KEY = ("Gemini", "Gemma")

KEY_HEADER = "x-goog-api-key"


class OfflineWithoutKey(BaseLlm):
    """What `offline_without_key` puts before a model's own class: it answers what is asked of the
    offline model by its name."""

    offline: ClassVar[OfflineModel]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """The answer of the model that is asked: the agent's own, or the offline one."""
        if llm_request.model == OFFLINE_NAME:
            responses = self.offline.generate_content_async(llm_request, stream)
        else:
            responses = super().generate_content_async(llm_request, stream)
        async with aclosing(responses) as answer:
            async for response in answer:
                yield response


def offline_without_key(model: Gemini, offline: OfflineModel) -> BaseLlm:
    """A copy of the model that answers as the offline one where it is told so; that one, if the
    model's class cannot be changed."""
    twin = model.model_copy()
    return twin if change_class(twin, OfflineWithoutKey, type(model), offline=offline) else offline


def is_offline(model: object) -> bool:
    """Whether the offline model answers, as far as the host's own keys go."""
    return isinstance(model, OfflineModel | OfflineWithoutKey)


def for_own_keys(model: BaseLlm) -> Gemini | None:
    """The model, if it lacks nothing but a key for Gemini, as one that can be asked on a key that
    comes with the request."""
    is_without_key = missing_credentials(model) == ("GOOGLE_API_KEY",)
    if not (is_without_key and isinstance(model, Gemini) and _is_by_key(model)):
        return None
    own = getattr(model, "client_kwargs", None) or {}
    return model.model_copy(update={"client_kwargs": {**own, "api_key": NO_KEY}})


def takes_own_key(model: object) -> bool:
    """Whether the model can be asked on a visitor's own key: a Gemini by Google's own API."""
    if not (isinstance(model, Gemini) and _is_by_key(model)):
        return False
    try:
        return not model.api_client.vertexai
    except Exception:  # It has neither a key nor a login, or is set up wrong.
        return False


def _is_by_key(model: Gemini) -> bool:
    own = getattr(model, "client", None) or uses_interactions_api(model)
    return type(model).__name__ in BY_KEY and not own


def with_own_key(request: LlmRequest, key: str) -> None:
    """Have a request asked on this key in place of the client's own, and on nothing that was made
    with another key, such as a cache of the context."""
    options = request.config.http_options or types.HttpOptions()
    others = {
        name: value for name, value in (options.headers or {}).items() if name.lower() != KEY_HEADER
    }
    headers = {**others, KEY_HEADER: key}
    request.config.http_options = options.model_copy(update={"headers": headers})
    request.cache_config = request.cache_metadata = None
