"""What an owner has written beside `root_agent`: the names in `NAMES`."""

import logging
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from google.adk.agents import LlmAgent
from pydantic import TypeAdapter, ValidationError

from agent.chat.load_errors import AgentFailed, line_with, times_named
from agent.core.choices import Variant
from agent.core.misspelled import almost

log = logging.getLogger(__name__)

# All that an owner may write there.
NAMES = ("EXAMPLES", "STATE", "LOOK", "REASONS", "VARIANTS", "INNER")

# How like one of them a name has to be to be taken for it: EXAMPELS, EXAMPLE and LOOKS are; BOOK,
# STATUS and SEASONS are not.
LIKENESS = 0.87


def _modules(module: str) -> list[ModuleType]:
    """The agent's module, and its package."""
    return [sys.modules[name] for name in (f"{module}.agent", module) if name in sys.modules]


def from_module(module: str, name: str, otherwise: Any) -> Any:
    """What the agent's module, or else its package, has by this name."""
    found = (getattr(part, name) for part in _modules(module) if hasattr(part, name))
    return next(found, otherwise)


def misspelled_names(module: str, folder: Path) -> Iterator[str]:
    """A sentence for each value there that is called almost like one of those names, and that
    nothing in the agent's files uses: what the owner has for itself is used there."""
    values = {name: value for part in _modules(module) for name, value in vars(part).items()}
    own = [name for name, value in values.items() if isinstance(value, Collection)]
    for name, meant in almost(own, NAMES, LIKENESS):
        if name[0].upper() == meant[0] and meant not in values and times_named(name, folder) == 1:
            where = line_with(f"{name} =", folder) or "agent.py"
            yield f"{name} ({where}) is a name that nothing reads. Did you mean {meant}?"


def texts(module: str, name: str, folder: Path) -> tuple[str, ...]:
    """The texts that the agent's module has by this name; or the one text.

    Raises:
        AgentFailed: for anything else, with a sentence for the host.
    """
    found = from_module(module, name, ())
    try:
        return (found,) if isinstance(found, str) else tuple(map(str, found))
    except TypeError:
        raise AgentFailed(
            f'{place_of(name, folder)} should be a list of texts: {name} = ["one", "another"].'
        ) from None


def place_of(name: str, folder: Path) -> str:
    """What the owner has given by this name, and where."""
    return f"{name} in {line_with(f'{name} =', folder) or 'agent.py'}"


def first_state(module: str, folder: Path) -> dict[str, Any]:
    """The values that the owner gives a conversation's state to begin with.

    Raises:
        AgentFailed: for what cannot be a state, with a sentence for the host.
    """
    state = from_module(module, "STATE", {})
    try:
        TypeAdapter(dict[str, Any]).dump_json(TypeAdapter(dict[str, Any]).validate_python(state))
    except ValueError:
        raise AgentFailed(
            f"{place_of('STATE', folder)} should be a dict of texts, numbers, lists and such, by "
            'their names: STATE = {"name": "value"}.'
        ) from None
    return dict(state)


def variants(module: str, folder: Path) -> Mapping[str, Variant]:
    """Other ways in which the agent may answer, by the names that their owner gives them.

    Raises:
        AgentFailed: for what is no such dict, with a sentence for the host.
    """
    found = from_module(module, "VARIANTS", {})
    try:
        return TypeAdapter(dict[str, Variant]).validate_python(found)
    except ValidationError as error:
        where = " → ".join(map(str, error.errors()[0]["loc"]))
        raise AgentFailed(
            f"{place_of('VARIANTS', folder)} should be a dict of dicts with any of "
            f"{', '.join(Variant.model_fields)}: VARIANTS = "
            '{"Short": {"instruction": "Answer in one sentence.", "temperature": 0.2}}. '
            f"What cannot be used: {where or 'all of it'}."
        ) from None


def inner_agents(module: str, folder: Path, agents: Sequence[LlmAgent]) -> frozenset[str]:
    """The agents whose words the owner means for other agents alone."""
    names = frozenset(texts(module, "INNER", folder))
    known = [agent.name for agent in agents]
    if unknown := sorted(names - set(known)):
        log.warning(
            "INNER names %s, and no agent with a model is called so. Those are: %s.",
            ", ".join(unknown),
            ", ".join(known),
        )
    return names
