"""Talk to the agent in a terminal.

python -m agent "What time is it in Tokyo?"     one answer
cat notes.txt | python -m agent "Summarize"     one answer, about what comes through the pipe
python -m agent --file cat.png "What is it?"    one answer, about a file
python -m agent                                 a conversation; /file cat.png sends a file
python -m agent --live                          a talk: type on while it answers
python -m agent check                           what is right and what is wrong with the set-up
python -m agent evalset                         what visitors said of answers, for `adk eval`
python -m agent record                          what Gemini answers, to play it without a key
"""

import argparse
import asyncio
import io
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TextIO, cast

from agent.chat.conversation import Conversation
from agent.chat.load_errors import LoadError
from agent.chat.loader import OUR_AGENT, LoadedAgent, load
from agent.cli.check import run_check
from agent.cli.command import add_agent, is_command, meant_command
from agent.cli.evalset import run_evalset
from agent.cli.live import talk
from agent.cli.prompt import piped_text, typed_questions
from agent.cli.record import run_record
from agent.cli.sent_files import path_in
from agent.cli.terminal import CONTROLS, TerminalChat, TerminalOutput, timestamp
from agent.core.environment import read_settings
from agent.core.question import Options
from agent.core.settings import Settings

DEMO = (
    "Hello! What can you help me with?",
    "Explain quantum computing in simple terms",
    "What are the practical applications?",
    "How does it compare to classical computing?",
)

# Exit codes: the answer is not whole; the command is wrong; Ctrl-C with no answer to stop.
EXIT_FAILED, EXIT_WRONG_COMMAND, EXIT_INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # What is no question, by its name.
    commands = {"check": run_check, "record": _record, "evalset": run_evalset}
    other = next((run for name, run in commands.items() if is_command(name, arguments)), None)
    if not other and (meant := meant_command(commands, arguments)):
        print(  # noqa: T201
            f"Did you mean {meant}? To ask the agent this one word, write it with a question mark.",
            file=sys.stderr,
        )
        return EXIT_WRONG_COMMAND
    more = list(arguments[1:])  # A folder may stand there by itself, as for app.py.
    if other and more and not more[0].startswith("-"):
        more.insert(0, "--agent")
    run = (
        partial(other, more, OUR_AGENT) if other else partial(_run, _parser().parse_args(arguments))
    )
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # What is not text, or cannot be written in this terminal's encoding, ends nothing.
        cast(io.TextIOWrapper, stream).reconfigure(errors="replace")
    # A `quit()` in a tool would close it (site.py), and with it the conversation.
    sys.stdin.close = lambda: None  # type: ignore[method-assign]
    # Each failure is shown where the answer would be; only an unknown one is worth a traceback.
    logging.getLogger("agent.chat.turn").setLevel(logging.ERROR)
    try:
        return run()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has closed it. Python would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _run(options: argparse.Namespace) -> int:
    os.environ["SESSION_DB"] = "memory://"  # A conversation in a terminal ends with it.
    try:
        loaded, settings = load(options.agent), _settings(options)
    except (LoadError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EXIT_WRONG_COMMAND
    conversation = Conversation(loaded.runner, settings)
    screen = TerminalOutput(sys.stdout, sys.stderr)
    if loaded.no_ai and sys.stderr.isatty():
        screen.say(f"({loaded.no_ai})")
    how = Options(streaming=False if options.no_stream else None)
    chat = TerminalChat(conversation, screen, options.out, how)
    with asyncio.Runner() as loop, _closing(options.out), _giving_up():
        if options.live:
            is_whole = loop.run(talk(conversation, screen, " ".join(options.question)))
            return 0 if is_whole else EXIT_FAILED
        attached = [chat.attach(path) for path in options.file]
        if not all(attached):
            return EXIT_WRONG_COMMAND
        if question := " ".join(options.question):
            whole = "\n\n".join(filter(None, (question, piped_text().strip("\n"))))
            return 0 if _asked(loop, chat, whole) else EXIT_FAILED
        for question in _questions(loaded, options.demo, settings):
            if path := path_in(question):
                chat.attach(path)
            else:
                _asked(loop, chat, question, is_one_of_many=True)
    return 0


def _record(arguments: Sequence[str], our_agent: Path) -> int:
    try:
        return run_record(arguments, our_agent, DEMO)
    except (LoadError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EXIT_WRONG_COMMAND


def _asked(
    loop: asyncio.Runner, chat: TerminalChat, question: str, is_one_of_many: bool = False
) -> bool:
    """Ask, and have the person answer what the agent asks in turn; whether the answer is whole."""

    def heading() -> str:
        return f"{timestamp()} Agent: " if is_one_of_many else ""

    is_whole = loop.run(chat.ask(question, heading()))
    # Not inside the loop, where Ctrl-C would not end the reading of a line.
    while replies := chat.read_replies():
        is_whole = loop.run(chat.reply(replies, heading()))
    return is_whole


@contextmanager
def _giving_up() -> Iterator[None]:
    """End the process at the second Ctrl-C: what has not stopped at the first may never, and the
    loop would wait for it."""
    try:
        yield
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)


@contextmanager
def _closing(files: Iterable[TextIO]) -> Iterator[None]:
    """Close the files at the end, also those that could not be written to, which was said then:
    from 3.13 on Python itself complains about those that it has to close."""
    try:
        yield
    finally:
        for file in files:
            if file is not sys.stdout:
                with suppress(OSError):
                    file.close()


def _questions(loaded: LoadedAgent, demo: bool, settings: Settings) -> Iterator[str]:
    if demo:
        return _echoed(DEMO)
    if sys.stdin.isatty() and sys.stdout.isatty():
        more = " /file PATH sends a file." if settings.accepted_types else ""
        print(f"{loaded.title}. Type exit to leave; Ctrl-C stops an answer.{more}")  # noqa: T201
        return _until_exit(typed_questions())
    return _echoed(_until_exit(sys.stdin))


def _until_exit(lines: Iterable[str]) -> Iterator[str]:
    """The lines that are not blank, up to one that says "exit" or "quit"."""
    for line in map(str.strip, lines):
        if line.lower() in ("exit", "quit"):
            return
        if line:
            yield line


def _echoed(questions: Iterable[str]) -> Iterator[str]:
    for question in questions:
        print(f"{timestamp()} User: {question.translate(CONTROLS)}", flush=True)  # noqa: T201
        yield question


def _settings(options: argparse.Namespace) -> Settings:
    settings = read_settings(os.environ)
    timeouts = {"turn_timeout": options.timeout or settings.turn_timeout}
    if options.no_stream:
        # The first word then comes with the last.
        names = "first_token_timeout", "gap_timeout"
        timeouts |= dict.fromkeys(names, timeouts["turn_timeout"])
    return settings.model_copy(update=timeouts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m agent",
        description="Talk to the agent. Without a question, a conversation begins; with "
        "`check` for it, the set-up is checked (check --help); with `record`, what Gemini answers "
        "is recorded (record --help); with `evalset`, what visitors said of answers is written for "
        "`adk eval` (evalset --help).",
    )
    add = parser.add_argument
    add("question", nargs="*", help="what to ask; a text that is piped in is sent with it")
    add_agent(parser, OUR_AGENT, "another agent's folder")
    add("--demo", action="store_true", help="watch a conversation of four turns")
    add("--live", action="store_true", help="talk: type on while it answers (ADK's BIDI)")
    add(
        *("--file", "-f"),
        action="append",
        default=[],
        metavar="PATH",
        help="a file that goes with the first message; may be given several times",
    )
    add("--no-stream", action="store_true", help="have the answer in one piece")
    add("--timeout", type=seconds, metavar="SECONDS", help="how long an answer may take")
    add(
        "--out",
        type=appendable,
        action="append",
        default=[],
        metavar="FILE",
        help="append the conversation to this file too, as Markdown; may be given several times",
    )
    return parser


def seconds(text: str) -> float:
    """A number of seconds. argparse names this function where a value is not a number."""
    number = float(text)
    if not 0 < number < 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds that can be waited")
    return number


def appendable(path: str) -> TextIO:
    """A file that is open for appending; "-" is standard output. It stands in for
    `argparse.FileType`, about which Python 3.14 warns."""
    if path == "-":
        return sys.stdout
    try:
        return Path(path).open("a", encoding="utf-8")
    except OSError as error:
        folder = Path(path).parent
        why = f"{path} cannot be written ({error.strerror})"
        sentence = why if folder.is_dir() else f"there is no folder {folder}"
        raise argparse.ArgumentTypeError(sentence) from None


if __name__ == "__main__":
    sys.exit(main())
