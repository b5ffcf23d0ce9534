"""What nobody may read: keys, tokens, passwords in addresses, in a text and in every log."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from agent.core.secrets import redact_logs, redacted


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's environment."""
    monkeypatch.setenv("CRM_TOKEN", "sentinel-token")
    monkeypatch.setenv("GOOGLE_API_KEY", "sentinel-key")
    monkeypatch.setenv("SESSION_DB", "postgresql+asyncpg://me:sentinel%21pass@db/chats")
    monkeypatch.setenv("A_KEY", "short")
    monkeypatch.setenv("HOME_PAGE", "https://example.org/sentinel-page")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Bad sentinel-token, sentinel-key", "Bad [redacted], [redacted]"),
        ("no sentinel!pass or sentinel%21pass", "no [redacted] or [redacted]"),
        ("redis://:hush@cache:6379/0", "redis://:[redacted]@cache:6379/0"),
        ("mysql://me:hush@db/x and more", "mysql://me:[redacted]@db/x and more"),
        ("GET /x?key=AIhush&page=2", "GET /x?key=[redacted]&page=2"),
        ("/x?access_token=hush&page=2", "/x?access_token=[redacted]&page=2"),
        ("Authorization: Bearer abcdefgh123", "Authorization: Bearer [redacted]"),
        ("key AIzaSyD-1234567 is wrong", "key [redacted] is wrong"),
        ("sk-proj-0123456789abcdef", "[redacted]"),
        ("ghp_0123456789abcdefghijkl", "[redacted]"),
        ("a short https://example.org/sentinel-page", "a short https://example.org/sentinel-page"),
        ("at 12:30 mail me@example.org", "at 12:30 mail me@example.org"),
        ("https://example.org:8080/a@b", "https://example.org:8080/a@b"),
    ],
)
def test_a_text_is_told_without_its_secrets(text: str, safe: str) -> None:
    assert redacted(text) == safe


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """Another library's log, which was there before."""
    made_before = logging.getLogRecordFactory()
    written, log = io.StringIO(), logging.getLogger("somebody.elses")
    handler = logging.StreamHandler(written)
    log.addHandler(handler)
    redact_logs()
    redact_logs()
    yield log, written
    log.removeHandler(handler)
    logging.setLogRecordFactory(made_before)


def test_no_log_holds_a_secret(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.error("one sentinel-token")
    logger.error("two %s, %d and %r", "sentinel-token", 3, ["sentinel-token"])
    logger.error("four %(it)s", {"it": ValueError("sentinel-token")})
    logger.error(ValueError("five sentinel-token"))
    logger.error("six %s %s", "plain", 7)
    assert written.getvalue() == (
        "one [redacted]\ntwo [redacted], 3 and \"['[redacted]']\"\nfour [redacted]\n"
        "five [redacted]\nsix plain 7\n"
    )


def test_no_traceback_holds_a_secret(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    try:
        try:
            raise KeyError("sentinel-token")
        except KeyError as error:
            raise ValueError("for sentinel-key") from error
    except ValueError:
        logger.exception("It failed")
        logger.error("Again", exc_info=sys.exc_info())
    assert "sentinel" not in written.getvalue()
    assert written.getvalue().count("ValueError: for [redacted]") == 2
    assert written.getvalue().count("KeyError: '[redacted]'") == 2


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


def test_what_cannot_be_printed_is_left_to_logging(
    log: tuple[logging.Logger, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, written = log
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.error("%s", Unprintable())
    logger.error("next")
    assert written.getvalue() == "next\n"
