"""A turn's answer as AG-UI's events.

Words, thoughts and calls are messages of their own, in the order in which they come; all words
together are the answer. What stands beside it, such as a picture, is one message more.
"""

import uuid
from collections.abc import Collection, Iterator
from typing import Literal, TypeAlias, assert_never

from ag_ui import core as agui
from starlette.exceptions import HTTPException

from agent.api.agui_ids import Id
from agent.api.agui_interrupts import interrupt
from agent.api.agui_messages import messages_of, without_words
from agent.chat.turn import Turn
from agent.core.client_tools import is_ticket
from agent.core.deltas import Delta, Rewrite
from agent.core.errors import explain
from agent.core.files import File
from agent.core.pauses import Pause
from agent.core.said import Said
from agent.core.sources import Sources
from agent.core.text import clean, to_json
from agent.core.transcript import Notice, Source, Text, Thought, ToolCall
from agent.core.waiting import open_pauses
from agent.render import source_list
from agent.render.file_links import to_link

Kind: TypeAlias = Literal["text", "thought"]

# Failures with which an answer stands as it is: a sentence below it says so.
ENDS = ("max_tokens", "stopped")


def encode(event: agui.BaseEvent) -> bytes:
    """One server-sent event. The package's own encoder fails at half a character of a tool's."""
    return f"data: {to_json(event.model_dump(by_alias=True))}\n\n".encode()


def started(asked: agui.RunAgentInput) -> agui.BaseEvent:
    """The first event of every run."""
    return agui.RunStartedEvent(
        thread_id=asked.thread_id, run_id=asked.run_id, protocol_version=agui.PROTOCOL_VERSION
    )


def refused(error: HTTPException) -> agui.BaseEvent:
    """The last event of a run that is not begun; front ends show people its sentence, and of an
    HTTP status only the number."""
    code = f"http_{error.status_code}"
    wait = (error.headers or {}).get("Retry-After")
    metadata = {"retryAfter": int(wait)} if wait else None
    return agui.RunErrorEvent(message=str(error.detail), code=code, metadata=metadata)


class RunEvents:
    """Makes a run's events of a turn's deltas.

    Args:
        asked: The request.
        turn: The turn.
        agent_name: Of the agent on show; what others say has their names on it.
        root: This app's own address, for links to files.
        answered: The calls whose results the request has brought.
        reply_timeout: Seconds after which what a person is asked has lapsed; 0 for never.
    """

    def __init__(
        self,
        asked: agui.RunAgentInput,
        turn: Turn,
        agent_name: str,
        root: str,
        answered: Collection[str] = (),
        reply_timeout: float = 0.0,
    ) -> None:
        self._asked, self._turn, self._root = asked, turn, root
        self._agent_name, self._answered = agent_name, answered
        self._reply_timeout = reply_timeout
        # What is open at the moment: a message that grows, and a step, which is another agent's.
        self._open: tuple[Kind, str, Source] | None = None
        self._step = ""
        # The message that tool calls belong to.
        self._parent = ""
        # The calls that the client has to answer.
        self._pending: list[str] = []
        # What the client has: messages, and what has been sent since.
        self._above: list[agui.Message] = asked.messages
        self._sent: list[agui.BaseEvent] = []

    def of(self, delta: Delta) -> Iterator[agui.BaseEvent]:
        """The events of what is new."""
        for event in self._of(delta):
            self._sent.append(event)
            yield event

    def _of(self, delta: Delta) -> Iterator[agui.BaseEvent]:
        match delta:
            case Text() | Thought():
                yield from self._say(delta)
            case Rewrite(text=text):
                yield from self._rewrite(text)
            case ToolCall():
                yield from self._call(delta) if delta.seconds is None else self._result(delta)
            case File() | Sources() | Notice():
                yield from self._aside(self._beside(delta))
            case Pause() | Said():
                pass  # The end has what is open; what a person has said the client knows.
            case _:
                assert_never(delta)

    def _beside(self, entry: File | Sources | Notice) -> str:
        """What stands beside the words, as Markdown; the end has why a turn failed."""
        match entry:
            case File():
                return to_link(entry, self._root)
            case Sources():
                return source_list.to_markdown(entry)
        return "" if entry == self._failure else f"({entry.text})"

    def end(self) -> Iterator[agui.BaseEvent]:
        """The last events."""
        yield from self._close()
        yield from self._go_to("")
        usage, failure = self._usage(), self._failure
        if failure and failure.code not in ENDS:
            # What is said on a page of a chat that has gone on elsewhere is not true here.
            text = Notice("elsewhere").text if failure.code == "out_of_date" else failure.text
            yield agui.RunErrorEvent(message=text, code=failure.code, usage=usage)
            return
        if failure:
            yield from self._aside(f"({failure.text})")
        yield agui.RunFinishedEvent(
            thread_id=self._asked.thread_id,
            run_id=self._asked.run_id,
            outcome=self._outcome(failure),
            usage=usage,
        )

    @property
    def _failure(self) -> Notice | None:
        """Why a turn that is over has failed: what its last delta says."""
        failure = self._turn.failure if self._turn.over else None
        return explain(failure) if failure else None

    def _outcome(self, failure: Notice | None) -> agui.RunFinishedOutcome | None:
        pauses = open_pauses(self._turn.transcript)
        if pauses and not failure:
            asked = [interrupt(each, self._id, self._reply_timeout) for each in pauses]
            return agui.RunFinishedInterruptOutcome(interrupts=asked)
        if self._asked.protocol_version is None:
            return None  # Clients before 1.0 know no other outcome than success.
        if failure and failure.code == "stopped":
            return agui.RunFinishedCancelledOutcome()
        return agui.RunFinishedSuccessOutcome(pending_tool_call_ids=self._pending or None)

    def _usage(self) -> list[agui.TokenUsage] | None:
        used = self._turn.usage.so_far()
        if not (used.prompt or used.answer):
            return None
        total = used.prompt + used.answer
        usage = agui.TokenUsage(
            input_tokens=used.prompt, output_tokens=used.answer, total_tokens=total
        )
        usage.model = used.models[0] if len(used.models) == 1 else None
        return [usage]

    def _id(self, own: str) -> str:
        return str(Id(self._turn.session_id, self._turn.id or "-", own))

    def _new_id(self, kind: str) -> str:
        return self._id(f"{kind}-{uuid.uuid4().hex[:8]}")

    def _say(self, entry: Text | Thought) -> Iterator[agui.BaseEvent]:
        yield from self._go_to(entry.source[0])
        kind: Kind = "text" if isinstance(entry, Text) else "thought"
        if self._open is None or self._open[::2] != (kind, entry.source):
            yield from self._close()
            self._open = kind, self._new_id(kind), entry.source
            yield from self._begin(kind, self._open[1], entry.source[0])
        if kind == "text":
            yield agui.TextMessageContentEvent(message_id=self._open[1], delta=entry.text)
        else:
            yield agui.ReasoningMessageContentEvent(message_id=self._open[1], delta=entry.text)

    def _begin(self, kind: Kind, id: str, author: str) -> Iterator[agui.BaseEvent]:
        if kind == "text":
            name = author if author not in ("", self._agent_name) else None
            yield agui.TextMessageStartEvent(message_id=id, role="assistant", name=name)
        else:
            yield agui.ReasoningStartEvent(message_id=id)
            yield agui.ReasoningMessageStartEvent(message_id=id)

    def _close(self) -> Iterator[agui.BaseEvent]:
        """End the message that is open. Calls that follow words belong to these."""
        if self._open:
            kind, id, _ = self._open
            self._open, self._parent = None, id if kind == "text" else ""
            if kind == "text":
                yield agui.TextMessageEndEvent(message_id=id)
            else:
                yield agui.ReasoningMessageEndEvent(message_id=id)
                yield agui.ReasoningEndEvent(message_id=id)

    def _go_to(self, author: str) -> Iterator[agui.BaseEvent]:
        """Another agent's work is a step, by its name."""
        step = "" if author == self._agent_name else author
        if step != self._step:
            yield from self._close()
            if self._step:
                yield agui.StepFinishedEvent(step_name=self._step)
            if step:
                yield agui.StepStartedEvent(step_name=step)
            self._step, self._parent = step, ""

    def _call(self, call: ToolCall) -> Iterator[agui.BaseEvent]:
        yield from self._go_to(call.source[0])
        yield from self._close()
        self._parent = self._parent or self._new_id("calls")
        id, name = self._call_id(call), clean(call.name)
        args = to_json(call.args)
        yield agui.ToolCallStartEvent(
            tool_call_id=id, tool_call_name=name, parent_message_id=self._parent
        )
        yield agui.ToolCallArgsEvent(tool_call_id=id, delta=args)
        yield agui.ToolCallEndEvent(tool_call_id=id)

    def _result(self, call: ToolCall) -> Iterator[agui.BaseEvent]:
        id = self._call_id(call)
        if is_ticket(call.result):
            self._pending.append(id)
        elif call.id not in self._answered:  # What the client itself has said it knows.
            yield from self._close()
            self._parent = ""
            result = call.result
            text = result if isinstance(result, str) else to_json(result, ensure_ascii=False)
            yield agui.ToolCallResultEvent(
                message_id=self._new_id("result"),
                tool_call_id=id,
                content=clean(text),
                role="tool",
            )

    def _call_id(self, call: ToolCall) -> str:
        # Gemini gives code that it runs itself no id.
        return self._id(clean(call.id) or f"code-{call.began}")

    def _aside(self, markdown: str) -> Iterator[agui.BaseEvent]:
        """A message of its own; none where there is nothing to say."""
        if not markdown:
            return
        yield from self._close()
        self._parent, id = "", self._new_id("aside")
        yield agui.TextMessageStartEvent(message_id=id, role="assistant")
        yield agui.TextMessageContentEvent(message_id=id, delta=markdown)
        yield agui.TextMessageEndEvent(message_id=id)

    def _rewrite(self, text: str) -> Iterator[agui.BaseEvent]:
        """All messages anew, with these words in the place of those that have been said."""
        yield from self._close()
        self._parent = ""
        said = [*self._above, *messages_of(self._sent)]
        kept = without_words(said, self._turn.id or "")
        anew = agui.AssistantMessage(id=self._new_id("text"), content=text)
        self._above, self._sent = [*kept, anew], []
        yield agui.MessagesSnapshotEvent(messages=self._above)
