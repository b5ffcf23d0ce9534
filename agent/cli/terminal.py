"""The agent in a terminal: its answers stream to the screen, and into files at the same time.

Standard output gets the answer alone, so that it can be piped. All else goes to standard error:
the app's own notices always; thoughts, tools and progress only where that is a terminal.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Literal, TextIO, TypeAlias, assert_never

from agent.chat.conversation import Conversation
from agent.chat.streams import DeltaLog, tee
from agent.chat.turn import Turn
from agent.cli.prompt import somebody_answers, typed_reply
from agent.cli.replies import read_replies
from agent.cli.sent_files import sent_file, why_unread
from agent.core.deltas import Delta, Rewrite, words
from agent.core.files import File
from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply, sentence
from agent.core.plain_text import lines
from agent.core.question import Options, Question
from agent.core.said import Said
from agent.core.sources import Sources
from agent.core.text import clean, to_json
from agent.core.transcript import Notice, Text, Thought, ToolCall, notices
from agent.core.waiting import open_pauses, to_come
from agent.render import media
from agent.render.file_links import size

NOBODY_ANSWERS = "(Nobody can answer this here, so it is not done. At a terminal one can.)"

DIM, NORMAL, ERASE_LINE = "\x1b[2m", "\x1b[0m", "\r\x1b[K"

# For `str.translate`: replaces the characters that a terminal obeys. They could paint over the
# screen, or fill the clipboard.
CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")
CONTROLS |= {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): ""}

# For `str.translate` too, for a pipe or a file: it may end in a terminal, but all characters that
# end a line are kept there.
PIPED = {code: shown for code, shown in CONTROLS.items() if chr(code) not in "\r\v\f\x85"}

# What the terminal's last line holds; None while it is empty.
LastLine: TypeAlias = Literal["answer", "thought", "progress"] | None


class TerminalOutput:
    """Standard output and standard error, which may be one terminal, or go different ways."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err
        self._line: LastLine = None

    def remark(self, text: str) -> None:
        """Write a line that is not the answer's."""
        self._begin(None)
        self._err.write(f"{text}\n")
        self._err.flush()

    def say(self, text: str) -> None:
        """Write such a line, without characters that a terminal obeys: others may have said it."""
        self.remark(clean(text).translate(CONTROLS))

    def ask(self, prompt: str) -> str:
        """The line that is typed after this prompt, which may have words of others in it."""
        self._begin(None)
        return typed_reply(clean(prompt).translate(CONTROLS))

    async def show(self, turn: Turn, heading: str = "") -> None:
        """Write the turn's answer as it comes, after `heading`, and what else happens in it."""
        has_words = False
        async with aclosing(DeltaLog(turn).read(heartbeat=0)) as deltas:
            async for _, delta in deltas:
                if delta and self.show_delta(delta, heading):
                    heading, has_words = "", True
                self._show_progress(turn)
        if has_words:
            self.end_answer()
        for text in _endings(turn):
            self.say(f"({text})")
        if self._err.isatty():
            self.remark(_dimmed(_figures(turn)))

    def show_delta(self, delta: Delta, heading: str = "") -> bool:
        """Write one delta, words of the answer after `heading`; whether it was words."""
        if isinstance(delta, Text | Rewrite):
            self._write_answer(heading + clean(words(delta)))
            return True
        if isinstance(delta, File | Sources):
            self.say(_aside(delta))
        elif self._err.isatty():
            self._show_step(delta)
        return False

    def end_answer(self) -> None:
        """End the answer's last line."""
        self._write_answer("\n")
        self._line = None

    def _write_answer(self, text: str) -> None:
        self._begin("answer")
        self._out.write(text.translate(CONTROLS if self._out.isatty() else PIPED))
        self._out.flush()

    def _show_step(self, delta: Delta) -> None:
        """Show a step on the terminal: a thought, or a tool's call or result."""
        match delta:
            case Thought(text=text):
                self._begin("thought")
                self._err.write(_dimmed(text))
            case ToolCall(name=name, args=args, seconds=None):
                self.remark(_dimmed(f"[{name} {to_json(args, ensure_ascii=False)}]"))
            case ToolCall(name=name, result=result):
                self.remark(_dimmed(f"[{name} answered {to_json(result, ensure_ascii=False)}]"))
            case Text() | Rewrite() | File() | Sources():
                pass
            case Pause() | Notice() | Said():
                pass  # Shown at the end of the turn; or typed here.
            case _:
                assert_never(delta)

    def _show_progress(self, turn: Turn) -> None:
        """Show a line that counts seconds and chunks, unless it would be in the way of words."""
        is_free = self._line in (None, "progress") or not self._out.isatty()
        if self._err.isatty() and is_free:
            self._begin("progress")
            self._err.write(f"{ERASE_LINE}{turn.elapsed:.0f} s, chunks: {turn.figures.chunks}")
            self._err.flush()

    def _begin(self, line: LastLine) -> None:
        """Make room on the terminal for a line of another kind."""
        if self._line == line:
            return
        if self._line == "progress":
            self._err.write(ERASE_LINE)
        elif self._line == "thought" or (self._line and self._out.isatty()):
            self._err.write("\n")
        self._err.flush()
        self._line = line


def _dimmed(text: str) -> str:
    return f"{DIM}{clean(text).translate(CONTROLS)}{NORMAL}"


def _endings(turn: Turn) -> list[str]:
    """The lines below an answer: why it is not whole, and which results a program gives later."""
    new = turn.transcript[len(turn.earlier) :]
    return [*notices(new), *(notice.text for notice in to_come(turn.transcript))]


def _aside(entry: File | Sources) -> str:
    """What stands beside the words of an answer."""
    return f"[{_file(entry)}]" if isinstance(entry, File) else lines(entry)


def _file(file: File) -> str:
    """A file by its name, and where it is."""
    name = file.shown_name or file.mime_type
    kept_as = file.kept_as or (file.data and media.save(file.mime_type, file.data))
    where = file.address or (str(media.FOLDER / kept_as) if kept_as else "not here any more")
    return f"file {name}: {where}"


def _figures(turn: Turn) -> str:
    figures = turn.figures
    if figures.first_token is None:
        return f"({figures.total:.1f} s, no words)"
    return (
        f"({figures.first_token:.1f} s to the first words, {figures.total:.1f} s in all; "
        f"{figures.chunks} chunks, {figures.characters} characters)"
    )


class TerminalChat:
    """A conversation with somebody at a terminal, which may be recorded in files."""

    def __init__(
        self,
        conversation: Conversation,
        screen: TerminalOutput,
        files: Iterable[TextIO],
        options: Options,
    ) -> None:
        self._conversation, self._screen = conversation, screen
        self._files, self._options = list(files), options
        # The pauses whose replies the agent waits for.
        self._open_pauses: list[Pause] = []
        # The files that go with the next message.
        self._attached: list[File] = []

    def attach(self, path: str) -> bool:
        """Have the file at this path go with the next message; whether it can."""
        try:
            file = sent_file(path, self._conversation.settings)
        except OSError as error:
            self._screen.say(f"({why_unread(path, error)})")
            return False
        except PlainError as error:
            self._screen.say(f"({path}: {error.notice.text})")
            return False
        self._attached.append(file)
        self._screen.say(f"({file.name}, {size(file)}, goes with your next message.)")
        return True

    async def ask(self, question: str, heading: str = "") -> bool:
        """One turn, to the screen and to every file; whether the answer is whole.

        Cancelled, as by Ctrl-C, it stops the turn and shows what was said.

        Raises:
            OSError: when the screen is gone, once the files have the whole answer.
        """
        opening = f"**{timestamp()} User:** {clean(question)}\n\n**{timestamp()} Agent:** "
        files, self._attached = tuple(self._attached), []
        whole_question = Question(question, files=files, options=self._options)
        return await self._run(whole_question, opening, heading)

    def read_replies(self) -> dict[str, Reply] | None:
        """The person's replies to the open pauses, by their ids; None without pauses, and where
        nobody can reply."""
        if self._open_pauses and somebody_answers():
            return read_replies(self._open_pauses, self._screen.say, self._screen.ask)
        for text in [f"({sentence(pause).text})" for pause in self._open_pauses]:
            self._screen.say(text)
        if self._open_pauses:
            self._screen.say(NOBODY_ANSWERS)
        return None

    async def reply(self, replies: Mapping[str, Reply], heading: str = "") -> bool:
        """Go on with the turn, by these replies; whether its answer is whole.

        Raises:
            OSError: when the screen is gone, once the files have the whole answer.
        """
        answered = [replace(pause, reply=replies[pause.id]) for pause in self._open_pauses]
        opening = "".join(f"*({sentence(pause).text})*\n\n" for pause in answered)
        return await self._run(Question(replies=replies, options=self._options), opening, heading)

    async def _run(self, question: Question, opening: str, heading: str) -> bool:
        turn = self._conversation.ask(question)
        outputs = [self._screen.show(turn, heading)]
        outputs += [self._record(opening, turn, file) for file in self._files]
        all_outputs = asyncio.gather(*outputs, return_exceptions=True)
        try:
            await asyncio.shield(all_outputs)
        except asyncio.CancelledError:
            turn.stop()
        for error in filter(None, await all_outputs):
            raise error
        # Replies of a turn without an id were not taken: the pauses stay open.
        if turn.id or not question.replies:
            self._open_pauses = open_pauses(turn.transcript)
        return turn.failure is None and not self._open_pauses

    async def _record(self, opening: str, turn: Turn, file: TextIO) -> None:
        """Write the turn as Markdown, as it comes."""
        try:
            file.write(opening.translate(PIPED))
            await tee(turn, lambda chunk: (file.write(chunk.translate(PIPED)), file.flush()))
            new = turn.transcript[len(turn.earlier) :]
            more = [_aside(entry) for entry in new if isinstance(entry, File | Sources)]
            more += [sentence(pause).text for pause in open_pauses(turn.transcript)]
            ending = "".join(f"\n\n*({text})*" for text in [*more, *_endings(turn)])
            file.write(f"{ending.translate(PIPED)}\n\n")
            file.flush()
        except* OSError:
            self._screen.remark(f"(The answer could not be written to {file.name}.)")


def timestamp() -> str:
    """The time of day, as a conversation's lines begin."""
    return f"[{datetime.now():%H:%M:%S}]"
