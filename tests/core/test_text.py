"""Any value as JSON that every reader of JSON can read."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.text import to_json

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | numbers | st.text()
odd = st.sampled_from([math.nan, math.inf, b"x", {1}, Path("/tmp"), 1 + 2j])
keys = st.text() | st.integers() | st.booleans() | st.none() | st.tuples(st.integers())


def nested(leaves: st.SearchStrategy[Any], names: st.SearchStrategy[Any]) -> Any:
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner))


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        ({"a": [1, 2.5, True, "é"]}, '{"a": [1, 2.5, true, "\\u00e9"]}'),
        ((1, (2,)), "[1, [2]]"),
        ({1: "one", None: 0, (2, 3): {4.5: ()}}, '{"1": "one", "None": 0, "(2, 3)": {"4.5": []}}'),
        ([math.nan, math.inf, {"a": -math.inf}], '["nan", "inf", {"a": "-inf"}]'),
        ({"where": Path("/tmp")}, '{"where": "/tmp"}'),
        ([datetime(2026, 1, 2, tzinfo=UTC)], '["2026-01-02 00:00:00+00:00"]'),
        ({1}, '"{1}"'),
        (b"x", "\"b'x'\""),
    ],
)
def test_any_value_has_a_json(value: Any, expected: str) -> None:
    assert to_json(value) == expected


def test_the_options_are_those_of_json_dumps() -> None:
    assert to_json({"é": 1}, ensure_ascii=False, indent=1) == '{\n "é": 1\n}'
    assert to_json({"b": 1, "a": 2}, sort_keys=True, separators=(",", ":")) == '{"a":2,"b":1}'


@given(nested(plain, st.text()))
def test_what_json_knows_stays_as_it_is(value: Any) -> None:
    assert json.loads(to_json(value)) == value


@given(nested(plain | odd, keys))
def test_what_comes_out_is_strict_json(value: Any) -> None:
    json.loads(to_json(value), parse_constant=refuse)


class Mute:
    def __str__(self) -> str:
        raise SystemExit


def test_what_holds_itself_or_cannot_be_printed_is_json_too() -> None:
    round: list[Any] = [1]
    round.append({"a": (round, [2])})
    assert to_json(round) == '[1, {"a": ["\\u2026", [2]]}]'
    assert to_json({"a": Mute()}) == '{"a": "<Mute>"}'
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    assert to_json(deep, ensure_ascii=False) == '"…"'
    same = [1]
    assert to_json([same, same]) == "[[1], [1]]"
