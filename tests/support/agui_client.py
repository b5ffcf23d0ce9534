"""A client of `/agui`, after the official one for JavaScript (`HttpAgent` of `@ag-ui/client`): it
keeps the messages and sends all of them each time, holds each run to the protocol's order, and asks
nothing else as long as what an agent asks is open.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from ag_ui.core import Event
from pydantic import TypeAdapter

Json = dict[str, Any]

EVENT: TypeAdapter[Any] = TypeAdapter(Event)

# What opens something, and what closes it.
PAIRS = {
    "TEXT_MESSAGE_START": "TEXT_MESSAGE_END",
    "REASONING_START": "REASONING_END",
    "REASONING_MESSAGE_START": "REASONING_MESSAGE_END",
    "TOOL_CALL_START": "TOOL_CALL_END",
    "STEP_STARTED": "STEP_FINISHED",
}

# What needs something open.
WITHIN = {
    "TEXT_MESSAGE_CONTENT": "TEXT_MESSAGE_END",
    "REASONING_MESSAGE_CONTENT": "REASONING_MESSAGE_END",
    "TOOL_CALL_ARGS": "TOOL_CALL_END",
}


class Thread:
    """One thread of a front end.

    Args:
        url: The page's address.
        query: What follows `/agui`.
        input: What each request holds beside the messages, such as `tools`.
    """

    def __init__(self, url: str, query: str = "", **input: Any) -> None:
        self.url, self.input = f"{url}agui{query}", input
        self.id = str(uuid.uuid4())
        self.messages: list[Json] = []
        self.interrupts: list[Any] = []
        # The events of the latest run, as they came, and its end.
        self.events: list[Json] = []
        self.headers: dict[str, str] = {}

    def say(self, content: Any) -> None:
        """Add a message of the user's."""
        self.messages.append({"id": str(uuid.uuid4()), "role": "user", "content": content})

    def ask(self, content: Any, **more: Any) -> str:
        """Send a message, and read the answer to its end; its words."""
        self.say(content)
        return self.run(**more)

    def stream_of(self, content: Any) -> Iterator[Json]:
        """The same, event by event."""
        self.say(content)
        return self.stream()

    def resume(self, **payloads: Any) -> str:
        """Answer what is asked, by the kinds of it; None cancels."""
        resume: list[Json] = []
        for asked in self.interrupts:
            entry: Json = {"interruptId": asked.id, "status": "cancelled"}
            payload = payloads[(asked.metadata or {})["kind"]]
            if payload is not None:
                entry |= {"status": "resolved", "payload": payload}
            resume.append(entry)
        return self.run(resume=resume)

    def bring(self, *results: str) -> str:
        """Bring the results of the application's own tools, in the order of their calls."""
        for call, result in zip(self.pending, results, strict=True):
            message = {"id": str(uuid.uuid4()), "role": "tool", "content": result}
            self.messages.append({**message, "toolCallId": call})
        return self.run()

    def run(self, **more: Any) -> str:
        """Run the agent with what there is."""
        for _ in self.stream(**more):
            pass
        return self.words

    def stream(self, **more: Any) -> Iterator[Json]:
        """The same, event by event; whoever leaves before the end has pressed Stop."""
        answered = {entry["interruptId"] for entry in more.get("resume", ())}
        assert all(asked.id in answered for asked in self.interrupts), "This is open."
        self.events, self.interrupts = [], []
        with self.posted(**more) as response:
            assert response.status_code == 200, response.read()
            for line in response.iter_lines():
                if line.startswith("data: "):
                    event = EVENT.validate_json(line.removeprefix("data: "))
                    self.events.append(json.loads(line.removeprefix("data: ")))
                    _verify(self.events)
                    self._apply(event)
                    yield self.events[-1]
        assert self.events[-1]["type"] in ("RUN_FINISHED", "RUN_ERROR")

    @contextmanager
    def posted(self, **more: Any) -> Iterator[httpx.Response]:
        """The response to the request."""
        body = {
            "threadId": self.id,
            "runId": str(uuid.uuid4()),
            "protocolVersion": "1.0",
            "messages": self.messages,
            "state": None,
            **self.input,
            **more,
        }
        # As httpx writes it itself there could be no half of a character in it.
        content, headers = json.dumps(body), {"Content-Type": "application/json", **self.headers}
        sent: Any = {"content": content, "headers": headers, "timeout": 20}
        with httpx.stream("POST", self.url, **sent) as response:
            yield response

    @property
    def words(self) -> str:
        """All that the latest run has said."""
        return "".join(e["delta"] for e in self.events if e["type"] == "TEXT_MESSAGE_CONTENT")

    @property
    def end(self) -> Json:
        """The latest run's last event, without its ids."""
        last = self.events[-1]
        return {name: last[name] for name in last.keys() - {"threadId", "runId", "usage"}}

    @property
    def pending(self) -> list[str]:
        """The calls of the application's tools that wait for it."""
        return list(self.events[-1]["outcome"].get("pendingToolCallIds", ()))

    def contents(self) -> list[Any]:
        """What users and agents have said in the thread, as it is shown."""
        roles = ("user", "assistant")
        return [m["content"] for m in self.messages if m["role"] in roles and m.get("content")]

    def outline(self) -> list[Any]:
        """The latest run's events without ids, neighbouring words in one piece."""
        folded: list[Any] = []
        for event in self.events[1:-1]:
            kind, delta = event["type"], event.get("delta")
            if kind.endswith("CONTENT") and folded and folded[-1][0] == kind:
                folded[-1] = (kind, folded[-1][1] + delta)
                continue
            names = ("delta", "content", "stepName", "toolCallName", "name")
            folded.append((kind, *(event[name] for name in names if name in event)))
        return folded

    def _apply(self, event: Any) -> None:
        """What the official client does with an event (apply/default.ts)."""
        match event.type.value.rpartition("_")[::2]:
            case ("TEXT_MESSAGE" | "REASONING_MESSAGE", "START"):
                new = {"id": event.message_id, "role": event.role or "assistant"}
                self.messages.append({**new, "content": ""})
            case (_, "CONTENT"):
                self._find(event.message_id)["content"] += event.delta
            case ("TOOL_CALL", _):
                self._apply_call(event)
            case (_, "SNAPSHOT"):
                self.messages = [m.model_dump(by_alias=True) for m in event.messages]
            case ("RUN", "FINISHED") if event.outcome and event.outcome.type == "interrupt":
                self.interrupts = event.outcome.interrupts

    def _apply_call(self, event: Any) -> None:
        match event.type.value:
            case "TOOL_CALL_START":
                parent = self._find(event.parent_message_id)
                if not parent:
                    parent = {"id": event.parent_message_id, "role": "assistant"}
                    self.messages.append(parent)
                function = {"name": event.tool_call_name, "arguments": ""}
                call = {"id": event.tool_call_id, "type": "function", "function": function}
                parent.setdefault("toolCalls", []).append(call)
            case "TOOL_CALL_ARGS":
                calls = (call for m in self.messages for call in m.get("toolCalls") or ())
                call = next(call for call in calls if call["id"] == event.tool_call_id)
                call["function"]["arguments"] += event.delta
            case "TOOL_CALL_RESULT":
                new = {"id": event.message_id, "role": "tool", "content": event.content}
                self.messages.append({**new, "toolCallId": event.tool_call_id})

    def _find(self, id: str) -> Json:
        return next((message for message in self.messages if message["id"] == id), {})


def _verify(events: list[Json]) -> None:
    """Hold the last of these to the protocol's order (verify/verify.ts of the official client)."""
    *before, last = events
    kinds = [event["type"] for event in before]
    assert (last["type"] == "RUN_STARTED") == (not before)
    assert not {"RUN_FINISHED", "RUN_ERROR"} & set(kinds)
    still_open: list[tuple[str, str]] = []
    for event in before:
        if close := PAIRS.get(event["type"]):
            still_open.append((close, _id(event)))
        elif event["type"] in PAIRS.values():
            still_open.remove((event["type"], _id(event)))
    here = last["type"], _id(last)
    if close := PAIRS.get(last["type"]):
        assert (close, _id(last)) not in still_open
    elif last["type"] in PAIRS.values():
        assert here in still_open
    elif close := WITHIN.get(last["type"]):
        assert (close, _id(last)) in still_open
    elif last["type"] == "RUN_FINISHED":
        assert not still_open


def _id(event: Json) -> str:
    return str(event.get("messageId") or event.get("toolCallId") or event.get("stepName"))
