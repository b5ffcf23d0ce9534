"""The body filter: what is left of a body, and which bodies are refused."""

import json

import pytest

from agent.api.body_filter import MAX_DEPTH, filter_body


def nothing_is_unwanted(item: dict[str, object]) -> bool:
    return False


def test_an_empty_body_stays_empty() -> None:
    assert filter_body(b"", nothing_is_unwanted) == b""


KEPT = {
    "a word": ('"Hello"', "Hello"),
    "every type": ('[null,true,1,1.5,"",{},[]]', [None, True, 1, 1.5, "", {}, []]),
    "two halves": (r'"\ud83d\ude00"', "\U0001f600"),
    "half a character": (r'"a\ud800b"', "a\ufffdb"),
    "the other half": (r'"\udfff\ud800"', "\ufffd\ufffd"),
    "half a character as name": (r'{"\ud800":1}', {"\ufffd": 1}),
    "NUL": (r'"a\u0000b"', "ab"),
    "no NUL, but what looks like one": (r'"\\u0000"', r"\u0000"),
    "a backslash and NUL": (r'"\\\u0000"', "\\"),
    "other signs and NUL": (r'"\n\u0000\"\u0000"', '\n"'),
    "other control characters": (r'"\u0001\u001f\u007f"', "\x01\x1f\x7f"),
    "right to left": (r'"\u202e"', "\u202e"),
    "a large number": (str(2**63 - 1), 2**63 - 1),
    "a small number": (str(1 - 2**63), 1 - 2**63),
    "as deep as may be": ("[" * MAX_DEPTH + "[]" + "]" * MAX_DEPTH, None),
}


@pytest.mark.parametrize(("body", "value"), KEPT.values(), ids=KEPT.keys())
def test_what_can_be_carried_is_passed_on(body: str, value: object) -> None:
    filtered = filter_body(body.encode(), nothing_is_unwanted)
    assert json.loads(filtered) == (json.loads(body) if value is None else value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_that_json_may_have_is_read(encoding: str) -> None:
    assert filter_body('{"a": "é"}'.encode(encoding), nothing_is_unwanted) == '{"a":"é"}'.encode()


def test_half_a_character_in_raw_bytes_is_replaced() -> None:
    assert filter_body(b'"\xed\xa0\x80"', nothing_is_unwanted) == '"\ufffd"'.encode()


BROKEN = [
    b"Hello",
    b'{"a',
    b"{}{}",
    b"NaN",
    b"[-Infinity]",
    b'"\xff"',
    b'"\0"',
    b"9" * 5_000,
    b"[1e999]",
    b"%d" % 2**63,
]
BROKEN += [b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), b"[" * 100_000]


@pytest.mark.parametrize("body", BROKEN)
def test_what_cannot_be_carried_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        filter_body(body, nothing_is_unwanted)


@pytest.mark.parametrize("body", ['{"bad":1}', '[[{"a":{"bad":null}}]]', r'{"b\u0061d":1}'])
def test_what_is_unwanted_is_refused_wherever_it_is(body: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        filter_body(body.encode(), lambda item: "bad" in item)
