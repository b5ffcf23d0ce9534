"""Google's search suggestions, which Google asks to show as they are: in a frame of their own, in
which nothing runs, nothing is fetched, and no form is sent.

Gemini gives them as HTML and CSS with an answer that rests on a search (`searchEntryPoint`,
https://ai.google.dev/gemini-api/docs/google-search). Another model, or its proxy, may give anything
else: HTML that has more in it than Google's chips is not shown, and plain links take its place.
"""

import html
from html.parser import HTMLParser
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from agent.core.language import _

# The tags of Google's suggestions, and others that do no harm.
TAGS = {
    *("style", "div", "span", "a", "p", "b", "br", "ul", "li"),
    *("svg", "g", "path", "circle", "ellipse", "rect", "polygon", "line", "title", "defs"),
    *("lineargradient", "stop", "clippath", "mask"),
}

# Attributes that fetch something, lead elsewhere or are for scripts are not among them. A style
# could fetch something, but the frame's policy forbids it.
ATTRIBUTES = {
    *("class", "id", "href", "target", "rel", "title", "role", "tabindex", "lang", "dir", "style"),
    *("width", "height", "viewbox", "xmlns", "fill", "d", "cx", "cy", "r", "x", "y", "rx", "ry"),
    *("x1", "x2", "y1", "y2", "points", "transform", "opacity", "offset", "stop-color"),
    *("stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "fill-rule", "clip-rule"),
    *("fill-opacity", "clip-path", "mask", "gradientunits"),
}

# The hosts that their links lead to.
HOSTS = "www.google.com", "vertexaisearch.cloud.google.com"

# Links open a tab of their own. `base` is not among the tags above: so this stays the only one.
DOCUMENT = Template(Path(__file__).with_name("suggestions.html").read_text(encoding="utf-8"))

SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


class _Check(HTMLParser):
    """Finds out whether an HTML text has nothing but the tags, attributes and links above."""

    def __init__(self) -> None:
        super().__init__()
        self.is_plain, self.links = True, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        link = urlsplit(given.get("href") or "")
        others = given.keys() - ATTRIBUTES
        is_known = tag in TAGS and all(name.startswith(("aria-", "data-")) for name in others)
        leads = link.scheme == "https" and link.hostname in HOSTS and tag == "a"
        self.is_plain = self.is_plain and is_known and (leads or "href" not in given)
        self.links += tag == "a"

    def handle_comment(self, data: str) -> None:
        self.is_plain = False

    def handle_decl(self, decl: str) -> None:
        self.is_plain = False

    def handle_pi(self, data: str) -> None:
        self.is_plain = False

    def unknown_decl(self, data: str) -> None:
        self.is_plain = False


def document(suggestions: str) -> str:
    """Google's suggestions as a document for a frame; "" for any other HTML."""
    check = _Check()
    try:
        check.feed(suggestions)
        check.close()
    except (ValueError, AssertionError):  # An address, or a declaration, that cannot be one.
        return ""
    is_shown = check.is_plain and check.links
    return DOCUMENT.substitute(suggestions=suggestions) if is_shown else ""


def to_element(document: str) -> str:
    """A frame that shows this document, as an element of a page; "" for no document."""
    if not document:
        return ""
    label = html.escape(_("Search suggestions by Google"))
    shown = html.escape(document)
    about = f'class="suggestions" title="{label}" sandbox="{SANDBOX}"'
    return f'<iframe {about} srcdoc="{shown}"></iframe>\n'
