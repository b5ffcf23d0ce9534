"""Every undocumented or surprising thing that this room relies on in google-genai and in the HTTP
library below it, and what happens when it is gone: answers cost more, but are the same.

google-genai 2.34, with httpx or httpx2; tried with 3.6. One test asserts that all of it is there.
"""

import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from functools import cache
from typing import Any, TypeAlias

from google.adk.models import BaseLlm, Gemini, LlmRequest
from google.genai import types

logger = logging.getLogger(__name__)

# The HTTP libraries whose responses `replace_body` knows. google-genai uses httpx, and its fork
# httpx2 if GOOGLE_GENAI_HTTP_CLIENT=httpx2 or from version 3 on; but aiohttp where that is
# installed (google/genai/_api_client.py). Another one: see `log_unknown_client`.
HTTP_LIBRARIES = ("httpx", "httpx2")

ReadBody: TypeAlias = Callable[[Any], AsyncGenerator[bytes]]
Hook: TypeAlias = Callable[[Any], Any]


def http_library(message: object) -> Any:
    """The module that an HTTP request or response comes from; None if it is not a known one."""
    roots = (kind.__module__.partition(".")[0] for kind in type(message).__mro__)
    return next((sys.modules[root] for root in roots if root in HTTP_LIBRARIES), None)


def replace_body(response: Any, read: ReadBody) -> bool:
    """Have google-genai read what `read` yields in place of the body of a response.

    The attribute `stream` of a response is public, but not that an event hook may replace it, nor
    that it must be an `AsyncByteStream` of the same library. Gone: False.

    Args:
        response: What an event hook is called with.
        read: Yields the new body; is called with a response that has the original one.

    Returns:
        Whether it is replaced.
    """
    library = http_library(response)
    known = all(hasattr(library, name) for name in ("Response", "AsyncByteStream"))
    if not known or not hasattr(response, "stream"):
        return False
    received = library.Response(200, headers=response.headers, stream=response.stream)
    response.stream = byte_stream(library, ReplacedBody)(received, read)
    response.headers.pop("content-encoding", None)  # What `read` yields is decoded.
    return True


class ReplacedBody:
    """The body of a response as `read` yields it."""

    def __init__(self, received: Any, read: ReadBody) -> None:
        self._received, self._read = received, read

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._read(self._received)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Close the connection."""
        await self._received.aclose()


@cache
def byte_stream(library: Any, kind: type) -> Any:
    """A class of bodies that this HTTP library takes for one of its own."""
    return type(kind.__name__, (kind, library.AsyncByteStream), {})


@cache
def log_unknown_client() -> None:
    """Say once per process that answers cost more than they need to."""
    logger.warning(
        "google-genai reads its answers with an HTTP library other than %s: they are coalesced "
        "only after it has read them, which takes more CPU.",
        " or ".join(HTTP_LIBRARIES),
    )


def with_event_hook(model: Gemini, hook: Callable[[Any], Any]) -> dict[str, Any]:
    """The fields to change in a model for its client to call `hook` with each response.

    ADK hands `client_kwargs` to google-genai's client, which hands `async_client_args` to that of
    the HTTP library, but leaves out of them what it does not know. Gone: no fields, or the hook is
    not called.

    Returns:
        No fields where the owner has decided how the model is asked, or where it goes by the
        Interactions API, for which google-genai has another client.
    """
    own = getattr(model, "client_kwargs", None) or {}
    if model.client or uses_interactions_api(model) or "http_options" in own:
        return {}
    fields = Gemini.model_fields.keys() | types.HttpOptions.model_fields.keys()
    if not {"client_kwargs", "async_client_args"} <= fields:
        return {}
    options = types.HttpOptions(async_client_args={"event_hooks": {"response": [hook]}})
    return {"client_kwargs": {**own, "http_options": options}}


def add_event_hooks(client: Any, on_request: Hook, on_response: Hook) -> bool:
    """Have a client of google-genai call these with each request and each response, before any
    hooks that its HTTP client has; once, however often this is called.

    Gone, or a client that asks in another way: False.
    """
    try:
        http = client._api_client._async_httpx_client
        hooks = {"request": [], "response": [], **http.event_hooks}
        if on_response not in hooks["response"]:
            more = {"request": [on_request], "response": [on_response]}
            http.event_hooks = {name: [*more.get(name, ()), *hooks[name]] for name in hooks}
    except (AttributeError, TypeError):
        return False
    return True


def forget_client(model: BaseLlm) -> None:
    """Have a model make its client anew, if it has one (`Gemini.api_client` and its like are cached
    in the model itself). Gone: does nothing."""
    for name in [name for name in vars(model) if name.endswith(("api_client", "_api_backend"))]:
        del vars(model)[name]


def use_httpx(client: Any) -> None:
    """Have a client of google-genai ask by httpx, whose answers are coalesced before they are read,
    though aiohttp is installed too, which it would prefer (genai/_api_client.py). LiteLLM brings
    that along.

    Gone: does nothing, so that answers are coalesced only after they have been read.
    """
    with suppress(Exception):
        client._api_client._use_aiohttp = lambda: False


def uses_interactions_api(model: Gemini) -> bool:
    """Whether the model is asked by an API that has no `contents`. Gone: it never is."""
    return bool(getattr(model, "use_interactions_api", False))


def with_contents(request: LlmRequest, contents: list[dict[str, Any]]) -> LlmRequest:
    """A copy of the request that has its contents as the JSON to be sent.

    google-genai puts `extra_body` over what it has made itself of a request, and so need not be
    given more than one of the contents. Only where `replaces_contents`.
    """
    options = request.config.http_options or types.HttpOptions()
    options = options.model_copy(update={"extra_body": {"contents": contents}})
    config = request.config.model_copy(update={"http_options": options})
    return request.model_copy(update={"config": config, "contents": request.contents[-1:]})


def replaces_contents(client: Any) -> bool:
    """Whether `extra_body` replaces the contents of this client's requests.

    Tried on a request that is not sent, because a model that is told only the last of the contents
    would answer wrong. Gone: False.
    """
    request = {"contents": ["made by google-genai"]}
    try:
        options = types.HttpOptions(extra_body={"contents": ["made here"]})
        built = client._api_client._build_request("post", "models", request, options)
        return bool(built.data["contents"] == ["made here"])
    except (AttributeError, LookupError, TypeError, ValueError):
        return False


def change_class(model: BaseLlm, *bases: type, **attributes: Any) -> bool:
    """Give a model a class made of these, of the same name as before.

    Python allows it where objects of both classes are alike in memory, as those of ADK's models
    are. Otherwise, or where the model's class can have no children: False, and nothing changes.
    """
    own = type(model)
    try:
        model.__class__ = type(own.__name__, bases, {"__module__": own.__module__, **attributes})
    except TypeError:
        return False
    return True
