"""What is measured, each by a function that does one thing to one target.

Figures are in milliseconds, and of the wire and of memory in KB, if their names do not say else.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from statistics import median, quantiles

from playwright.async_api import Browser

from tests.bench.gradio_page import GradioPage
from tests.bench.model import message
from tests.bench.stamps import Answer
from tests.bench.targets import ENVIRONMENT, Model, Target
from tests.bench.visitors import NewVisitor, Visitor, visitors_of
from tests.bench.window import load_on_phone, look, look_on_phone

Figures = dict[str, float]


@dataclass(frozen=True)
class Place:
    """A target that is open, and what else a measure needs."""

    target: Target
    new_visitor: NewVisitor
    model: Model
    browser: Browser


# Seconds that a target has to end what belongs to a turn, before its CPU is read.
SETTLE = 0.1


async def turn(at: Place, words: int, apart: int) -> Figures:
    """One visitor asks, and all is quiet otherwise."""
    async with visiting(at.new_visitor) as visitor:
        cpu, answer = await priced(at.target, visitor, message(words, apart))
    wire = {"wire": answer.wire / words} if answer.wire else {}
    return {"CPU": cpu, **wire, **seen([answer], words)}


async def first(at: Place, questions: int = 5) -> Figures:
    """How soon an answer begins, when all is quiet."""
    async with visiting(at.new_visitor) as visitor:
        return seen([await visitor.ask(message(5, 20)) for _ in range(questions)], 5)


async def idle(at: Place, seconds: float = 2) -> Figures:
    """What a second costs in which nobody asks."""
    before = at.target.cpu()
    await asyncio.sleep(seconds)
    return {"CPU": (at.target.cpu() - before) / seconds * 1000}


async def further(at: Place, words: int, apart: int) -> Figures:
    """What each chunk costs beyond the first."""
    async with visiting(at.new_visitor) as visitor:
        least, _ = await priced(at.target, visitor, message(1))
        whole, _ = await priced(at.target, visitor, message(words, apart))
    return {"CPU": (whole - least) / (words - 1)}


async def crowd(at: Place, visitors: int, words: int, apart: int) -> Figures:
    """Many visitors ask at the same time."""
    all_of_them = [at.new_visitor() for _ in range(visitors)]
    await asyncio.gather(*(visitor.open() for visitor in all_of_them))
    asked = message(words, apart)
    answers = await asyncio.gather(*(visitor.ask(asked) for visitor in all_of_them))
    await asyncio.gather(*(visitor.leave() for visitor in all_of_them))
    held = sum(answer.lags[0] > words * apart / 1000 for answer in answers if answer.lags)
    return {"held": held, **seen(answers, words)}


async def sight(at: Place, words: int, apart: int, busy: bool = False) -> Figures:
    """One visitor asks in Chromium."""
    new, answer = await look(at.browser, at.target.url, words, apart, busy)
    more = {"first ever": new.first * 1000, "long tasks": answer.long_tasks}
    return {**more, **seen([answer], words)}


async def phone(at: Place, turns: int, words: int, apart: int) -> Figures:
    """One visitor asks on a slow phone, in a long chat."""
    answer = await look_on_phone(at.browser, at.target.url, turns, words, apart)
    return seen([answer], words)


async def load(at: Place) -> Figures:
    """A page is opened on a slow phone."""
    first, second = await load_on_phone(at.browser, at.target.url)
    return {
        "first typing": first.typing * 1000,
        "first": first.whole * 1000,
        "second typing": second.typing * 1000,
        "second": second.whole * 1000,
        "share": second.whole / first.whole,
    }


SHORT_TURNS = 5


async def long_chat(at: Place, marks: tuple[int, ...], apart: int = 20) -> Figures:
    """How much more the turns from each of `marks` on take than the first ones of the same chat."""
    figures: Figures = {}
    async with visiting(at.new_visitor) as visitor:
        before = await _turns(at.target, visitor, apart)
        done = SHORT_TURNS + 1
        for mark in marks:
            for _ in range(mark - 1 - done):
                await visitor.ask(message(20))
            now = await _turns(at.target, visitor, apart)
            done = mark + SHORT_TURNS
            figures |= {f"{name} at {mark}": now[name] - before[name] for name in now}
    return figures


async def _turns(target: Target, visitor: Visitor, apart: int) -> Figures:
    short = [await priced(target, visitor, message(1)) for _ in range(SHORT_TURNS)]
    paced = await visitor.ask(message(50, apart))
    return {
        "CPU": median(cpu for cpu, _ in short),
        "first text": median(answer.first * 1000 for _, answer in short),
        "lag p95": seen([paced], 50)["p95"],
    }


async def signed_chat(at: Place, turns: int) -> Figures:
    """How much more a turn after so many costs where the answers are signed."""
    cpu = {"sign": 0.0, "": 0.0}
    for then in cpu:
        async with visiting(at.new_visitor) as visitor:
            for _ in range(turns):
                await visitor.ask(message(20, then=then))
            late = [
                await priced(at.target, visitor, message(1, then=then)) for _ in range(SHORT_TURNS)
            ]
        cpu[then] = median(milliseconds for milliseconds, _ in late)
    return {"CPU": cpu["sign"] - cpu[""]}


async def stop(at: Place) -> Figures:
    """From a press on Stop until the model's connection is closed."""
    async with _hanging(at) as page:
        pressed = time.monotonic()
        await page.stop()
        return {"left": (await at.model.left() - pressed) * 1000}


async def closed_tab(at: Place) -> Figures:
    """The same when the tab is closed; beyond the time of grace."""
    async with _hanging(at) as page:
        closed = time.monotonic() + float(ENVIRONMENT["LEAVE_GRACE"])
        await page.leave()
        return {"left": (await at.model.left() - closed) * 1000}


@asynccontextmanager
async def _hanging(at: Place) -> AsyncIterator[GradioPage]:
    """A page where the model has stopped in the middle of its answer."""
    async with visiting(at.new_visitor) as page:
        assert isinstance(page, GradioPage)
        asking = asyncio.create_task(page.ask(message(5, 20, "hang")))
        await asyncio.sleep(1)
        yield page
        asking.cancel()


AT_ONCE = 6


async def memory(at: Place, visits: int, idle: int) -> Figures:
    """What each of the latest visits has added; and each of as many, when the ones before them have
    been forgotten."""
    with another(at, SESSION_IDLE=str(idle)) as target:
        async with visitors_of(target) as new_visitor:
            await _visits(new_visitor, 4 * visits)  # Until the allocator has enough: 1,000 visits.
            held = [target.memory()]
            for _ in range(2):
                await _visits(new_visitor, visits)
                held.append(target.memory())
                await asyncio.sleep(2 * idle)
    before, after, again = (size / 1000 / visits for size in held)
    return {"visit": after - before, "again": again - after}


async def _visits(new_visitor: NewVisitor, count: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def visit() -> None:
        async with gate, visiting(new_visitor) as visitor:
            await visitor.ask(message(20))

    await asyncio.gather(*(visit() for _ in range(count)))


async def start(at: Place) -> Figures:
    """From the command to the page, and the first answers of a visitor who takes two seconds to
    type each message."""
    begun = time.monotonic()
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", "import gradio")).wait()
    gradio = time.monotonic() - begun
    begun = time.monotonic()
    with another(at) as target:
        async with visitors_of(target) as new_visitor, visiting(new_visitor) as visitor:
            page = time.monotonic() - begun
            new, next_one = [await _typed(visitor) for _ in range(2)]
    return {
        "page": page * 1000,
        "beyond Gradio": (page - gradio) * 1000,
        "first / second": new / next_one,
    }


async def _typed(visitor: Visitor) -> float:
    """How soon an answer begins. A machine that has just been busy is faster than one at rest."""
    await asyncio.sleep(2)
    return (await visitor.ask(message(1))).first


def another(at: Place, **environment: str) -> closing[Target]:
    """Another process like the target's."""
    return closing(Target(at.target.name, **at.model.environment, **environment))


@asynccontextmanager
async def visiting(new_visitor: NewVisitor) -> AsyncIterator[Visitor]:
    """One who comes and goes."""
    visitor = new_visitor()
    await visitor.open()
    try:
        yield visitor
    finally:
        await visitor.leave()


async def priced(target: Target, visitor: Visitor, asked: str) -> tuple[float, Answer]:
    """Milliseconds of CPU that an answer takes, and the answer."""
    before = target.cpu()
    answer = await visitor.ask(asked)
    await asyncio.sleep(SETTLE)
    return (target.cpu() - before) * 1000, answer


def seen(answers: Iterable[Answer], words: int) -> Figures:
    """How answers of so many words came."""
    answers = list(answers)
    lags = [lag * 1000 for answer in answers for lag in answer.lags]
    return {
        "first": median(answer.first * 1000 for answer in answers),
        "first p95": p95([answer.first * 1000 for answer in answers]),
        "p50": median(lags),
        "p95": p95(lags),
        "end": median(answer.lags[-1] * 1000 for answer in answers),
        "lost": sum(abs(words - len(answer.lags)) for answer in answers),
    }


def p95(values: list[float]) -> float:
    """What 95 of 100 do not exceed."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
