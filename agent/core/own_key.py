"""A key of the visitor's own: what it may look like, and where a running turn has it.

It comes with each question, and is kept nowhere else: a turn drops it at its end.
"""

import re
from contextvars import ContextVar

from pydantic import SecretStr

from agent.core.notices import PlainError
from agent.core.settings import Settings

# Google has given out keys of several forms ("AIza…", "AQ.…"), and may change them again; so only
# what cannot be sent in a header, or is no key by its length, is refused.
FORM = re.compile(r"[!-~]{20,500}")


class OwnKey:
    """The running turn's, for whatever runs in its context, which may outlast it."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret: SecretStr | None = secret

    def __repr__(self) -> str:
        return "OwnKey()"

    @property
    def value(self) -> str:
        """The key; "" once the turn is over."""
        return self._secret.get_secret_value() if self._secret else ""

    def drop(self) -> None:
        """The turn is over."""
        self._secret = None


# None for a turn on the host's key.
own_key: ContextVar[OwnKey | None] = ContextVar("own_key", default=None)


def checked_key(given: SecretStr | None, settings: Settings) -> OwnKey | None:
    """The key with which a question comes, if it does, as it can be sent.

    Raises:
        PlainError: where the host takes none, or it cannot be a key.
    """
    key = given.get_secret_value().strip() if given else ""
    if not key:
        return None
    if not settings.visitor_keys:
        raise PlainError("keys_not_taken")
    if not FORM.fullmatch(key):
        raise PlainError("no_key_form")
    return OwnKey(SecretStr(key))
