"""What stands in the environment and is called almost like a setting."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from agent.core.settings import Settings

# What is read under other names than a setting's: `MODEL` by the agent of this project.
OTHERS = ("MODEL",)


def misspelled(environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that is called almost like a setting."""
    known = [name.upper() for name in Settings.model_fields]
    for name in environment.keys() - {*known, *OTHERS}:
        for setting in get_close_matches(name, known, n=1, cutoff=0.9):
            yield f"{name} is no setting, and changes nothing. Did you mean {setting}?"
