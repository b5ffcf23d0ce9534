"""The threads that ordinary (not async) tools run in: a number at once, and a share for each
visitor.

Python cannot end a thread. A tool that does not come back keeps its thread when its turn is over;
another thread then takes its place among those that may run at once, and the one that is left
counts against its visitor until it ends.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from agent.core.adk_internals import use_tool_threads
from agent.core.containment import contained
from agent.core.notices import PlainError

T = TypeVar("T")

# How many threads turns that are over may leave behind, for each thread that may run at once. A
# thread costs memory alone, some 50 KB; with that many the app has to be restarted.
MAX_LEFT = 8

# The visitor whose turn calls a tool. The tasks that a turn starts inherit it.
caller: ContextVar[str | None] = ContextVar("caller", default=None)


class _Call(Future[Any]):
    """A call of a tool: it waits, runs, is left behind by a turn that is over, or has ended."""

    def __init__(self, pool: "ToolThreads", work: Callable[[], Any]) -> None:
        super().__init__()
        self.work, self.caller = work, caller.get()
        self._pool = pool

    def cancel(self) -> bool:
        """asyncio calls this when nobody waits for the result any more."""
        is_cancelled = super().cancel()
        self._pool.leave(self)
        return is_cancelled


class ToolThreads(Executor):
    """Runs a number of calls at once, each in a thread of its own; one visitor has half of them.

    Args:
        size: How many calls run at once.
    """

    def __init__(self, size: int) -> None:
        self.size, self.share = size, (size + 1) // 2
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()
        self._running: set[_Call] = set()
        self._left: set[_Call] = set()

    @property
    def left(self) -> int:
        """How many threads are still at work for turns that are over."""
        return len(self._left)

    @property
    def is_used_up(self) -> bool:
        """Whether so many are left behind that no more tools are run."""
        return self.left >= self.size * MAX_LEFT

    def submit(self, work: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Run the call as soon as there is room.

        Raises:
            PlainError: if all threads that its visitor may have are at work for turns that are
                over.
        """
        call = _Call(self, partial(work, *args, **options))
        with self._lock:
            if self.is_used_up or _count(self._left, call.caller) >= self.share:
                raise PlainError("tools_left_behind")
            self._waiting.append(call)
        self._start()
        return call

    def leave(self, call: _Call) -> None:
        """Give the place of a call that nobody waits for any more to another call."""
        with self._lock:
            if call in self._running:
                self._running.remove(call)
                self._left.add(call)
        self._start()

    def _start(self) -> None:
        """Start the calls that there is room for."""
        with self._lock:
            for call in list(self._waiting):
                at_work = _count(self._running, call.caller) + _count(self._left, call.caller)
                if call.cancelled():
                    self._waiting.remove(call)
                elif len(self._running) < self.size and at_work < self.share:
                    self._waiting.remove(call)
                    if call.set_running_or_notify_cancel():
                        self._running.add(call)
                        self._run_in_thread(call)

    def _run_in_thread(self, call: _Call) -> None:
        try:
            threading.Thread(target=self._run, args=[call], daemon=True).start()
        except RuntimeError as error:  # The system has no more threads.
            self._running.discard(call)
            call.set_exception(error)

    def _run(self, call: _Call) -> None:
        try:
            result, error = call.work(), None
        except BaseException as raised:
            result, error = None, contained(raised)
        with self._lock:
            self._running.discard(call)
            self._left.discard(call)
        if error:
            call.set_exception(error)
        else:
            call.set_result(result)
        self._start()


def _count(calls: set[_Call], caller: str | None) -> int:
    """How many of these calls are this visitor's; 0 without a visitor."""
    return sum(call.caller == caller for call in calls) if caller else 0


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, ToolThreads]] = WeakKeyDictionary()


def threads_left() -> tuple[int, bool]:
    """How many threads of the running loop are still at work for turns that are over, and whether
    that are so many that no more tools are run."""
    pools = _pools.get(asyncio.get_running_loop(), {}).values()
    return sum(pool.left for pool in pools), any(pool.is_used_up for pool in pools)


def tool_threads(size: int) -> ToolThreads:
    """The running loop's threads; ADK runs tools in them from now on."""
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    if size not in pools:
        pools[size] = ToolThreads(size)
        use_tool_threads(size, pools[size])
    return pools[size]
