"""Who raised an exception: a model, a tool, the session store, or the agent's own code.

Its traceback tells: of all borders that it has crossed on its way out, the innermost decides. So an
agent that is used as a tool and whose model fails is told as the model, a tool that has a client of
its own as the tool, and a callback as neither. It holds for whatever is wrapped around the model,
and for agents that are made while the turn runs.
"""

from collections.abc import Iterator
from traceback import walk_tb
from types import FrameType
from typing import Literal, NamedTuple, TypeAlias

from google.adk.models import BaseLlm, LLMRegistry
from google.adk.models.base_llm_connection import BaseLlmConnection
from google.adk.sessions import BaseSessionService
from google.adk.tools import BaseTool
from google.adk.tools.base_toolset import BaseToolset

Kind: TypeAlias = Literal["model", "tool", "toolset", "store", "agent"]


class Origin(NamedTuple):
    """Who it was, and its name if it has one."""

    kind: Kind
    name: str = ""


AGENT = Origin("agent")


def origin(error: BaseException) -> Origin:
    """Who raised the exception; of a group, whoever raised its first one."""
    for raised in _from_the_inside(error):
        for frame, _ in reversed([*walk_tb(raised.__traceback__)]):
            if found := _border(frame):
                return found
    return AGENT


def innermost(error: BaseException) -> BaseException:
    """The exception itself; of a group its first one."""
    return next(_from_the_inside(error))


def _from_the_inside(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        yield from _from_the_inside(error.exceptions[0])
    yield error


def _border(frame: FrameType) -> Origin | None:
    """Whose method it is that runs in this frame, if it is a border."""
    if frame.f_globals.get("__name__") == LLMRegistry.__module__:
        return Origin("model")
    code = frame.f_code
    owner = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    # Not isinstance, by which an object may say what it likes, or fail.
    kind = type(owner)
    if not hasattr(kind, code.co_name):  # A function that was given a tool, such as a callback.
        return None
    if issubclass(kind, BaseLlm | BaseLlmConnection):
        return Origin("model")
    if issubclass(kind, BaseTool):
        return Origin("tool", str(getattr(owner, "name", "")))
    if issubclass(kind, BaseToolset):
        return Origin("toolset", kind.__name__)
    return Origin("store") if issubclass(kind, BaseSessionService) else None
