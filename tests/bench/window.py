"""What a visitor sees in real Chromium, by the browser's own clock."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from os import cpu_count

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.bench.model import message
from tests.bench.stamps import Answer, lag
from tests.support.browser import ACTION_TIMEOUT, CHROMIUM, CHROMIUM_ARGUMENTS

# Where one can type.
BOX = "[data-testid=textbox]:visible:enabled"

# Notes each word of the last answer when it is in the DOM, and counts the tasks that took longer
# than 50 ms.
WATCH = """
const now = () => (performance.timeOrigin + performance.now()) / 1000
window.seen = {questions: 0}
addEventListener('keydown', event => {
    if (event.key !== 'Enter') return
    seen = {questions: seen.questions + 1, asked: now(), words: [], long: 0}
}, true)
new PerformanceObserver(list => seen.long += list.getEntries().length)
    .observe({type: 'longtask'})
new MutationObserver(() => {
    const bubbles = [...document.querySelectorAll('[data-testid=user], [data-testid=bot]')]
    const questions = bubbles.filter(bubble => bubble.dataset.testid === 'user')
    if (!seen.questions || questions.length < seen.questions) return
    const answer = bubbles.slice(bubbles.indexOf(questions.at(-1)) + 1)
        .filter(bubble => !bubble.querySelector('.thought-group'))
    const words = answer.map(bubble => bubble.textContent).join(' ').match(/\\b[0-9A-Z]{4}\\b/g)
    for (const word of (words ?? []).slice(seen.words.length)) seen.words.push([word, now()])
}).observe(document, {subtree: true, childList: true, characterData: true})
"""


@dataclass
class Sight(Answer):
    """An answer on a page."""

    long_tasks: int = 0


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        await browser.close()


async def look(
    browser: Browser, url: str, words: int, apart: int, busy: bool
) -> tuple[Sight, Sight]:
    """On a page of one's own, the very first answer, of one word; and one of so many words, on a
    machine that is as busy."""
    async with _open(browser, url) as tab:
        new = await _ask(tab, 1, 0)
        with burning(busy):
            return new, await _ask(tab, words, apart)


# As many times slower than this machine a phone is taken to be, as in Chromium's own tools.
SLOWER = 4


async def look_on_phone(browser: Browser, url: str, turns: int, words: int, apart: int) -> Sight:
    """On a slow phone, in a chat of so many turns, an answer of so many words."""
    async with _open(browser, url) as tab:
        for _ in range(turns):
            await _ask(tab, 1, 0)
        device = await tab.context.new_cdp_session(tab)
        await device.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        return await _ask(tab, words, apart)


# A phone's line, as Lighthouse takes a slow 4G to be; in bytes a second, and milliseconds.
LINE = {"downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8, "latency": 150}


# That one can type; a page is asked at each frame that it draws.
CAN_TYPE = """() => [...document.querySelectorAll('textarea')].some(
    box => box.checkVisibility() && !box.disabled && !box.readOnly)"""


@dataclass
class Load:
    """A page that is opened; all in seconds."""

    typing: float  # Until one can type.
    whole: float  # Until one can in Gradio's own box: until all is there.


async def load_on_phone(browser: Browser, url: str) -> tuple[Load, Load]:
    """On a slow phone, the first visit, and the second."""
    async with await browser.new_context(viewport={"width": 390, "height": 844}) as context:
        return await _load(context, url), await _load(context, url)


async def _load(context: BrowserContext, url: str) -> Load:
    tab = await context.new_page()
    device = await context.new_cdp_session(tab)
    await device.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await device.send("Network.emulateNetworkConditions", {"offline": False, **LINE})
    begun = time.monotonic()
    await tab.goto(url, wait_until="commit")
    await tab.wait_for_function(CAN_TYPE, timeout=3 * ACTION_TIMEOUT)
    typing = time.monotonic() - begun
    await tab.locator(BOX).first.wait_for(timeout=3 * ACTION_TIMEOUT)
    whole = time.monotonic() - begun
    await tab.close()
    return Load(typing, whole)


@asynccontextmanager
async def _open(browser: Browser, url: str) -> AsyncIterator[Page]:
    async with await browser.new_context() as context:
        tab = await context.new_page()
        await tab.add_init_script(WATCH)
        await tab.goto(url)
        yield tab


async def _ask(tab: Page, words: int, apart: int) -> Sight:
    box = tab.locator(BOX).first
    await box.fill(message(words, apart))
    await asyncio.sleep(0.5)  # Some time to type.
    await box.press("Enter")
    await tab.wait_for_function(f"seen.words?.length >= {words}", timeout=3 * ACTION_TIMEOUT)
    return _sight(**await tab.evaluate("seen"))


def _sight(asked: float, words: list[tuple[str, float]], long: int, **_: int) -> Sight:
    """What WATCH has noted."""
    lags = [lag(word, seen) for word, seen in words]
    return Sight(asked, words[0][1] - asked, lags, long_tasks=long)


@contextmanager
def burning(busy: bool) -> Iterator[None]:
    """Meanwhile the machine has twice as much to do as it can, if it is to be busy."""
    fire = [sys.executable, "-c", "while True: pass"]
    fires = [subprocess.Popen(fire) for _ in range(2 * (cpu_count() or 1) * busy)]
    try:
        yield
    finally:
        for process in fires:
            process.kill()
            process.wait()
