"""Which parts of a text are formulas: `$x$`, `$$x$$`, `\\(x\\)` and `\\[x\\]`, but no prices.

Gradio takes all text between two delimiters for a formula, in code as well. So the page is given
delimiters with a mark in them (`LATEX_DELIMITERS`), which only `marked` puts into a text: this
module alone decides which texts are formulas.
"""

import re
from itertools import accumulate

# Unicode's INVISIBLE SEPARATOR. What is copied from the page has none of them.
MARK = "\u2063"

# How the page's formulas begin and end, for `gr.Chatbot(latex_delimiters=…)`: the first that fits.
LATEX_DELIMITERS: list[dict[str, str | bool]] = [
    {"left": f"{left}{MARK}", "right": f"{MARK}{right}", "display": display}
    for left, right, display in [
        ("$$", "$$", True),
        (r"\[", r"\]", True),
        (r"\(", r"\)", False),
        ("$", "$", False),
    ]
]

# A text that may be a formula; `is_meant` decides. A single dollar begins one by pandoc's rules: no
# blank within either dollar, no digit after the second; it also ends on its line, and follows no
# letter or digit ("US$3"). In Chinese or Japanese, letters stand on both sides of a formula.
FORMULA = r"""(?x:
    (?<!\$)\$\$(?!\$)(?:\\.|[^\\])+?(?<!\$)\$\$(?!\$)
    |\\\[(?:\\[^\[\]]|[^\\\n]|\n(?![^\S\n]*\n))+?\\\]
    |\\\((?:\\[^()]|[^\\\n]|\n(?![^\S\n]*\n))+?\\\)
    |(?<![A-Za-z0-9$])\$(?![\s$"'”’),;:!?\]}])(?:\\[^\n]|[^\\$\n])+(?<!\s)\$
        (?=(?:s|st|nd|rd|th)?(?![A-Za-z0-9$]))
)"""

# "$5, or 5$" and "$5 | 5$": a number, no TeX, and words, bold type or a border of cells.
PRICE = re.compile(
    r"\$[-+~]?\d(?![^$]*[\\^_{])"
    r"[^$]*?(?:\s[^\W\d_]{2}|[^\W\d_]{2}\s|\*\*|\s\||\|\s|[\u3040-\u9fff\uac00-\ud7af])"
)
# Escaped brackets may be mere brackets: "\[sic\]".
BRACKETS = re.compile(r"\\\[(?:\s|.*[\\^{=+<>].*\\\])", re.DOTALL)

# Where a formula begins that has not ended, in a text that grows. A price is shown at once.
OPENING = r"(?P<open>\$\$|\\[(\[]|(?<![A-Za-z0-9$])\$(?=[^\s\d$]))"
# Characters within which it must end, or else it is text; a formula within a line must also end
# before plain words.
LONGEST_OPEN, LONGEST_OPEN_LINE = 400, 60
BLANK_LINE = re.compile(r"\n\s*\n")
WORDS_NOT_TEX = re.compile(r"\n|\$.*\$|(?<![\\a-z])[a-z]{2,} [a-z]{2,}", re.IGNORECASE)

MAX_FORMULA = 1_500
# How deep a formula's parts may be nested. KaTeX makes some eight elements for each level, and
# Chromium ends a page at 2,000.
MAX_DEPTH = 15
LEVEL = re.compile(
    r"(?P<down>\{|\\left\b|\\begin\b)|(?P<up>\}|\\right\b|\\end\b)|\\(?:[a-zA-Z]+|.)", re.DOTALL
)
# With these a short formula is drawn without bounds: macros, and lengths of thousands.
UNBOUNDED = re.compile(
    r"\\(?:[gex]?def|let|futurelet|global|long|\w*command)(?![a-z])"
    r"|\d{4,}(?:\.\d*)?\s*(?:em|ex|mu|pt|pc|bp|dd|cc|nd|nc|sp|px|in|cm|mm)(?![a-z])",
    re.IGNORECASE,
)

# Where the next line of a quotation begins.
QUOTED_LINE = re.compile(r"\n([ \t]*(?:>[ \t]?)+)")


def is_meant(source: str) -> bool:
    """Whether a text that matches `FORMULA` is a formula, not a price or mere brackets."""
    if not source.strip("$\\[]() \t\n"):
        return False
    return bool(BRACKETS.match(source)) if source.startswith(r"\[") else not PRICE.match(source)


def is_drawable(source: str) -> bool:
    """Whether a browser can draw this formula in time, and KaTeX finds its end."""
    steps = (bool(level["down"]) - bool(level["up"]) for level in LEVEL.finditer(source))
    levels = [0, *accumulate(steps)]
    is_flat = min(levels) == levels[-1] == 0 and max(levels) <= MAX_DEPTH
    return is_flat and len(source) <= MAX_FORMULA + 4 and not UNBOUNDED.search(source)


def marked(source: str, is_quoted: bool = False) -> str:
    """A formula as the page draws it. In a quotation, the beginning of each line becomes a comment
    of TeX's at the end of the line before."""
    width = 1 if re.match(r"\$(?!\$)", source) else 2
    tex = source[width:-width]
    if is_quoted:
        tex = QUOTED_LINE.sub(rf"%{MARK}\1\n", tex)
    return f"{source[:width]}{MARK}{tex}{MARK}{source[-width:]}"


def as_code(source: str) -> str:
    """A formula as code on one line, which static/copying.js undoes where it is copied."""
    ticks = "`" * max(5, 1 + max(map(len, re.findall("`+", source)), default=0))
    line = source.replace("\n", f"{MARK}{MARK} ")
    return f"{MARK}{ticks}{line}{ticks}{MARK}"


def may_close(rest: str) -> bool:
    """Whether a formula that begins so may end soon."""
    if rest.startswith(("$$", r"\[")):
        return len(rest) <= LONGEST_OPEN and not BLANK_LINE.search(rest)
    return len(rest) <= LONGEST_OPEN_LINE and not WORDS_NOT_TEX.search(rest)
