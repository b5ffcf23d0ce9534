"""The catalogues of translations in agent/locale, kept as the words in the code are.

Run it:  python -m tests.catalogues

It adds to each catalogue what is not in it yet, untranslated, takes out what is said no more, and
names what is to be translated. A changed sentence is a new one.
"""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from agent.core.language import CATALOGUES, ENGLISH, LANGUAGES
from agent.core.notices import SENTENCES
from agent.core.titles import CALM, FAILED, NOTE

ROOT = Path(__file__).parents[1]

# Of whoever may read it, what stands on top of each catalogue.
HEADER = """\
# The words of the chat page in {name}, for the English in the code.
#
# No native speaker has read this yet: it was written by a machine. Whoever speaks the language is
# welcome to correct any "msgstr"; CONTRIBUTING.md says how.
msgid ""
msgstr ""
"Language: {place}\\n"
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def words() -> Catalog:
    """All that the code says to visitors, each with the files in which it stands."""
    catalogue = Catalog()
    for sentence in SENTENCES.values():
        catalogue.add(sentence, locations=[("agent/core/notices.py", 0)])
    for title in (NOTE, *CALM, *FAILED):
        catalogue.add(title, locations=[("agent/core/titles.py", 0)])
    for method, pattern in (("python", "**/*.py"), ("javascript", "page/static/**/*.js")):
        for path in sorted((ROOT / "agent").glob(pattern)):
            place = path.relative_to(ROOT).as_posix()
            for _line, message, *_ in extract_from_file(method, path):
                catalogue.add(message, locations=[(place, 0)])
    return catalogue


def path_of(tag: str) -> Path:
    """The catalogue of a language."""
    return CATALOGUES / f"{tag.replace('-', '_')}.po"


def read(tag: str) -> Catalog:
    """The same, read; an empty one where there is none yet."""
    path, place = path_of(tag), tag.replace("-", "_")
    if not path.exists():
        return Catalog(place)
    with path.open("rb") as file:
        return read_po(file, locale=place)


def untranslated(catalogue: Catalog) -> Iterator[Message]:
    """What has no translation in it, or not all forms of one."""
    for message in catalogue:
        forms = message.string if isinstance(message.string, list | tuple) else [message.string]
        if message.id and not all(forms):
            yield message


def update(tag: str) -> Catalog:
    """Bring a language's catalogue up to date; it, as it is then."""
    catalogue = read(tag)
    catalogue.update(words(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    about = {"name": LANGUAGES[tag], "place": catalogue.locale, "plurals": catalogue.plural_forms}
    with path_of(tag).open("wb") as file:
        file.write(HEADER.format(**about).encode())
        write_po(file, catalogue, width=100, include_lineno=False, omit_header=True)
    return catalogue


def main() -> None:
    """Bring all of them up to date."""
    for tag in LANGUAGES.keys() - {ENGLISH}:
        missing = [str(message.id) for message in untranslated(update(tag))]
        print(f"{path_of(tag)}: {len(missing)} to be translated", *missing, sep="\n  ")  # noqa: T201


if __name__ == "__main__":
    main()
