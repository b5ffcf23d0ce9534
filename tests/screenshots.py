"""Pictures of the page in its states, for whoever changes how it looks: desktop, phone, dark.

Run it:  python -m tests.screenshots FOLDER [SIZE …]
         python -m tests.screenshots FOLDER readme

The second makes README's own: `screenshot.png`, and `recording.webp`, which moves. The offline
model answers, in the real app.
"""

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.app_process import App
from tests.support.browser import CHROMIUM, CHROMIUM_ARGUMENTS, IS_IDLE, RECORD_STATES
from tests.support.task_lists import TASKS

# What is done, and how the page is called then.
States: TypeAlias = list[tuple[str, Callable[[Page], Any]]]

TOUCH = {"has_touch": True, "is_mobile": True}

SIZES: dict[str, dict[str, Any]] = {
    "laptop": {"viewport": {"width": 1280, "height": 800}},
    "laptop-dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, **TOUCH},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", **TOUCH},
    "phone-on-its-side": {"viewport": {"width": 844, "height": 390}, **TOUCH},
    "right-to-left": {"viewport": {"width": 390, "height": 844}, "locale": "ar", **TOUCH},
}


# In the menu of a chat.
SHARE, SAVE_AS_PAGE, DELETE = 1, 3, -1

# To the shared chat.
LINK = ".share-link input"


def send(page: Page, message: str) -> None:
    page.locator("#message textarea").fill(message)
    page.locator(".submit-button").click()


def ask(page: Page, message: str) -> None:
    send(page, message)
    page.wait_for_function("isBusy()")
    page.wait_for_function(IS_IDLE)


def begin(page: Page, message: str, seconds: float) -> None:
    """Ask, and let the answer come for so long."""
    send(page, message)
    page.locator(".stop-button").wait_for()
    page.wait_for_timeout(1000 * seconds)


def stop(page: Page) -> None:
    page.keyboard.press("Escape")
    page.wait_for_function(IS_IDLE)


def open_saved(page: Page) -> None:
    """The chat as a page of its own, after which the side bar is open."""
    open_side_bar(page)
    open_menu(page)
    with page.expect_download() as saved:
        pick(SAVE_AS_PAGE)(page)
    file = saved.value.path().with_suffix(".html")
    saved.value.save_as(file)
    page.goto(file.as_uri())


def open_side_bar(page: Page) -> None:
    if page.url.startswith("file:"):
        page.go_back()
        page.wait_for_function(IS_IDLE)
    page.locator("#side-bar > .toggle-button").click()
    page.locator("#chats [aria-current=true]").wait_for()


def open_menu(page: Page) -> None:
    page.locator("#chats li:has([aria-current=true]) [aria-haspopup]").click()


def pick(place: int) -> Callable[[Page], Any]:
    """Choose from the menu of a chat, by place: the page may be in any language."""
    return lambda page: page.get_by_role("menuitem").nth(place).click()


def share(page: Page) -> None:
    page.keyboard.press("Escape")
    open_menu(page)
    pick(SHARE)(page)
    page.locator("#share .card-yes").click()
    page.locator(LINK).wait_for()


def open_shared(page: Page) -> None:
    page.goto(page.locator(LINK).input_value())


def talk(page: Page) -> None:
    page.locator("#talk").click()
    page.locator("#talk-strip").wait_for()
    page.wait_for_timeout(1000)  # The model is connected.


def end_talk(page: Page) -> None:
    page.locator(".talk-end").click()
    page.wait_for_function(IS_IDLE)


def begin_tasks(page: Page) -> None:
    page.locator("#tasks").wait_for()
    if not page.locator("#tasks[open]").count():
        page.locator("#tasks > summary").click()
    page.locator("#tasks li button").first.click()
    page.wait_for_function(IS_IDLE)


def load_anew(page: Page) -> None:
    """Without Gradio's scripts, as on a slow line."""
    page.route("**/assets/*.js", lambda route: route.abort())
    page.reload()


# One after the other.
STATES: States = [
    ("empty", lambda page: None),
    ("tool", lambda page: ask(page, "What is 12*7?")),
    ("streaming", lambda page: begin(page, "/markdown", 1)),
    ("text", lambda page: page.wait_for_function(IS_IDLE)),
    ("failure", lambda page: ask(page, "/fail")),
    ("thinking", lambda page: begin(page, "/think", 0.3)),
    ("stopped", stop),
    ("picture", lambda page: ask(page, "Draw a chart of 3, 5, 8 and 2")),
    ("question", lambda page: ask(page, "roll the dice")),
    ("talk", talk),
    ("after-talk", end_talk),
    ("saved-page", open_saved),
    ("side-bar", open_side_bar),
    ("menu", open_menu),
    ("delete", pick(DELETE)),
    ("shared", share),
    ("shared-page", open_shared),
]

# The same of an agent with tasks for testers, of which two answers may be compared, where a visitor
# may send one message a minute.
TESTERS: States = [
    ("tasks", lambda page: None),
    ("task", begin_tasks),
    ("answer", lambda page: ask(page, "Hello")),
    ("limit", lambda page: send(page, "And you?")),
    ("comparison", lambda page: page.locator(".sides-open").click()),
    ("loading", load_anew),
]
AGENT = """\
from google.adk.agents import Agent

root_agent = Agent(name="shop", description="Helps you with your order.", model="offline")
"""


# What is recorded, and seconds: of a frame, and for which the last one stays.
RECORDED, FRAME, END = "Draw a chart of 3, 5, 8 and 2", 0.05, 2.0


def opened(browser: Browser, url: str, size: str, **options: Any) -> Page:
    page = browser.new_context(**{**SIZES[size], **options}).new_page()
    page.add_init_script(RECORD_STATES)
    page.goto(url)
    page.wait_for_function(IS_IDLE)
    return page


def record(browser: Browser, url: str, path: Path) -> None:
    """A question, typed, and its answer as it comes: an animated WebP."""
    page = opened(browser, url, "laptop", viewport={"width": 800, "height": 600})
    frames: list[tuple[float, Image.Image]] = []

    def take() -> None:
        frames.append((time.monotonic(), Image.open(io.BytesIO(page.screenshot()))))

    take()
    for word in RECORDED.split():
        page.locator("#message textarea").press_sequentially(f"{word} ", delay=10)
        take()
    page.locator(".submit-button").click()
    page.wait_for_function("isBusy()")
    while not page.evaluate(IS_IDLE):
        take()
        page.wait_for_timeout(FRAME * 1000)
    take()
    page.context.close()
    moments = [moment for moment, _ in frames]
    shown_for = [after - before for before, after in pairwise(moments)]
    frames[0][1].save(
        path,
        save_all=True,
        append_images=[frame for _, frame in frames[1:]],
        duration=[round(1000 * seconds) for seconds in [*shown_for, END]],
        loop=0,
        quality=60,
        minimize_size=True,
    )


def show_both(browser: Browser, url: str, path: Path) -> None:
    """A laptop in light and a phone in the dark, side by side."""
    pages = [opened(browser, url, size) for size in ("laptop", "phone-dark")]
    shown = []
    for page, message in zip(pages, ("What is 12*7?", RECORDED), strict=True):
        ask(page, message)
        page.wait_for_timeout(500)  # What moves comes to rest.
        shown.append(Image.open(io.BytesIO(page.screenshot())))
        page.context.close()
    laptop, phone = shown
    phone.thumbnail((phone.width, laptop.height))
    both = Image.new("RGB", (laptop.width + phone.width + 24, laptop.height), "white")
    both.paste(laptop, (0, 0))
    both.paste(phone, (laptop.width + 24, 0))
    both.quantize(128).save(path, optimize=True)


def pictures(browser: Browser, url: str, folder: Path, size: str, states: States) -> Iterator[Path]:
    """Each of these states in this size; the files' paths."""
    page = opened(browser, url, size)
    for state, reach in states:
        reach(page)
        page.wait_for_timeout(500)  # What moves comes to rest.
        yield Path(folder, f"{size}-{state}.png")
        page.screenshot(path=folder / f"{size}-{state}.png")
    page.context.close()


def readmes(browser: Browser, url: str, folder: Path) -> Iterator[Path]:
    """What README shows; the files' paths."""
    for name, make in (("screenshot.png", show_both), ("recording.webp", record)):
        make(browser, url, folder / name)
        yield folder / name


def main(folder: Path, sizes: list[str]) -> None:
    """Make the pictures of these sizes, of all without any."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as parent, ExitStack() as apps, sync_playwright() as playwright:
        shop = Path(parent, "shop")
        shop.mkdir()
        (shop / "agent.py").write_text(AGENT, encoding="utf-8")
        (shop / "tester_tasks.md").write_text(TASKS, encoding="utf-8")
        app = App(SESSION_DB="memory://", VISITOR_PER_MINUTE="0")
        apps.callback(app.end)
        limits = {"VISITOR_PER_MINUTE": "1", "SIDE_BY_SIDE": "1"}
        testers = App(str(shop), SESSION_DB="memory://", **limits)
        apps.callback(testers.end)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        for size in sizes or SIZES:
            made = (
                [readmes(browser, app.url, folder)]
                if size == "readme"
                else [
                    pictures(browser, app.url, folder, size, STATES),
                    pictures(browser, testers.url, folder, size, TESTERS),
                ]
            )
            for path in chain(*made):
                print(path)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
