"""Keeps what a tool, a callback or an agent's own code raises from ending more than its own call.

A `sys.exit()` in a task, which argparse, click and `quit()` call as well, ends asyncio's event
loop, and with it every visitor's page. A `StopIteration` out of a thread leaves whoever waits for
it waiting for ever. A `CancelledError` that nobody has asked for looks like a stop.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, cast

# Whether the code that runs belongs to a turn. What a turn's task starts inherits it.
in_turn: ContextVar[bool] = ContextVar("in_turn", default=False)


class CallEnded(Exception):
    """An exception, in place of one that would end more than the call in which it was raised."""


def contained(error: BaseException) -> BaseException:
    """The exception as it may leave a call: itself, or a `CallEnded` that says what it was.

    ADK's own signals pass, and so does the cancellation of the task that runs.
    """
    is_ordinary = isinstance(error, Exception) and not isinstance(error, StopIteration)
    if is_ordinary or type(error).__module__.startswith("google.adk."):
        return error
    if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
        return error
    said = describe(error)
    return CallEnded(said).with_traceback(error.__traceback__)


def is_being_cancelled() -> bool:
    """Whether somebody has cancelled the task that runs."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # In a thread without a loop, where nothing is cancelled.
        return False
    return bool(task and task.cancelling())


def describe(error: BaseException) -> str:
    """The exception's class and text, on one line."""
    try:
        text = "" if error.args == (None,) else " ".join(str(error).split())
    except BaseException:  # Nothing says that its `__str__` works.
        text = ""
    name = type(error).__name__
    if isinstance(error, CallEnded):
        return text
    return f"{name}: {text}" if text else name


def contain_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """From now on, what a task of a turn raises leaves it as an exception that ends no loop."""
    make = loop.get_task_factory()
    if getattr(make, "is_containing", False):
        return

    def make_contained(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> Any:
        if in_turn.get():
            work = _Contained(work)
        return make(loop, work, **options) if make else asyncio.Task(work, loop=loop, **options)

    cast(Any, make_contained).is_containing = True
    loop.set_task_factory(make_contained)


class _Contained(Coroutine[Any, Any, Any]):
    """A coroutine that raises no more than an exception."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work

    def send(self, value: Any) -> Any:
        return self._step(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._work.throw, *error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)  # Its name, where it waits: what asyncio shows of a task.

    def _step(self, act: Callable[..., Any], *args: Any) -> Any:
        try:
            return act(*args)
        except (Exception, StopIteration):  # StopIteration: its result.
            raise
        except BaseException as error:
            if (allowed := contained(error)) is error:
                raise
            raise allowed from None
