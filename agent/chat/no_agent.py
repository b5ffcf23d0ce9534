"""Where a folder's agent is looked for, and what a host is told where there is none."""

import sys
from pathlib import Path
from types import ModuleType

from google.adk.apps import App
from google.adk.workflow import BaseNode

from agent.chat.load_errors import line_with

# One of these files makes a folder an agent's: the first two by themselves, the last one may.
AGENT_FILES = ("agent.py", "root_agent.yaml", "__init__.py")

# As indented as commands are in what the host reads.
EXAMPLE = """
    from google.adk.agents import Agent

    root_agent = Agent(name="helper", model="gemini-3.5-flash")"""


def has_agent_file(folder: Path, files: tuple[str, ...] = AGENT_FILES) -> bool:
    """Whether the folder looks like an agent's."""
    return any((folder / file).is_file() for file in files)


def agents_below(folder: Path) -> list[Path]:
    """The agents' folders in a folder that is no agent's itself."""
    if has_agent_file(folder):
        return []
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    return [path for path in below if has_agent_file(path, AGENT_FILES[:2])]


def why_no_agent(path: Path, package: str) -> str:
    """What is there in place of an agent, and the line that makes one of it; "" where ADK has
    found one, or has not come so far.

    Args:
        path: The agent's folder, or its file.
        package: The name that it was imported by.
    """
    if path.is_dir() and not has_agent_file(path):
        return _nothing_there(path)
    names = (package,) if path.is_file() else (f"{package}.agent", package)
    modules = [sys.modules[name] for name in names if name in sys.modules]
    modules = [module for module in modules if module.__file__]
    if not modules or (path / AGENT_FILES[1]).exists():
        return ""
    folder = path.parent if path.is_file() else path
    named = [module for module in modules if hasattr(module, "root_agent")]
    if named:
        return _wrong_kind(named[0].root_agent, folder)
    by_another_name = (_by_another_name(module, folder) for module in modules)
    file = Path(str(modules[0].__file__)).name
    return next(
        filter(None, by_another_name), f"{file} makes no agent. Write one there:\n{EXAMPLE}"
    )


def _wrong_kind(given: object, folder: Path) -> str:
    where = line_with("root_agent =", folder) or "agent.py"
    if isinstance(given, App):
        return f"root_agent in {where} is an App, by ADK's rules to be called app. Rename it."
    if isinstance(given, BaseNode):
        return ""
    kind = type(given).__name__
    return f"root_agent in {where} is no agent, but of the kind {kind}. Write one:\n{EXAMPLE}"


def _by_another_name(module: ModuleType, folder: Path) -> str:
    """Where the module has agents, what to do so that one is found; else ""."""
    # In capitals there are nodes of ADK's own, such as START.
    kinds = {name: type(value) for name, value in vars(module).items() if not name.isupper()}
    for wanted_kind, wanted in ((App, "app"), (BaseNode, "root_agent")):
        if own := [name for name, kind in kinds.items() if issubclass(kind, wanted_kind)]:
            file, last = Path(str(module.__file__)).name, own[-1]
            what = f"{'an App' if wanted_kind is App else 'an agent'} by the name {last}"
            place = line_with(f"{last} =", folder)
            return (
                f"{file} has {what}{f' ({place})' if place else ''}, and ADK looks for {wanted}. "
                f"Rename it, or add a line at the end of {file}:\n\n    {wanted} = {last}"
            )
    return ""


def _nothing_there(folder: Path) -> str:
    for file in sorted(folder.glob("*.py")):
        if "root_agent" in file.read_text(errors="replace"):
            return f"It has no agent.py. Name the file that the agent is in: {file}"
    return (
        f"It has no agent.py. Name a folder that has one, or write one there, such as:\n{EXAMPLE}"
    )
