"""Any value as JSON: an agent's tools may answer with what JSON does not know."""

import json
import math
from typing import Any


def to_json(value: Any, **options: Any) -> str:
    """JSON for any value: other keys than text as text, infinities too, unknown objects as they
    print themselves. `options` are `json.dumps`'s own."""
    return json.dumps(_plain(value), default=str, **options)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if not math.isfinite(value):
            return str(value)
    return value
