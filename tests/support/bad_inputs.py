"""Bad inputs, by name: what test_bad_input.py sends to every API.

In a request's body HASH stands for the hash of a client's session, CHAT for the number of the
step that chats.
"""

import json
from typing import Any

# No JSON, or none that can be carried.
NOT_JSON = {
    "words": b"Hello",
    "half of it": b'{"data": ["Hi',
    "two of it": b"{}{}",
    "a form": b"data=Hi&session_hash=HASH",
    "deep": b'{"data": ' + b"[" * 200 + b"]" * 200 + b"}",
    "deep objects": b'{"data": ' + b'{"a": ' * 200 + b"1" + b"}" * 201,
    "far too deep": b"[" * 100_000,
    "NaN": b'{"data": [NaN], "fn_index": Infinity}',
    "a number without end": b'{"data": [' + b"9" * 5_000 + b"]}",
    "a number that fits nowhere": b'{"data": [' + b"9" * 30 + b"]}",
    "infinity in digits": b'{"data": [-1e999]}',
    "a long name of a session": b'{"data": [], "session_hash": "' + b"a" * 101 + b'"}',
    "a session's name that is none": b'{"data": [], "session_hash": [' + b'"a",' * 40 + b"1]}",
    "bytes of no text": b'{"data": ["\xff"]}',
    "half of a letter": b'{"data": ["\xc3"]}',
    "a raw NUL": b'{"data": ["a\0b"]}',
    "a raw line break": b'{"data": ["a\nb"]}',
    "NULs alone": b"\0" * 1_000,
    "a byte order mark": b"\xef\xbb\xbf{",
    "a component": b'{"data": [[{"component": "image", "constructor_args": {}}]]}',
}


def attached(path: str, times: int = 1, **more: Any) -> bytes:
    """Messages with a file, as Gradio's own pages send them."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}, **more}
    said = [{"role": "user", "content": [{"type": "file", "file": file}]}] * times
    return json.dumps({"data": [said], "session_hash": "HASH", "fn_index": 1}).encode()


# Files, which nobody may send.
FILES = {
    "a file of the host": attached("/etc/passwd"),
    "a file above": attached("../../../../etc/passwd"),
    "a file by its address": attached("file:///etc/passwd"),
    "a file elsewhere": attached("http://169.254.169.254/latest"),
    "a file of another service": attached("https://127.0.0.1:22/"),
    "a file called NUL": attached("a\0b"),
    "a file called half a character": attached("\ud800"),
    "a file with a long name": attached("a" * 5_000),
    "a file with a hostile name": attached("<img src=x onerror=alert(1)>.svg", orig_name="../x.sh"),
    "a file as stream": attached("/etc/passwd", is_stream=True),
    "many files": attached("/etc/passwd", times=200),
    "a file without a name": b'{"data": [[{"path": null}]]}',
    "a file that is none": b'{"data": [{"path": "/etc/passwd"}]}',
}

# JSON of another shape than any route takes.
MISSHAPEN = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"Hi"',
    "a number": b"7",
    "an empty object": b"{}",
    "no data": b'{"session_hash": "HASH", "fn_index": CHAT}',
    "null as data": b'{"data": null, "session_hash": "HASH", "fn_index": CHAT}',
    "a text as data": b'{"data": "Hi", "session_hash": "HASH", "fn_index": CHAT}',
    "an object as data": b'{"data": {"a": 1}, "session_hash": "HASH", "fn_index": CHAT}',
    "a number as hash": b'{"data": ["Hi"], "session_hash": 7, "fn_index": CHAT}',
    "an object as hash": b'{"data": ["Hi"], "session_hash": {}, "fn_index": CHAT}',
    "an object as token": b'{"data": ["Hi"], "session_hash": "HASH", "oauth_token": {}}',
    "half a character as name": rb'{"\ud800": "\ud800"}',
    "half a character everywhere": rb'{"data": "\ud800", "session_hash": ["\ud800"]}',
}

# JSON that would take long to parse, or to pass on.
TOO_MANY = {
    "objects": b"[" + b"{}," * 6_000 + b"{}]",
    "lists": b'{"data": [' + b"[]," * 6_000 + b"[]]}",
    "numbers": b'{"data": [' + b"1," * 12_000 + b"1]}",
    "keys": b'{"data": [{' + b",".join(b'"%d":1' % n for n in range(6_000)) + b"}]}",
    "texts": b'{"data": [' + b'"",' * 12_000 + b'""]}',
    "brackets": b"[" * 20_000,
}

# Which step of the page to take, and what Gradio's routes say to it.
WRONG_STEPS = {
    "one that there is not": (b"99999", 400),
    "one before all": (b"-1", 400),
    "one far off": (b"9" * 18, 400),
    "a half": (b"1.5", 422),
    "a word": (b'"chat"', 422),
    "a list": (b"[CHAT]", 422),
}

# What Gradio itself fails at, by its routes.
WRONG_CALLS = {
    "run/chat": b'{"data": []}',
    "call/v2/chat": b'{"question": "Hi"}',
    "queue/join": b'{"data": ["Hi"], "session_hash": "", "fn_index": CHAT}',
}


def spoken(text: Any, role: Any = "user") -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}]}


# What the page's steps may be given for each of their inputs.
INPUTS: dict[str, Any] = {
    "null": None,
    "true": True,
    "a number": 1e308,
    "an object": {"a": {"b": []}},
    "blank": " \n\t",
    "NUL": "a\0b",
    "half a character": "a\ud800b",
    "right to left": "\u202eabc\u2066",
    "deep": json.loads("[" * 90 + "]" * 90),
    "odd roles": [spoken("x", role) for role in ("system", "tool", "", "\ud800", "root")],
    "no role": [{"content": "x"}],
    "a number as role": [spoken("x", 7)],
    "an object as text": [spoken({"a": 1})],
    "null as content": [{"role": "user", "content": None}],
    "halves in the history": [spoken("\ud800"), spoken("\udfff\0", "assistant")],
    "a long history": [spoken("x"), spoken("y", "assistant")] * 10,
}

# What else may be told of a step.
EVENTS: dict[str, dict[str, Any]] = {
    "too few inputs": {"data": []},
    "too many inputs": {"data": [None] * 50},
    "a word as event": {"event_data": "x"},
    "a place far off": {"event_data": {"index": 10**9, "value": "x"}},
    "half a character in the event": {"event_data": {"index": [0, 0], "value": "\ud800"}},
    "a trigger that there is not": {"trigger_id": 99999},
    "a batch": {"batched": True},
}

# Names that nothing has, as they stand in an address.
NAMES = {
    "NUL": "%00",
    "bytes of no text": "%ff",
    "half a character": "%ed%a0%80",
    "right to left": "%e2%80%ae",
    "a line break": "%0d%0aX:y",
    "braces": "{}",
    "a broken escape": "%zz",
    "very long": "a" * 5_000,
    "another's file": "..%2f..%2fetc%2fpasswd",
}
