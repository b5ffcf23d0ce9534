"""What is told of a run, row by row, and how good the page should be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """The most that a figure of the page may be."""

    most: float


class AtMost(Goal):
    """The figure itself."""


class TimesAdk(Goal):
    """As many times raw ADK's."""


class TimesPlain(Goal):
    """As many times that of a plain ChatInterface."""


# Whose figure a goal is a multiple of.
BESIDE = {TimesAdk: "adk", TimesPlain: "plain"}


@dataclass(frozen=True)
class Row:
    """One figure of one case (plan.py)."""

    title: str
    case: str
    figure: str
    goal: Goal | None = None
    unit: str = "ms"


ROWS = (
    Row("CPU, burst of 2,000 chunks", "burst", "CPU", TimesAdk(0.6)),
    Row("last text after the model's last, burst", "burst", "end", TimesAdk(0.6)),
    Row("question to first text, burst", "burst", "first", AtMost(60)),
    Row("wire per 1,000 chunks, burst", "burst", "wire", AtMost(15), "KB"),
    Row("CPU, 200 chunks at 20 ms", "paced", "CPU", TimesAdk(1.5)),
    Row("question to first text, paced", "first", "first", AtMost(30)),
    Row("lag p95, paced", "paced", "p95"),
    Row("wire per 1,000 chunks, paced", "paced", "wire", AtMost(120), "KB"),
    Row("CPU per further chunk at 100/s", "further", "CPU", TimesAdk(1.0)),
    Row("CPU of a second in which nobody asks", "idle", "CPU"),
    Row("Chromium: Enter to first text", "Chromium", "first", AtMost(60)),
    Row("Chromium: the same for a page's first question", "Chromium", "first ever"),
    Row("Chromium: lag p95", "Chromium", "p95", AtMost(50)),
    Row("Chromium: complete after the model", "Chromium", "end", AtMost(60)),
    Row("Chromium: long tasks", "Chromium", "long tasks", unit=""),
    Row("busy machine: lag p95", "Chromium, busy", "p95", AtMost(120)),
    Row("busy machine: complete after the model", "Chromium, busy", "end", AtMost(60)),
    Row("busy machine: long tasks", "Chromium, busy", "long tasks", unit=""),
    Row("slow phone: first load, until one can type", "first load", "first typing", TimesPlain(1)),
    Row("slow phone: first load, until all is there", "first load", "first"),
    Row(
        "slow phone: second visit, until one can type", "first load", "second typing", TimesPlain(1)
    ),
    Row("slow phone: second visit, until all is there", "first load", "second"),
    Row("slow phone: second visit against the first", "first load", "share", AtMost(0.5), ""),
    Row("slow phone, turn 41: lag p95", "slow phone", "p95"),
    Row("slow phone, turn 41: complete after the model", "slow phone", "end"),
    Row("10 visitors, 50 chunks/s: lag p95", "10 visitors", "p95", AtMost(60)),
    Row("30 visitors, 50 chunks/s: lag p50", "30 visitors", "p50", AtMost(150)),
    Row("50 visitors, 10 chunks/s: lag p95", "50 visitors", "p95"),
    Row("100 visitors, 10 chunks/s: first text p95", "100 visitors", "first p95", TimesAdk(3)),
    Row("100 visitors, 10 chunks/s: lag p95", "100 visitors", "p95"),
    Row("100 visitors: answers that did not stream", "100 visitors", "held", AtMost(0), ""),
    Row("100 visitors: chunks missing", "100 visitors", "lost", AtMost(0), ""),
    *(
        Row(
            f"turn {turn:,} against turn 1: {figure}",
            "long chat",
            f"{figure} at {turn}",
            AtMost(10),
        )
        for turn in (50, 200, 1_000)
        for figure in ("CPU", "first text", "lag p95")
    ),
    Row("late turn, parts signed against unsigned: CPU", "signed chat", "CPU", AtMost(10)),
    Row("memory per finished visit", "memory", "visit", AtMost(15), "KB"),
    Row("memory per visit after the idle time", "memory", "again", AtMost(5), "KB"),
    Row("Stop to the model's connection closed", "stop", "left", AtMost(50)),
    Row("the same for a closed tab, beyond its grace", "closed tab", "left", AtMost(1_000)),
    Row("start to page", "start", "page"),
    Row("start to page, beyond `import gradio`", "start", "beyond Gradio", AtMost(600)),
    Row("first answer against the second", "start", "first / second", AtMost(1.3), ""),
)
