"""JSON as a block of code: a tool's arguments and result, or an answer that is nothing else."""

import re
from functools import lru_cache
from typing import Any

from agent.core.files import File
from agent.core.language import _, in_digits
from agent.core.text import clean, from_json, to_json
from agent.render.file_links import address_of
from agent.render.markdown import MARK

# How an object begins, or a list of objects or texts: what is not so may be Markdown.
JSON_BEGINS = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"])')

# Characters of a tool's arguments or result that a page shows: each few become an element of it.
MAX_SHOWN = 5_000


def fenced(value: Any, is_whole: bool) -> str:
    """JSON in a code block whose fence is longer than any run of backticks in it. On a page it is
    the first part of it, with a link to the whole."""
    text, rest = _as_text(_Same(value)), ""
    if len(text) > MAX_SHOWN and not is_whole:
        address = address_of(File("application/json", text.encode()))
        save = _("This is the beginning. [Save all {number} characters]({address})")
        rest = "\n\n" + save.format(number=in_digits(len(text)), address=address)
        text = text[:MAX_SHOWN].rpartition("\n")[0] or text[:MAX_SHOWN]
    fence = _fence(text)
    return f"{fence}json\n{text}\n{fence}{rest}"


def is_json(text: str, grows: bool) -> bool:
    """Whether an answer is one value of JSON, as an agent with an `output_schema` gives it."""
    if not JSON_BEGINS.match(text):
        return False
    if grows:
        return True
    try:
        return isinstance(from_json(text), dict | list)
    except ValueError:
        return False


def verbatim(text: str, mark: str) -> str:
    """A whole answer as code; copying from a page gives the answer alone (static/text.js)."""
    fence = _fence(text)
    return f"{fence}json\n{text}\n{fence}" + (f"\n{mark}" if mark else "")


def _fence(text: str) -> str:
    """A fence that is longer than any run of backticks in the text."""
    return "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))


class _Same:
    """A value that is equal to itself alone, so that it is known again without a look into it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


@lru_cache(maxsize=16)  # An answer that grows is made into messages many times a second.
def _as_text(same: _Same) -> str:
    value = same.value
    text = value if isinstance(value, str) else to_json(value, indent=2, ensure_ascii=False)
    return clean(text).replace(MARK, "")
