"""What an agent's requirements.txt or pyproject.toml asks for, and what of it is installed."""

import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

# Where an agent says what it needs.
REQUIREMENTS = ("requirements.txt", "pyproject.toml")


def requirements(file: Path) -> list[Requirement]:
    """What a requirements.txt or a pyproject.toml asks for; nothing where there is none."""
    if not file.is_file():
        return []
    text, found = file.read_text(errors="replace"), []
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    for line in _dependencies(text) if file.suffix == ".toml" else lines:
        with suppress(InvalidRequirement):
            found.append(Requirement(line))
    return found


def _dependencies(pyproject: str) -> list[str]:
    with suppress(tomllib.TOMLDecodeError):
        match tomllib.loads(pyproject):
            case {"project": {"dependencies": [*lines]}}:
                return list(map(str, lines))
            case {"tool": {"poetry": {"dependencies": {**named}}}}:
                # Without their versions, which Poetry writes in its own way.
                return [str(name) for name in named if name != "python"]
    return []


def is_there(requirement: Requirement) -> bool:
    """Whether it is installed in any version, or is for other machines."""
    if requirement.marker and not requirement.marker.evaluate():
        return True
    with suppress(PackageNotFoundError):
        return bool(version(requirement.name))
    return False


def is_other(requirement: Requirement) -> bool:
    """Whether it is installed in another version than is asked for."""
    if requirement.marker and not requirement.marker.evaluate():
        return False
    with suppress(PackageNotFoundError):
        here = version(requirement.name)
        return not requirement.specifier.contains(here, prereleases=True)
    return False
