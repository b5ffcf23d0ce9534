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


def schema_error(value: Any, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with the value, in English; None where nothing is, or the schema is none."""
    try:
        VALIDATOR.check_schema(schema)
        # By a registry of its own no address in the schema is fetched.
        error = best_match(VALIDATOR(schema, registry=Registry()).iter_errors(value))
    except (jsonschema.SchemaError, Unresolvable, RecursionError):
        return None  # The agent's own mistake, which it hears of itself.
    return error.message if error else None
