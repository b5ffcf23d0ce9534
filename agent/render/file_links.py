"""A file of an answer on a page: a picture, a player, the beginning of a table, or a link to it."""

import csv
import io
import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from agent.core.files import File
from agent.core.text import clean, plural
from agent.render import media

# Rows and columns of a table that a page shows, and bytes that are read for them.
MAX_ROWS, MAX_COLUMNS, MAX_READ = 6, 8, 20_000

# Characters of a name, or of a table's cell.
MAX_LENGTH = 80

TABLES = {"text/csv": ",", "text/tab-separated-values": "\t"}

# Characters that mean something in Markdown, or in HTML; and what begins an address.
MARKUP = re.compile(r"[^\w .,:()%+/-]|_|://|www\.")


def to_markdown(file: File) -> str:
    """What a page shows of a file, as Markdown. Gradio's own messages with files would tell in
    which folder of this machine they are."""
    name = escaped(file.shown_name)
    if file.address:
        return _elsewhere(file, name)
    if file.version is not None and not file.kept_as:
        return f"*The file “{name}” is not here any more.*"
    address = address_of(file)
    caption = f"[Save {name}]({address}) ({size(file)})" if name else ""
    match file.mime_type.lower().partition("/")[0]:
        case "image":
            shown = f"[![{name or 'Picture'}]({address})]({address})"
        case "audio" | "video" as kind:
            shown = f'<{kind} controls src="{address}"></{kind}>'
        case _:
            shown, caption = caption or f"[Save this file]({address})", ""
    separator = TABLES.get(file.mime_type.lower().partition(";")[0])
    table = _table(address.split("/")[1], separator) if separator else ""
    return "\n\n".join(filter(None, (shown, caption, table)))


def address_of(file: File, kept_as: str = "") -> str:
    """Where the page finds a file whose content is here. The last part is the name under which a
    browser saves it."""
    kept = kept_as or file.kept_as or media.save(file.mime_type, file.data)
    name = quote(clean(file.shown_name.rpartition("/")[2]), safe="")
    return f"files/{kept}/{name}" if name.strip(".") else f"files/{kept}"


def size(file: File) -> str:
    """How much is in it."""
    number = file.size or len(file.data)
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if number >= 1_000**power:
            return f"{number / 1_000**power:.0f} {unit}"
    return plural(number, "byte")


def escaped(text: str) -> str:
    """A name or a cell on one line of Markdown, as text."""
    line = " ".join(clean(text).split())[:MAX_LENGTH]
    return MARKUP.sub(lambda found: "".join(f"&#{ord(char)};" for char in found[0]), line)


def quoted(address: str) -> str:
    """An address of the web as a link of Markdown takes it."""
    return quote(address, safe=":/?&=%#@+,;~")


def _elsewhere(file: File, name: str) -> str:
    if urlsplit(file.address).scheme in ("https", "http"):
        return f"[{name or 'A file'}]({quoted(file.address)})"
    return f"*The file “{name}” is kept where this page cannot fetch it.*"


@lru_cache(maxsize=64)  # An answer that grows is drawn many times a second.
def _table(kept_as: str, separator: str) -> str:
    """The first rows and columns as a table of Markdown; "" where it has none."""
    path = media.path_of(kept_as)
    if not path:
        return ""
    with path.open("rb") as file:
        text = file.read(MAX_READ).decode("utf-8-sig", "replace")
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    except csv.Error:
        return ""
    is_whole = len(text.encode()) < MAX_READ and len(rows) <= MAX_ROWS
    if len(rows) < 2:
        return ""
    width = min(MAX_COLUMNS, max(map(len, rows[:MAX_ROWS])))
    lines = [[escaped(cell) for cell in (row + [""] * width)[:width]] for row in rows[:MAX_ROWS]]
    lines.insert(1, ["---"] * width)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return table if is_whole else f"{table}\n\nThese are the first rows."
