"""Whether a value is what a JSON Schema describes, where a model may have written the schema."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable


def _passes(*_: Any) -> Iterator[jsonschema.ValidationError]:
    """No error: a pattern could take a visitor's text and the whole server's time."""
    yield from ()


VALIDATOR = extend(
    jsonschema.Draft202012Validator, {"pattern": _passes, "patternProperties": _passes}
)


def resolved(schema: Any, definitions: Any) -> dict[str, Any]:
    """The schema that a reference leads to, and of "this or null" this; {} for what is none.

    Args:
        schema: What stands in the place of one.
        definitions: Those of the whole schema, by their names.
    """
    found = dict(schema) if isinstance(schema, dict) else {}
    for name in ("anyOf", "oneOf", "allOf"):
        choices = found.get(name)
        choices = choices if isinstance(choices, list) else []
        others = [choice for choice in choices if choice != {"type": "null"}]
        if len(others) == 1 and isinstance(others[0], dict):
            del found[name]
            found |= others[0]
    name = str(found.get("$ref")).rpartition("/")[2]
    part = definitions.get(name) if isinstance(definitions, dict) else None
    if isinstance(part, dict):
        del found["$ref"]
        found |= part
    return found


def schema_error(value: Any, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with the value, in English; None where nothing is, or the schema is none."""
    try:
        VALIDATOR.check_schema(schema)
        # By a registry of its own no address in the schema is fetched.
        error = best_match(VALIDATOR(schema, registry=Registry()).iter_errors(value))
    except (jsonschema.SchemaError, Unresolvable, RecursionError):
        return None  # The agent's own mistake, which it hears of itself.
    return error.message if error else None
