"""The sources of an answer: a numbered list below it, and their numbers in its text."""

import base64
import re
from urllib.parse import quote_plus

from agent.core.language import _
from agent.core.plain_text import unread
from agent.core.sources import Page, Sources
from agent.render import suggestions
from agent.render.file_links import escaped, quoted
from agent.render.formulas import MARK

# The address of a search on Google, without its words.
SEARCH = "https://www.google.com/search?q="

# The code and the formulas of an answer: a number put there would become a part of them.
CODE = re.compile(
    rf"^(`{{3,}}|~{{3,}}).*?(?:^\1|\Z)|(`+)(?!`).*?(?<!`)\2(?!`)|[$(\[]{MARK}.*?{MARK}[\\$]",
    re.DOTALL | re.MULTILINE,
)


def to_markdown(sources: Sources, is_on_page: bool = False) -> str:
    """The numbered list as Markdown. On the page it holds Google's own suggestions, too, which are
    drawn in place of the searches (page/static/later/suggestions.js)."""
    blocks = []
    if sources.pages:
        lines = [f"{number}. {_link(page)}" for number, page in enumerate(sources.pages, 1)]
        blocks += [_("Sources:"), "\n".join(lines)]
    shown = suggestions.document(sources.suggestions) if is_on_page else ""
    if sources.searches or shown:
        links = [f"[{escaped(text)}]({SEARCH}{quote_plus(text)})" for text in sources.searches]
        searched = _("Searched on Google for: {words}")
        mark = f"[{MARK}](#{base64.b64encode(shown.encode()).decode()})" if shown else ""
        blocks.append(mark + searched.format(words=", ".join(links)))
    return "\n\n".join(blocks)


def with_numbers(text: str, sources: Sources, mark: str = MARK) -> str:
    """An answer with the numbers of its sources behind the passages that rest on them.

    A passage that the page shows in other characters is not found, and gets no number. Copying from
    a page leaves out all text between two marks (static/copying.js).
    """
    places: dict[int, list[int]] = {}
    after = 0
    for passage, numbers in sources.passages:
        start = text.find(passage.rstrip(), after)
        start = text.find(passage.rstrip()) if start < 0 else start
        if start >= 0:
            after = start + len(passage.rstrip())
            places.setdefault(after, []).extend(numbers)
    codes = [code.span() for code in CODE.finditer(text)]
    for place in sorted(places, reverse=True):
        if not any(start < place < end for start, end in codes):
            unique = dict.fromkeys(places[place])
            shown = (f"{mark}{_number(number, sources)}{mark}" for number in unique)
            text = f"{text[:place]}{''.join(shown)}{text[place:]}"
    return text


def _number(number: int, sources: Sources) -> str:
    address = sources.pages[number - 1].address
    return rf"[\[{number}\]]({quoted(address)})" if address else rf"\[{number}\]"


def _link(page: Page) -> str:
    title = escaped(page.title)
    link = f"[{title}]({quoted(page.address)})" if page.address else title
    return link + unread(page)
