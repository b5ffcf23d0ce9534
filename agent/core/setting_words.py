"""Settings of words: which of them there may be."""

import re

from pydantic import AfterValidator, SecretStr

from agent.core.file_types import GROUPS
from agent.core.sign_in import parse_sign_in
from agent.core.text import split_words

# The origin of a web site; and any, as browsers send it: "null" is that of a page in a file.
SITE = re.compile(r"https?://[a-z0-9_.-]+(:\d+)?")
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:]+\])(:\d+)?|null|\*")

# Characters: a shorter secret could be found by trying.
MIN_TOKEN_LENGTH = 16

MIME_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")


def split_origins(text: str | None) -> tuple[str, ...]:
    """Origins, as browsers write them."""
    return tuple(origin.lower().rstrip("/") for origin in split_words(text))


def words_among(*known: str, hidden: str = "") -> AfterValidator:
    """Checks that a field's words are all among `known`. `hidden` is allowed too, but no error
    names it."""

    def check(text: str) -> str:
        for word in split_words(text):
            if word not in (*known, hidden):
                raise ValueError(f"{word[:80]!r} is none of {', '.join(known)}")
        return text

    return AfterValidator(check)


def _check_file_types(types: str) -> str:
    words = split_words(types.lower())
    for word in words:
        if not (word in GROUPS or MIME_TYPE.fullmatch(word) or words == ["none"]):
            raise ValueError(
                f"{word[:80]!r} is none of {', '.join(GROUPS)}, no type such as image/gif, "
                "and not none alone"
            )
    return types


def _check_origins(origins: str | None) -> str | None:
    for origin in split_words(origins):
        if not ORIGIN.fullmatch(origin.lower().rstrip("/")):
            raise ValueError(
                f"{origin[:80]!r} is not an origin, which is written as https://example.org"
            )
    return origins


def _check_sites(sites: str | None) -> str | None:
    for site in split_words(sites):
        if not SITE.fullmatch(site.lower().rstrip("/")):
            raise ValueError(
                f"{site[:80]!r} is not the origin of a web site, which is written as "
                "https://example.org"
            )
    return sites


def _check_sign_in(sign_in: str | None) -> str | None:
    parse_sign_in(sign_in or "")
    return sign_in


def _check_token(token: SecretStr | None) -> SecretStr | None:
    if token and 0 < len(token.get_secret_value()) < MIN_TOKEN_LENGTH:
        raise ValueError(f"it needs at least {MIN_TOKEN_LENGTH} characters")
    return token


# The same for types of files, for origins, and for other web sites.
TYPES_OF_FILES, WEB_SITES = AfterValidator(_check_file_types), AfterValidator(_check_origins)
OTHER_SITES = AfterValidator(_check_sites)
# … for a way to sign in, and for a secret of the host's.
SIGN_IN, TOKEN = AfterValidator(_check_sign_in), AfterValidator(_check_token)
