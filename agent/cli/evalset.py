"""`python -m agent evalset`: what visitors said of answers, as an eval set of ADK's."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.chat.agents_folder import names_in
from agent.chat.load_errors import LoadError
from agent.chat.loader import LoadedAgent, load
from agent.cli.command import add_agent
from agent.cli.terminal import CONTROLS
from agent.core.text import clean
from agent.render.evalset import CRITERIA_FILE, Exported, export_evalset
from agent.stores.feedback import Feedback, finding_id

# How the names of ADK's eval sets end.
SUFFIX = ".evalset.json"

EXIT_NOTHING, EXIT_WRONG_COMMAND = 1, 2


def run_evalset(arguments: Sequence[str], our_agent: Path) -> int:
    """Write the files; the exit code: 1 if there is nothing to write, 2 if they cannot be written.

    Args:
        arguments: The command line's after "evalset".
        our_agent: The folder of the agent whose findings are read if none is named.
    """
    parser = argparse.ArgumentParser(
        prog="python -m agent evalset",
        description="Write what visitors said of answers as an eval set, and beside it what "
        f"`adk eval` needs: {CRITERIA_FILE}, unless there is another of that name, and the "
        "metrics that it names. It is read where SESSION_DB keeps the chats.",
    )
    named = os.environ.get("AGENT", "").strip()
    default = Path(named) if named else our_agent
    add = parser.add_argument
    add_agent(parser, default, "another agent's folder")
    add("--out", type=_out, metavar="FILE", help=f"the set's file; its name ends with {SUFFIX}")
    add("--judge", default="", metavar="MODEL", help="a model that judges answers, too: with a key")
    options = parser.parse_args(arguments)
    try:
        loaded = load(_one_agent(options.agent))
        exported = asyncio.run(_export(loaded, options.out, options.judge))
        return _write(exported, options.out)
    except (LoadError, ValueError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EXIT_WRONG_COMMAND


def _out(path: str) -> Path:
    if not path.endswith(SUFFIX) or Path(path).name == SUFFIX:
        raise argparse.ArgumentTypeError(f"{path} should end with {SUFFIX}: ADK goes by that")
    return Path(path)


def _one_agent(path: Path) -> Path:
    names = names_in(path)
    if len(names) > 1:
        raise LoadError(
            f"{path} holds several agents, and an eval set is for one of them. Name it, as in "
            f"--agent {path / names[0]}"
        )
    return path.joinpath(*names)


async def _export(loaded: LoadedAgent, out: Path | None, judge: str) -> Exported:
    if loaded.forgets:
        raise LoadError(
            "Chats are kept in the memory of the app that runs, and with them what is said of "
            'answers. Open its /host/findings, and take "Save as ADK eval set" there; or set '
            "SESSION_DB to where chats are kept."
        )
    found = {finding_id(finding): finding for finding in await Feedback(loaded.runner).all()}
    set_id = out.name.removesuffix(SUFFIX) if out else ""
    return export_evalset(found, loaded.runner.app_name, set_id, judge)


def _write(exported: Exported, out: Path | None) -> int:
    for line in exported.left_out:
        _print_plain(f"Left out: {line}")
    if not exported.included:
        _print_plain("There is nothing to write: no visitor has said anything of an answer yet.")
        return EXIT_NOTHING
    folder = out.parent if out else Path()
    for name, text in exported.files.items():
        path = folder / name
        if name == CRITERIA_FILE and path.exists() and path.read_text(encoding="utf-8") != text:
            other = folder / f"{exported.set_id}.{CRITERIA_FILE}"
            _print_plain(
                f"Left as it is: {path}. For this set: adk eval --config_file_path {other}"
            )
            path = other
        path.write_text(text, encoding="utf-8")
        _print_plain(f"Written: {path}")
    for line in exported.included:
        _print_plain(f"In it: {line}")
    return 0


def _print_plain(line: str) -> None:
    print(clean(line).translate(CONTROLS))  # noqa: T201
