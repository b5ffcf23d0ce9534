"""ADK's compaction in tests: a summary that repeats, line by line, what it sums up."""

import warnings
from typing import Any

from google.adk.apps.app import EventsCompactionConfig

# How ADK asks a model for a summary begins (adk/apps/llm_event_summarizer.py); how this answers.
FOR_SUMMARY, BEGINNING = "The following is a conversation history", "In short:\n"


def compaction(**config: Any) -> EventsCompactionConfig:
    """When ADK compacts."""
    with warnings.catch_warnings(action="ignore"):  # It is experimental.
        return EventsCompactionConfig(**config)


def is_for_summary(asked: str) -> bool:
    """Whether ADK asks a model for a summary."""
    return asked.startswith(FOR_SUMMARY)


def summary(asked: str) -> str:
    """What the model answers to that; what an earlier summary said is repeated in it."""
    lines = asked.partition("\n\n")[2].split("\n")
    return BEGINNING + "\n".join(line for line in lines if not line.endswith(BEGINNING.strip()))


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
