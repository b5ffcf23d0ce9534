"""A file on a page: a picture, a player, the beginning of a table, or a link to it."""

import csv
import io
import mimetypes
import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from agent.core.file_types import GROUPS
from agent.core.files import File
from agent.core.language import N_, _, ngettext
from agent.core.text import clean
from agent.render import media

# Characters of the name of a file that a visitor sends: file systems take 255 bytes.
MAX_NAME = 100

# The words for a file without a name, and for its link.
PICTURE, A_FILE, SAVE = N_("Picture"), N_("A file"), N_("Save this file")

# The text files that a browser offers in its file chooser; others can be dropped onto the page.
TEXT_NAMES = (
    *("text/*", ".txt", ".md", ".csv", ".tsv", ".json", ".yaml", ".yml", ".toml", ".xml", ".html"),
    *(".py", ".js", ".ts", ".css", ".sql", ".sh", ".java", ".c", ".cpp", ".rs", ".go", ".log"),
)

# Rows and columns of a table that a page shows, and bytes that are read for them.
MAX_ROWS, MAX_COLUMNS, MAX_READ = 6, 8, 20_000

# Characters of a name, or of a table's cell.
MAX_LENGTH = 80

TABLES = {"text/csv": ",", "text/tab-separated-values": "\t"}

# Characters that mean something in Markdown, or in HTML; and what begins an address.
MARKUP = re.compile(r"[^\w .,:()%+/-]|_|://|www\.")


def to_markdown(file: File) -> str:
    """A file on a page, as Markdown. Gradio's own messages with files would tell in which folder of
    this machine they are."""
    name = escaped(file.shown_name)
    if file.address:
        return _elsewhere(file, name)
    if file.version is not None and not file.kept_as:
        return _gone(name)
    address, save = address_of(file), _("Save {name}")
    caption = f"[{save.format(name=name)}]({address}) ({size(file)})" if name else ""
    match file.mime_type.lower().partition("/")[0]:
        case "image":
            shown = f"[![{name or _(PICTURE)}]({address})]({address})"
        case "audio" | "video" as kind:
            shown = f'<{kind} controls src="{address}"></{kind}>'
        case _:
            shown, caption = caption or f"[{_(SAVE)}]({address})", ""
    separator = TABLES.get(file.mime_type.lower().partition(";")[0])
    table, is_whole = _table(address.split("/")[1], separator) if separator else ("", True)
    table += "" if is_whole else "\n\n" + _("These are the first rows.")
    return "\n\n".join(filter(None, (shown, caption, table)))


def to_link(file: File, root: str, salt: str = "") -> str:
    """A picture or a link in Markdown, for programs that show the file elsewhere; "" where it
    cannot be fetched.

    Args:
        file: The file.
        root: This app's own address.
        salt: Makes it a copy of its own, which outlasts the conversation.
    """
    address, data = quoted(file.address), media.content(file)
    if data:
        kept_as = media.save(file.mime_type, data, salt=salt)
        address = root + address_of(file, kept_as)
    is_picture = file.mime_type.lower().startswith("image/")
    name = escaped(file.shown_name) or ("Picture" if is_picture else "File")
    return f"{'!' * is_picture}[{name}]({address})" if address else ""


def address_of(file: File, kept_as: str = "") -> str:
    """The address, relative to the page, of a file whose content is here. Its last part is the name
    under which a browser saves it."""
    kept = kept_as or file.kept_as or media.save(file.mime_type, file.data)
    name = quote(clean(file.shown_name.rpartition("/")[2]), safe="")
    return f"files/{kept}/{name}" if name.strip(".") else f"files/{kept}"


def from_address(address: str) -> File | None:
    """The file at an address made by `address_of`, as far as it tells; None for any other
    address."""
    found = re.fullmatch(r"files/([0-9a-f]{32}\.\w{1,9})(?:/([^/\s]{1,1500}))?", address)
    if found is None:
        return None
    return File("", name=safe_name(unquote(found[2] or "")) or found[1], kept_as=found[1])


def safe_name(name: str) -> str:
    """A visitor's name for a file, as the name of an artifact.

    It is without folders, which some browsers send, without invisible characters, and without the
    colon: ADK takes a name that begins with "user:" for a file of all sessions.
    """
    bare = clean(name).replace("\\", "/").rpartition("/")[2].replace(":", " ")
    return "".join(filter(str.isprintable, bare)).strip(". ")[:MAX_NAME].strip()


def true_name(name: str, mime_type: str) -> str:
    """The name of a file whose content is of this type. Where its ending claims another picture,
    sound or document, it gets the true ending behind it: "cat.png.txt"."""
    claimed = mimetypes.guess_type(name)[0] or ""
    is_other = claimed.startswith(("image/", "audio/", "video/", "application/pdf"))
    is_same = claimed == mime_type or media.suffix(claimed) == media.suffix(mime_type)
    return name + media.suffix(mime_type) if is_other and not is_same else name


def to_line(file: File) -> str:
    """A file that a visitor has sent, on one line of Markdown for the page."""
    name, address = escaped(file.shown_name), address_of(file)
    if not (file.kept_as or file.data):
        return _gone(name)
    if file.mime_type in media.RASTER_TYPES:
        return f"[![{name}]({address})]({address})"
    return f"[{name}]({address}) ({size(file)})"


def kinds(types: Collection[str]) -> str:
    """Words for these MIME types: names of groups, such as "pictures, PDF"; else the types."""
    names = {
        "image": _("pictures (PNG, JPEG, WebP)"),
        "pdf": "PDF",
        "audio": _("sounds"),
        "video": _("videos"),
        "text": _("text, such as tables (CSV)"),
    }
    known = [kind for group in GROUPS.values() for kind in group]
    others = sorted(set(types) - set(known))
    groups = [name for group, name in names.items() if GROUPS[group][0] in types]
    return ", ".join([*groups, *others])


def accepted(types: Collection[str]) -> str:
    """These MIME types for a browser's file chooser.

    It is without HEIC, as iPhones then convert their pictures to JPEG. For text it has the endings
    of names too: systems differ in the MIME types of texts.
    """
    names = sorted(set(types) - {"image/heic", "text/plain"})
    return ",".join([*names, *(TEXT_NAMES if "text/plain" in types else ())])


def size(file: File) -> str:
    """A file's size in words, such as "12 kB"."""
    number = file.size or len(file.data)
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if number >= 1_000**power:
            return f"{number / 1_000**power:.0f} {unit}"
    return ngettext("{number} byte", "{number} bytes", number)


def escaped(text: str) -> str:
    """A name or a cell on one line of Markdown, as text."""
    line = " ".join(clean(text).split())[:MAX_LENGTH]
    return MARKUP.sub(lambda found: "".join(f"&#{ord(char)};" for char in found[0]), line)


def quoted(address: str) -> str:
    """An address of the web as a link of Markdown takes it."""
    return quote(address, safe=":/?&=%#@+,;~")


def _elsewhere(file: File, name: str) -> str:
    if urlsplit(file.address).scheme in ("https", "http"):
        return f"[{name or _(A_FILE)}]({quoted(file.address)})"
    sentence = _("The file “{name}” is kept where this page cannot fetch it.")
    return f"*{sentence.format(name=name)}*"


def _gone(name: str) -> str:
    sentence = _("The file “{name}” is not here any more.")
    return f"*{sentence.format(name=name)}*"


@lru_cache(maxsize=64)  # An answer that grows is drawn many times a second.
def _table(kept_as: str, separator: str) -> tuple[str, bool]:
    """The first rows and columns of a stored file as a table of Markdown, "" where it has no table;
    and whether that is all of it."""
    path = media.path_of(kept_as)
    if not path:
        return "", True
    with path.open("rb") as file:
        text = file.read(MAX_READ).decode("utf-8-sig", "replace")
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    except csv.Error:
        return "", True
    is_whole = len(text.encode()) < MAX_READ and len(rows) <= MAX_ROWS
    if len(rows) < 2:
        return "", True
    width = min(MAX_COLUMNS, max(map(len, rows[:MAX_ROWS])))
    lines = [[escaped(cell) for cell in (row + [""] * width)[:width]] for row in rows[:MAX_ROWS]]
    lines.insert(1, ["---"] * width)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines), is_whole
