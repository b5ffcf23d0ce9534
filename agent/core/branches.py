"""Branches of one step of an agent that answer at the same time, so that their words do not mix.

ADK names an event's branch by a path: `<parallel agent>.<its sub-agent>`, or `<node>@<run>` of a
workflow; within a branch, another one may begin. Events come as they happen, and are stored as they
end: so what belongs together is put together here, in the order in which the branches have begun.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from google.adk.events import Event

from agent.core.transcript import Entry, Notice, Said, ToolCall, Transcript, encloses

# Under which name an event's `custom_metadata` holds its turn's branches, as they have begun.
BRANCHES = "adk_chat_page_branches"


def note(event: Event, begun: list[str]) -> None:
    """Add the branch of an event that says something to those that have begun."""
    if event.branch and event.content and event.branch not in begun:
        begun.append(event.branch)


def begun_in(events: Iterable[Event]) -> list[str]:
    """The branches of a stored turn, as they have begun; as they are stored, where an earlier
    version has stored it."""
    begun: dict[str, None] = {}
    for event in events:
        if event.branch:
            stored = (event.custom_metadata or {}).get(BRANCHES)
            begun |= dict.fromkeys(map(str, stored if isinstance(stored, list) else ()))
    return list(begun)


def in_branches(transcript: Transcript, begun: Sequence[str] = ()) -> Iterator[tuple[str, Entry]]:
    """Each entry with the branch that it stands in, "" for none: those of one step together, one
    branch after the other. What comes from within a tool call is that call's."""
    calls = [entry for entry in transcript if isinstance(entry, ToolCall)]

    def has_branch(entry: Entry) -> bool:
        if isinstance(entry, Notice | Said) or not entry.source[1]:
            return False
        return not any(encloses(call, entry.source) for call in calls)

    for is_parallel, run in groupby(transcript, has_branch):
        own = list(run)
        yield from _forked(own, 0, begun) if is_parallel else (("", entry) for entry in own)


def arranged(transcript: Transcript, begun: Sequence[str]) -> Transcript:
    """The entries in that order."""
    return tuple(entry for _, entry in in_branches(transcript, begun)) if begun else transcript


def name_of(branch: str) -> str:
    """Whose branch it is."""
    return branch.rpartition(".")[2].partition("@")[0]


def _forked(entries: list[Entry], level: int, begun: Sequence[str]) -> Iterator[tuple[str, Entry]]:
    """Entries that follow each other, by the branches of the step at this level of their paths, or
    of the first one below where there is more than one branch."""
    for step, found in groupby(entries, lambda entry: _place(entry, level)[0]):
        own = list(found)
        branches = list(dict.fromkeys(_place(entry, level)[1] for entry in own))
        if step is None:
            yield from (("", entry) for entry in own)
        elif len(branches) == 1:
            yield from _forked(own, level + 1, begun)
        else:
            for branch in sorted(branches, key=lambda branch: _rank(branch, begun)):
                yield from ((branch, entry) for entry in own if _place(entry, level)[1] == branch)


def _place(entry: Entry, level: int) -> tuple[str | None, str]:
    """The step in which an entry stands, and its branch, at a level of its path."""
    assert not isinstance(entry, Notice | Said)
    path, places = "", list[tuple[str, str]]()
    pieces = (entry.source[1] or "").split(".")
    while pieces:
        step = path
        if "@" not in pieces[0] and len(pieces) > 1:  # A parallel agent's own name.
            step = f"{path}.{pieces.pop(0)}".lstrip(".")
        path = f"{step}.{pieces.pop(0)}".lstrip(".")
        places.append((step, path))
    return places[level] if level < len(places) else (None, "")


def _rank(branch: str, begun: Sequence[str]) -> int:
    own = (i for i, path in enumerate(begun) if path == branch or path.startswith(f"{branch}."))
    return next(own, len(begun))
