"""The self-check's list as HTML: each line says its verdict in a word, not by a colour alone."""

import html
from collections.abc import Sequence

from agent.core.checks import Check

ASK = """<form method="post">
<button>Check the model, too</button>
<small>It is asked one short question, for which your key pays, and which counts for
DAILY_TURNS and DAILY_TOKENS.</small>
</form>
"""

# The order of the verdicts in the list.
ORDER = "wrong", "not checked", "ok"


def to_html(checks: Sequence[Check]) -> str:
    """The list, and a button by which the model is asked."""
    count = sum(check.verdict == "wrong" for check in checks)
    summary = f"{count} of these should be mended." if count else "Nothing is wrong."
    listed = sorted(checks, key=lambda check: ORDER.index(check.verdict))
    items = "".join(map(_item, listed))
    return f'<p role="status">{summary}</p>\n<ul class="checks">\n{items}</ul>\n{ASK}'


def _item(check: Check) -> str:
    name, text, cure = map(html.escape, (check.name, check.text, check.cure))
    css_class = check.verdict.partition(" ")[0]
    mend = f"<p>→ {cure}</p>" if cure else ""
    line = f"<b>{check.verdict}</b> <strong>{name}</strong><p>{text}</p>{mend}"
    return f'<li class="{css_class}">{line}</li>\n'
