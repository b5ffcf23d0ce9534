"""An agent's questions to a person (pauses), as AG-UI's interrupts. `agui_request.py` reads the
answers:

    approval            reason "tool_call"; payload {"approved": true, "editedArgs": {…}}:
                        `editedArgs` changes the arguments, and a further field "payload" what the
                        agent lets a person change
    input, choice       reason "input_required"; payload: the value itself
    sign_in, key        reason "sign_in", "key"; payload: the address to which it has led, the key

A `cancelled` interrupt is declined. Its `metadata` holds what else a front end can show.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ag_ui import core as agui

from agent.core import pauses
from agent.core.pauses import Pause
from agent.core.text import clean

REASONS = {"approval": "tool_call", "input": "input_required", "choice": "input_required"}

# The JSON Schema of an approval's answer. Without `payload`, which no front end can ask for by
# itself; one that knows of it may send it.
DECISION = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "editedArgs": {"type": "object"}},
    "required": ["approved"],
}


def interrupt(pause: Pause, make_id: Callable[[str], str], timeout: float) -> agui.Interrupt:
    """The interrupt of a pause.

    Args:
        pause: What a person is asked.
        make_id: Makes the id for the client from one of ADK's.
        timeout: Seconds after which the question lapses; 0 for never.
    """
    expires = datetime.fromtimestamp(pause.asked_at + timeout, UTC) if timeout else None
    about = {
        "kind": pause.kind,
        "tool": pause.tool,
        "args": pause.args,
        "payload": pause.payload,
        "options": pause.options,
        "link": pause.link,
    }
    metadata = {name: value for name, value in about.items() if value not in (None, "", (), {})}
    return agui.Interrupt(
        id=make_id(pause.id),
        reason=REASONS.get(pause.kind, pause.kind),
        message=clean(pause.message or pauses.sentence(pause).text),
        tool_call_id=make_id(pause.call_id) if pause.call_id else None,
        response_schema=_schema(pause),
        expires_at=expires.isoformat() if expires else None,
        metadata=metadata,
    )


def _schema(pause: Pause) -> dict[str, Any]:
    match pause.kind:
        case "approval":
            return DECISION
        case "input":
            return dict(pause.schema or {})
        case "choice":
            return {"type": "string", "enum": list(pause.options)}
        case "sign_in" | "key":
            return {"type": "string"}
