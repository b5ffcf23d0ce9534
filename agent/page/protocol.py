"""What a visitor asks, and what is answered, on its way between the page and the agent."""

import json
import random
from typing import Any

import gradio as gr

from agent.core.text import clean
from agent.page.controls import BUSY
from agent.page.gradio_internals import wait_until_sent
from agent.render.messages import Message, as_said

MOST = 1_000
"""More turns than a page ever shows."""


def pick(example: gr.SelectData) -> tuple[Any, ...]:
    """Ask one of the examples, as ASK asks what is typed."""
    text = clean(str(example.value["text"]))
    return {"text": text, "number": random.random(), "count": 0}, BUSY


def edit(change: gr.EditData) -> dict[str, Any]:
    """What EDIT asks anew: in other words, and at which place on the page it stands."""
    place = change.index
    return {
        "text": as_said(clean(str(change.value))),
        "place": place[0] if isinstance(place, list | tuple) else place,
    }


def heard(asked: Any) -> tuple[str, object, int]:
    """What ASK has put on the page: the message, the number that it goes by, and how many turns
    are above it, which is all that is believed of what the browser says."""
    match asked:
        case {"text": str(text), "number": number, "count": int(count)}:
            return text, number, max(0, min(count, MOST))
    return "", None, 0


def answered(messages: list[Message], **about: Any) -> str:
    """An answer as SHOW takes it: JSON on the first line, and then the text of its last message.
    That is what grows, and Gradio sends only what comes at the end of a text that was sent before
    (`diff`, gradio/utils.py)."""
    before, last = messages[:-1], messages[-1:]
    bare = [{**each, "content": {**each["content"], "text": ""}} for each in last]
    line = json.dumps({"messages": [*before, *bare], **about}, ensure_ascii=False)
    return "\n".join([line, *(each["content"]["text"] for each in last)])


taken = wait_until_sent
