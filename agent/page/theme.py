"""The page's colours and type, as a theme of Gradio's; static/looks.css lays the page out."""

import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from agent.core.colours import ON_ACCENT, PAGE, RAISED, SIDE, Pair

log = logging.getLogger(__name__)

# The visitor's own: what Gradio 6.31 serves for bold text lacks most letters.
FONT, FONT_MONO = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]

# By part of the page, in light and in dark. Text and what has to be seen has a contrast of 4.5 at
# least to each of the three surfaces on which it stands: page, side bar, raised.
LINE = "#e4e4e7", "#3f3f46"
TEXT = "#27272a", "#f4f4f5"
MUTED = "#52525b", "#a1a1aa"
# Each agent may have its own (static/looks.css, agent/api/look.css).
ACCENT: Pair = "var(--accent)", "var(--accent)"
DANGER = "#b91c1c", "#fca5a5"

COLOURS = {
    "body_background_fill": PAGE,
    "background_fill_primary": PAGE,
    "background_fill_secondary": SIDE,
    "block_background_fill": PAGE,
    "block_border_color": LINE,
    "border_color_primary": LINE,
    "border_color_accent": ACCENT,
    "border_color_accent_subdued": LINE,
    "color_accent_soft": RAISED,
    "body_text_color": TEXT,
    "body_text_color_subdued": MUTED,
    "block_info_text_color": MUTED,
    "input_placeholder_color": MUTED,
    "input_background_fill": PAGE,
    "input_border_color": LINE,
    "code_background_fill": RAISED,
    "link_text_color": ACCENT,
    "link_text_color_hover": ACCENT,
    "link_text_color_active": ACCENT,
    "link_text_color_visited": ACCENT,
    "button_primary_background_fill": ACCENT,
    "button_primary_background_fill_hover": ACCENT,
    "button_primary_text_color": ON_ACCENT,
    "button_cancel_background_fill": DANGER,
    "button_cancel_background_fill_hover": DANGER,
    "button_cancel_text_color": ON_ACCENT,
    "button_secondary_background_fill": RAISED,
    "button_secondary_background_fill_hover": LINE,
    "button_secondary_text_color": TEXT,
    "checkbox_label_background_fill_selected": RAISED,
    "checkbox_label_text_color_selected": TEXT,
    "table_even_background_fill": PAGE,
    "table_odd_background_fill": SIDE,
}


def theme(chosen: object = None) -> gr.themes.Base:
    """What `Blocks.launch` takes as its theme.

    Args:
        chosen: The host's: an object, or the name of one of Gradio's own ("soft"), whose fonts are
            left out, as they come from elsewhere. It is the host's to see that it can be read, and
            an accent in `LOOK` does not change it.
    """
    if isinstance(chosen, gr.themes.Base):
        return chosen
    named: dict[str, Callable[..., gr.themes.Base]] = {
        name.lower(): kind
        for name, kind in vars(gr.themes).items()
        if isinstance(kind, type) and issubclass(kind, gr.themes.Base)
    }
    if kind := named.get(str(chosen).lower()):
        return kind(font=FONT, font_mono=FONT_MONO)
    if chosen is not None:
        log.warning(
            "Gradio has no theme %r, so the page has its own. There are: %s. Or hand in an object, "
            'such as gr.Theme.from_hub("…").',
            chosen,
            ", ".join(sorted(named)),
        )
    colours: dict[str, Any] = {}
    for name, (light, dark) in COLOURS.items():
        colours |= {name: light, f"{name}_dark": dark}
    base = gr.themes.Default(secondary_hue="zinc", font=FONT, font_mono=FONT_MONO)
    return base.set(color_accent=ACCENT[0], **colours)
