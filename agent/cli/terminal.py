"""The agent in a terminal: its answers stream to the screen, and into files at the same time.

Standard output gets the answer alone, so that it can be piped. All else goes to standard error:
the app's own sentences always; thoughts, tools and progress only where that is a terminal.
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from datetime import datetime
from typing import TextIO

from agent.chat.conversation import Conversation
from agent.chat.streams import DeltaLog, tee
from agent.chat.turn import Turn
from agent.core.deltas import Delta, Rewrite
from agent.core.question import Options, Question
from agent.core.text import clean, to_json
from agent.core.transcript import Text, Thought, ToolCall, notices

DIM, NORMAL, WIPE = "\x1b[2m", "\x1b[0m", "\r\x1b[K"

CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")
CONTROLS |= {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): ""}
"""A terminal obeys such signs: they could paint over the screen, or fill the clipboard."""


class Screen:
    """Standard output and standard error, which may be one terminal, or go different ways."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err
        self._line: str | None = None
        """What the terminal's last line holds: "answer", "thought", "progress"; None when empty."""

    def write(self, text: str) -> None:
        """A piece of the answer."""
        self._begin("answer")
        self._out.write(text.translate(CONTROLS) if self._out.isatty() else text)
        self._out.flush()

    def remark(self, text: str) -> None:
        """A line that is not the answer's."""
        self._begin(None)
        self._err.write(f"{text}\n")
        self._err.flush()

    async def show(self, turn: Turn, heading: str = "") -> None:
        """The turn's answer as it comes, and what else there is to tell of it."""
        async with aclosing(DeltaLog(turn).read()) as changes:
            async for _, change in changes:
                if isinstance(change, Text | Rewrite):
                    self.write(heading + _words(change))
                    heading = ""
                self._whisper(change)
                self._show_progress(turn)
        self._finish(turn)

    def _finish(self, turn: Turn) -> None:
        if turn.figures.chunks:
            self.write("\n")
            self._line = None
        for notice in notices(turn.transcript):
            self.remark(f"({notice})")
        if self._err.isatty():
            self.remark(_dim(_figures(turn)))

    def _whisper(self, change: Delta | None) -> None:
        if not self._err.isatty():
            return
        match change:
            case Thought(text=text):
                self._begin("thought")
                self._err.write(_dim(text))
            case ToolCall(name=name, args=args, seconds=None):
                self.remark(_dim(f"[{name} {to_json(args, ensure_ascii=False)}]"))
            case ToolCall(name=name, result=result):
                self.remark(_dim(f"[{name} answered {to_json(result, ensure_ascii=False)}]"))

    def _show_progress(self, turn: Turn) -> None:
        """A line that counts, where it does not stand in the way of words."""
        is_free = self._line in (None, "progress") or not self._out.isatty()
        if self._err.isatty() and is_free:
            self._begin("progress")
            self._err.write(f"{WIPE}{turn.elapsed:.0f} s, chunks: {turn.figures.chunks}")
            self._err.flush()

    def _begin(self, line: str | None) -> None:
        """Make room on the terminal for a line of another kind."""
        if self._line == line:
            return
        if self._line == "progress":
            self._err.write(WIPE)
        elif self._line == "thought" or (self._line and self._out.isatty()):
            self._err.write("\n")
        self._err.flush()
        self._line = line


def _words(change: Text | Rewrite) -> str:
    return clean(f"\n\n{change.text}" if isinstance(change, Rewrite) else change.text)


def _dim(text: str) -> str:
    return f"{DIM}{clean(text).translate(CONTROLS)}{NORMAL}"


def _figures(turn: Turn) -> str:
    figures = turn.figures
    if figures.first_token is None:
        return f"({figures.total:.1f} s, no words)"
    return (
        f"({figures.first_token:.1f} s to the first words, {figures.total:.1f} s in all; "
        f"{figures.chunks} chunks, {figures.characters} characters)"
    )


class Talk:
    """A conversation with somebody at a terminal."""

    def __init__(
        self,
        conversation: Conversation,
        screen: Screen,
        files: Iterable[TextIO],
        options: Options,
    ) -> None:
        self._conversation, self._screen = conversation, screen
        self._files, self._options = list(files), options

    async def ask(self, question: str, heading: str = "") -> bool:
        """One turn, to the screen and to every file; whether the answer is whole.

        Cancelled, as by Ctrl-C, it stops the turn and shows what was said.
        """
        turn = self._conversation.ask(Question(question, options=self._options))
        outputs = [self._screen.show(turn, heading)]
        outputs += [self._record(question, turn, file) for file in self._files]
        shown = asyncio.gather(*outputs, return_exceptions=True)
        try:
            await asyncio.shield(shown)
        except asyncio.CancelledError:
            turn.stop()
        for error in filter(None, await shown):  # A screen may be gone, and the files go on.
            raise error
        return turn.failure is None

    async def _record(self, question: str, turn: Turn, file: TextIO) -> None:
        """The turn as Markdown, as it comes."""
        try:
            file.write(f"**{stamp()} User:** {clean(question)}\n\n**{stamp()} Agent:** ")
            await tee(turn, lambda chunk: (file.write(chunk), file.flush()))
            file.write("".join(f"\n\n*({notice})*" for notice in notices(turn.transcript)) + "\n\n")
            file.flush()
        except* OSError:
            self._screen.remark(f"(The answer could not be written to {file.name}.)")


def stamp() -> str:
    """The time of day, as a conversation's lines begin."""
    return f"[{datetime.now():%H:%M:%S}]"
