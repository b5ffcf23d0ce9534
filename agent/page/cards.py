"""What a person is asked, as the browser draws it (static/cards.js), and what it sends back."""

import time
from typing import Any

from agent.core.forms import Field, argument_fields, fields
from agent.core.language import N_, _
from agent.core.notices import Notice
from agent.core.pauses import Pause, Reply, has_lapsed
from agent.core.text import clean, to_json
from agent.core.transcript import Transcript
from agent.core.waiting import open_pauses

# Characters of an argument's value that a card shows, and of a field that is filled in.
MAX_VALUE = 5_000

# What a card asks, and the words on its two buttons.
WORDS = {
    "approval": (N_("May the agent use “{tool}”?"), N_("Approve"), N_("Decline")),
    "input": (N_("The agent asks you:"), N_("Send"), N_("Do not answer")),
    "choice": (N_("The agent asks you to choose:"), "", N_("None of these")),
    "key": (N_("The agent needs a key of yours."), N_("Send"), N_("Do not send it")),
    "sign_in": (N_("The agent needs you to sign in elsewhere."), N_("Go on"), N_("Do not sign in")),
}


def to_cards(transcript: Transcript, timeout: float = 0.0) -> dict[str, Any]:
    """The cards of an answer; they are drawn whenever this has another `time`.

    Args:
        transcript: The answer.
        timeout: Seconds after which what was asked has lapsed; 0 for none.
    """
    asked = open_pauses(transcript)
    if any(has_lapsed(pause, timeout) for pause in asked):
        return {"time": time.time(), "cards": [], "note": Notice("lapsed").text}
    return {"time": time.time(), "cards": [_card(pause) for pause in asked], "note": ""}


def _card(asked: Pause) -> dict[str, Any]:
    title, yes, no = map(_, WORDS[asked.kind])
    message = _(asked.message) if asked.kind == "key" else asked.message
    return {
        "id": asked.id,
        "title": title.format(tool=clean(asked.tool)[:MAX_VALUE]),
        "message": clean(message)[:MAX_VALUE],
        "args": [[clean(name), _text(value)] for name, value in (asked.args or {}).items()],
        "shown": "" if asked.kind == "approval" or asked.payload is None else _text(asked.payload),
        "fields": [_field(field) for field in fields(asked)],
        "changeable": [_field(field) for field in argument_fields(asked)],
        "options": [clean(option) for option in asked.options],
        "link": asked.link if asked.link.startswith(("https://", "http://")) else "",
        "yes": yes,
        "no": no,
    }


def _field(field: Field) -> dict[str, Any]:
    value = clean(field.value) if isinstance(field.value, str) else field.value
    return {
        "id": field.id,
        "kind": field.kind,
        "label": clean(field.label),
        "value": value,
        "options": list(field.options),
        "isRequired": field.is_required,
        "help": clean(field.help),
    }


def _text(value: Any) -> str:
    text = clean(value if isinstance(value, str) else to_json(value, ensure_ascii=False))
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def parse_replies(given: object) -> dict[str, Reply]:
    """What the browser says of each card, by the ids of its pauses; whatever else it says is
    nothing."""
    replies = {}
    for id, reply in given.items() if isinstance(given, dict) else ():
        match reply:
            case {"isApproved": bool(is_approved), "option": str(option)}:
                replies[str(id)] = Reply(is_approved, clean(option))
            case {"isApproved": bool(is_approved), "form": dict(form)}:
                filled = {
                    str(name): clean(value) if isinstance(value, str) else value is True
                    for name, value in form.items()
                }
                replies[str(id)] = Reply(is_approved, form=filled or None)
    return replies
