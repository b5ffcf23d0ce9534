"""A value that has the form an agent must answer in, for a model that has nothing to say.

It says of itself what it is wherever the form has room for a text, and is otherwise as empty as the
form allows: no number, choice or date in it means anything.
"""

import json
import re
from enum import Enum
from typing import Any, cast

from google.adk.models import LlmRequest
from google.genai import types
from pydantic import TypeAdapter, ValidationError

# What stands where the form asks for a text.
LABEL = "offline model, not an AI"

# What is a text of each format that JSON Schema names, and pydantic checks.
FORMATS = {
    "date-time": "1970-01-01T00:00:00Z",
    "date": "1970-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "offline@example.com",
    "uri": "https://example.com/offline",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "binary": LABEL,
    "byte": "",
}

# Tried one after the other where a text must match a pattern.
TEXTS = (LABEL, "offline", "OFFLINE", "off-line", "", "A", "a", "0", "00", "000", "0000", "00000")

# A schema within itself goes no deeper than this.
MAX_DEPTH = 12


class NoStandIn(Exception):
    """There is no such value, or none can be found."""


def stand_in(request: LlmRequest) -> str | None:
    """The JSON that answers the request; None where the answer may be any text.

    Raises:
        NoStandIn: The form is one for which no value can be found.
    """
    config = request.config
    schema = config.response_json_schema or config.response_schema
    if schema is None:
        return "{}" if config.response_mime_type == "application/json" else None
    if isinstance(schema, dict | types.Schema):
        return json.dumps(sample(as_json_schema(schema)), ensure_ascii=False)
    adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, schema))
    text = json.dumps(sample(adapter.json_schema()), ensure_ascii=False)
    try:
        adapter.validate_json(text)
    except ValidationError as error:
        raise NoStandIn from error
    return text


def as_json_schema(schema: dict[str, Any] | types.Schema) -> dict[str, Any]:
    """A schema in either of Gemini's two forms, of which one writes its types as "STRING"."""
    if isinstance(schema, types.Schema):
        return schema.model_dump(exclude_none=True, by_alias=True)
    return schema


def sample(schema: dict[str, Any]) -> Any:
    """A value that this JSON schema allows.

    Raises:
        NoStandIn: None can be found.
    """
    return _sample(schema, {**schema.get("definitions", {}), **schema.get("$defs", {})}, 0)


def _sample(schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise NoStandIn
    if schema.get("nullable"):
        return None
    if reference := schema.get("$ref"):
        return _sample(definitions[reference.rpartition("/")[2]], definitions, depth + 1)
    if choices := [schema["const"]] if "const" in schema else schema.get("enum"):
        return None if None in choices else choices[0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _first_that_can_be(options, definitions, depth)
    if parts := schema.get("allOf"):
        merged: dict[str, Any] = {key: v for key, v in schema.items() if key != "allOf"}
        for part in parts:
            merged |= definitions.get(str(part.get("$ref")).rpartition("/")[2], part)
        return _sample(merged, definitions, depth + 1)
    return _sample_of_type(schema, definitions, depth)


def _first_that_can_be(options: list[Any], definitions: dict[str, Any], depth: int) -> Any:
    """Nothing, if that is one of the options."""
    for option in sorted(options, key=lambda option: _type(option) != "null"):
        try:
            return _sample(option, definitions, depth + 1)
        except NoStandIn:
            continue
    raise NoStandIn


def _sample_of_type(schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    match _type(schema):
        case "object":
            fields = schema.get("properties") or {}
            names = schema.get("required") or ()
            return {name: _sample(fields.get(name, {}), definitions, depth + 1) for name in names}
        case "array":
            first = schema.get("prefixItems") or []
            least = int(schema.get("minItems") or 0)
            items = [*first, *[schema.get("items") or {}] * max(0, least - len(first))]
            return [_sample(item, definitions, depth + 1) for item in items]
        case "integer" | "number" as kind:
            number = _number(schema)
            return int(number) if kind == "integer" or number == int(number) else number
        case "boolean":
            return False
        case "null":
            return None
    return _text(schema)


def _type(schema: dict[str, Any]) -> str:
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str | Enum) else list(kinds or ())
    names = [str(getattr(kind, "value", kind)).lower() for kind in kinds]
    if not names:
        return "object" if "properties" in schema else "string"
    return "null" if "null" in names else names[0]


def _number(schema: dict[str, Any]) -> float:
    """Zero, or what is next to it."""
    step = schema.get("multipleOf") or (1 if _type(schema) == "integer" else 0.5)
    low, high = schema.get("minimum"), schema.get("maximum")
    if (above := schema.get("exclusiveMinimum")) is not None:
        low = max(above + step, low if low is not None else above + step)
    if (below := schema.get("exclusiveMaximum")) is not None:
        high = min(below - step, high if high is not None else below - step)
    number = 0
    if low is not None and low > 0:
        number = -(-low // step) * step
    elif high is not None and high < 0:
        number = high // step * step
    return float(number)


def _text(schema: dict[str, Any]) -> str:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    least, most = int(schema.get("minLength") or 0), schema.get("maxLength")
    fitted = [text.ljust(least, ".")[: None if most is None else int(most)] for text in TEXTS]
    if pattern := schema.get("pattern"):
        try:
            return next(text for text in (*TEXTS, *fitted) if re.search(pattern, text))
        except (StopIteration, re.error) as error:
            raise NoStandIn from error
    return fitted[0]
