"""A form for what a person is asked: its fields, and the value that the filled form is.

Fields come from a JSON Schema, or from the value that a tool lets a person change. What has no
field of its own, such as a list of objects, is JSON that is checked.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agent.core.json_schema import resolved
from agent.core.language import N_, _
from agent.core.notices import PlainError
from agent.core.pauses import Pause, Reply, check
from agent.core.text import clean, from_json, to_json

# Words; words that are not shown; a number; yes or no; one of `options`; words, one on a line;
# anything else.
FieldKind: TypeAlias = Literal["text", "password", "number", "yes_no", "select", "lines", "json"]

# Where the arguments of a tool stand in a form, beside its payload.
ARGUMENTS = "arguments"

# How deep an object in an object has fields of its own.
MAX_DEPTH = 2


ADDRESS = N_("Then paste here the address of the page to which the sign-in has led you")


@dataclass(frozen=True)
class Field:
    """One field of a form."""

    # Where its value stands: the names on the way there; () for the whole.
    path: tuple[str, ...]
    kind: FieldKind
    label: str
    # As the form shows it: text, or whether it is ticked.
    value: str | bool = ""
    # Of a select the values, by the words in which they are shown.
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    is_required: bool = False
    help: str = ""

    @property
    def id(self) -> str:
        """By which a filled form names it."""
        return ".".join(self.path)


def fields(pause: Pause) -> list[Field]:
    """The form for an approval's payload, an input, or the address to which a sign-in has led;
    [] where there is nothing to fill in."""
    if pause.kind == "sign_in":
        return [Field((), "text", _(ADDRESS), is_required=True)]
    if pause.kind == "key":
        return [Field((), "password", _("Your key"), is_required=True)]
    if pause.kind == "approval":
        if pause.payload is None:
            return []
        return list(_fields(_schema_of(pause.payload), pause.payload, (), None))
    if pause.kind == "input":
        schema = dict(pause.schema or {"type": "string", "title": _("Your answer")})
        return list(_fields(schema, None, (), schema.get("$defs")))
    return []


def argument_fields(pause: Pause) -> list[Field]:
    """The form in which a person may change the arguments of an approval's tool."""
    if pause.kind != "approval" or not pause.args:
        return []
    return list(_fields(_schema_of(dict(pause.args)), dict(pause.args), (ARGUMENTS,), None))


def complete(pause: Pause, reply: Reply) -> Reply:
    """A reply with what its form says, and looked at: whether it is what was asked for.

    Raises:
        PlainError: if something is missing, or is not what its field takes.
    """
    if not reply.is_approved:
        return Reply(is_approved=False)
    if reply.form is not None:
        shown = fields(pause)
        value = values(shown, reply.form) if shown else None
        reply = Reply(value=value, args=_changed_arguments(pause, reply.form))
    check(pause, reply)
    return reply


def _changed_arguments(pause: Pause, form: Mapping[str, object]) -> dict[str, Any] | None:
    shown = argument_fields(pause)
    if all(form.get(field.id, field.value) == field.value for field in shown):
        return None
    return dict(values(shown, form)[ARGUMENTS])


def values(shown: Iterable[Field], form: Mapping[str, object]) -> Any:
    """What has been put into these fields, as one value.

    Args:
        shown: The fields.
        form: By their ids what a person has put in: text, or whether it is ticked.

    Raises:
        PlainError: if something is missing, or is not what its field takes.
    """
    whole: Any = {}
    for field in shown:
        given = form.get(field.id, field.value)
        if field.kind != "yes_no" and not str(given).strip():
            if field.is_required:
                raise _wrong(field, _('"{label}" is empty'))
            if field.kind != "text" or not field.value:
                continue  # What is left empty is left out.
        value = _value(field, given)
        if not field.path:
            return value
        inner = whole
        for name in field.path[:-1]:
            inner = inner.setdefault(name, {})
        inner[field.path[-1]] = value
    return whole


def _fields(
    schema: Any,
    value: Any,
    path: tuple[str, ...],
    definitions: Any,
    is_required: bool = True,
) -> Iterator[Field]:
    """The fields of a value with this schema, which is known or None."""
    schema = resolved(schema, definitions)
    value = schema.get("default") if value is None else value
    properties, required = schema.get("properties"), schema.get("required")
    depth = len(path) - (path[:1] == (ARGUMENTS,))
    is_object = schema.get("type") == "object" and isinstance(properties, dict)
    if is_object and properties and depth < MAX_DEPTH:
        for name, inner in properties.items():
            known = value.get(name) if isinstance(value, dict) else None
            is_needed = is_required and isinstance(required, list) and name in required
            yield from _fields(inner, known, (*path, name), definitions, is_needed)
        return
    kind = _kind(schema)
    label = str(schema.get("title") or (path[-1] if path else _("Your answer")))
    is_null = schema.get("type") == "null"
    shown: str | bool = bool(value) if kind == "yes_no" else _shown(kind, value, is_null)
    is_select = kind == "select"
    options = {clean(_text(option)): option for option in schema["enum"]} if is_select else {}
    yield Field(
        path, kind, label, shown, options, is_required, str(schema.get("description") or "")
    )


def _kind(schema: Mapping[str, Any]) -> FieldKind:
    match schema:
        case {"enum": [_, *_] as options} if not any(
            isinstance(option, dict | list) for option in options
        ):
            return "select"
        case {"type": "string"}:
            return "text"
        case {"type": "integer" | "number"}:
            return "number"
        case {"type": "boolean"}:
            return "yes_no"
        case {"type": "array", "items": {"type": "string", **more}} if "enum" not in more:
            return "lines"
    return "json"


def _schema_of(value: Any) -> dict[str, Any]:
    """A schema for a value that is there."""
    match value:
        case None:
            return {"type": "null"}
        case bool():
            return {"type": "boolean"}
        case int() | float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case dict() if value and all(isinstance(name, str) for name in value):
            return {
                "type": "object",
                "properties": {name: _schema_of(inner) for name, inner in value.items()},
            }
        case [*items] if items and all(isinstance(item, str) for item in items):
            return {"type": "array", "items": {"type": "string"}}
    return {}


def _shown(kind: FieldKind, value: Any, is_null: bool) -> str:
    """A value as its field shows it at first."""
    if value is None:
        return "null" if is_null else ""
    if kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value, ensure_ascii=False)


def _value(field: Field, given: object) -> Any:
    """What was put in a field, as a value.

    Raises:
        PlainError: if it is none.
    """
    text = str(given).strip()
    match field.kind:
        case "yes_no":
            return given is True
        case "select":
            if given not in field.options:
                raise _wrong(field, _('"{label}" is one of {options}'))
            return field.options[str(given)]
        case "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        case "number" | "json":
            return _json_value(field, text)
    return str(given)


def _json_value(field: Field, text: str) -> Any:
    try:
        value = from_json(text)
    except ValueError:
        value = None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if field.kind == "number" and not is_number:
        raise _wrong(field, _('"{label}" is a number'))
    if value is None and text != "null":
        raise _wrong(field, _('"{label}" is written as JSON'))
    return value


def _wrong(field: Field, what: str) -> PlainError:
    """The error of a field that is not filled in as it should be."""
    options = ", ".join(field.options)
    return PlainError("wrong_reply", what=what.format(label=field.label, options=options))
