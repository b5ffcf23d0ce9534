"""Which of Gradio's files a browser needs to draw a page, named at the head of that page.

By itself it learns of each from one that it has loaded before, in four rounds: a phone on a slow
line draws the text box half a second later.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import gradio

log = logging.getLogger(__name__)

FRONTEND = Path(gradio.__file__).parent / "templates" / "frontend"

# Gradio's page is built with Vite. Its first script, in the page itself.
ENTRY = re.compile(r'src="\./assets/(index-[^"]+\.js)"')

# In each script: a list of files that it may need; and for each part that is loaded later, the
# numbers of the files in that list that it needs.
ALL_FILES = re.compile(r"m\.f=\[([^\]]*)\]")
NEEDS = r"component:\(\)\W+\w+\(\(\)\W+import\(.*?__vite__mapDeps\(\[([\d,]*)\]\)"
PART = r"import\(`\./{}-[^`]*`\).*?__vite__mapDeps\(\[([\d,]*)\]\)"


def preloads(components: Iterable[dict[str, Any]]) -> str:
    """Links to all that is needed, for a page's <head>; none where Gradio is built in another way.

    Args:
        components: As in Gradio's config of the page.
    """
    shown = (
        component
        for component in components
        if component["props"].get("visible", True) is not False
    )
    try:
        names = dict.fromkeys(files(dict.fromkeys(component["type"] for component in shown)))
    except (LookupError, OSError) as error:
        log.warning("This release of Gradio is built differently (%s). Pages open slower.", error)
        return ""
    return "\n".join(map(link, names))


def files(types: Iterable[str]) -> Iterator[str]:
    """The names of the files that these types of components need, and of those before them."""
    entry = first(ENTRY, read(FRONTEND / "index.html"))
    yield from (app := needed(entry, PART.format("Index")))
    yield from needed(app[0], PART.format("Blocks"))
    yield from (core := needed(entry, PART.format("core")))
    for name in types:
        with suppress(LookupError):  # Such as a state, which cannot be seen.
            yield from needed(core[0], rf"\b{name}:\{{[^{{}}]*?{NEEDS}")


def needed(script: str, part: str) -> list[str]:
    """What a part of a script needs, itself first."""
    source = read(FRONTEND / "assets" / script)
    names = [name.strip("\"'`./") for name in first(ALL_FILES, source).split(",")]
    return [names[int(number)] for number in first(part, source).split(",")]


@cache  # Of one of them every type of component asks.
def read(file: Path) -> str:
    """What is in a file."""
    return file.read_text(encoding="utf-8")


def first(pattern: str | re.Pattern[str], text: str) -> str:
    """The group of the pattern, where it is found first."""
    if found := re.search(pattern, text):
        return found[1]
    raise LookupError(f"no {pattern}")


def link(name: str) -> str:
    """The element that has a file loaded."""
    kind = 'rel="modulepreload"' if name.endswith(".js") else 'rel="preload" as="style" crossorigin'
    return f'<link {kind} href="./assets/{escape(name)}" />'
