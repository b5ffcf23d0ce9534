"""A live connection to a model that has none: typed words go both ways, and interrupt.

What is typed is a request to the model with all that was said before; its answer streams back. Who
types on while it does so ends that answer; its words so far are kept. A voice is not
heard: the model takes words alone.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.models.base_llm_connection import BaseLlmConnection
from google.genai import types


class TextLine(BaseLlmConnection):
    """Words to a model, and its answers, for one talk.

    Args:
        model: Asked by `generate_content_async`.
        request: What it is to know: instruction, tools, and what was said before.
    """

    def __init__(self, model: BaseLlm, request: LlmRequest) -> None:
        self._model, self._request = model, request
        self._contents: list[types.Content] = []
        # Typed while tools were at work: their results come first, as Gemini wants it.
        self._waiting: list[types.Content] = []
        # How many calls of tools have no result yet.
        self._calls = 0
        self._answer: asyncio.Task[None] | None = None
        self._words = ""
        self._responses = asyncio.Queue[LlmResponse | Exception | None]()
        self._is_closed = False

    async def send_history(self, history: list[types.Content]) -> None:
        """What was said before. Its last words, where they are a person's, are answered: so an
        agent goes on to whom another has handed over."""
        self._contents = list(history)
        if history and history[-1].role == "user":
            self._ask()

    async def send_content(self, content: types.Content) -> None:
        """Words, which interrupt an answer that is on its way; or results of tools."""
        results = [part.function_response for part in content.parts or [] if part.function_response]
        if results:
            self._contents.append(_without_own_ids(content))
            self._calls = max(0, self._calls - len(results))
        else:
            await self._interrupt()
            self._waiting.append(content)
        if not self._calls:
            self._contents += self._waiting
            self._waiting = []
            self._ask()

    async def send_realtime(self, blob: object) -> None:
        """Voice is not heard. That somebody begins to speak interrupts all the same."""
        if isinstance(blob, types.ActivityStart):
            await self._interrupt()

    async def receive(self) -> AsyncGenerator[LlmResponse, None]:
        """The model's responses, until the end of one answer; nothing once the line is closed.

        Raises:
            Exception: What the model has raised.
        """
        while not self._is_closed:
            response = await self._responses.get()
            if response is None:
                return
            if isinstance(response, Exception):
                raise response
            yield response
            if response.turn_complete:
                return

    async def close(self) -> None:
        """End what is on its way; again and again does nothing."""
        self._is_closed = True
        await self._end_answer()
        self._responses.put_nowait(None)

    def _ask(self) -> None:
        self._words = ""
        self._answer = asyncio.create_task(self._run())

    async def _run(self) -> None:
        request = self._request.model_copy(update={"contents": list(self._contents)})
        try:
            answer = self._model.generate_content_async(request, stream=True)
            async with aclosing(answer) as responses:
                async for response in responses:
                    self._take(response)
        except Exception as error:
            self._responses.put_nowait(error)
            return
        if not self._calls:
            self._responses.put_nowait(LlmResponse(turn_complete=True))

    def _take(self, response: LlmResponse) -> None:
        parts = (response.content and response.content.parts) or []
        if response.partial:
            self._words += "".join(part.text or "" for part in parts if not part.thought)
        elif response.content:
            self._words = ""
            self._contents.append(_without_own_ids(response.content))
            self._calls = sum(bool(part.function_call) for part in parts)
        self._responses.put_nowait(response)

    async def _interrupt(self) -> None:
        """End the answer that is on its way. The words so far are the whole of it."""
        if not await self._end_answer() or self._is_closed:
            return
        if self._words:
            content = types.ModelContent(self._words)
            self._contents.append(content)
            cut = LlmResponse(content=content, partial=False, interrupted=True)
            self._responses.put_nowait(cut)
        else:
            self._responses.put_nowait(LlmResponse(interrupted=True))
        self._words = ""
        self._responses.put_nowait(LlmResponse(turn_complete=True))

    async def _end_answer(self) -> bool:
        """Whether an answer was on its way, which is over now."""
        task = self._answer
        if task is None or task.done():
            return False
        task.cancel()
        await asyncio.wait({task})
        return True


def _without_own_ids(content: types.Content) -> types.Content:
    """A copy without the ids that ADK gives to calls which have none: not every model takes them
    (adk/flows/llm_flows/tools/_functions.py)."""
    copy = content.model_copy(deep=True)
    for part in copy.parts or []:
        for call in (part.function_call, part.function_response):
            if call and (call.id or "").startswith("adk-"):
                call.id = None
    return copy


@asynccontextmanager
async def open_text_line(model: BaseLlm, request: LlmRequest) -> AsyncIterator[TextLine]:
    """A line to the model, closed at the end."""
    line = TextLine(model, request)
    try:
        yield line
    finally:
        await line.close()
