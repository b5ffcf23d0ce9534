"""Which agents there are in an owner's agent: below it, within its tools, nodes and functions."""

import hashlib
import inspect
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import FunctionType, MethodType

from google.adk.agents import LlmAgent
from google.adk.tools import BaseTool
from google.adk.workflow import BaseNode
from pydantic import BaseModel

from agent.core.text import to_json


def llm_agents(root: object) -> Iterator[LlmAgent]:
    """Every agent with a model that can be found from here: sub-agents, agents used as tools,
    workflow nodes, and what custom agents and functions hold. One that is made while another runs
    cannot be found (`Budget` gives it the offline model, if need be)."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop(0)
        if id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, LlmAgent):
                yield node
            waiting[:0] = _held_by(node)


def version_of(root: object) -> str:
    """Eight letters and digits that change when the instruction, the model, the settings or the
    tools of any of these agents change."""
    about = [
        [agent.name, agent.description, *map(_text_of, (agent.instruction, agent.model))]
        for agent in llm_agents(root)
    ]
    about += [
        list(map(_text_of, (agent.generate_content_config, *agent.tools)))
        for agent in llm_agents(root)
    ]
    return hashlib.sha256(to_json(about).encode()).hexdigest()[:8]


def _text_of(part: object) -> str:
    """What stands for a part of an agent: a text itself, else its name or its fields."""
    for name in ("model", "name", "__qualname__"):
        if isinstance(found := getattr(part, name, None), str):
            return found
    return str(part) if isinstance(part, str | BaseModel) else type(part).__name__


def _held_by(node: object) -> Iterable[object]:
    """What may be an agent, or lead to one."""
    match node:
        case dict():
            return list(node.values())
        case list() | tuple() | set():
            return list(node)
        case MethodType():
            return [node.__func__, node.__self__]
        case FunctionType():
            with suppress(ValueError):  # What a function holds may not be there yet.
                names = inspect.getclosurevars(node)
                held = [*names.nonlocals.values(), *names.globals.values()]
                return [value for value in held if _is_of(node, value)]
    if not isinstance(node, BaseNode | BaseTool):
        return ()
    fields = {**vars(node), **(getattr(node, "__pydantic_private__", None) or {})}
    nodes = getattr(getattr(node, "graph", None), "nodes", ())
    return [*(held for name, held in fields.items() if name != "parent_agent"), *nodes]


def _is_of(function: FunctionType, held: object) -> bool:
    """Whether a function holds an agent, a tool, or another function of the same owner's."""
    if isinstance(held, FunctionType):
        return _top(held) == _top(function)
    return isinstance(held, BaseNode | BaseTool)


def _top(function: FunctionType) -> str:
    return str(function.__module__).partition(".")[0]
