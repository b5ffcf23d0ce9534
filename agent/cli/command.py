"""What beside a question `python -m agent` may be asked for."""

from collections.abc import Sequence


def is_command(name: str, arguments: Sequence[str]) -> bool:
    """Whether these ask for the command of this name, and not for an answer to words that begin
    so."""
    return arguments[:1] == [name] and all(word.startswith("-") for word in arguments[1:2])
