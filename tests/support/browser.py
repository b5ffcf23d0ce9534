"""A visitor: a tab of real Chromium, and what one does and sees in it.

    page.open(url)
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Hello"))

A bubble is a pair: who speaks, and the words that are to be seen. A panel's "who" is its title
("Thought", "Tool sky", "Note"); a folded one shows no words.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Locator, TimeoutError, expect, sync_playwright
from playwright.sync_api import Page as Tab

from tests.support.fake_gemini import FakeGemini

Bubble: TypeAlias = tuple[str, str]

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Milliseconds that anything may take on a slow, busy machine.
ACTION_TIMEOUT = 20_000

# Keeps every different state that the page was ever in, however briefly.
RECORD_STATES = """
window.bubbles = () => [...document.querySelectorAll('[data-testid=user], [data-testid=bot]')].map(
    bubble => {
        const title = bubble.querySelector('.thought-group .title .md')
        const words = bubble.querySelector('.message-content')
        const speaker = bubble.dataset.testid === 'user' ? 'user' : 'model'
        return [title ? title.innerText.trim() : speaker, words ? words.innerText.trim() : '']
    })
window.isBusy = () => document.querySelector('.stop-button') !== null
window.film = []
new MutationObserver(() => {
    const frame = JSON.stringify({busy: isBusy(), bubbles: bubbles()})
    if (frame !== film.at(-1)) film.push(frame)
}).observe(document, {subtree: true, childList: true, characterData: true})
"""

IS_AT_END = """(log => log.scrollHeight - log.scrollTop - log.clientHeight < 40)(
    document.querySelector('[role=log]'))"""

IS_IDLE = """() => !isBusy() && document.querySelector('.submit-button')
    && !document.querySelector('#message [data-testid=textbox]').disabled
    && !document.querySelector('[aria-busy=true]')"""

# Types in the first frame in which one can, and presses Enter as soon as a quick hand would.
SEND_AT_ONCE = """text => {
    const box = document.querySelector('#message [data-testid=textbox]')
    const hurry = () => {
        if (box.disabled) return requestAnimationFrame(hurry)
        box.value = text
        box.dispatchEvent(new Event('input', {bubbles: true}))
        setTimeout(() => box.dispatchEvent(enter), 300)
    }
    const enter = new KeyboardEvent('keypress', {key: 'Enter', bubbles: true})
    hurry()
}"""


class Page:
    """One tab. Whatever it complains of, or asks another machine for, is kept in `complaints`."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.complaints: list[str] = []
        tab.set_default_timeout(ACTION_TIMEOUT)
        tab.add_init_script(RECORD_STATES)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("console", lambda said: self._hear(said.type, said.text))

    def open(self, url: str) -> "Page":
        """Go there, and wait until one can type."""
        self.come(url)
        expect(self.box).to_be_editable(timeout=ACTION_TIMEOUT)
        return self

    def come(self, url: str) -> "Page":
        """Go there."""
        home = url.partition("?")[0]
        self.tab.on("request", lambda request: self._leave(home, request.url))
        self.tab.goto(url)
        return self

    def reload(self) -> None:
        """Load the page again. Gradio complains of the streams that its leaving breaks off."""
        before = len(self.complaints)
        self.tab.reload()
        del self.complaints[before:]

    def another(self) -> "Page":
        """A second window of the same browser, on the same page."""
        return Page(self.tab.context.new_page()).come(self.tab.url)

    # What one does

    def send(self, text: str) -> None:
        """Type a message and press Enter."""
        self.box.fill(text)
        self._begin(lambda: self.box.press("Enter"))

    def send_as_soon_as_possible(self, text: str) -> None:
        """Have a message typed in the very moment in which the box lets one type."""
        self.tab.evaluate(SEND_AT_ONCE, text)

    def stop(self) -> None:
        """Press Stop, while an answer runs."""
        self.stop_button.click()

    def retry(self) -> None:
        """Ask for the last answer again."""
        self._begin(self._button("Retry").click)

    def undo(self) -> None:
        """Take the last message back into the box."""
        self._button("Undo").click()

    def edit(self, number: int, text: str) -> None:
        """Write one's own message `number` (from 0) anew, and send it."""
        self._button("Edit").nth(number).click()
        self.tab.locator("textarea.edit-textarea").fill(text)
        self._begin(self._button("Submit").click)

    def clear(self) -> None:
        """Empty the conversation."""
        self._button("Clear").click()

    def click_example(self, text: str) -> None:
        """Begin with one of the examples."""
        self._begin(self.tab.locator("button.example", has_text=text).click)

    def open_side_bar(self) -> None:
        """Unfold the list of one's chats, unless it is."""
        if not self._button("New chat").is_visible():
            self.tab.get_by_role("button", name="Toggle Sidebar").click()
        expect(self._button("New chat")).to_be_visible(timeout=ACTION_TIMEOUT)

    def answer_card(self, label: str) -> None:
        """Press one of the buttons of what the agent asks; wait for what comes of it."""
        self._begin(self.cards.get_by_role("button", name=label, exact=True).click)
        self.wait_idle()

    def press(self, label: str) -> None:
        """Press the button with this label."""
        self._button(label).click()

    def delete(self) -> None:
        """Delete the chat on the page, and mean it."""
        self.press("Delete this chat")
        self.press("Really delete this chat")

    def choose(self, name: str) -> None:
        """Open the chat of this name."""
        self.tab.locator("#chats label", has_text=name).click()

    def search(self, words: str) -> None:
        """Look for chats."""
        self.tab.get_by_placeholder("Search the names of your chats").fill(words)

    def rename(self, name: str) -> None:
        """Give the open chat another name."""
        self.tab.get_by_placeholder("A new name for this chat").fill(name)
        self.press("Rename")

    def copy_answer(self) -> str:
        """What the last Copy button puts on the clipboard."""
        self._button("Copy message").last.click()
        return str(self.tab.evaluate("navigator.clipboard.readText()"))

    def scroll_up(self) -> None:
        """Turn the wheel a little, as one who wants to read what is above."""
        self.tab.get_by_role("log").hover()
        self.tab.mouse.wheel(0, -150)
        self._wait(f"!({IS_AT_END})")

    # What one sees

    @property
    def box(self) -> Locator:
        """Where one types."""
        return self.tab.locator("#message").get_by_test_id("textbox")

    @property
    def cards(self) -> Locator:
        """What the agent asks, above the text box."""
        return self.tab.locator("#cards")

    def asks(self, *lines: str) -> None:
        """Wait until the agent asks exactly this; nothing without lines."""
        if lines:
            expect(self.cards).to_be_visible(timeout=ACTION_TIMEOUT)
        else:
            expect(self.cards).to_have_count(0, timeout=ACTION_TIMEOUT)
        assert [text for text in "".join(self.cards.all_inner_texts()).split("\n") if text] == [
            *lines
        ]

    @property
    def stop_button(self) -> Locator:
        """There while an answer runs, and only then."""
        return self.tab.locator(".stop-button")

    def texts(self) -> list[Bubble]:
        """All that is to be seen now, in order."""
        return [(who, words) for who, words in self.tab.evaluate("bubbles()")]

    def sees_the_end(self) -> bool:
        """Whether the newest words are in view."""
        return bool(self.tab.evaluate(IS_AT_END))

    def words(self) -> list[Bubble]:
        """What the visitor and the model said, without panels."""
        return [(who, words) for who, words in self.texts() if who in ("user", "model")]

    def film(self) -> list[list[Bubble]]:
        """All that was ever to be seen, state by state."""
        frames = self.tab.evaluate("film.map(JSON.parse)")
        return [[(who, words) for who, words in frame["bubbles"]] for frame in frames]

    def shows(self, *expected: Bubble) -> None:
        """Wait until exactly this is to be seen."""
        same = "wanted => JSON.stringify(bubbles()) === JSON.stringify(wanted)"
        with suppress(TimeoutError):
            self._wait(same, [list(bubble) for bubble in expected])
        seen = self.texts()
        assert seen == list(expected), f"{seen}\n instead of {list(expected)}"

    def lists(self, *names: str) -> None:
        """Wait until the side bar lists exactly these chats."""
        chats = self.tab.locator("#chats label")
        expect(chats).to_have_text(list(names), timeout=ACTION_TIMEOUT)

    def speaks(self) -> None:
        """Wait until the first words of an answer are to be seen: its bubble is there before."""
        self._wait("() => bubbles().at(-1)?.[0] === 'model' && bubbles().at(-1)[1]")

    def waits(self, seconds: int) -> None:
        """Wait until the page says that it has waited so long for an answer."""
        said = r"least => bubbles().some(([who]) => who.match(/[(](\d+) s[)]$/)?.[1] >= least)"
        self._wait(said, seconds)

    def wait_idle(self) -> None:
        """Wait until the answer is over and one can type again."""
        self._wait(IS_IDLE)

    # How

    def _button(self, label: str) -> Locator:
        return self.tab.get_by_role("button", name=label, exact=True)

    def _begin(self, act: Callable[[], Any]) -> None:
        """Begin a run: the Stop button of a short one may be gone again when we look."""
        before = self.tab.evaluate("film.length")
        act()
        self._wait("before => film.slice(before).some(frame => JSON.parse(frame).busy)", before)

    def _wait(self, condition: str, arg: Any = None) -> None:
        self.tab.wait_for_function(condition, arg=arg, timeout=ACTION_TIMEOUT)

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)

    def _leave(self, home: str, url: str) -> None:
        if not url.startswith((home, "data:", "blob:")):
            self.complaints.append(f"asked for {url}")


Visitor: TypeAlias = Callable[..., Page]


def talk(page: Page, gemini: FakeGemini, question: str, *answer: Any) -> None:
    """A whole turn, in which Gemini answers by these steps."""
    gemini.enqueue(*answer)
    page.send(question)
    page.wait_idle()


@contextmanager
def run_chromium() -> Iterator[Browser]:
    """Chromium, until the end."""
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"There is no {CHROMIUM}: install it, or name another in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()
