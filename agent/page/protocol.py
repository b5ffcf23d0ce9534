"""What browser and server say to each other: a question, and the answer as it grows."""

import json
import random
from collections.abc import Mapping
from itertools import takewhile
from typing import Any, NamedTuple, cast

import gradio as gr
from pydantic import SecretStr

from agent.core.files import File
from agent.core.text import clean
from agent.core.visitor import is_session_id
from agent.limits.client_address import client_address
from agent.page.cards import parse_replies
from agent.page.controls import busy
from agent.page.gradio_internals import wait_until_sent as wait_until_sent
from agent.render.file_links import from_address
from agent.render.formulas import MARK
from agent.render.messages import Message, as_said, is_beside_words

# More messages than a page ever shows.
MAX_ABOVE = 1_000

# More files than a message may have, so that the visitor is told so.
MAX_GIVEN = 20

# More characters than any key has (agent/core/own_key.py).
MAX_KEY = 1_000

# Larger numbers JavaScript does not count by.
MAX_NUMBER = 2**53


def pick(example: gr.SelectData) -> tuple[Any, ...]:
    """Ask one of the examples, in the form of a question of chat.js."""
    text = clean(str(example.value["text"]))
    return {"text": text, "number": random.random(), "count": 0}, busy()


def choose(option: gr.SelectData) -> str:
    """Which button below the last answer was pressed, by what it asks."""
    return clean(str(option.value))


def edit(change: gr.EditData) -> Any:
    """What chat.js asks anew: in other words, and at which place on the page it stands.

    Of a message with files Gradio reports its words and, as another edit, its files, which stay.
    """
    text = as_said(clean(str(change.value)))
    if text.startswith(MARK):
        return gr.skip()
    match change.index:
        case int(place) | [int(place), *_]:
            return {"text": text, "place": place, "number": random.random()}
    return {"text": "", "place": 0, "number": 0}


def parse_question(asked: Any) -> dict[str, Any]:
    """What the browser's `ask` has put on the page: the `text` of a message, the `number` that it
    goes by, its `files`, and how many messages are `above` it, which is all that is believed of
    what the browser says about the conversation; or `replies` to what the agent asks in the answer
    to that message; how it is to be answered, as `options`; and its visitor's own `key`, if there
    is one. Whatever else it sends is nothing.
    """
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
            if files := parse_files(asked.get("files")):
                question["files"] = files
            return question | parse_choices(asked)
    return {"text": "", "number": None, "above": 0}


def parse_choices(sent: Mapping[str, Any]) -> dict[str, Any]:
    """How a message is to be answered, and on which key, as far as the browser says so."""
    chosen: dict[str, Any] = {}
    if isinstance(sent.get("options"), dict):
        chosen["options"] = sent["options"]
    if isinstance(key := sent.get("key"), str) and key.strip():
        chosen["key"] = SecretStr(key[:MAX_KEY])
    return chosen


def parse_files(addresses: object) -> list[File]:
    """The files of a message, which the browser tells by their addresses."""
    given = addresses[:MAX_GIVEN] if isinstance(addresses, list) else []
    found = [from_address(address) for address in given if isinstance(address, str)]
    return [file for file in found if file]


class Wish(NamedTuple):
    """What a visitor wants with one of the chats in the side bar."""

    kind: str
    session_id: str
    name: str


def parse_wish(event: gr.EventData) -> Wish:
    """What chats.js says with an event; whatever else it says is nothing, and so is an id that is
    no session's."""
    kind, session_id, name = (_text_of(event, key) for key in ("kind", "id", "name"))
    return Wish(kind, session_id if is_session_id(session_id) else "", name)


def _text_of(event: gr.EventData, key: str) -> str:
    try:
        value = getattr(event, key, "")
    except TypeError:  # What was sent is no object.
        value = ""
    return clean(value) if isinstance(value, str) else ""


def encode_answer(messages: list[Message], **about: Any) -> str:
    """An answer as the browser's `showAnswer` takes it: JSON on the first line, and then the text
    of its last message; behind a NUL, as JSON, what stands beside or below the words, if anything.

    That text is what grows, and Gradio sends only what comes at the end of a text that was sent
    before (`diff`, gradio/utils.py).
    """
    beside = list(takewhile(is_beside_words, reversed(messages)))[::-1]
    words = messages[: len(messages) - len(beside)]
    before, last = words[:-1], words[-1:]
    bare = [{**message, "content": {**message["content"], "text": ""}} for message in last]
    line = json.dumps({"messages": [*before, *bare], **about}, ensure_ascii=False)
    text = "\n".join([line, *(message["content"]["text"] for message in last)])
    return text + (f"\0{json.dumps(beside, ensure_ascii=False)}" if beside else "")


def address(request: gr.Request) -> str:
    """The network address that a message comes from, for the limits."""
    return client_address(cast(Any, request))  # Which has the attributes of the HTTP request.
