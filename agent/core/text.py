"""Text as people and protocols can read it: JSON, numbers, and characters that can be carried."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any, NoReturn

from agent.core.language import _, in_digits, ngettext

DAY, HOUR, MINUTE = 86_400, 3600, 60

# Larger whole numbers do not fit into what Gradio answers in (orjson: 64 bits).
MAX_INT = 2**63 - 1


def clean(text: str) -> str:
    """The text without NUL characters and lone surrogates, which HTTP and JSON cannot carry.

    One lone surrogate in a message ends Gradio's stream without a word, and makes ADK fail at
    every later turn of the session.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "")


def split_words(text: str | None) -> list[str]:
    """What stands between blanks and commas."""
    return [word for word in re.split(r"[\s,]+", text or "") if word]


def to_json(value: Any, **options: Any) -> str:
    """Any value as JSON, since a tool may return what JSON does not know.

    Keys become strings, infinities and NaN their names, unknown objects their `str`, and what holds
    itself, or is nested too deep, an ellipsis. `options` are those of `json.dumps`.
    """
    try:
        return json.dumps(_plain(value), default=_as_text, **options)
    except RecursionError:
        return json.dumps("…", **options)


def from_json(text: str | bytes) -> Any:
    """JSON as a value that can be written as JSON again, and by Gradio.

    Raises:
        ValueError: It is not JSON, is nested too deep, or has a number that is too large.
    """
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, parse_int=_parse_int, parse_float=_parse_float
        )
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _refuse_constant(constant: str) -> NoReturn:
    """NaN and the infinities, which Python reads though they are not JSON."""
    raise ValueError(constant)


def _parse_int(digits: str) -> int:
    number = int(digits)
    if abs(number) > MAX_INT:
        raise ValueError
    return number


def _parse_float(digits: str) -> float:
    """A number; "1e999" is read as infinity, which is no JSON again when it is written."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError
    return number


def _plain(value: Any, above: tuple[int, ...] = ()) -> Any:
    if id(value) in above:
        return "…"
    match value:
        case dict():
            here = (*above, id(value))
            return {_as_text(key): _plain(item, here) for key, item in value.items()}
        case list() | tuple():
            here = (*above, id(value))
            return [_plain(item, here) for item in value]
        case float() if not math.isfinite(value):
            return str(value)
    return value


def _as_text(value: object) -> str:
    try:
        return str(value)
    except BaseException:  # Nothing says that its `__str__` works.
        return f"<{type(value).__name__}>"


def duration(seconds: float) -> str:
    """A time as people say it, such as "3 minutes"; rounded up, never less than it is."""
    if seconds >= 2 * DAY:
        return ngettext("{number} day", "{number} days", math.ceil(seconds / DAY))
    if seconds >= 2 * HOUR:
        return ngettext("{number} hour", "{number} hours", math.ceil(seconds / HOUR))
    if seconds >= 2 * MINUTE:
        return ngettext("{number} minute", "{number} minutes", math.ceil(seconds / MINUTE))
    return in_seconds(math.ceil(seconds))


def in_seconds(seconds: float) -> str:
    """Such as "0.5 seconds"."""
    return ngettext("{number} second", "{number} seconds", seconds)


def listed(names: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return _("{names} and {last}").format(names=", ".join(names[:-1]), last=names[-1])


# What a number in a sentence is written as, by the names of the formats.
FORMATS: dict[str, Callable[[float], str]] = {
    "duration": duration,
    "seconds": in_seconds,
    "answers": lambda number: ngettext("{number} answer", "{number} answers", number),
    "files": lambda number: ngettext("{number} file", "{number} files", number),
}


def filled(sentence: str, args: Mapping[str, Any]) -> str:
    """A sentence with these in their places, numbers as the reader's language has them."""
    return str(_FORMATTER.format(sentence, **args))


class _Formatter(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in FORMATS:
            return FORMATS[format_spec](value)
        return in_digits(value, format_spec) if format_spec else str(value)


_FORMATTER = _Formatter()
