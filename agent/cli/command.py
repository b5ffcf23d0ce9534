"""What beside a question `python -m agent` may be asked for."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def is_command(name: str, arguments: Sequence[str]) -> bool:
    """Whether these ask for the command of this name, and not for an answer to words that begin
    so."""
    return arguments[:1] == [name] and all(word.startswith("-") for word in arguments[1:2])


def add_agent(parser: argparse.ArgumentParser, default: Path, help: str) -> None:
    """Have the command take one `--agent FOLDER`. By itself argparse takes several, and forgets all
    but the last."""
    named: list[str] = []

    def folder(text: str) -> Path:
        named.append(text)
        if len(named) > 1:
            raise argparse.ArgumentTypeError(
                f"one folder can be named, and here are {' and '.join(named)}"
            )
        return Path(text)

    parser.add_argument("--agent", type=folder, default=default, metavar="FOLDER", help=help)
