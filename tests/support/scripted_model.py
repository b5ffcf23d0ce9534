"""A model that says what a test tells it to, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.genai import types
from pydantic import Field


class ScriptedModel(BaseLlm):
    """Each request takes the next script: a list of steps.

    A step is a chunk of text, a `Part` (a thought, a call), a whole `LlmResponse`, an exception to
    raise, or an `asyncio.Event` to wait for.
    """

    model: str = "scripted"
    scripts: list[list[Any]] = Field(default_factory=list)
    requests: list[LlmRequest] = Field(default_factory=list)

    def enqueue(self, *steps: Any) -> None:
        """The script of one more request."""
        self.scripts.append(list(steps))

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Partials if streaming, then the whole; nothing more once a step has raised."""
        self.requests.append(llm_request.model_copy(deep=True))
        said: list[types.Part] = []
        for step in self.scripts.pop(0):
            match step:
                case BaseException():
                    raise step
                case asyncio.Event():
                    await step.wait()
                case LlmResponse():
                    yield step
                case _:
                    part = types.Part(text=step) if isinstance(step, str) else step
                    said.append(part)
                    if stream and part.text:
                        yield LlmResponse(content=types.ModelContent([part]), partial=True)
                        await asyncio.sleep(0)
        if said:
            # ADK sets the role of a summary, which a `ModelContent` does not let it do.
            whole = types.Content(role="model", parts=_merged(said))
            yield LlmResponse(content=whole, usage_metadata=USAGE)


USAGE = types.GenerateContentResponseUsageMetadata(
    prompt_token_count=1, candidates_token_count=1, total_token_count=2
)


def scripted(*scripts: tuple[Any, ...]) -> ScriptedModel:
    """A model that answers by these steps, one script after the other."""
    return ScriptedModel(scripts=[list(steps) for steps in scripts])


def thought(text: str) -> types.Part:
    """A chunk of thought."""
    return types.Part(text=text, thought=True)


def call(name: str, id: str = "call-1", **args: Any) -> types.Part:
    """A call of a tool."""
    return types.Part(function_call=types.FunctionCall(id=id, name=name, args=args))


def contents(request: LlmRequest) -> list[tuple[str, str]]:
    """A request as (role, text) pairs: what the model is told of the conversation."""
    return [
        (str(content.role), "".join(part.text or "" for part in content.parts or []))
        for content in request.contents
    ]


def _merged(parts: list[types.Part]) -> list[types.Part]:
    """Neighbours of one kind joined, as a model's whole has them."""
    merged: list[types.Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if last and last.text and part.text and bool(last.thought) == bool(part.thought):
            merged[-1] = types.Part(text=last.text + part.text, thought=part.thought)
        else:
            merged.append(part)
    return merged
