"""A talk at a terminal: what is typed reaches the agent at once, and interrupts its answer."""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace

from agent.chat.conversation import Conversation
from agent.chat.live import LiveTurn, TalkOptions
from agent.chat.streams import DeltaLog
from agent.cli.terminal import CONTROLS, TerminalOutput, timestamp
from agent.core.deltas import Delta
from agent.core.notices import Notice, PlainError
from agent.core.said import Said
from agent.core.text import clean
from agent.core.transcript import Text
from agent.core.visitor import Visitor
from agent.limits.rate_limits import LimitExceeded

HOW_TO_TALK = "(You are in a talk. What you type interrupts an answer. Type exit to leave.)"

# The code of the notice with which a talk ends as it should.
TALK_OVER = "talk_over"


async def talk(conversation: Conversation, screen: TerminalOutput, question: str = "") -> bool:
    """Hold a talk, until the person leaves or it ends; whether it has ended as it should.

    Args:
        conversation: The conversation with the agent.
        screen: Where the talk is shown.
        question: All that is said; without one, the lines that are typed or come in a pipe.
    """
    turn = conversation.talk(TalkOptions(), Visitor())
    is_typed = sys.stdin.isatty() and not question
    if is_typed:
        screen.say(HOW_TO_TALK)
    showing = asyncio.create_task(_show(turn, screen, echoes=not (is_typed or question)))
    try:
        async with aclosing(_once(question) if question else _lines()) as lines:
            async for line in lines:
                await _say(turn, screen, line)
                if not is_typed:  # Else all lines of a pipe would interrupt each other.
                    await _answered(turn)
                if turn.over:
                    break
    except asyncio.CancelledError:  # Ctrl-C.
        turn.end()
    turn.end()
    await showing
    return isinstance(turn.failure, PlainError) and turn.failure.notice.code == TALK_OVER


async def _say(turn: LiveTurn, screen: TerminalOutput, line: str) -> None:
    try:
        await turn.say(line)
    except LimitExceeded as error:
        screen.say(f"({error.notice.text})")


async def _answered(turn: LiveTurn) -> None:
    """Wait until the agent has answered."""
    async with aclosing(turn.watch()) as transcripts:
        async for _ in transcripts:
            if not turn.is_answering:
                return


async def _show(turn: LiveTurn, screen: TerminalOutput, echoes: bool) -> None:
    """Write the agent's words as they come, each answer on a line of its own.

    Args:
        turn: The talk.
        screen: Where they are written.
        echoes: Whether the user's words are written too, as nobody has seen them typed.
    """
    has_words = False
    async with aclosing(DeltaLog(turn).read(heartbeat=0)) as deltas:
        async for _, delta in deltas:
            if has_words and isinstance(delta, Said | Notice):
                screen.end_answer()
                has_words = False
            if isinstance(delta, Said):
                if echoes:
                    words = clean(delta.text).translate(CONTROLS)
                    print(f"{timestamp()} User: {words}", flush=True)  # noqa: T201
            elif delta:
                has_words = _show_delta(screen, delta, has_words)
    if has_words:
        screen.end_answer()


def _show_delta(screen: TerminalOutput, delta: Delta, has_words: bool) -> bool:
    """Write one delta; whether the line has words of an answer."""
    if isinstance(delta, Notice):
        if delta.code != TALK_OVER:
            screen.say(f"({delta.text})")
        return False
    # Blank lines before a text part it from others in one long answer; here it has its own line.
    if isinstance(delta, Text) and not has_words:
        delta = replace(delta, text=delta.text.lstrip("\n"))
    return screen.show_delta(delta) or has_words


async def _once(question: str) -> AsyncGenerator[str, None]:
    """One line, in the form in which `_lines` gives those of standard input."""
    yield question


async def _lines() -> AsyncGenerator[str, None]:
    """The lines of standard input that are not blank, up to one that says "exit" or "quit". They
    are read in a thread, which ends with the process: nothing ends the reading of a line."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        with suppress(RuntimeError, ValueError, OSError):  # The loop, or the input, is closed.
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "exit")

    threading.Thread(target=read, daemon=True).start()
    while (line := (await lines.get()).strip()).lower() not in ("exit", "quit"):
        if line:
            yield line
