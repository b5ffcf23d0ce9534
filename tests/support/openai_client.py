"""Requests to the OpenAI-compatible API, by its own client or raw, and what answers hold."""

import json
from typing import Any

from openai import AsyncOpenAI, OpenAI

from tests.support.fake_gemini import USAGE

Json = dict[str, Any]

TOKEN = "the-token-of-this-host"


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def ask(client: OpenAI | AsyncOpenAI, *said: Any, **options: Any) -> Any:
    """What the client makes of the answer to this conversation; a text is a user's message."""
    messages = [
        user(message) if isinstance(message, str) else message for message in said or ("Hi",)
    ]
    create: Any = client.chat.completions.create
    return create(**{"model": "helper", "messages": messages, **options})


def sent(**changed: Any) -> Json:
    """A good request's body, but for this."""
    return {"model": "helper", "messages": [user("Hi")], **changed}


def raw(body: Any, token: str = TOKEN) -> Json:
    """A request for httpx, whose body need not be what the openai client would send."""
    return {
        "url": "v1/chat/completions",
        "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
        "content": body if isinstance(body, str | bytes) else json.dumps(body),
    }


def shape(chunk: Any) -> tuple[Json, str | None]:
    """What is new in a chunk of a stream."""
    [choice] = chunk.choices
    return choice.delta.model_dump(exclude_unset=True), choice.finish_reason


def text_and_reason(completion: Any) -> tuple[str, str]:
    [choice] = completion.choices
    return choice.message.content, choice.finish_reason


def joined(chunks: list[Any], key: str = "content") -> str:
    return "".join(shape(chunk)[0].get(key, "") for chunk in chunks if chunk.choices)


def tokens(calls: int) -> Json:
    """What so many calls of the fake Gemini use."""
    prompt, answer = USAGE["promptTokenCount"], USAGE["candidatesTokenCount"]
    used = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    return {name: calls * number for name, number in used.items()}
