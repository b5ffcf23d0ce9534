"""What browser and server say to each other: a question, and the answer as it grows."""

import json
import random
from typing import Any, cast

import gradio as gr

from agent.core.text import clean
from agent.limits.client_address import client_address
from agent.page.cards import parse_replies
from agent.page.controls import BUSY
from agent.page.gradio_internals import wait_until_sent as wait_until_sent
from agent.render.messages import Message, as_said

# More messages than a page ever shows.
MAX_ABOVE = 1_000

# Larger numbers JavaScript does not count by.
MAX_NUMBER = 2**53


def pick(example: gr.SelectData) -> tuple[Any, ...]:
    """Ask one of the examples, in the form of a question of chat.js."""
    text = clean(str(example.value["text"]))
    return {"text": text, "number": random.random(), "count": 0}, BUSY


def edit(change: gr.EditData) -> dict[str, Any]:
    """What chat.js asks anew: in other words, and at which place on the page it stands."""
    match change.index:
        case int(place) | [int(place), *_]:
            return {"text": as_said(clean(str(change.value))), "place": place}
    return {"text": "", "place": 0}


def parse_question(asked: Any) -> dict[str, Any]:
    """What the browser's `ask` has put on the page: the `text` of a message, the `number` that it
    goes by, and how many messages are `above` it, which is all that is believed of what the browser
    says about the conversation; or `replies` to what the agent asks in the answer to that message.
    Whatever else it sends is nothing."""
    match asked:
        case {"text": str(text), "number": int() | float() as number, "count": int(count)} if (
            abs(number) < MAX_NUMBER
        ):
            question: dict[str, Any] = {
                "text": text,
                "number": number,
                "above": max(0, min(count, MAX_ABOVE)),
            }
            if replies := parse_replies(asked.get("replies")):
                question["replies"] = replies
            return question
    return {"text": "", "number": None, "above": 0}


def encode_answer(messages: list[Message], **about: Any) -> str:
    """An answer as the browser's `showAnswer` takes it: JSON on the first line, and then the text
    of its last message.

    That is what grows, and Gradio sends only what comes at the end of a text that was sent before
    (`diff`, gradio/utils.py).
    """
    before, last = messages[:-1], messages[-1:]
    bare = [{**message, "content": {**message["content"], "text": ""}} for message in last]
    line = json.dumps({"messages": [*before, *bare], **about}, ensure_ascii=False)
    return "\n".join([line, *(message["content"]["text"] for message in last)])


def address(request: gr.Request) -> str:
    """The network address that a message comes from, for the limits."""
    return client_address(cast(Any, request))  # Which has the attributes of the HTTP request.
