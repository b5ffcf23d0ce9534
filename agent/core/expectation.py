"""What a right answer is, as far as a program can tell: what a finding becomes a test by.

The host may say it for each finding; else it is worked out from what the visitor has said.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from babel import Locale

from agent.core.answer_metrics import says
from agent.core.feedback import BAD, GOOD, TASK, Finding
from agent.core.language import LANGUAGES
from agent.core.text import clean, from_json, to_json

# In a visitor's words, what every right answer has: between quotation marks; numbers, with times
# and dates; names, which are written large in the midst of a sentence.
QUOTED = re.compile(r"[\"“”„«「]([^\"“”„«»「」]{1,200})[\"“”»」]")
NUMBER = re.compile(r"\d(?:[\d.,:/-]*\d)?")
WORD_WITHIN = re.compile(r"(?<=[^\W\d_] )[^\W\d_]\w[\w'-]*")

# So many words, or characters, are looked for as they stand.
SHORT, SHORT_LENGTH = 3, 30

# The lines of each field that a host may fill in; and characters of one line.
MAX_LINES, MAX_LINE = 50, 2_000


@dataclass(frozen=True)
class Expectation:
    """What is looked for in an answer. Its fields are stored by these names."""

    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()
    # Tools that must be called in this order; others may come between. Each is {"name", "args"}.
    # Without any, whatever is called is right.
    tools: tuple[Mapping[str, Any], ...] = ()

    @property
    def tool_lines(self) -> str:
        """The tools as a host writes them: a name and JSON on each line."""
        lines = [f"{tool['name']} {_json(tool['args'])}" for tool in self.tools]
        return "\n".join(lines)


def expectation_of(finding: Finding) -> Expectation:
    """What is looked for in the answer that a finding is about."""
    if finding.expectation is not None:
        known = {name: tuple(finding.expectation.get(name, ())) for name in asdict(Expectation())}
        return Expectation(**known)
    opinion = finding.opinion
    marked: tuple[str, ...] = (_phrase(opinion.passage),) if opinion.passage else ()
    if finding.kind == TASK and opinion.rating == GOOD:
        should = facts(str(finding.task.get("should", "")))
        marked = tuple(fact for fact in should if says(finding.answer, fact))
    if opinion.rating != BAD:
        return Expectation(must_say=marked, tools=called(finding.tools))
    # Of what a visitor has put right, the bad answer has a part, which another answer need not.
    must = [fact for fact in facts(opinion.expected) if not says(finding.answer, fact)]
    wrong = marked or tuple(filter(None, [_phrase(finding.answer)]))
    return Expectation(
        must_say=tuple(must),
        must_not_say=tuple(phrase for phrase in wrong if not says(opinion.expected, phrase)),
    )


def called(tools: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The calls as they are expected another time; without those whose arguments were too long to
    be kept."""
    kept = ({"name": tool["name"], "args": dict(tool["args"])} for tool in tools)
    return tuple(tool for tool in kept if "…" not in tool["args"])


def facts(text: str) -> list[str]:
    """What of a right answer's words must be in any right answer: what is quoted, or else numbers,
    weekdays and months, or else names, or else all of it, if that is short."""
    words = " ".join(text.split()).strip(" .!?。！？")
    found = QUOTED.findall(text) or [*NUMBER.findall(text), *_dates(text)] or _names(text)
    is_short = len(words.split()) <= SHORT and len(words) <= SHORT_LENGTH
    return list(dict.fromkeys(map(_phrase, found))) or ([words] if words and is_short else [])


def _names(text: str) -> list[str]:
    return [word for word in WORD_WITHIN.findall(text) if word[0].isupper()]


def _dates(text: str) -> list[str]:
    words = re.findall(r"[^\W\d_]+", text)
    return [word for word in words if word.casefold() in _calendar()]


@cache
def _calendar() -> frozenset[str]:
    """Weekdays and months in all languages of the page. "may", which is also another word in
    English, is none; a number stands beside it where it is a month."""
    names: set[str] = set()
    for tag in LANGUAGES:
        locale = Locale.parse(tag, sep="-")
        for kind in (locale.days, locale.months):
            names |= {str(name).casefold() for name in kind["stand-alone"]["wide"].values()}
    return frozenset(names - {"may"})


def parse_expectation(must_say: str, must_not_say: str, tools: str) -> Expectation:
    """What a host has written: a phrase, or a tool's name and its arguments as JSON, on each line.

    Raises:
        ValueError: with a sentence for the host.
    """
    return Expectation(
        tuple(_lines(must_say)), tuple(_lines(must_not_say)), tuple(map(_tool, _lines(tools)))
    )


def _phrase(text: str) -> str:
    """On one line, and without the sign that stands between several ways to say the same."""
    return " ".join(text.replace("|", " ").split())


def to_stored(expectation: Expectation) -> dict[str, Any]:
    """As a finding keeps it."""
    return asdict(expectation)


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in clean(text).splitlines() if line.strip()]
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE for line in lines):
        raise ValueError(f"A field can have {MAX_LINES} lines of {MAX_LINE:,} characters.")
    return lines


def _tool(line: str) -> Mapping[str, Any]:
    name, _, args = line.partition(" ")
    try:
        found = from_json(args.strip() or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        example = 'find_order {"number": 17}'
        raise ValueError(f"{line[:200]!r} is no tool with its arguments as JSON, such as {example}")
    return {"name": name, "args": found}


def _json(value: Any) -> str:
    return json.dumps(json.loads(to_json(value)), ensure_ascii=False)
