"""What is called almost like a setting, or another name that counts."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

from agent.core.settings import Settings

# What is read under other names than a setting's: `MODEL` by the agent of this project.
OTHERS = ("MODEL",)


def misspelled(environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that is called almost like a setting."""
    known = [name.upper() for name in Settings.model_fields]
    for name, setting in almost(environment.keys() - set(OTHERS), known, 0.9):
        yield f"{name} is no setting, and changes nothing. Did you mean {setting}?"


def almost(
    names: Iterable[str], known: Collection[str], likeness: float
) -> Iterator[tuple[str, str]]:
    """Of these names those that are almost a known one, in whatever case, and that.

    Args:
        names: As they were written.
        known: Those that are meant; in capitals.
        likeness: At least, from 0 to 1.
    """
    for name in names:
        for meant in get_close_matches(name.upper(), known, n=1, cutoff=likeness):
            if name not in known:
                yield name, meant
