"""Where a visitor chooses the page's language; static/words.js takes the choice."""

from collections.abc import Sequence
from html import escape

from agent.core.language import LANGUAGES, _, language

# A globe, which needs no letters.
GLOBE = (
    '<svg viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor" '
    'stroke-width="2" aria-hidden="true"><circle cx="12" cy="12" r="9"/>'
    '<path d="M3 12h18M12 3c6 6 6 12 0 18M12 3c-6 6-6 12 0 18"/></svg>'
)


def to_choice(offered: Sequence[str]) -> str:
    """The choice among these languages as HTML; "" where there is only one."""
    if len(offered) < 2:
        return ""
    options = "".join(
        f'<option value="{tag}" lang="{tag}"{" selected" if tag == language() else ""}>'
        f"{escape(LANGUAGES.get(tag, tag))}</option>"
        for tag in offered
    )
    label = escape(_("Language"))
    return f'{GLOBE}<select aria-label="{label}" title="{label}">{options}</select>'
