"""A model's Markdown as the page is given it: few tags, and no more drawings than a browser can do.

In the browser Gradio renders it by marked, which lets HTML through, and by KaTeX and mermaid, which
draw whatever they are asked to. So HTML outside code becomes text here, but for a short list of
plain tags; and what is more than `Room` of formulas and diagrams becomes code.

What is code is decided by markdown-it, which reads Markdown almost as marked does. Where the two
differ, a tag may get through: `keepPlain` of text.js then takes its attributes away.
"""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TypeAlias

from markdown_it import MarkdownIt

# Unicode's INVISIBLE SEPARATOR. A formula is drawn between two of them alone (`FORMULA`), so that
# the page draws nothing that was not counted here; what is copied from the page has none of them.
MARK = "\u2063"

# For a `<` that begins no tag. Models write `&lt;` themselves, and this never, so that what is
# copied from the page can be what the model wrote.
LESS_THAN = "&#0060;"
ESCAPED_LESS_THAN = "&#00060;"  # It was `\<`.

# How the page's formulas begin and end, for `gr.Chatbot(latex_delimiters=…)`.
FORMULA: dict[str, str | bool] = {"left": f"$${MARK}", "right": f"{MARK}$$", "display": True}

INLINE_TAGS = "b|strong|i|em|u|s|del|ins|mark|small|sub|sup|kbd|br"
BLOCK_TAGS = "details|summary|p|ul|ol|li|table|thead|tbody|tr|th|td|hr"

TAG = rf"</?(?:{INLINE_TAGS}|{BLOCK_TAGS})[ ]?/?>"
LINK = r"<(?:https?://|mailto:)[^\s<>`]+>"

# What is looked at outside code.
PROSE = re.compile(
    rf"\\[\\$]|\$\$(?!\$)(?P<formula>.+?)\$\$|{TAG}|{LINK}|(?P<html>\\?<(?=[a-z/!?]))",
    re.DOTALL | re.IGNORECASE,
)

# Text without any of these is given to the page as it is.
SPECIAL = re.compile(r"<(?=[a-zA-Z/!?]|\Z)|\$(?=\$|\Z)|```mermaid")

# An escaped character, or a run of backticks, perhaps with the code and the run that closes it.
CODE_SPAN = re.compile(r"\\[\\`]|(`+)(?:(?!`)(?P<code>.+?)(?<!`)\1(?!`))?", re.DOTALL)

# A paragraph in which marked takes backticks for text, because it is HTML as a whole.
HTML_PARAGRAPH = re.compile(
    rf"^ {{0,3}}</?(?:{BLOCK_TAGS}) ?/?>|\A{TAG}[ \t]*(?:\n|\Z)", re.MULTILINE | re.IGNORECASE
)

# What the next characters decide about, at the end of a text that grows: a tag, or a formula; and
# in its last words the rest of a formula, or a tag in code.
HALF = re.compile(
    r"(?:\\?<(?:/?[a-z]{0,8} ?/?|(?:https?|mailto):[^\s<>`]{0,300})|(?<!\$)\$+|\\)\Z",
    re.IGNORECASE,
)
OPEN = re.compile(r"\\.|\$\$.+?\$\$|(?P<formula>\$\$)|`[^<]*(?:(?P<tag><)|\Z)", re.DOTALL)
LONGEST_OPEN = 400

MAX_FORMULA = 1_500
# What a formula, and each cell of a matrix, costs beside its characters.
FORMULA_COST, CELL_COST = 50, 10
# How deep its parts may lie in each other. KaTeX makes some eight elements for each level, and
# Chromium ends a page at 2,000.
MAX_DEPTH = 15
LEVEL = re.compile(r"\\[{}]|(?P<down>\{|\\left\b|\\begin\b)|(?P<up>\}|\\right\b|\\end\b)")
# By these a formula of some lines grows without a bound.
MACROS = re.compile(r"\\(?:[gex]?def|let|futurelet|global|long|\w*command)(?![a-z])", re.IGNORECASE)

# As Gradio finds a diagram.
DIAGRAM_FENCE = re.compile(r"(?<!`)```mermaid\s*\Z")
MAX_DIAGRAM = 5_000
# Between what a diagram connects, in every notation of mermaid's.
ARROW = re.compile(r"[-=.~]{2,}|->")
IN_DIAGRAM = re.compile(r"<<[\w ]+>>|<br ?/?>|(?P<html><(?=[a-z/!?]))|(?P<formula>\$\$)", re.I)

# A part of a text: its first and last offset, and what it is: "code", a "diagram", the "opening"
# line of a fence, the "end" of a paragraph that is HTML, or where a "block" begins.
Region: TypeAlias = tuple[int, int, str]


@dataclass(frozen=True)
class Room:
    """How much may still be drawn in an answer."""

    # Characters of formulas, and what these cost beside them.
    formulas: int = 12_000
    # Lines of diagrams, and what these connect.
    edges: int = 200


@dataclass(frozen=True)
class _Begun:
    """The beginning of a text that grows, with what the page is given for it."""

    had: Room
    source: str
    given: str
    room: Room


# Parsed once and not at each update, of which a long answer has a thousand.
_begun: deque[_Begun] = deque(maxlen=64)

# Characters that are worth to be remembered.
LEAST_BEGUN = 1_000


@lru_cache(maxsize=64)
def to_page_markdown(text: str, room: Room, grows: bool = False) -> tuple[str, Room]:
    """The Markdown for the page, and the room that is left.

    Args:
        text: What a model has said.
        room: How much may be drawn.
        grows: Whether more will follow. Then what that decides is held back, for some words at
            most, so that the result grows at its end too.
    """
    text = text.replace(MARK, "")
    if not SPECIAL.search(text):
        return text, room
    text = re.sub(r"\r\n?", "\n", text)  # As all three libraries do.
    if grows:
        text = HALF.sub("", text)
    known = [part for part in list(_begun) if part.had == room and text.startswith(part.source)]
    begun = max(known, key=lambda part: len(part.source), default=_Begun(room, "", "", room))
    rest, left = _render(text[len(begun.source) :], begun, grows)
    return begun.given + rest, left


def _render(text: str, begun: _Begun, grows: bool) -> tuple[str, Room]:
    """What follows that beginning of a text, which is remembered as far as nothing can change it
    any more."""
    parts: list[str] = []
    end, room = 0, begun.room
    whole: tuple[int, int, Room] | None = None
    for first, last, kind in _regions(text):
        if kind == "block" and not _is_whole(text, end, first):
            continue
        prose, room = _prose(text[end:first], room)
        source, end = text[first:last], last
        match kind:
            case "block":
                whole = first, len(parts) + 1, room
            case "diagram":
                source, room = _diagram(source, room)
            case "opening":  # Of code without a line, for marked it opens none.
                source = source.replace("<", LESS_THAN)
            case "end":
                source = "\n"
        parts += [prose, source]
    if whole:
        first, count, left = whole
        given = begun.given + "".join(parts[:count])
        _begun.append(_Begun(begun.had, begun.source + text[:first], given, left))
    rest = _without_open_end(text[end:]) if grows else text[end:]
    prose, room = _prose(rest, room)
    return "".join([*parts, prose]), room


def _is_whole(text: str, end: int, first: int) -> bool:
    """Whether a block begins there for good, and no formula goes on in it."""
    return "\n" in text[first:] and text.count("$$", end, first) % 2 == 0


def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default").disable("reference")
    parser.core.ruler.enableOnly(["normalize", "block"])  # A fifth of the time.
    return parser


BLOCKS = _parser()


def _regions(text: str) -> Iterator[Region]:
    """What is not prose, in order; and where what follows depends on nothing before."""
    lines = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    cell = 0  # Where the next cell of a table's row is looked for.
    before = None
    for token in BLOCKS.parse(text):
        first, last = (lines[min(line, len(lines) - 1)] for line in token.map or (0, 0))
        is_item = token.type == "list_item_open" and token.level == 1
        if first >= LEAST_BEGUN and token.map and (token.level == 0 or is_item):
            yield first, first, "block"
        if token.type == "code_block":
            yield first, last, "code"
        elif token.type == "fence":
            yield from _fence(text, first, last, token.markup)
        elif token.type == "inline" and before in ("th_open", "td_open"):
            content = token.content.replace("|", r"\|")
            found = text.find(content, max(first, cell), last)
            if found >= 0:
                cell = found + len(content)
                yield from _code_spans(content, [0], [found])
        elif token.type == "inline":
            yield from _paragraph(text, first, last, token.content)
        before = token.type


def _fence(text: str, first: int, last: int, markup: str) -> Iterator[Region]:
    """A block of code. For marked it may end earlier: at a fence of both characters."""
    opening = text[first:last].partition("\n")[0]
    start = min(last, first + len(opening) + 1)
    closing = re.compile(rf"^[ >\t]*{markup}[`~]*[ \t]*(?:\n|\Z)", re.MULTILINE)
    if closed := closing.search(text, start, last):
        last = closed.end()
    if DIAGRAM_FENCE.search(opening):
        yield first, last, "diagram"
    else:
        yield first, start, "opening"
        yield start, last, "code"


def _paragraph(text: str, first: int, last: int, content: str) -> Iterator[Region]:
    """The code within a paragraph. Where that is HTML there is none, and a blank line ends it, as
    it would else go on in what follows."""
    if HTML_PARAGRAPH.search(content):
        if re.compile(r"[^\S\n]*\S").match(text, last):
            yield last, last, "end"
        return
    # A line of the content is the end of a line of the text, after what is around the paragraph.
    in_content, in_text, offset = [], [], 0
    for line, source in zip(content.split("\n"), text[first:last].split("\n"), strict=False):
        in_content.append(offset + len(line) - len(line.lstrip()))
        in_text.append(first + max(0, source.find(line.strip())))
        offset += len(line) + 1
        first += len(source) + 1
    yield from _code_spans(content, in_content, in_text)


def _code_spans(content: str, in_content: list[int], in_text: list[int]) -> Iterator[Region]:
    """The code in this content, of which some offsets are given with those in the whole text."""

    def place(offset: int) -> int:
        known = max(0, bisect_right(in_content, offset) - 1)
        return in_text[known] + offset - in_content[known]

    for match in CODE_SPAN.finditer(content):
        if match["code"]:
            yield place(match.start()), place(match.end() - 1) + 1, "code"


def _prose(text: str, room: Room) -> tuple[str, Room]:
    """Text that is not code."""

    def shown(match: re.Match[str]) -> str:
        nonlocal room
        if html := match["html"]:
            # For marked a backslash may belong to an address, and escape nothing.
            return LESS_THAN if html == "<" else ESCAPED_LESS_THAN
        if (formula := match["formula"]) is None:
            return match[0]
        cost = len(formula) + FORMULA_COST + CELL_COST * formula.count("&")
        if cost > room.formulas or not _is_drawable(formula):
            ticks = "`" * max(5, 1 + max(map(len, re.findall("`+", formula)), default=0))
            return f"{MARK}{ticks}{' '.join(match[0].split())}{ticks}{MARK}"
        room = replace(room, formulas=room.formulas - cost)
        return f"$${MARK}{formula}{MARK}$$"

    return PROSE.sub(shown, text), room


def _is_drawable(formula: str) -> bool:
    levels = (bool(level["down"]) - bool(level["up"]) for level in LEVEL.finditer(formula))
    is_flat = max(accumulate(levels), default=0) <= MAX_DEPTH
    return is_flat and len(formula) <= MAX_FORMULA and not MACROS.search(formula)


def _without_open_end(text: str) -> str:
    """The end of a growing text, without what the next words decide about."""
    for match in OPEN.finditer(text):
        for kind in ("formula", "tag"):
            if match[kind] and _may_close(text[match.start() :]):
                return text[: match.start(kind)]
    return text


def _may_close(rest: str) -> bool:
    return len(rest) <= LONGEST_OPEN and not re.search(r"\n\s*\n", rest)


def _diagram(source: str, room: Room) -> tuple[str, Room]:
    """A fence of mermaid's with its HTML as text; as mere code if there is too much of it, or a
    fence in it at which Gradio would end it."""
    opening, _, rest = source.partition("\n")
    body, fence, end = rest.rpartition("```") if "```" in rest else (rest, "", "")
    left = room.edges - _edges(body)
    if left < 0 or len(body) > MAX_DIAGRAM or "```" in body or end.strip():
        return source.replace("mermaid", f"mermaid{MARK}", 1), room
    if not fence:
        return source, room  # It is code until it ends.

    def shown(match: re.Match[str]) -> str:
        # As mermaid writes them. The browser undoes the others below.
        return "#0060;" if match["html"] else "#0036;#0036;" if match["formula"] else match[0]

    body = IN_DIAGRAM.sub(shown, body).replace("&", "&#0038;").replace("<", LESS_THAN)
    return f"{opening}\n{body}{fence}{end}", replace(room, edges=left)


def _edges(diagram: str) -> int:
    """How many lines it has, and at most how many connections: `a & b --> c & d` has four."""
    statements = re.split(r"[\n;]", diagram)
    ends = ([1 + end.count("&") for end in ARROW.split(statement)] for statement in statements)
    return len(statements) + sum(a * b for counts in ends for a, b in pairwise(counts))
