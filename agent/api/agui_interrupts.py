"""What an agent asks a person, as AG-UI's interrupts; `agui_request.py` has how they are answered.

    approval            reason "tool_call"; payload {"approved": true, "editedArgs": {…}}, the
                        latter to change the arguments; with "payload" what the agent lets change
    input, choice       reason "input_required"; payload: the value itself
    sign_in, key        reason "sign_in", "key"; payload: the address to which it has led, the key

A `cancelled` one is declined. `metadata` says what else there is to show.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ag_ui import core as agui

from agent.core import pauses
from agent.core.pauses import Pause
from agent.core.text import clean

REASONS = {"approval": "tool_call", "input": "input_required", "choice": "input_required"}

# Without `payload`, which front ends would have to know of; who has it may send it.
DECISION = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "editedArgs": {"type": "object"}},
    "required": ["approved"],
}


def interrupt(asked: Pause, make_id: Callable[[str], str], timeout: float) -> agui.Interrupt:
    """What a person is asked.

    Args:
        asked: That.
        make_id: Makes the id that the client is told of one of ADK's.
        timeout: Seconds after which it has lapsed; 0 for never.
    """
    expires = datetime.fromtimestamp(asked.asked_at + timeout, UTC) if timeout else None
    about = {
        "kind": asked.kind,
        "tool": asked.tool,
        "args": asked.args,
        "payload": asked.payload,
        "options": asked.options,
        "link": asked.link,
    }
    told = {name: value for name, value in about.items() if value not in (None, "", (), {})}
    return agui.Interrupt(
        id=make_id(asked.id),
        reason=REASONS.get(asked.kind, asked.kind),
        message=clean(asked.message or pauses.sentence(asked).text),
        tool_call_id=make_id(asked.call_id) if asked.call_id else None,
        response_schema=_schema(asked),
        expires_at=expires.isoformat() if expires else None,
        metadata=told,
    )


def _schema(asked: Pause) -> dict[str, Any]:
    match asked.kind:
        case "approval":
            return DECISION
        case "input":
            return dict(asked.schema or {})
        case "choice":
            return {"type": "string", "enum": list(asked.options)}
        case "sign_in" | "key":
            return {"type": "string"}
