"""JSON as a block of code: a tool's arguments and result, or an answer that is nothing else."""

import re
from functools import lru_cache
from typing import Any

from agent.core.files import File
from agent.core.language import _, in_digits
from agent.core.text import clean, from_json, to_json
from agent.render.file_links import address_of
from agent.render.markdown import MARK

# The beginning of an object, or of a list of objects, lists or texts. Other texts may be Markdown.
JSON_BEGINS = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"])')

# Characters of a tool's arguments or result that a page shows: every few of them become an element.
MAX_SHOWN = 5_000


def fenced(value: Any, is_whole: bool) -> str:
    """JSON as a code block. On a page, long JSON is cut off, with a link to all of it.

    Args:
        value: The JSON; a text stays as it is.
        is_whole: Whether it is shown whole, as in an export.
    """
    text, rest = _as_text(_ByIdentity(value)), ""
    if len(text) > MAX_SHOWN and not is_whole:
        address = address_of(File("application/json", text.encode()))
        save = _("This is the beginning. [Save all {number} characters]({address})")
        rest = "\n\n" + save.format(number=in_digits(len(text)), address=address)
        text = text[:MAX_SHOWN].rpartition("\n")[0] or text[:MAX_SHOWN]
    fence = _fence(text)
    return f"{fence}json\n{text}\n{fence}{rest}"


def is_json(text: str, grows: bool) -> bool:
    """Whether an answer is a JSON object or list, as an agent with an `output_schema` gives it.
    While it grows, its beginning decides."""
    if not JSON_BEGINS.match(text):
        return False
    if grows:
        return True
    try:
        return isinstance(from_json(text), dict | list)
    except ValueError:
        return False


def verbatim(text: str, mark: str) -> str:
    """A whole answer as a block of code; `mark` below it lets copying from a page leave out the
    fence (static/text.js)."""
    fence = _fence(text)
    return f"{fence}json\n{text}\n{fence}" + (f"\n{mark}" if mark else "")


def _fence(text: str) -> str:
    """A fence that is longer than any run of backticks in the text."""
    return "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))


class _ByIdentity:
    """A value as a cache's key: equal to itself alone, so that its content is not compared."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.value is other.value


@lru_cache(maxsize=16)  # An answer that grows is made into messages many times a second.
def _as_text(wrapped: _ByIdentity) -> str:
    value = wrapped.value
    text = value if isinstance(value, str) else to_json(value, indent=2, ensure_ascii=False)
    return clean(text).replace(MARK, "")
