"""What a request to Gemini asks, as hashes by which the same is known again.

A recording has these in place of the request, which holds the agent's instruction and all that was
said. Left out is what is new in every request: ids of calls, signatures, labels.
"""

import json
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote

from agent.core.adk_internals import CONTEXT

# The end of the address of a model that is asked. Before its name may stand those of a Google Cloud
# project and a place.
ADDRESS = re.compile(r"/([^/:]+):(generateContent|streamGenerateContent)$")

# The parts of a request that have names of their own here; what is left are its settings.
NAMED = {"contents", "systemInstruction", "tools", "labels"}

# What is new each time, whatever is asked.
VOLATILE = {"id", "thoughtSignature"}

# Dates and times of day: an instruction may tell the present ones.
TIMES = re.compile(
    r"\d+|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:january|february|march|april|may|june|"
    r"july|august|september|october|november|december)\b",
    re.IGNORECASE,
)

# Characters of a hash: by chance two of a million are the same once in 37 million times.
HASH_LENGTH = 16

# Characters of a recorded question that a visitor is told who asks something else.
MAX_QUESTION = 120

Key = tuple[str, ...]


@dataclass(frozen=True)
class ModelRequest:
    """What identifies a request."""

    model: str
    # Of Gemini's: whether the answer is streamed.
    method: str
    # Of each part of the request, by its name, its hash.
    exact: dict[str, str]
    # As `exact`, but equal also where tools have given other results, or an instruction tells
    # another time.
    like: dict[str, str]
    # Of what was said before the latest content, and of that; results aside.
    before: str
    latest: str
    # What the visitor says in it; "" where a tool's result is told.
    question: str

    def key(self, is_exact: bool) -> Key:
        """What is the same of two requests that ask the same."""
        return self.model, self.method, *(self.exact if is_exact else self.like).values()


def read_request(
    path: str, body: bytes, refused: Container[str] = frozenset()
) -> ModelRequest | None:
    """What a request asks; None if it asks no model for an answer.

    Args:
        path: Of its address.
        body: JSON.
        refused: Questions that got no answer, as `latest` tells of them: they are passed over where
            another one follows.
    """
    address = ADDRESS.search(unquote(path))
    try:
        fields = json.loads(body) if address else None
    except ValueError:
        return None
    if address is None or not isinstance(fields, dict):
        return None
    contents = [_lasting(content) for content in fields.get("contents") or ()]
    contents = list(_without_refused(contents, refused))
    instruction = "\n".join(_texts(fields.get("systemInstruction")))
    tools = sorted(_tool_names(fields.get("tools") or ()))
    settings = {name: value for name, value in fields.items() if name not in NAMED}
    same = {"tools": _hash(tools), "settings": _hash(settings)}
    said = list(map(_without_results, contents))
    return ModelRequest(
        model=address[1],
        method=address[2],
        exact={"instruction": _hash(instruction), "conversation": _hash(contents), **same},
        like={
            "instruction": _hash(TIMES.sub("0", instruction)),
            "conversation": _hash(said),
            **same,
        },
        before=_hash(said[:-1]),
        latest=_hash(said[-1:]),
        question=_question(contents),
    )


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def _lasting(value: Any) -> Any:
    """A part of a request without what is new each time. A tool's arguments and its result stay as
    they are."""
    match value:
        case dict():
            return {
                name: inner if name in ("args", "response") else _lasting(inner)
                for name, inner in value.items()
                if name not in VOLATILE
            }
        case list():
            return [_lasting(inner) for inner in value]
    return value


def _without_refused(contents: list[Any], refused: Container[str]) -> Iterator[Any]:
    for content, following in zip_longest(contents, contents[1:]):
        is_refused = _is_question(content) and _is_question(following)
        if not (is_refused and _hash([content]) in refused):
            yield content


def _without_results(content: Any) -> Any:
    match content:
        case {"parts": [*parts]}:
            return {**content, "parts": [_name_of_result(part) for part in parts]}
    return content


def _name_of_result(part: Any) -> Any:
    match part:
        case {"functionResponse": {"name": name}}:
            return {"functionResponse": name}
    return part


def _is_question(content: Any) -> bool:
    """Whether a visitor says this; not a tool, nor ADK of what another agent did."""
    match content:
        case {"role": "user", "parts": [*parts]}:
            is_report = any(str(part.get("text", "")).startswith(CONTEXT) for part in parts[:1])
            return not is_report and all("functionResponse" not in part for part in parts)
    return False


def _question(contents: list[Any]) -> str:
    if not (contents and _is_question(contents[-1])):
        return ""
    text = " ".join(" ".join(_texts(contents[-1])).split())
    return text if len(text) <= MAX_QUESTION else ""


def _texts(content: Any) -> Iterator[str]:
    match content:
        case str():
            yield content
        case {"parts": [*parts]}:
            yield from (str(part["text"]) for part in parts if part.get("text"))


def _tool_names(tools: Any) -> Iterator[str]:
    """Not how they are described, in which Google Cloud's requests differ from others."""
    for tool in tools:
        for kind, value in tool.items():
            if kind == "functionDeclarations":
                yield from (str(function.get("name")) for function in value)
            else:
                yield str(kind)
