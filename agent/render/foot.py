"""The line below an answer: how long it took, how much was read and written, and by which model.

Each of its figures is left out where it is not known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent.core.figures import OFFLINE_VERSION, Figures, Usage
from agent.core.history import TurnRecord
from agent.core.language import N_, _, in_digits
from agent.core.settings import Settings
from agent.core.text import listed
from agent.core.waiting import is_waiting

OFFLINE_NAME = N_("offline model, not an AI")

# Words for how much a model was to think.
THINKING_NAMES = {
    "minimal": N_("as little as it can"),
    "low": N_("little"),
    "medium": N_("moderately"),
    "high": N_("much"),
}

# Characters that no model's name has, and that may be Markdown or HTML.
UNUSUAL = re.compile(r"[^\w .,:/@+-]")

# A smaller amount of money is told as less than this one.
LEAST_COST = 0.0001


def foot_of(record: TurnRecord, settings: Settings | None) -> str:
    """The line, as plain text; "" where the host's settings are not given or have none, and for an
    answer that is not over or of which nothing was measured."""
    figures, usage = record.figures, record.usage
    is_over = figures.total and not is_waiting(record.transcript)
    if not (settings and settings.show_figures and is_over):
        return ""
    is_offline = usage.models == (OFFLINE_VERSION,)
    tokens = "" if is_offline else _tokens(usage)
    cost = "" if is_offline else cost_of(usage, settings)
    chosen = [] if is_offline else in_words(usage.chosen)
    parts = _times(figures), tokens, _models(usage), *chosen, cost
    return " · ".join(filter(None, parts))


def in_words(chosen: Mapping[str, Any]) -> Iterator[str]:
    """A visitor's choices for an answer, in words; without the model, which the line names
    anyhow."""
    if (temperature := chosen.get("temperature")) is not None:
        yield _("temperature {number}").format(number=in_digits(temperature, "g"))
    if most := chosen.get("max_output_tokens"):
        yield _("at most {number} tokens").format(number=in_digits(most))
    if how_much := THINKING_NAMES.get(str(chosen.get("thinking"))):
        yield _("thinking: {how_much}").format(how_much=_(how_much))
    if chosen.get("own_key"):
        yield _("on the visitor's own key")


def _times(figures: Figures) -> str:
    total = _seconds(figures.total) or _("less than {least}").format(least=_with_unit("0.1"))
    first = "" if figures.first_token is None else _seconds(figures.first_token)
    if figures.first_token is None or first == _seconds(figures.total):
        return _("Took {total}").format(total=total)
    if not first:
        return _("Took {total}, first words at once").format(total=total)
    return _("Took {total}, first words after {first}").format(total=total, first=first)


def _seconds(seconds: float) -> str:
    """A time in words: with tenths of a second where it was quick; "" for less than one tenth."""
    is_quick = seconds < 9.95
    text = in_digits(seconds, ".1f" if is_quick else ".0f")
    return "" if is_quick and round(seconds, 1) == 0 else _with_unit(text)


def _with_unit(number: str) -> str:
    # Between number and unit no line breaks.
    return _("{number} s").format(number=number).replace(" ", "\u00a0")


def _tokens(usage: Usage) -> str:
    if not (usage.prompt or usage.answer):
        return ""
    form = _("{prompt} tokens read, {answer} written")
    return form.format(prompt=in_digits(usage.prompt), answer=in_digits(usage.answer))


def _models(usage: Usage) -> str:
    return listed(
        [
            _(OFFLINE_NAME) if name == OFFLINE_VERSION else UNUSUAL.sub("", name)
            for name in usage.models
        ]
    )


def cost_of(usage: Usage, settings: Settings) -> str:
    """The cost of an answer in words, by the host's prices; "" where it is not known, or nothing.

    The prices are one model's. For an answer of several it is not known how much each of them took.
    A recording costs nothing.
    """
    cost = usage.prompt * settings.input_price + usage.answer * settings.output_price
    cost, currency = cost / 1_000_000, settings.currency or "$"
    # The prices are of the agent's own model.
    if not cost or len(usage.models) > 1 or usage.chosen.get("model") or settings.replay:
        return ""
    if cost < LEAST_COST:
        return _("less than {least}").format(least=f"{currency}{in_digits(LEAST_COST, '.4f')}")
    amount = in_digits(cost, ",.2f" if cost >= 1 else ",.4f")
    return _("about {amount}").format(amount=f"{currency}{amount}")
