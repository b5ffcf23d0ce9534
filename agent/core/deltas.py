"""What is new in a transcript since the last look, for readers who can only append.

A page paints the whole transcript again; a terminal, a file or an HTTP stream cannot take back
what it has sent. `changes` gives them entries that hold only what is new, in an order in which
they may be appended.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias, TypeGuard

from agent.core.text import clean
from agent.core.transcript import Entry, Text, Thought, ToolCall, Transcript, answer


@dataclass(frozen=True)
class Rewrite:
    """The whole answer so far, in place of what was told of it: its agent has begun anew."""

    text: str


Delta: TypeAlias = Entry | Rewrite
"""A Text or Thought with the words that are new; a ToolCall when it is called (`seconds` is None)
and again with its result; a Picture or Notice once."""


def changes(before: Transcript, after: Transcript) -> list[Delta]:
    """What a reader who knows `before` has to be told to know `after`."""
    old, new = _settled(before), _settled(after)
    return list(_changes(old, new))


def _changes(old: Transcript, new: Transcript) -> Iterator[Delta]:
    told = {Text: _known(Text, old, new), Thought: _known(Thought, old, new)}
    if told[Text] is None:
        yield Rewrite(answer(new))
        told[Text] = len(answer(new))
    for entry in new:
        if isinstance(entry, Text | Thought):
            known = told[type(entry)] or 0
            if fresh := entry.text[known:]:
                yield replace(entry, text=fresh)
            told[type(entry)] = max(0, known - len(entry.text))
        else:
            yield from _others(entry, old)


def _known(kind: type[Text | Thought], old: Transcript, new: Transcript) -> int | None:
    """How many characters of this kind the reader has; None when they are no longer true."""
    known, now = (
        "".join(e.text for e in transcript if isinstance(e, kind)) for transcript in (old, new)
    )
    return len(known) if now.startswith(known) else None


def _others(entry: Entry, old: Transcript) -> Iterator[Delta]:
    if not isinstance(entry, ToolCall):
        yield from () if entry in old else (entry,)
        return
    asked = _asked(entry)
    if not any(isinstance(e, ToolCall) and _asked(e) == asked for e in old):
        yield asked
    if entry != asked and entry not in old:
        yield entry


def _asked(call: ToolCall) -> ToolCall:
    return replace(call, result=None, seconds=None)


def _settled(transcript: Transcript) -> Transcript:
    """The transcript up to the first entry that still grows: what comes after must wait.

    With several agents at once, words of the first would otherwise have to go in before words of
    the second that are told already.
    """
    for i, (entry, after) in enumerate(pairwise((*transcript, None))):
        if _is_open(entry) and not _goes_on(entry, after):
            # Half of a character may be all that has come of it.
            whole = re.sub(r"[\ud800-\udbff]\Z", "", entry.text)
            return _cleaned((*transcript[:i], replace(entry, text=whole)))
    return _cleaned(transcript)


def _is_open(entry: Entry | None) -> TypeGuard[Text | Thought]:
    return isinstance(entry, Text | Thought) and entry.state == "open"


def _goes_on(entry: Text | Thought, after: Entry | None) -> bool:
    """Whether its agent has gone on to the next entry: a thought that is followed by words grows
    no more, though both are open until the whole comes."""
    return _is_open(after) and after.source == entry.source


def _cleaned(transcript: Transcript) -> Transcript:
    return tuple(
        replace(e, text=clean(e.text)) if isinstance(e, Text | Thought) else e for e in transcript
    )
