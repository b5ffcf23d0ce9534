"""Markdown as HTML that stands on its own: nothing in it is fetched, and links open a new tab."""

import html
import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from agent.render.formulas import MARK
from agent.render.markdown import replace_formulas
from agent.render.media import RASTER_TYPES

# The place of a formula, by its number, while the rest is rendered.
PLACE = rf"{MARK}\d+{MARK}"

OUT_OF_PAGE = {"target": "_blank", "rel": "noopener noreferrer nofollow"}


def _render_link(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    token = tokens[index]
    if re.match(r"(https?|mailto):", str(token.attrs.get("href")), re.IGNORECASE):
        token.attrs.update(OUT_OF_PAGE)
    else:
        token.attrs.pop("href", None)
    return str(self.renderToken(tokens, index, options, env))


def _render_image(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    """A picture whose data is in the text itself; for one from elsewhere, a link with its words."""
    token = tokens[index]
    source = str(token.attrs.get("src"))
    if source.startswith(tuple(f"data:{kind};base64," for kind in RASTER_TYPES)):
        return str(self.image(tokens, index, options, env))
    if not source.lower().startswith(("https://", "http://")):
        return html.escape(f"[{token.content}]({source})")
    words = html.escape(token.content or source)
    if [part.type for part in tokens[:index] if part.type.startswith("link_")][-1:] == [
        "link_open"
    ]:
        return words
    link = Token("link_open", "a", 1, {"href": source, **OUT_OF_PAGE})
    return f"{self.renderToken([link], 0, options, env)}{words}</a>"


def _render_code(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    """A block of code that can have the focus: so one that is wider than the page scrolls by
    keys."""
    render = self.fence if tokens[index].type == "fence" else self.code_block
    return str(render(tokens, index, options, env)).replace("<pre>", '<pre tabindex="0">', 1)


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("js-default")
    parser.add_render_rule("fence", _render_code)
    parser.add_render_rule("code_block", _render_code)
    parser.add_render_rule("link_open", _render_link)
    parser.add_render_rule("image", _render_image)
    return parser


# A parser of Markdown without HTML: tags are text.
MARKDOWN = _markdown()


def render(text: str) -> str:
    """Markdown as HTML. A formula is shown as it is written, as code: without a script only MathML
    would draw it, and no library makes MathML of all formulas that KaTeX draws on the page."""
    formulas: dict[str, str] = {}

    def put(source: str) -> str:
        place = f"{MARK}{len(formulas)}{MARK}"
        formulas[place] = html.escape(source)
        return place

    def replaced(part: re.Match[str]) -> str:
        # A place within a tag, as in a link's title: no element can stand there.
        if part[0].startswith("<"):
            return re.sub(PLACE, lambda place: formulas.pop(place[0], ""), part[0])
        # Each formula is put in once: a text may write the mark as `&ic;`, and so make a place.
        source = formulas.pop(part[0], "")
        return source and f'<code class="formula">{source}</code>'

    rendered = str(MARKDOWN.render(replace_formulas(text.replace(MARK, ""), put)))
    return re.sub(f"<[^>]*>|{PLACE}", replaced, rendered)
