"""Loads the agents on show: at the start, and anew where Gradio runs app.py again."""

import logging
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import gradio as gr

from agent.chat.agents import Agents
from agent.chat.agents_folder import AgentsFolder, names_in, open_folder
from agent.chat.failed_agent import failed_agent
from agent.chat.load_errors import AgentFailed, LoadError
from agent.chat.loader import OUR_AGENT, LoadedAgent, agent_folder, load
from agent.core.environment import read_settings
from agent.core.misspelled import misspelled
from agent.page.gradio_internals import number_from_zero, watch

log = logging.getLogger(__name__)


def load_agents(arguments: Sequence[str]) -> Agents:
    """The agent that is named by an argument or by `AGENT`, or those in that folder, or else this
    app's own; a stand-in for one that fails. A host's mistake ends the program with a sentence.
    """
    if not gr.NO_RELOAD:  # Which means that Gradio runs app.py again.
        number_from_zero()
    parser = ArgumentParser(
        usage="python app.py [FOLDER]",
        description="Serve the chat page of an ADK agent.",
        epilog="Settings are environment variables, or lines of .env: .env.example names them.",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="*",
        help="an agent's folder, or one that holds several agents' folders; agent/ by default",
    )
    folders = parser.parse_args(arguments).folder
    try:
        if len(folders) > 1:
            raise LoadError(
                f"One folder can be named, and here are {' and '.join(folders)}. To show several "
                "agents, name the folder in which their folders are."
            )
        # A Space passes no argument.
        named = [*folders, os.environ.get("AGENT", "").strip()][0]
        agents = _load(Path(named) if named else OUR_AGENT)
        for sentence in misspelled(os.environ):
            log.warning(sentence)
        return agents
    except (LoadError, ValueError) as error:
        if not gr.NO_RELOAD:
            raise  # Gradio reports it, and goes on with the page as it was until the next change.
        sys.exit(str(error))


def _load(path: Path) -> Agents:
    watch(agent_folder(path))
    names = names_in(path)
    for place in [path / name for name in names] or [agent_folder(path)]:
        _forget_package(place)
    if len(names) > 1:
        folder = open_folder(path, names)
        first, failed = _first_that_works(folder)
        # Not the settings of an agent's own `.env`: they are for all.
        return Agents(first, folder.stores.settings, folder, failed)
    if names:
        log.warning("%s is no agent itself. The one in it is shown: %s.", path, *names)
        path /= names[0]
    loaded = _or_stand_in(lambda: load(path, coalesce=True), lambda why: failed_agent(path, why))
    return Agents(loaded, read_settings(os.environ))


def _first_that_works(folder: AgentsFolder) -> tuple[LoadedAgent, dict[str, LoadedAgent]]:
    """The agent that a folder's page opens with, and by their names the stand-ins of those before
    it. Where none works, it is the first one's stand-in."""
    failed: dict[str, LoadedAgent] = {}
    for name in folder.names:
        loaded = _or_stand_in(partial(folder.load, name), partial(folder.failed, name))
        if not loaded.why_not_loaded:
            return loaded, failed
        failed[name] = loaded
    return failed.pop(folder.names[0]), failed


def _forget_package(folder: Path) -> None:
    """A package without __init__.py is no file, by which Gradio would know that it is to be
    imported anew; as it was, it gives its modules of the run before to `from . import …`."""
    package = sys.modules.get(folder.name)
    is_file = getattr(package, "__file__", None) is not None
    if not is_file and str(folder.resolve()) in getattr(package, "__path__", ()):
        del sys.modules[folder.name]


def _or_stand_in(
    load_it: Callable[[], LoadedAgent], stand_in: Callable[[AgentFailed], LoadedAgent]
) -> LoadedAgent:
    try:
        return load_it()
    except AgentFailed as error:
        if "SPACE_ID" in os.environ and not gr.NO_RELOAD:
            raise  # The Space's editor shows it, and visitors keep the page that they have.
        return stand_in(error)
