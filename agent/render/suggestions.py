"""Google's search suggestions, which it asks to have shown as they are: in a frame of their own, in
which nothing runs, nothing is fetched, and no form is sent.

Gemini gives them as HTML and CSS with an answer that rests on a search (`searchEntryPoint`,
https://ai.google.dev/gemini-api/docs/google-search). Who speaks for a model may give anything else:
what is more than Google's chips is not shown at all, and there are plain links in its place.
"""

import html
from html.parser import HTMLParser
from urllib.parse import urlsplit

from agent.core.language import _

# What Google's suggestions are made of.
TAGS = {"style", "div", "span", "a"} | {"svg", "g", "path", "circle", "rect"}

# Attributes that fetch something, lead elsewhere or are for scripts have other names; what a style
# may fetch, the policy of the frame does not let it.
ATTRIBUTES = {"class", "id", "href", "target", "rel", "title", "width", "height", "viewbox"} | {
    *("fill", "xmlns", "d", "cx", "cy", "r", "x", "y", "rx", "ry", "fill-rule", "clip-rule"),
    *("stroke", "stroke-width", "opacity", "fill-opacity"),
}

# Where they lead.
HOSTS = "www.google.com", "vertexaisearch.cloud.google.com"

# Links open a tab of their own. A base without an address is allowed; another one is no tag here.
DOCUMENT = """<!doctype html><html><head><meta charset="utf-8"><meta \
http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">\
<meta name="color-scheme" content="light dark"><base target="_blank">\
<style>html {{ background: transparent; }} body {{ margin: 1px; }}</style>\
</head><body>{body}</body></html>"""

SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


class _Check(HTMLParser):
    """Looks whether there is more in an HTML text than in Google's suggestions."""

    def __init__(self) -> None:
        super().__init__()
        self.is_plain, self.links = True, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        link = urlsplit(given.get("href") or "")
        is_known = tag in TAGS and given.keys() <= ATTRIBUTES
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
    """Google's suggestions as a document for a frame; "" of anything else."""
    check = _Check()
    try:
        check.feed(suggestions)
        check.close()
    except (ValueError, AssertionError):  # An address, or a declaration, that cannot be one.
        return ""
    return DOCUMENT.format(body=suggestions) if check.is_plain and check.links else ""


def to_element(document: str) -> str:
    """Such a document as a frame in a page of HTML."""
    if not document:
        return ""
    label = html.escape(_("Search suggestions by Google"))
    shown = html.escape(document)
    about = f'class="suggestions" title="{label}" sandbox="{SANDBOX}"'
    return f'<iframe {about} srcdoc="{shown}"></iframe>\n'
