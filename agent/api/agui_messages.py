"""The messages that AG-UI's clients make of events. They are needed to change one of them: the
protocol's only event for that replaces all messages at once."""

from collections import defaultdict
from collections.abc import Sequence

from ag_ui import core as agui

from agent.api.agui_ids import parse_id

# How the own part of an id begins where the message holds words of the answer.
WORDS_PREFIX = "text-"


def messages_of(events: Sequence[agui.BaseEvent]) -> list[agui.Message]:
    """The messages that a client has after these events of one run."""
    texts: defaultdict[str, str] = defaultdict(str)
    for event in events:
        match event:
            case (
                agui.TextMessageContentEvent(message_id=id, delta=delta)
                | agui.ReasoningMessageContentEvent(message_id=id, delta=delta)
                | agui.ToolCallArgsEvent(tool_call_id=id, delta=delta)
            ):
                texts[id] += delta
    messages: dict[str, agui.Message] = {}
    for event in events:
        match event:
            case agui.TextMessageStartEvent(message_id=id, name=name):
                messages[id] = agui.AssistantMessage(id=id, name=name, content=texts[id])
            case agui.ReasoningMessageStartEvent(message_id=id):
                messages[id] = agui.ReasoningMessage(id=id, content=texts[id])
            case agui.ToolCallStartEvent(parent_message_id=str(id)):
                parent = messages.get(id) or agui.AssistantMessage(id=id)
                messages[id] = _with_call(parent, event, texts[event.tool_call_id])
            case agui.ToolCallResultEvent(message_id=id, tool_call_id=call, content=content):
                messages[id] = agui.ToolMessage(id=id, tool_call_id=call, content=content)
    return list(messages.values())


def _with_call(
    message: agui.Message, call: agui.ToolCallStartEvent, arguments: str
) -> agui.Message:
    function = agui.FunctionCall(name=call.tool_call_name, arguments=arguments)
    calls = message.tool_calls if isinstance(message, agui.AssistantMessage) else None
    new_call = agui.ToolCall(id=call.tool_call_id, function=function)
    return message.model_copy(update={"tool_calls": [*(calls or []), new_call]})


def without_words(messages: Sequence[agui.Message], turn_id: str) -> list[agui.Message]:
    """The messages without words of this turn's answer."""
    kept: list[agui.Message] = []
    for message in messages:
        id = parse_id(message.id)
        if id is None or id.turn_id != turn_id or not id.own.startswith(WORDS_PREFIX):
            kept.append(message)
        elif isinstance(message, agui.AssistantMessage) and message.tool_calls:
            kept.append(message.model_copy(update={"content": None}))
    return kept
