"""`python -m agent check`: the self-check in a terminal."""

import argparse
import asyncio
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from agent.chat.self_check import check_folder
from agent.cli.command import add_agent
from agent.cli.terminal import CONTROLS, NORMAL
from agent.core.checks import Check, Verdict
from agent.core.text import clean

# Each verdict as a word, for people who see no colour, and in a colour, for a quick look.
COLORS: dict[Verdict, str] = {"ok": "\x1b[32m", "wrong": "\x1b[31m", "not checked": "\x1b[2m"}
VERDICT_WORDS: dict[Verdict, str] = {"ok": "ok", "wrong": "WRONG", "not checked": "not checked"}

WORD_WIDTH = max(map(len, VERDICT_WORDS.values()))

# Where the text of a line begins, and where it ends, in characters.
INDENT, MAX_WIDTH = WORD_WIDTH + 2, 100


def run_check(arguments: Sequence[str], our_agent: Path) -> int:
    """Print the list; the exit code, 1 if anything is wrong.

    Args:
        arguments: The command line's after "check".
        our_agent: The folder of the agent that is checked if none is named.
    """
    parser = argparse.ArgumentParser(
        prog="python -m agent check",
        description="Check all that a page needs: settings, versions, the agent, its key and "
        "model, streaming, Stop, and where chats, files and memories are kept. The model is asked "
        "one short question, for which your key pays, and its answer is stopped after the first "
        "words.",
        epilog="The exit code is 1 if anything is wrong.",
    )
    named = os.environ.get("AGENT", "").strip()
    default = Path(named) if named else our_agent
    add_agent(parser, default, "another agent's folder, or a folder of several")
    parser.add_argument("--offline", action="store_true", help="ask no model, and spend nothing")
    options = parser.parse_args(arguments)
    return asyncio.run(_print_all(options.agent, asks_model=not options.offline))


async def _print_all(folder: Path, asks_model: bool) -> int:
    count = 0
    async for check in check_folder(folder, asks_model):
        print(_shown(check), flush=True)  # noqa: T201
        count += check.verdict == "wrong"
    summary = f"{count} of these should be mended." if count else "Nothing is wrong."
    print(f"\n{summary}", flush=True)  # noqa: T201
    if len(asyncio.all_tasks()) > 1:
        # Such as the call of a model that cannot be stopped: asyncio would wait for it.
        os._exit(bool(count))
    return int(bool(count))


def _shown(check: Check) -> str:
    """A check's line, with its cure below it."""
    verdict = VERDICT_WORDS[check.verdict].ljust(WORD_WIDTH)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        verdict = f"{COLORS[check.verdict]}{verdict}{NORMAL}"
    texts = [f"{check.name}: {check.text}", *([f"→ {check.cure}"] if check.cure else [])]
    lines = clean("\n".join(texts)).translate(CONTROLS).splitlines()
    wrapped = [part for line in lines for part in _wrapped(line)]
    return f"{verdict}  " + f"\n{' ' * INDENT}".join(wrapped)


def _wrapped(line: str) -> list[str]:
    """The line in several that fit; an indented one, such as a command, as it is."""
    if line.startswith(" "):
        return [line]
    return textwrap.wrap(line, MAX_WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)
