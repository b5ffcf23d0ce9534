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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from markdown_it import MarkdownIt

from agent.render import formulas
from agent.render.formulas import BLANK_LINE, FORMULA, LONGEST_OPEN, MARK, OPENING

# Stands for a `<` that begins no tag. Models write `&lt;` themselves, but never this: so copying
# from the page can give the characters that the model wrote.
LESS_THAN = "&#0060;"
# Stands for a `<` that was written as `\<`.
ESCAPED_LESS_THAN = "&#00060;"
# Stands for a `&`.
AMPERSAND = "&#0038;"

INLINE_TAGS = "b|strong|i|em|u|s|del|ins|mark|small|sub|sup|kbd|br"
BLOCK_TAGS = "details|summary|p|ul|ol|li|table|thead|tbody|tr|th|td|hr"

TAG = rf"</?(?:{INLINE_TAGS}|{BLOCK_TAGS})[ ]?/?>"
LINK = r"<(?:https?://|mailto:)[^\s<>`]+>"
ADDRESS = r"https?://[^\s<>\\`|)]+"

# The mark as an HTML entity: with it more formulas would be drawn than were counted.
MARK_NAME = r"(?P<mark>&)(?=#0*8291|#x0*2063|ic;|InvisibleComma;)"

# The parts of a text outside code that are looked at.
PROSE = re.compile(
    rf"\\[\\$]|{ADDRESS}|(?P<formula>{FORMULA})|{TAG}|{LINK}"
    rf"|(?P<html>\\?<(?=[a-z/!?]))|{MARK_NAME}",
    re.DOTALL | re.IGNORECASE,
)

# A text without any of these goes to the page as it is.
SPECIAL = re.compile(r"<(?=[a-zA-Z/!?]|\Z)|\$|\\(?=[(\[]|\Z)|```mermaid|&[#iI]")

# An escaped character, or a run of backticks, perhaps with the code and the run that closes it.
CODE_SPAN = re.compile(r"\\[\\`]|(`+)(?:(?!`)(?P<code>.+?)(?<!`)\1(?!`))?", re.DOTALL)

# A paragraph that marked takes for HTML as a whole: backticks in it are text.
HTML_PARAGRAPH = re.compile(
    rf"^ {{0,3}}</?(?:{BLOCK_TAGS}) ?/?>|\A{TAG}[ \t]*(?:\n|\Z)", re.MULTILINE | re.IGNORECASE
)

# The ends of a growing text that only the next characters explain: HALF, half a tag or delimiter;
# and OPEN, in its last words, a formula that has not ended, or a tag that may be in code.
HALF = re.compile(
    r"(?:\\?<(?:/?[a-z]{0,8} ?/?|(?:https?|mailto):[^\s<>`]{0,300})|(?<!\$)\$+|\\)\Z",
    re.IGNORECASE,
)
OPEN = re.compile(
    rf"{FORMULA}|{OPENING}|\\.|{ADDRESS}|`[^<]*(?:(?P<tag><)|\Z)", re.DOTALL | re.IGNORECASE
)

# The cost of a formula, and of each cell of a matrix, beside that of its characters.
FORMULA_COST, CELL_COST = 20, 10

# The opening line by which Gradio finds a diagram.
DIAGRAM_FENCE = re.compile(r"(?<!`)```mermaid\s*\Z")
MAX_DIAGRAM = 5_000
# The connections of a diagram, in every notation of mermaid's.
ARROW = re.compile(r"[-=.~]{2,}|->")
IN_DIAGRAM = re.compile(r"<<[\w ]+>>|<br ?/?>|(?P<html><(?=[a-z/!?]))|(?P<formula>\$\$)", re.I)

# A part of a text: its first and last offset, and its kind: "code", a "diagram", the "opening" line
# of a fence, the "end" of a paragraph that is HTML, or the place where a "block" begins.
Region: TypeAlias = tuple[int, int, str]


@dataclass(frozen=True)
class Room:
    """The formulas and diagrams that may still be drawn in an answer."""

    # The cost of formulas: their characters, and those of `FORMULA_COST` and `CELL_COST`.
    formulas: int = 12_000
    # Lines and connections of diagrams.
    edges: int = 200


@dataclass(frozen=True)
class _Begun:
    """The beginning of a growing text, with its Markdown for the page."""

    room_before: Room
    source: str
    rendered: str
    room_after: Room


# The beginnings rendered lately: they are not parsed again at each update, and a long answer has a
# thousand of these.
_begun: deque[_Begun] = deque(maxlen=64)

# Characters from which a beginning is worth keeping.
LEAST_BEGUN = 1_000


@lru_cache(maxsize=64)
def to_page_markdown(text: str, room: Room, grows: bool = False) -> tuple[str, Room]:
    """The Markdown for the page, and the room that is left.

    Args:
        text: A model's words.
        room: How much may be drawn.
        grows: Whether more will follow. Then an end that only the next words explain is held back,
            for some words at most, so that the result only ever grows, too.
    """
    text = text.replace(MARK, "")
    if not SPECIAL.search(text):
        return text, room
    text = re.sub(r"\r\n?", "\n", text)  # As all three libraries do.
    if grows:
        text = HALF.sub("", text)
    known = [
        part for part in list(_begun) if part.room_before == room and text.startswith(part.source)
    ]
    begun = max(known, key=lambda part: len(part.source), default=_Begun(room, "", "", room))
    rest, left = _render(text[len(begun.source) :], begun, grows)
    return begun.rendered + rest, left


def _render(text: str, begun: _Begun, grows: bool) -> tuple[str, Room]:
    """The Markdown for the text behind that beginning, and the room that is left.

    The longer beginning that nothing can change any more is kept in `_begun`.
    """
    parts: list[str] = []
    end, room = 0, begun.room_after
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
            case "opening":  # To marked, a fence without a line below it opens no code.
                source = source.replace("<", LESS_THAN)
            case "end":
                source = "\n"
        parts += [prose, source]
    if whole:
        first, count, left = whole
        rendered = begun.rendered + "".join(parts[:count])
        _begun.append(_Begun(begun.room_before, begun.source + text[:first], rendered, left))
    rest = _without_open_end(text[end:]) if grows else text[end:]
    prose, room = _prose(rest, room)
    return "".join([*parts, prose]), room


def _is_whole(text: str, end: int, first: int) -> bool:
    """Whether a block begins at `first` for good, and no formula from before goes on in it."""
    before = text[end:first]
    opened = [match for match in OPEN.finditer(before) if match["open"]]
    return "\n" in text[first:] and not any(
        match[0] == "$$" or (match[0] != "$" and not BLANK_LINE.search(before, match.end()))
        for match in opened
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default").disable("reference")
    # Without the parts of a line, which are not needed: it takes a fifth of the time.
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


BLOCKS = _parser()


def _regions(text: str) -> Iterator[Region]:
    """The parts of a text that are not prose, in order; and the places of blocks, which depend on
    nothing before them."""
    lines = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    # The offset from which the next cell of a table's row is looked for.
    cell = 0
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
    """A block of code. To marked it may end earlier: at a fence of mixed characters."""
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
    """The code within a paragraph. A paragraph of HTML has none; a blank line is put behind it, or
    it would go on in the text after it."""
    if HTML_PARAGRAPH.search(content):
        if re.compile(r"[^\S\n]*\S").match(text, last):
            yield last, last, "end"
        return
    # A line of the content is the end of a line of the text, behind the marks of lists and
    # quotations.
    in_content, in_text, offset = [], [], 0
    for line, source in zip(content.split("\n"), text[first:last].split("\n"), strict=False):
        in_content.append(offset + len(line) - len(line.lstrip()))
        in_text.append(first + max(0, source.find(line.strip())))
        offset += len(line) + 1
        first += len(source) + 1
    yield from _code_spans(content, in_content, in_text)


def _code_spans(content: str, in_content: list[int], in_text: list[int]) -> Iterator[Region]:
    """The code in this content. `in_content` are some offsets in it, and `in_text` the same places
    in the whole text."""

    def place(offset: int) -> int:
        known = max(0, bisect_right(in_content, offset) - 1)
        return in_text[known] + offset - in_content[known]

    for match in CODE_SPAN.finditer(content):
        if match["code"]:
            yield place(match.start()), place(match.end() - 1) + 1, "code"


def replace_formulas(text: str, by: Callable[[str], str]) -> str:
    """A text with its formulas replaced by `by`; for copies, which draw none."""
    if "$" not in text and "\\" not in text:
        return text
    text = re.sub(r"\r\n?", "\n", text)
    parts: list[str] = []
    end = 0
    codes = [(first, last) for first, last, _ in _regions(text) if first < last]
    for first, last in [*codes, (len(text), len(text))]:
        prose, after = text[end:first], 0
        for match in _found(prose):
            if match["formula"]:
                parts += [prose[after : match.start()], by(match[0])]
                after = match.end()
        parts += [prose[after:], text[first:last]]
        end = last
    return "".join(parts)


def _found(prose: str) -> Iterator[re.Match[str]]:
    """The parts of a text without code that are more than words."""
    end = 0
    while match := PROSE.search(prose, end):
        end = match.end()
        if match["formula"] and not formulas.is_meant(match[0]):
            end = match.start() + 1
        else:
            yield match


def _prose(text: str, room: Room) -> tuple[str, Room]:
    """Text that is not code, for the page."""
    parts: list[str] = []
    end = 0
    for match in _found(text):
        shown = match[0]
        if html := match["html"]:
            # To marked a backslash may belong to an address, and escape nothing.
            shown = LESS_THAN if html == "<" else ESCAPED_LESS_THAN
        elif match["formula"]:
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            shown, room = _formula(shown, line.lstrip().startswith(">"), room)
        elif match["mark"]:
            shown = AMPERSAND
        parts += [text[end : match.start()], shown]
        end = match.end()
    return "".join([*parts, text[end:]]), room


def _formula(source: str, is_quoted: bool, room: Room) -> tuple[str, Room]:
    cost = len(source) + FORMULA_COST + CELL_COST * source.count("&")
    if cost > room.formulas or not formulas.is_drawable(source):
        return formulas.as_code(source), room
    return formulas.marked(source, is_quoted), replace(room, formulas=room.formulas - cost)


def _without_open_end(text: str) -> str:
    """The end of a growing text, without a part that only the next words explain."""
    for match in OPEN.finditer(text):
        rest = text[match.start() :]
        if match["open"] and formulas.may_close(rest):
            return text[: match.start()]
        if match["tag"] and len(rest) <= LONGEST_OPEN and not BLANK_LINE.search(rest):
            return text[: match.start("tag")]
    return text


def _diagram(source: str, room: Room) -> tuple[str, Room]:
    """A diagram of mermaid's with its HTML as text; mere code if it is too large, or if Gradio
    would end it at a fence within."""
    opening, _, rest = source.partition("\n")
    body, fence, end = rest.rpartition("```") if "```" in rest else (rest, "", "")
    left = room.edges - _edges(body)
    if left < 0 or len(body) > MAX_DIAGRAM or "```" in body or end.strip():
        return source.replace("mermaid", f"mermaid{MARK}", 1), room
    if not fence:
        return source, room  # A diagram is code until it ends.

    def shown(match: re.Match[str]) -> str:
        # In mermaid's own notation. The browser undoes the replacements below.
        return "#0060;" if match["html"] else "#0036;#0036;" if match["formula"] else match[0]

    body = IN_DIAGRAM.sub(shown, body).replace("&", AMPERSAND).replace("<", LESS_THAN)
    return f"{opening}\n{body}{fence}{end}", replace(room, edges=left)


def _edges(diagram: str) -> int:
    """How many lines it has, and at most how many connections: `a & b --> c & d` has four."""
    statements = re.split(r"[\n;]", diagram)
    ends = ([1 + end.count("&") for end in ARROW.split(statement)] for statement in statements)
    return len(statements) + sum(a * b for counts in ends for a, b in pairwise(counts))
