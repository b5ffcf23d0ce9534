"""What google-genai does at its first answer and never again, done without a network."""

from typing import Any

from google.genai import Client, types

from agent.models.gemini_stream import StreamHook
from agent.models.genai_internals import http_library

# A stream of Gemini's.
ANSWER = 'data: {"candidates": [{"content": {"parts": [{"text": "Hello"}], "role": "model"}}]}\n\n'


class CannedTransport:
    """Answers every request with `ANSWER`, in whichever HTTP library google-genai uses."""

    async def handle_async_request(self, request: Any) -> Any:
        headers = {"content-type": "text/event-stream"}
        return http_library(request).Response(200, headers=headers, text=ANSWER)

    async def aclose(self) -> None:
        """There is nothing to close."""


async def warm_up_gemini() -> None:
    """Ask google-genai one question, and read the answer."""
    hooks = {"response": [StreamHook()]}
    args = {"transport": CannedTransport(), "event_hooks": hooks}
    options = types.HttpOptions(async_client_args=args)
    models = Client(vertexai=False, api_key="nobody's", http_options=options).aio.models
    async for _ in await models.generate_content_stream(model="nobody", contents="Hello"):
        pass
