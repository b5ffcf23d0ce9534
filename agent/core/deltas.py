"""What is new in a transcript since a reader's last look, for readers who can only append.

A page draws the whole transcript again; a terminal, a file or an HTTP stream cannot take back what
it has sent. `deltas` gives them entries that hold only what is new, in an order in which they may
be appended.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias, TypeGuard, assert_never

from agent.core.files import File
from agent.core.pauses import Pause
from agent.core.said import Said
from agent.core.sources import Sources
from agent.core.text import clean
from agent.core.transcript import Entry, Notice, Text, Thought, ToolCall, Transcript, answer, spaced


@dataclass(frozen=True)
class Rewrite:
    """The whole answer so far, in place of what was sent of it: its agent has begun anew."""

    text: str


# A Text or Thought with the words that are new; a ToolCall when it is called (`seconds` is None),
# and again with its result, or with its ticket and once more with its result; a Pause when it is
# asked, and again with its reply; a File, Sources or Notice once.
Delta: TypeAlias = Entry | Rewrite


def words(delta: Delta) -> str:
    """The answer's next words in a delta, for readers who can only append; "" where there are
    none. All words together are the answer."""
    match delta:
        case Text(text=text):
            return text
        case Rewrite(text=text):
            return f"\n\n{text}"
        case Thought() | ToolCall() | File() | Sources() | Pause() | Notice() | Said():
            return ""
        case _:
            assert_never(delta)


def deltas(before: Transcript, after: Transcript) -> list[Delta]:
    """What a reader who has `before` needs to have `after`."""
    return list(_deltas(_settled(spaced(before)), _settled(spaced(after))))


def _deltas(old: Transcript, new: Transcript) -> Iterator[Delta]:
    # How many characters of each kind the reader has that are still to be met on the way.
    sent = {kind: _sent(kind, old, new) for kind in (Text, Thought)}
    if sent[Text] is None:
        yield Rewrite(answer(new))
        sent[Text] = len(answer(new))
    # Replies first: what has come of them stands above them, where it was called.
    replied = [entry for entry in new if _is_reply(entry, old)]
    yield from replied
    for entry in new:
        match entry:
            case Text() | Thought():
                known = sent[type(entry)] or 0
                if fresh := entry.text[known:]:
                    yield replace(entry, text=fresh)
                sent[type(entry)] = max(0, known - len(entry.text))
            case ToolCall():
                yield from _call_deltas(entry, old)
            case File() | Sources() | Pause() | Notice() | Said():
                if _is_whole(entry) and entry not in (*old, *replied):
                    yield entry
            case _:
                assert_never(entry)


def _is_whole(entry: Entry) -> bool:
    """Whether it is not something that a person is still saying."""
    return not isinstance(entry, Said) or entry.is_final


def _is_reply(entry: Entry, old: Transcript) -> bool:
    """Whether a person has answered here what the reader knows to be open."""
    return isinstance(entry, Pause) and bool(entry.reply) and replace(entry, reply=None) in old


def _sent(kind: type[Text | Thought], old: Transcript, new: Transcript) -> int | None:
    """How many characters of this kind the reader has; None when they are no longer true."""
    before, now = (
        "".join(entry.text for entry in transcript if isinstance(entry, kind))
        for transcript in (old, new)
    )
    return len(before) if now.startswith(before) else None


def _call_deltas(call: ToolCall, old: Transcript) -> Iterator[Delta]:
    called = _unanswered(call)
    if not any(isinstance(entry, ToolCall) and _unanswered(entry) == called for entry in old):
        opened = replace(called, began=call.began)
        yield replace(opened, waits_for="program" if call.waits_for == "program" else None)
    if call.seconds is not None and call not in old:  # Of one that waits there is no more to say.
        yield call


def _unanswered(call: ToolCall) -> ToolCall:
    # One that has waited for a person begins anew.
    return replace(call, result=None, seconds=None, waits_for=None, began=0.0)


def _settled(transcript: Transcript) -> Transcript:
    """The transcript up to the first entry that still grows: what comes after must wait.

    With several agents at once, words of the first would otherwise have to go in before words of
    the second that have been sent.
    """
    for i, (entry, after) in enumerate(pairwise((*transcript, None))):
        if _is_open(entry) and not _goes_on(entry, after):
            # Half of a character, a surrogate, may be all that has come of it.
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
        replace(entry, text=clean(entry.text)) if isinstance(entry, Text | Thought) else entry
        for entry in transcript
    )
