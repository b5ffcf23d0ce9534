"""The use of the page, as HTML for the host: a table of figures, and bar charts by the hour."""

import html
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from agent.core.figures import Usage
from agent.core.settings import Settings
from agent.core.text import duration
from agent.core.usage_log import MAX_HOURS, MAX_VISITORS, OFFLINE, Tally, UsageLog
from agent.render.foot import cost_of

# The table's columns: spans of time, in hours.
TIME_SPANS = {"This hour": 1, "24 hours": 24, "7 days": MAX_HOURS}

# How many hours have a bar in a chart.
BARRED_HOURS = 48

# A chart's size in its own units: on the page it is as wide as the text.
CHART_WIDTH, CHART_HEIGHT = 480, 100


def to_html(log: UsageLog, settings: Settings) -> str:
    """The page's body."""
    hours = log.latest(BARRED_HOURS)
    since = datetime.fromtimestamp(log.since, UTC)
    parts = [
        f"<p><small>Of this process alone, since {since:%Y-%m-%d %H:%M} UTC: a restart begins "
        f"anew, and each replica counts for itself. At most {duration(MAX_HOURS * 3600)} are kept, "
        "and nothing of what was said. Times are in UTC.</small></p>\n",
        _table({name: log.together(hours) for name, hours in TIME_SPANS.items()}, settings),
        _bars("Questions in an hour", hours, lambda tally: tally.turns),
        _bars("Tokens in an hour", hours, lambda tally: tally.tokens_in + tally.tokens_out),
        _bars("Failures in an hour", hours, lambda tally: sum(tally.failures.values())),
        _bars("Seconds within which half of the answers began", hours, _typical),
        _failures(log.together(MAX_HOURS)),
    ]
    return "".join(parts)


def _table(columns: dict[str, Tally], settings: Settings) -> str:
    rows: dict[str, Callable[[Tally], str]] = {
        "Visitors": _visitors,
        "Questions": lambda tally: f"{tally.turns:,}",
        "of these offline": lambda tally: f"{tally.outcomes[OFFLINE]:,}",
        "of these failed": lambda tally: f"{sum(tally.failures.values()):,}",
        "Tokens read": lambda tally: f"{tally.tokens_in:,}",
        "Tokens written": lambda tally: f"{tally.tokens_out:,}",
        "Cost": lambda tally: cost_of(Usage(tally.tokens_in, tally.tokens_out), settings) or "–",
        "First word: half within": lambda tally: _within(tally.first_word.quantile(0.5)),
        "First word: 95 % within": lambda tally: _within(tally.first_word.quantile(0.95)),
        "Whole answer: half within": lambda tally: _within(tally.whole.quantile(0.5)),
        "Whole answer: 95 % within": lambda tally: _within(tally.whole.quantile(0.95)),
    }
    head = "".join(f'<th scope="col" class="number">{name}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{_cells(map(value, columns.values()))}</tr>\n'
        for name, value in rows.items()
    )
    return f'<table class="figures">\n<tr><td></td>{head}</tr>\n{body}</table>\n'


def _cells(values: Iterable[str]) -> str:
    return "".join(f'<td class="number">{html.escape(value)}</td>' for value in values)


def _visitors(tally: Tally) -> str:
    many = len(tally.visitors)
    return f"{many:,}" if many < MAX_VISITORS else f"{many:,} or more"


def _within(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:g} s"


def _typical(tally: Tally) -> float:
    return tally.first_word.quantile(0.5) or 0.0


def _bars(title: str, hours: Sequence[Tally], value: Callable[[Tally], float]) -> str:
    """A chart with a bar for each hour. Its label and the bars' titles tell the figures, for screen
    readers and for readers who point at a bar."""
    values = [value(tally) for tally in hours]
    most, step = max(values), CHART_WIDTH / len(values)
    now = datetime.now(UTC)
    times = [f"{now - timedelta(hours=ago):%d %b, %H:00}" for ago in range(len(values))][::-1]
    drawn = "".join(
        f'<rect x="{number * step:g}" y="{CHART_HEIGHT - high:.2f}" width="{step - 2:g}" '
        f'height="{high:.2f}"><title>{times[number]}: {amount:,.6g}</title></rect>'
        for number, amount in enumerate(values)
        if (high := CHART_HEIGHT * min(1.0, amount / (most or 1)))
    )
    about = f"{title}, for {len(values)} hours: {most:,.6g} at most"
    axis_labels = times[0], times[len(times) // 2], "now"
    return (
        f"<figure><figcaption>{title} (the highest is {most:,.6g})</figcaption>\n"
        f'<svg viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{about}">{drawn}</svg>\n'
        f"<div>{''.join(f'<span>{label}</span>' for label in axis_labels)}</div></figure>\n"
    )


def _failures(tally: Tally) -> str:
    if not tally.failures:
        return "<h2>What failed in these 7 days</h2>\n<p>Nothing.</p>\n"
    rows = "".join(
        f"<tr><td>{html.escape(code.replace('_', ' '))}</td>{_cells([f'{times:,}'])}</tr>\n"
        for code, times in tally.failures.items()
    )
    return f"<h2>What failed in these 7 days</h2>\n<table>\n{rows}</table>\n"
