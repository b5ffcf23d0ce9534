"""The commands that `python -m agent` has beside a question."""

import argparse
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

# The likeness (difflib's ratio) from which a word is taken for a command's name: "chek" and
# "checks" have it, "czech" and "checked" have not.
ALIKE = 0.85


def is_command(name: str, arguments: Sequence[str]) -> bool:
    """Whether these arguments call the command of this name, perhaps with an agent's folder, and
    are no question that begins with the same word."""
    more = arguments[1:]
    if more and Path(more[0]).is_dir():
        more = more[1:]
    return arguments[:1] == [name] and all(word.startswith("-") for word in more[:1])


def meant_command(names: Iterable[str], arguments: Sequence[str]) -> str:
    """The command whose name a single word almost is; "" for no such word."""
    word = arguments[0].lower() if arguments else ""
    if not (re.fullmatch(r"[a-z][a-z_-]*", word) and is_command(arguments[0], arguments)):
        return ""
    swapped = [name for name in names if sorted(name) == sorted(word)]
    return next(iter([*swapped, *get_close_matches(word, names, n=1, cutoff=ALIKE)]), "")


def add_agent(parser: argparse.ArgumentParser, default: Path, help: str) -> None:
    """Add the option `--agent FOLDER`, which may be given once. By itself argparse takes several,
    and forgets all but the last."""
    named: list[str] = []

    def folder(text: str) -> Path:
        named.append(text)
        if len(named) > 1:
            raise argparse.ArgumentTypeError(
                f"one folder can be named, and here are {' and '.join(named)}"
            )
        return Path(text)

    parser.add_argument("--agent", type=folder, default=default, metavar="FOLDER", help=help)
