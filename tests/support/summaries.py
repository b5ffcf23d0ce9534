"""ADK's compaction in tests: a summary that repeats, line by line, what it sums up."""

import warnings
from typing import Any

from google.adk.apps.app import EventsCompactionConfig

BEGINNING = "In short:\n"


def compaction(**config: Any) -> EventsCompactionConfig:
    """When ADK compacts."""
    with warnings.catch_warnings(action="ignore"):  # It is experimental.
        return EventsCompactionConfig(**config)


def is_for_summary(asked: str) -> bool:
    """Whether ADK asks a model for a summary (adk/apps/llm_event_summarizer.py)."""
    return asked.startswith("The following is a conversation history")


def summary(asked: str) -> str:
    """What the model answers to that."""
    return BEGINNING + asked.partition("\n\n")[2]


def unfolded(contents: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a model is told, each summary replaced by what it sums up; what two of them have in
    common once."""
    lines: list[tuple[str, str]] = []
    for role, text in contents:
        if text.startswith(BEGINNING):
            said = [line.partition(": ") for line in text.removeprefix(BEGINNING).split("\n")]
            lines += [("user" if who == "user" else "model", words) for who, _, words in said]
        else:
            lines.append((role, text))
    return list(dict.fromkeys(lines))
