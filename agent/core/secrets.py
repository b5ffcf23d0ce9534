"""What an app knows and may tell nobody: keys, tokens, and passwords in addresses."""

import logging
import os
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from agent.core.own_key import own_key

REDACTED = "[redacted]"

# The words in a variable's name that make its value a secret.
SECRET_WORDS = {"KEY", "APIKEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE"}

# A value of fewer characters is no secret, and stands in too many other words.
SHORTEST = 6

# The password of an address: of the environment's it is a secret by itself too.
URI_PASSWORD = re.compile(r"(?<=://)([^\s/:@'\"]*):([^\s/@'\"]+)@")

# What looks like a secret, whoever it belongs to; the group before it stays.
PATTERNS = (
    re.compile(r"()\b(?:AIza[\w-]{6,}|sk-[\w-]{16,}|gh[opsu]_\w{20,}|xox[abprs]-[\w-]{10,})"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"),
    re.compile(r"(?i)(\bbearer\s+)[\w.~+/=-]{8,}"),
    re.compile(r"(?i)([?&](?:api_?key|key|\w*token|password|secret|signature)=)[^&\s'\"]+"),
)


def redacted(text: str) -> str:
    """The text without any secret of the environment's, or what looks like one."""
    running = own_key.get()
    own = [running.value] if running and running.value else []
    for secret in (*own, *_known(os.environ)):
        text = text.replace(secret, REDACTED)
    text = URI_PASSWORD.sub(rf"\1:{REDACTED}@", text)
    for pattern in PATTERNS:
        text = pattern.sub(rf"\1{REDACTED}", text)
    return text


def is_secret(name: str, value: object) -> bool:
    """Whether this is called as secrets are, or holds what looks like one."""
    words = set(re.split(r"[^A-Z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).upper()))
    text = str(value)
    return bool(words & {*SECRET_WORDS, "CREDENTIAL", "CREDENTIALS"}) or redacted(text) != text


def redact_logs() -> None:
    """From now on, no record of Python's logging holds a secret, whoever logs and wherever to."""
    make = logging.getLogRecordFactory()
    if getattr(make, "is_redacting", False):
        return

    def make_redacted(*args: Any, **options: Any) -> logging.LogRecord:
        record = make(*args, **options)
        with suppress(Exception):  # Then logging itself complains of its arguments.
            _redact(record)
        return record

    make_redacted.is_redacting = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_redacted)


def _known(environment: Mapping[str, str]) -> list[str]:
    """The environment's secrets, the longest first, since one may be a part of another."""
    return sorted(set(_secrets(environment)), key=len, reverse=True)


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if SECRET_WORDS.intersection(name.upper().split("_")) and len(value) >= SHORTEST:
            yield value
        for _, password in URI_PASSWORD.findall(value) if "@" in value else ():
            if len(password) >= SHORTEST:
                yield from (password, unquote(password))


def _redact(record: logging.LogRecord) -> None:
    record.msg = _without_secrets(record.msg)
    if isinstance(record.args, Mapping):
        record.args = {name: _without_secrets(value) for name, value in record.args.items()}
    elif record.args:
        record.args = tuple(map(_without_secrets, record.args))
    if record.exc_info and record.exc_info[0]:
        lines = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if (safe := redacted(lines)) != lines:
            record.exc_text = safe  # A formatter takes this where it is set.


def _without_secrets(value: Any) -> Any:
    """The value itself, or its text where that had to be changed."""
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return value if (safe := redacted(text)) == text else safe
