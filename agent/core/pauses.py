"""What an agent waits for: ADK asks by a call that stays open, and takes the answer of a person as
the response to that call, in the same invocation.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from google.adk.events import Event
from google.genai import types

from agent.core.json_schema import schema_error
from agent.core.language import N_, _
from agent.core.notices import Notice, PlainError
from agent.core.text import to_json

# Whether a tool may run, words or values, one of several, a sign-in of the visitor's elsewhere, or
# a key that the visitor has.
Kind: TypeAlias = Literal["approval", "input", "choice", "sign_in", "key"]

# What is asked for where the agent has no words for it.
YOUR_KEY = N_("Your key")

# A name in quotation marks, of which each language has its own.
QUOTED = N_("“{what}”")

# The kinds whose answers are secrets, which go no further than to ADK.
SECRET_KINDS = ("sign_in", "key")

# The hint that ADK gives where the tool has none (adk/tools/function_tool.py).
ADKS_HINT = "Please approve or reject the tool call"

# What the model reads where a person has declined; of a tool's call ADK's own words
# (adk/tools/function_tool.py).
DECLINED = "The person did not answer this."
REJECTED = "This tool call is rejected."

# How the error begins that a model reads where a person has changed arguments to some by which the
# tool is not called.
REFUSED = "The person has changed the arguments"

# Under which name a tool's result tells the arguments that a person has changed.
CHANGED = "arguments_changed_by_person"


@dataclass(frozen=True)
class Reply:
    """What a person has answered."""

    is_approved: bool = True
    # A payload, what was put in, or the choice; None where there is none.
    value: Any = None
    # The tool's arguments, where the person has changed them.
    args: Mapping[str, Any] | None = None
    # In place of both: what was put into the fields of its form (agent/core/forms.py).
    form: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Pause:
    """One thing that a person is asked, and the answer, once there is one."""

    # Those of ADK's call that is answered.
    id: str
    name: str
    kind: Kind
    # In the agent's own words; "" where it has none.
    message: str = ""
    # The call that waits, and its tool; "" where none does.
    call_id: str = ""
    tool: str = ""
    # What the tool is called with.
    args: Mapping[str, Any] | None = None
    # What the agent shows with the question; of an approval, what the person may change.
    payload: Any = None
    # What an input is to be, as JSON Schema; None where anything will do.
    schema: Mapping[str, Any] | None = None
    options: tuple[str, ...] = ()
    # Where one signs in.
    link: str = ""
    # In seconds since 1970.
    asked_at: float = 0.0
    source: tuple[str, str | None] = ("", None)
    reply: Reply | None = None


def pause_of(call: types.FunctionCall, event: Event) -> Pause | None:
    """What a person is asked by this call of an event; None by any other call.

    ADK's names for these calls are in adk/utils/_function_call_names.py. All other calls of an
    event's `long_running_tool_ids` wait for a program. The arguments of a sign-in hold secrets of
    the host, and go no further: only the link does.
    """
    args: dict[str, Any] = dict(call.args or {})
    about: dict[str, Any] = {
        "id": call.id or "",
        "name": call.name or "",
        "asked_at": event.timestamp,
        "source": (event.author, event.branch),
    }
    match call.name:
        case "adk_request_confirmation":
            confirmation = _dict(args.get("toolConfirmation"))
            tool = _dict(args.get("originalFunctionCall"))
            hint = str(confirmation.get("hint") or "")
            return Pause(
                kind="approval",
                message="" if hint.startswith(ADKS_HINT) else hint,
                call_id=str(tool.get("id") or ""),
                tool=str(tool.get("name") or ""),
                args=_dict(tool.get("args")),
                payload=confirmation.get("payload"),
                **about,
            )
        case "adk_request_input":
            schema = _any(args, "response_schema", "responseSchema")
            return Pause(
                kind="input",
                message=str(args.get("message") or ""),
                payload=args.get("payload"),
                schema=schema if isinstance(schema, dict) else None,
                **about,
            )
        case "adk_request_credential":
            config = _dict(_any(args, "authConfig", "auth_config"))
            exchanged = _dict(_any(config, "exchangedAuthCredential", "exchanged_auth_credential"))
            link = _any(_dict(exchanged.get("oauth2")), "authUri", "auth_uri")
            about["call_id"] = str(_any(args, "functionCallId", "function_call_id") or "")
            scheme = _dict(_any(config, "authScheme", "auth_scheme"))
            if not link and scheme.get("type") == "apiKey":
                return Pause(kind="key", message=str(args.get("message") or YOUR_KEY), **about)
            return Pause(kind="sign_in", link=str(link or ""), **about)
        case "get_user_choice" if call.id in (event.long_running_tool_ids or ()):
            options = args.get("options")
            shown = tuple(map(str, options)) if isinstance(options, list) else ()
            return Pause(kind="choice", options=shown, **about)
    return None


def has_lapsed(pause: Pause, timeout: float) -> bool:
    """Whether it has been open for so many seconds; by 0 nothing ever is."""
    return bool(timeout) and time.time() - pause.asked_at > timeout


def asks_person(event: Event, call_id: str) -> bool:
    """Whether the response to a call in this event only says that a person must answer first."""
    actions = event.actions
    waiting = (actions.requested_tool_confirmations, actions.requested_auth_configs)
    return any(call_id in (calls or ()) for calls in waiting)


def sentence(pause: Pause) -> Notice:
    """What is asked, or what was answered."""
    what = {"approval": call_text(pause), "choice": ", ".join(pause.options)}
    what |= {"key": _(pause.message)}
    if (said := pause.reply) is None:
        return Notice(f"asks_{pause.kind}", {"what": what.get(pause.kind, pause.message)})
    match pause.kind, said.is_approved:
        case "approval", is_approved:
            code = "approved" if is_approved else "not_approved"
            if said.args is not None:
                code = "approved_changed"
        case "sign_in", is_approved:
            code = "signed_in" if is_approved else "not_signed_in"
        case "key", is_approved:
            code = "key_given" if is_approved else "key_not_given"
        case _, False:
            return Notice("not_answered", {"what": what.get(pause.kind, pause.message)})
        case kind, _:
            code = "chosen" if kind == "choice" else "answered"
            what[kind] = _value(said.value)
    return Notice(code, {"what": what.get(pause.kind, "")})


def changed_arguments(result: Any) -> Mapping[str, Any] | None:
    """The arguments that a person has changed, by the result of the tool."""
    changed = result.get(CHANGED) if isinstance(result, dict) else None
    return changed if isinstance(changed, dict) else None


def was_refused(result: Any) -> bool:
    """Whether a tool was not called though that was approved, because of the changed arguments."""
    error = result.get("error") if isinstance(result, dict) else None
    return isinstance(error, str) and error.startswith(REFUSED)


def reply(pause: Pause, response: Mapping[str, Any] | None) -> Reply:
    """What a stored response to a pause says, be it ours or another client's of ADK."""
    said: Any = dict(response or {})
    if set(said) == {"response"} and isinstance(said["response"], str):  # ADK's own web page.
        with suppress(ValueError):
            said = json.loads(said["response"])
    if not isinstance(said, dict):
        return Reply(value=said)
    if pause.kind == "approval":
        is_approved = bool(said.get("confirmed"))
        return Reply(is_approved, said.get("payload") if is_approved else None)
    if set(said) == {"declined"}:
        return Reply(is_approved=False)
    if pause.kind in SECRET_KINDS:
        return Reply()
    return Reply(value=said["result"] if set(said) == {"result"} else said)


def check(pause: Pause, answer: Reply) -> None:
    """Look whether an answer is what was asked for.

    Raises:
        PlainError: if it is not.
    """
    if not answer.is_approved:
        return
    if pause.kind == "choice" and pause.options and answer.value not in pause.options:
        raise PlainError("wrong_reply", what=sentence(pause).text)
    if pause.kind == "sign_in" and not str(answer.value or "").startswith(("http://", "https://")):
        raise PlainError("wrong_reply", what=_("the address to which the sign-in has led you"))
    if pause.kind == "key" and not (isinstance(answer.value, str) and answer.value.strip()):
        raise PlainError("wrong_reply", what=_("a key"))
    if pause.kind == "input" and (error := schema_error(answer.value, pause.schema or {})):
        raise PlainError("wrong_reply", what=error)


def response(pause: Pause, answer: Reply, call: types.FunctionCall) -> types.Part:
    """The answer as ADK takes it.

    Args:
        pause: What was asked.
        answer: What the person has said.
        call: The stored call that is answered, which a sign-in sends back whole.
    """
    said: dict[str, Any]
    if pause.kind == "approval":
        said = {"confirmed": answer.is_approved}
        payload = pause.payload if answer.value is None else answer.value
        if payload is not None:  # A tool may look into it where it is declined, too.
            said["payload"] = payload
    elif not answer.is_approved:
        said = {"declined": DECLINED}
    elif pause.kind == "sign_in":
        said = _signed_in(dict(call.args or {}), str(answer.value or ""))
    elif pause.kind == "key":
        said = {"authType": "apiKey", "apiKey": str(answer.value).strip()}
    else:
        is_whole = isinstance(answer.value, dict) and pause.kind == "input"
        said = answer.value if is_whole else {"result": answer.value}
    return types.Part(
        function_response=types.FunctionResponse(id=pause.id, name=pause.name, response=said)
    )


def _signed_in(args: dict[str, Any], address: str) -> dict[str, Any]:
    """The configuration that ADK asked with, and the address to which the sign-in led back."""
    config = _dict(_any(args, "authConfig", "auth_config"))
    names = ("exchangedAuthCredential", "exchanged_auth_credential")
    exchanged = _dict(_any(config, *names))
    others = {name: value for name, value in config.items() if name not in names}
    # The owner may have named no address to come back to; the one that was led to is the page's.
    oauth2: dict[str, Any] = {"redirectUri": address.partition("?")[0]}
    given = _dict(exchanged.get("oauth2"))
    oauth2 |= {name: value for name, value in given.items() if value is not None}
    oauth2["authResponseUri"] = address
    return {**others, names[0]: {**exchanged, "oauth2": oauth2}}


def call_text(pause: Pause) -> str:
    """The call of an approval as text: the tool's name, and the arguments that it gets, as JSON."""
    args = (pause.reply and pause.reply.args) or pause.args or {}
    shown = ", ".join(f"{name}: {_json(value)}" for name, value in args.items())
    return _(QUOTED).format(what=pause.tool) + (f" ({shown})" if shown else "")


def _json(value: Any) -> str:
    return to_json(value, ensure_ascii=False)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _any(values: Mapping[str, Any], *names: str) -> Any:
    return next((values[name] for name in names if values.get(name)), None)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
