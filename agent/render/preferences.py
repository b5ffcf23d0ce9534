"""Which of two settings visitors prefer: in words for the visitor and the host, and as files.

How sure it is stands beside each result: an exact sign test, in words.
"""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from agent.core.language import ENGLISH, N_, _, in_digits, ngettext, speaking
from agent.core.sides import UNLIKELY, Preference, Side, Sides, Tally, chance, tallies
from agent.render.foot import in_words

AS_IT_IS = N_("as the agent has it")

STREAMED = {
    True: N_("shown as it is written"),
    False: N_("shown when it is whole"),
}

# The fields of an export, in the order of the table's columns.
FIELDS = (
    *("id", "time", "question", "better", "is_blind", "reason"),
    *(
        f"{place}_{name}"
        for place in ("first", "second")
        for name in (
            *("setting", "agent", "variant", "chosen", "answer", "tools", "models"),
            *("first_words", "seconds", "tokens_read", "tokens_written", "agent_version"),
        )
    ),
    "app_version",
)

# How many preferences the host's page lists, and characters of each text there.
MAX_SHOWN, MAX_LISTED = 200, 300


def labels(sides: Sides) -> tuple[str, str]:
    """The names of two settings: the differences between them, in words."""
    several = sides[0].agent != sides[1].agent
    return _label(sides[0], several), _label(sides[1], several)


def _label(side: Side, with_agent: bool) -> str:
    agent = [side.agent.replace("_", " ").strip().capitalize()] if with_agent else []
    parts = [*agent, side.variant, *_chosen(side.chosen)]
    return " · ".join(filter(None, parts)) or _(AS_IT_IS)


def _chosen(chosen: Mapping[str, Any]) -> Iterator[str]:
    yield str(chosen.get("model") or "")
    yield from in_words(chosen)
    if "streaming" in chosen:
        yield _(STREAMED[bool(chosen["streaming"])])


def result(tally: Tally) -> str:
    """The result for a pair of settings in sentences, and how sure it is."""
    return " ".join(_sentences(tally))


def _sentences(tally: Tally) -> Iterator[str]:
    most, least = max(tally.first, tally.second), min(tally.first, tally.second)
    name = labels(tally.sides)[tally.second > tally.first]
    if most == least:
        if most:
            yield _("Neither is ahead: {most} to {least}.").format(
                most=in_digits(most), least=in_digits(least)
            )
    else:
        yield _("“{name}” was found better {most} of {all} times.").format(
            name=name, most=in_digits(most), all=in_digits(most + least)
        )
        yield _how_sure(chance(most, least))
    if tally.both:
        yield _("Both good: {number}.").format(number=in_digits(tally.both))
    if tally.neither:
        yield _("Both bad: {number}.").format(number=in_digits(tally.neither))
    if tally.blind < tally.total:
        yield _("Chosen without knowing which is which: {number} of {all}.").format(
            number=in_digits(tally.blind), all=in_digits(tally.total)
        )


def _how_sure(by_luck: float) -> str:
    """A sentence on how often luck alone has such a result; `by_luck` is the chance of that, 0 to
    1."""
    if by_luck > 0.5:
        return _("That says nothing yet: by luck alone it comes out like this more often than not.")
    form = (
        _(
            "That is hardly chance: of two that are equally good, one gets as far ahead by luck "
            "alone only about once in {number} times."
        )
        if by_luck < UNLIKELY
        else _(
            "That may still be chance: of two that are equally good, one gets as far ahead by luck "
            "alone about once in {number} times."
        )
    )
    return form.format(number=in_digits(round(1 / by_luck)))


def to_told(found: Iterable[Preference]) -> list[dict[str, Any]]:
    """A visitor's own results, as the page shows them."""
    return [
        {
            "names": labels(tally.sides),
            "count": ngettext("{number} choice", "{number} choices", tally.total),
            "result": result(tally),
        }
        for tally in tallies(found)
    ]


def to_record(preference: Preference) -> dict[str, Any]:
    """A preference by the names of `FIELDS`. It is without the visitor's id, which opens all that
    visitor's conversations."""
    with speaking(ENGLISH):
        names = labels(preference.sides)
    record: dict[str, Any] = {
        "id": preference.id,
        "time": datetime.fromtimestamp(preference.at, UTC).isoformat(timespec="seconds"),
        "question": preference.question,
        "better": preference.better,
        "is_blind": preference.is_blind,
        "reason": preference.reason,
        "app_version": preference.app_version,
    }
    sides = zip(("first", "second"), names, preference.sides, preference.answers, strict=True)
    for place, name, side, answered in sides:
        values = {
            "setting": name,
            "agent": side.agent,
            "variant": side.variant,
            "chosen": dict(side.chosen),
            "answer": answered.answer,
            "tools": list(answered.tools),
            "models": list(answered.models),
            "first_words": answered.first_words,
            "seconds": answered.seconds,
            "tokens_read": answered.tokens_read,
            "tokens_written": answered.tokens_written,
            "agent_version": answered.agent_version,
        }
        record |= {f"{place}_{field}": value for field, value in values.items()}
    return record


def to_totals(found: Iterable[Preference]) -> str:
    """The result for each pair of settings, as HTML for the host."""
    with speaking(ENGLISH):
        return "".join(map(_total, tallies(found)))


def _total(tally: Tally) -> str:
    rows = zip(labels(tally.sides), tally.versions, (tally.first, tally.second), strict=True)
    cells = "".join(
        f'<tr><td dir="auto">{_text(name)} <small>{_text(version)}</small></td>'
        f"<td>{number:,}</td></tr>\n"
        for name, version, number in rows
    )
    others = f"<tr><td>both good</td><td>{tally.both:,}</td></tr>\n"
    others += f"<tr><td>both bad</td><td>{tally.neither:,}</td></tr>\n"
    visitors = f"Visitors who have chosen: {len(tally.visitors):,}."
    head = "<tr><th>Setting</th><th>Better</th></tr>\n"
    sentences = f"<p>{_text(result(tally))} {visitors}</p>\n"
    return f"<table>\n{head}{cells}{others}</table>\n{sentences}"


def to_list(records: Sequence[Mapping[str, Any]]) -> str:
    """The preferences one by one, the newest first, for the host: as HTML."""
    if not records:
        return "<p>There is nothing here.</p>\n"
    return f'<ul class="findings">\n{"".join(map(_item, records[:MAX_SHOWN]))}</ul>\n'


def _item(record: Mapping[str, Any]) -> str:
    names = {place: record[f"{place}_setting"] for place in ("first", "second")}
    better = names.get(record["better"])
    found = (
        f"Better: {better}" if better else {"both": "Both good"}.get(record["better"], "Both bad")
    )
    how = "blind" if record["is_blind"] else "not blind"
    beside = f"{record['time'][:16].replace('T', ' ')} UTC · {how}"
    texts = [f"“{_short(record['question'])}”"]
    texts += [f"{name} → {_short(record[f'{place}_answer'])}" for place, name in names.items()]
    texts += [f"Why: {_short(record['reason'])}"] if record["reason"] else []
    paragraphs = "".join(f'<p dir="auto">{_text(text)}</p>\n' for text in texts)
    return f"<li>{_text(found)} <small>{beside}</small>\n{paragraphs}</li>\n"


def _short(text: str) -> str:
    line = " ".join(text[: 2 * MAX_LISTED].split())
    return line if len(line) <= MAX_LISTED else line[: MAX_LISTED - 1] + "…"


def _text(text: str) -> str:
    return html.escape(text)
