"""A copy of a model that shows when it is really done with its answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar

from google.adk.models import BaseLlm, LlmRequest, LlmResponse

from agent.models.genai_internals import change_class


class WatchedModel(BaseLlm):
    """What `watched` puts before a model's own class."""

    done: ClassVar[asyncio.Event]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """The model's answer."""
        try:
            responses = super().generate_content_async(llm_request, stream)
            async with aclosing(responses) as answer:
                async for response in answer:
                    yield response
        finally:
            self.done.set()


def watched(model: BaseLlm) -> tuple[BaseLlm, asyncio.Event]:
    """A copy of the model, and what is set when an answer of it is over: said, failed, or given up
    by the model itself. The model, and what is set already, if its class cannot be changed."""
    copy, done = model.model_copy(), asyncio.Event()
    if change_class(copy, WatchedModel, type(model), done=done):
        return copy, done
    done.set()
    return model, done
