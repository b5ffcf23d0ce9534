"""The language in which the app's own words are said: each reader's own.

The words stand in the code in English, marked by `_`, `N_` or `ngettext`, and their translations in
agent/locale, as gettext's catalogues. What the host reads, in the log and at the start, and what a
model is told, is English, and so is not marked. A program that asks for no language gets English.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

CATALOGUES = Path(__file__).parents[1] / "locale"

ENGLISH = "en"

# What a visitor can choose, by the tags of BCP 47, each as those call it who speak it.
LANGUAGES = {
    ENGLISH: "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt-BR": "Português",
    "ja": "日本語",
    "zh-CN": "简体中文",
    "ar": "العربية",
}

# English with an accent on every letter, made up here: whoever sees a letter without one has found
# words that nobody can translate. Offered only where a setting names it.
ACCENTED = "en-XA"

RIGHT_TO_LEFT = ("ar",)

# Scripts whose words come with them: those that only some pages have, or that are loaded when
# somebody needs them.
APART = re.compile(r"/later/\w+\.js$|/sides\.js$")

# What the browser's choice on the page is kept as, before that of the browser itself.
COOKIE = "chat_language"

# What is no word of a message: a placeholder, code, a tag, a character reference, an address.
NO_WORD = re.compile(r"(\{[^}]*\}|`[^`]*`|<[^>]*>|&#?\w+;|\]\([^)]*\)|https?://\S+)")

ACCENTS = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļṁñöþǫŕšţûṽŵẋýž",
)

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language() -> str:
    """The reader's, as a tag of BCP 47."""
    return _spoken.get()


def speak(tag: str) -> None:
    """From now on, in this task and in what it begins, say all in this language."""
    _spoken.set(tag)


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Inside, say all in this language."""
    before = _spoken.set(tag)
    try:
        yield
    finally:
        _spoken.reset(before)


def direction() -> str:
    """How the reader's language is written: "ltr" or "rtl"."""
    return "rtl" if language() in RIGHT_TO_LEFT else "ltr"


def chosen(offered: Sequence[str], kept: str | None, wanted: str | None) -> str:
    """The language for a reader.

    Args:
        offered: What there is.
        kept: What the reader has chosen on the page, if anything.
        wanted: What the browser asks for: the header `Accept-Language`; None where nobody asks.
    """
    if kept in offered:
        return str(kept)
    if wanted is None:
        return ENGLISH
    weights: dict[str, float] = {}
    for piece in wanted.split(","):
        tag, _, quality = piece.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", quality)
        weights.setdefault(tag.strip().lower(), float(weight[1]) if weight else 1.0)
    for tag in sorted(weights, key=lambda tag: -weights[tag]):
        for found in offered:
            # Brazil's Portuguese is more to a reader from Lisbon than English is.
            if weights[tag] and found != ACCENTED and _main(found) == _main(tag):
                return found
    return ENGLISH if ENGLISH in offered else offered[0]


def _main(tag: str) -> str:
    return tag.lower().partition("-")[0]


# The words themselves


def _(message: str) -> str:
    """A message in the reader's language; with placeholders, to be formatted afterwards."""
    return message and _translations(_spoken.get()).gettext(message)  # Of "" it is the header.


def N_(message: str) -> str:
    """Mark a message as one that `_` is given later; returns it unchanged."""
    return message


def ngettext(singular: str, plural: str, number: float) -> str:
    """The message for so many, in the reader's language, with "{number}" as people write it."""
    count = int(number) if number == int(number) else 2
    form = _translations(_spoken.get()).ngettext(singular, plural, count)
    return form.format(number=in_digits(number))


def in_digits(number: float, form: str = "") -> str:
    """A number as it is written in the reader's language.

    Args:
        number: Whatever it is.
        form: As `format` takes it; without one as it is, with a sign between thousands.
    """
    text = f"{number:{form or (',' if isinstance(number, int) else 'g')}}"
    if _spoken.get() in (ENGLISH, ACCENTED):
        return text
    return text.translate(_signs(_spoken.get()))


@cache
def _signs(tag: str) -> dict[int, str]:
    from babel.numbers import get_decimal_symbol, get_group_symbol  # English does without.

    place = tag.replace("-", "_")
    return {ord(","): get_group_symbol(place), ord("."): get_decimal_symbol(place)}


@cache
def words_of_scripts(tag: str, script: str = "") -> dict[str, str | list[str]]:
    """The translations of what the page's scripts say, by the English message. A message that has a
    plural gets a list of all its forms, in the order of the catalogue.

    Args:
        tag: The language.
        script: The name of a script that is loaded later, for its messages alone; by default, the
            messages of all other scripts.
    """
    found: dict[str, str | list[str]] = {}
    if tag == ENGLISH:
        return found
    # The made-up language has no catalogue; each of the others has all messages.
    for message in _catalogue("de" if tag == ACCENTED else tag):
        scripts = {name for name, _line in message.locations if name.endswith(".js")}
        if script:
            scripts = {name for name in scripts if name.endswith(f"/{script}")}
        else:
            scripts = {name for name in scripts if not APART.search(name)}
        if not scripts:
            continue
        said = message.id if tag == ACCENTED else message.string
        forms = [str(form) for form in ([said] if isinstance(said, str) else said or ())]
        forms = list(map(accented, forms)) if tag == ACCENTED else forms
        if all(forms):
            singular = message.id if isinstance(message.id, str) else message.id[0]
            found[singular] = forms[0] if isinstance(message.id, str) else forms
    return found


def accented(message: str) -> str:
    """A message in the made-up language."""
    pieces = NO_WORD.split(message)
    pieces[::2] = [piece.translate(ACCENTS) for piece in pieces[::2]]
    return "".join(pieces)


class _Accented(NullTranslations):
    def gettext(self, message: str) -> str:
        # What no catalogue has stays as it is, and is seen.
        return accented(message) if message in _catalogue("de") else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return accented(super().ngettext(msgid1, msgid2, n))


@cache
def _translations(tag: str) -> NullTranslations:
    if tag == ENGLISH:
        return NullTranslations()
    if tag == ACCENTED:
        return _Accented()
    from babel.messages.mofile import write_mo  # English does without.

    compiled = io.BytesIO()
    write_mo(compiled, _catalogue(tag))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def _catalogue(tag: str) -> "Catalog":
    from babel.messages.pofile import read_po

    place = tag.replace("-", "_")
    with (CATALOGUES / f"{place}.po").open("rb") as file:
        return read_po(file, locale=place)
