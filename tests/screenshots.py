"""Pictures of the page in its states, for whoever changes how it looks: desktop, phone, dark.

Run it:  python -m tests.screenshots FOLDER [SIZE …]

The offline model answers, in the real app. `FOLDER/laptop-tool.png` is README's picture.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.app_process import App
from tests.support.browser import CHROMIUM, CHROMIUM_ARGUMENTS, IS_IDLE, RECORD_STATES

TOUCH = {"has_touch": True, "is_mobile": True}

SIZES: dict[str, dict[str, Any]] = {
    "laptop": {"viewport": {"width": 1280, "height": 800}},
    "laptop-dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, **TOUCH},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", **TOUCH},
    "phone-on-its-side": {"viewport": {"width": 844, "height": 390}, **TOUCH},
    "right-to-left": {"viewport": {"width": 390, "height": 844}, "locale": "ar", **TOUCH},
}


def ask(page: Page, message: str) -> None:
    page.locator("#message textarea").fill(message)
    page.locator(".submit-button").click()
    page.wait_for_function("isBusy()")
    page.wait_for_function(IS_IDLE)


def stop(page: Page) -> None:
    page.locator("#message textarea").fill("/think")
    page.locator(".submit-button").click()
    page.locator(".stop-button").wait_for()
    page.wait_for_timeout(300)  # Something is thought.
    page.keyboard.press("Escape")
    page.wait_for_function(IS_IDLE)


def open_side_bar(page: Page) -> None:
    page.get_by_role("button", name="Your chats").click()
    page.locator("#chats [aria-current=true]").wait_for()


def open_menu(page: Page) -> None:
    page.locator("#chats li:has([aria-current=true]) [aria-haspopup]").click()


def pick(label: str) -> Callable[[Page], Any]:
    return lambda page: page.get_by_role("menuitem", name=label).click()


def share(page: Page) -> None:
    page.keyboard.press("Escape")
    open_menu(page)
    pick("Share")(page)
    page.get_by_label("The link to this chat").wait_for()


def open_shared(page: Page) -> None:
    page.goto(page.get_by_label("The link to this chat").input_value())


# What is done, one after the other, and how the page is called then.
STATES: list[tuple[str, Callable[[Page], Any]]] = [
    ("empty", lambda page: None),
    ("tool", lambda page: ask(page, "What is 12*7?")),
    ("text", lambda page: ask(page, "/markdown")),
    ("failure", lambda page: ask(page, "/fail")),
    ("stopped", stop),
    ("picture", lambda page: ask(page, "Draw a chart of 3, 5, 8 and 2")),
    ("question", lambda page: ask(page, "roll the dice")),
    ("side-bar", open_side_bar),
    ("menu", open_menu),
    ("delete", pick("Delete")),
    ("shared", share),
    ("shared-page", open_shared),
]


def pictures(browser: Browser, url: str, folder: Path, size: str) -> Iterator[Path]:
    """Each state in this size; the files' paths."""
    page = browser.new_context(**SIZES[size]).new_page()
    page.add_init_script(RECORD_STATES)
    page.goto(url)
    page.wait_for_function(IS_IDLE)
    for state, reach in STATES:
        reach(page)
        page.wait_for_timeout(500)  # What moves comes to rest.
        yield Path(folder, f"{size}-{state}.png")
        page.screenshot(path=folder / f"{size}-{state}.png")
    page.context.close()


def main(folder: Path, sizes: list[str]) -> None:
    """Make the pictures of these sizes, of all without any."""
    folder.mkdir(parents=True, exist_ok=True)
    app = App(SESSION_DB="memory://", VISITOR_RATE="0")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
            for size in sizes or SIZES:
                for path in pictures(browser, app.url, folder, size):
                    print(path)  # noqa: T201
    finally:
        app.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
