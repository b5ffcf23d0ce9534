"""In which language a reader reads, and that every language has every word."""

import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog

from agent.api.later import FOLDER
from agent.core.language import (
    ACCENTED,
    ENGLISH,
    LANGUAGES,
    _,
    accented,
    chosen,
    in_digits,
    language,
    speaking,
    words_of_scripts,
)
from agent.core.notices import SENTENCES, Notice, PlainError
from agent.core.pauses import Pause, sentence
from agent.core.text import duration
from tests.catalogues import read, untranslated, words

OTHERS = [tag for tag in LANGUAGES if tag != ENGLISH]

# What a translation must have, too: places for values, code, and where links lead.
KEPT = re.compile(r"\{[\w:,]*\}|`[^`]*`|\]\([^)]*\)")


@pytest.fixture(scope="module")
def said() -> Catalog:
    """All that the code says."""
    return words()


@pytest.mark.parametrize(
    ("kept", "wanted", "found"),
    [
        (None, None, "en"),
        (None, "*", "en"),
        (None, "de-CH,de;q=0.9,en;q=0.8", "de"),
        (None, "en-US,en;q=0.9,de;q=0.8", "en"),
        (None, "it,fr;q=0.5,es;q=0.7", "es"),
        (None, "pt", "pt-BR"),
        (None, "zh-TW,zh;q=0.9", "zh-CN"),
        (None, "de;q=0, fr", "fr"),
        (None, "nonsense;q=x;;,\x00", "en"),
        ("ja", "de", "ja"),
        ("xx", "de", "de"),
    ],
)
def test_a_reader_gets_what_was_chosen_or_else_what_the_browser_asks_for(
    kept: str | None, wanted: str | None, found: str
) -> None:
    assert chosen((*LANGUAGES, ACCENTED), kept, wanted) == found


def test_a_page_without_english_still_speaks() -> None:
    assert [chosen(("de", "fr"), None, wanted) for wanted in ("it", "fr", None)] == [
        *("de", "fr", "en")
    ]


@pytest.mark.parametrize("tag", OTHERS)
def test_no_sentence_is_missing(tag: str, said: Catalog) -> None:
    """`python -m tests.catalogues` adds what is missing, for you to translate."""
    catalogue = read(tag)
    assert [message.id for message in untranslated(catalogue)] == []
    assert {str(message.id) for message in catalogue} == {str(message.id) for message in said}


@pytest.mark.parametrize("tag", OTHERS)
def test_a_translation_has_the_same_places_for_values(tag: str) -> None:
    for message in read(tag):
        if isinstance(message.id, str):
            own, other = KEPT.findall(message.id), KEPT.findall(str(message.string))
            in_code = "```" in message.id  # Whose words are translated, too.
            assert in_code or sorted(own) == sorted(other), message.string
            assert not message.id.endswith("\n") or str(message.string).endswith("\n")
        else:
            # In Arabic "two days" is one word.
            forms = [str(form) for form in message.string or ()]
            assert {*KEPT.findall(" ".join(forms))} == {"{number}"}


@pytest.mark.parametrize("tag", [*OTHERS, ACCENTED])
def test_every_notice_can_be_worded(tag: str) -> None:
    with speaking(tag):
        for code, sentence in SENTENCES.items():
            names = {name for _text, name, _form, _kind in Formatter().parse(sentence) if name}
            told = Notice(code, dict.fromkeys(names, 3)).text
            assert "{" not in told
            assert told != Notice(code, dict.fromkeys(names, 3)).english


@pytest.mark.parametrize("tag", OTHERS)
def test_the_page_is_told_all_that_its_scripts_say(tag: str, said: Catalog) -> None:
    # Which come with their words, where they are needed.
    apart = {path.name for path in FOLDER.glob("*.js")} | {"sides.js"}
    said_by: dict[str, set[str]] = {name: set() for name in (*apart, "")}
    for message in said:
        text = message.id if isinstance(message.id, str) else message.id[0]
        scripts = {Path(place).name for place, _line in message.locations if ".js" in place}
        for name in (*(scripts & apart), *([""] if scripts - apart else [])):
            said_by[name].add(text)
    assert {name: {*words_of_scripts(tag, name)} for name in said_by} == said_by
    assert min(len(said_by[name]) for name in ("", "sides.js", "sides_panel.js", "talk_panel.js"))


def test_numbers_and_their_nouns_are_written_as_in_that_language() -> None:
    told = {}
    for tag in ("en", "de", "fr", "ja", "ar"):
        with speaking(tag):
            told[tag] = (in_digits(12_345), in_digits(0.5, ".1f"), duration(172_800))
    assert told == {
        "en": ("12,345", "0.5", "2 days"),
        "de": ("12.345", "0,5", "2 Tagen"),
        "fr": ("12\u202f345", "0,5", "2 jours"),
        "ja": ("12,345", "0.5", "2日"),
        "ar": ("12,345", "0.5", "يومين"),
    }


@pytest.mark.parametrize(("tag", "quoted"), [("en", "“pay”"), ("de", "„pay“"), ("ar", "«pay»")])
def test_a_tool_is_quoted_as_the_readers_language_does(tag: str, quoted: str) -> None:
    asked = Pause("1", "adk_request_confirmation", "approval", tool="pay", args={"amount": 1})
    with speaking(tag):
        assert f"{quoted} (amount: 1)" in sentence(asked).text


def test_what_the_host_reads_is_english() -> None:
    with speaking("de"):
        error = PlainError("stopped")
        assert (str(error), error.notice.text) == ("Stopped.", "Angehalten.")
        assert language() == "de"
    assert language() == "en"


def test_the_made_up_language_keeps_what_is_no_word() -> None:
    assert accented("Save {name}, `/help`, [it](https://x.org/a)") == (
        "Šåṽé {name}, `/help`, [îţ](https://x.org/a)"
    )
    with speaking(ACCENTED):
        assert (_("Stopped."), _("What an owner says")) == ("Šţöþþéð.", "What an owner says")
