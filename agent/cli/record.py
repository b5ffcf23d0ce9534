"""`python -m agent record`: ask the agent its examples, and record what its model answers."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.chat.agent_tree import llm_agents
from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent, load
from agent.cli.command import add_agent
from agent.cli.terminal import CONTROLS, TerminalChat, TerminalOutput, timestamp
from agent.core.environment import read_settings
from agent.core.question import Options
from agent.models.recording import RecordedGemini

# Exit codes: an answer is not whole; nothing could be recorded.
EXIT_FAILED, EXIT_NOT_RECORDED = 1, 2

NOT_GEMINI = "There is nothing to record: what is recorded comes from Gemini over HTTP."


def run_record(arguments: Sequence[str], our_agent: Path, demo: Sequence[str]) -> int:
    """Record; the exit code.

    Args:
        arguments: The command line's after "record".
        our_agent: The folder of the agent that is asked if none is named.
        demo: A conversation for an agent that has these examples, or none.

    Raises:
        LoadError, ValueError: with a sentence for the host.
    """
    parser = argparse.ArgumentParser(
        prog="python -m agent record",
        description="Ask the agent each of its EXAMPLES in a chat of its own, and then all of them "
        "in one, and record what Gemini answers; your key pays for it. REPLAY=FILE plays it.",
    )
    add_agent(parser, our_agent, "another agent's folder")
    parser.add_argument(
        "--to",
        type=Path,
        default=Path("recording.jsonl"),
        metavar="FILE",
        help="where it is recorded; what is there already stays (default: recording.jsonl)",
    )
    options = parser.parse_args(arguments)
    os.environ |= {"SESSION_DB": "memory://", "RECORD": str(options.to)}
    loaded = load(options.agent)
    agents = llm_agents(loaded.runner.agent)
    if not any(isinstance(agent.model, RecordedGemini) for agent in agents):
        print(loaded.no_ai or NOT_GEMINI, file=sys.stderr)  # noqa: T201
        return EXIT_NOT_RECORDED
    with asyncio.Runner() as loop:
        failed = sum(loop.run(_chat(loaded, chat)) for chat in _chats(loaded.examples, demo))
    recorder = loaded.tape.recorder
    count = recorder.written if recorder else 0
    print(f"{count} answers of the model were added to {options.to}.", file=sys.stderr)  # noqa: T201
    if failed:
        print(f"{failed} questions got no whole answer, as said above.", file=sys.stderr)  # noqa: T201
    return EXIT_FAILED if failed else 0


def _chats(examples: Sequence[str], demo: Sequence[str]) -> list[Sequence[str]]:
    """The chats to record: each example alone, and last all of them, or the demo, in one. Whoever
    plays the recording may begin with any example, and go on as in the last chat."""
    whole = demo if set(demo) <= set(examples) or not examples else examples
    return [*([example] for example in examples if example != whole[0]), whole]


async def _chat(loaded: LoadedAgent, questions: Sequence[str]) -> int:
    """One chat; how many of its questions got no whole answer."""
    screen, failed = TerminalOutput(sys.stdout, sys.stderr), 0
    conversation = Conversation(loaded.runner, read_settings(os.environ))
    chat = TerminalChat(conversation, screen, [], Options())
    for question in questions:
        print(f"{timestamp()} User: {question.translate(CONTROLS)}", flush=True)  # noqa: T201
        failed += not await chat.ask(question, f"{timestamp()} Agent: ")
    return failed
