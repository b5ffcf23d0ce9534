"""A turn's answer as AG-UI's events.

Words, thoughts and calls are messages of their own, in the order in which they come; the words of
all messages together are the answer. What stands beside them, such as a picture, is a message too.
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

MessageKind: TypeAlias = Literal["text", "thought"]

# The codes of failures that leave the answer as it is: a sentence below it tells of them. All
# others end the run with an error.
SHOWN_BELOW = ("max_tokens", "stopped")


def encode(event: agui.BaseEvent) -> bytes:
    """One server-sent event. The package's own encoder fails at a tool's lone surrogate."""
    return f"data: {to_json(event.model_dump(by_alias=True))}\n\n".encode()


def started(run_input: agui.RunAgentInput) -> agui.BaseEvent:
    """The first event of every run."""
    return agui.RunStartedEvent(
        thread_id=run_input.thread_id,
        run_id=run_input.run_id,
        protocol_version=agui.PROTOCOL_VERSION,
    )


def refused(error: HTTPException) -> agui.BaseEvent:
    """The last event of a run that does not begin. Front ends show people the sentence of such an
    event, and of an HTTP error only the number of its status."""
    code = f"http_{error.status_code}"
    wait = (error.headers or {}).get("Retry-After")
    metadata = {"retryAfter": int(wait)} if wait else None
    return agui.RunErrorEvent(message=str(error.detail), code=code, metadata=metadata)


class RunEvents:
    """Makes a turn's deltas into the events of a run.

    Args:
        run_input: The request.
        turn: The turn.
        agent_name: The agent on show; messages of other agents carry their names.
        root: This app's own address, for links to files.
        answered: The ids of the calls whose results the request has brought.
        reply_timeout: Seconds after which a question to a person lapses; 0 for never.
    """

    def __init__(
        self,
        run_input: agui.RunAgentInput,
        turn: Turn,
        agent_name: str,
        root: str,
        answered: Collection[str] = (),
        reply_timeout: float = 0.0,
    ) -> None:
        self._run_input, self._turn, self._root = run_input, turn, root
        self._agent_name, self._answered = agent_name, answered
        self._reply_timeout = reply_timeout
        # The message that is open and still grows: its kind, id and source. And the open
        # step: the name of another agent at work; "" for none.
        self._open: tuple[MessageKind, str, Source] | None = None
        self._step = ""
        # The id of the message that the next tool calls belong to; "" for a new one.
        self._parent = ""
        # The ids of the calls that the client has to answer.
        self._pending: list[str] = []
        # What the client shows: the messages above, and those made by the events sent since.
        self._above: list[agui.Message] = run_input.messages
        self._sent: list[agui.BaseEvent] = []

    def of(self, delta: Delta) -> Iterator[agui.BaseEvent]:
        """The events for one delta."""
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
                pass  # `end` tells of open pauses, and the client knows what its user has said.
            case _:
                assert_never(delta)

    def _beside(self, entry: File | Sources | Notice) -> str:
        """What stands beside the words, as Markdown; "" for the failure, which `end` tells."""
        match entry:
            case File():
                return to_link(entry, self._root)
            case Sources():
                return source_list.to_markdown(entry)
        return "" if entry == self._failure else f"({entry.text})"

    def end(self) -> Iterator[agui.BaseEvent]:
        """The last events of the run."""
        yield from self._close()
        yield from self._go_to("")
        usage, failure = self._usage(), self._failure
        if failure and failure.code not in SHOWN_BELOW:
            # The page's sentence for a chat that has gone on elsewhere speaks of a page.
            text = Notice("elsewhere").text if failure.code == "out_of_date" else failure.text
            yield agui.RunErrorEvent(message=text, code=failure.code, usage=usage)
            return
        if failure:
            yield from self._aside(f"({failure.text})")
        yield agui.RunFinishedEvent(
            thread_id=self._run_input.thread_id,
            run_id=self._run_input.run_id,
            outcome=self._outcome(failure),
            usage=usage,
        )

    @property
    def _failure(self) -> Notice | None:
        """Why the turn has failed, as its last delta says; None while it runs."""
        failure = self._turn.failure if self._turn.over else None
        return explain(failure) if failure else None

    def _outcome(self, failure: Notice | None) -> agui.RunFinishedOutcome | None:
        pauses = open_pauses(self._turn.transcript)
        if pauses and not failure:
            interrupts = [interrupt(pause, self._id, self._reply_timeout) for pause in pauses]
            return agui.RunFinishedInterruptOutcome(interrupts=interrupts)
        if self._run_input.protocol_version is None:
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
        kind: MessageKind = "text" if isinstance(entry, Text) else "thought"
        if self._open is None or self._open[::2] != (kind, entry.source):
            yield from self._close()
            self._open = kind, self._new_id(kind), entry.source
            yield from self._begin(kind, self._open[1], entry.source[0])
        if kind == "text":
            yield agui.TextMessageContentEvent(message_id=self._open[1], delta=entry.text)
        else:
            yield agui.ReasoningMessageContentEvent(message_id=self._open[1], delta=entry.text)

    def _begin(self, kind: MessageKind, id: str, author: str) -> Iterator[agui.BaseEvent]:
        if kind == "text":
            name = author if author not in ("", self._agent_name) else None
            yield agui.TextMessageStartEvent(message_id=id, role="assistant", name=name)
        else:
            yield agui.ReasoningStartEvent(message_id=id)
            yield agui.ReasoningMessageStartEvent(message_id=id)

    def _close(self) -> Iterator[agui.BaseEvent]:
        """End the message that is open. Calls that follow words belong to their message."""
        if self._open:
            kind, id, _ = self._open
            self._open, self._parent = None, id if kind == "text" else ""
            if kind == "text":
                yield agui.TextMessageEndEvent(message_id=id)
            else:
                yield agui.ReasoningMessageEndEvent(message_id=id)
                yield agui.ReasoningEndEvent(message_id=id)

    def _go_to(self, author: str) -> Iterator[agui.BaseEvent]:
        """Begin or end a step: another agent's work, by its name."""
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
        # The client knows the results that it has brought itself.
        elif call.id not in self._answered:
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
        """A message of its own with this text; none for an empty text."""
        if not markdown:
            return
        yield from self._close()
        self._parent, id = "", self._new_id("aside")
        yield agui.TextMessageStartEvent(message_id=id, role="assistant")
        yield agui.TextMessageContentEvent(message_id=id, delta=markdown)
        yield agui.TextMessageEndEvent(message_id=id)

    def _rewrite(self, text: str) -> Iterator[agui.BaseEvent]:
        """All messages anew, with this text in place of the answer's words so far."""
        yield from self._close()
        self._parent = ""
        shown = [*self._above, *messages_of(self._sent)]
        kept = without_words(shown, self._turn.id or "")
        rewritten = agui.AssistantMessage(id=self._new_id("text"), content=text)
        self._above, self._sent = [*kept, rewritten], []
        yield agui.MessagesSnapshotEvent(messages=self._above)
