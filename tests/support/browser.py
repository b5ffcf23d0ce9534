"""A visitor: a tab of real Chromium, and what one does and sees in it.

    page.open(url)
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Hello"))

A bubble is a pair: who speaks, and the words that are to be seen. A panel's "who" is its title
("Thought", "Tool sky", "Stopped"); a folded one shows no words. The line of figures below an answer
is the "foot"'s.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any, TypeAlias

import gradio
import pytest
from packaging.version import Version
from playwright.sync_api import Browser, Locator, TimeoutError, expect, sync_playwright
from playwright.sync_api import Page as Tab

from tests.support.fake_gemini import FakeGemini

Bubble: TypeAlias = tuple[str, str]

# Debian's Chromium without windows, if it is there: it draws the same pages with a third less of
# the processor (29 s instead of 41 for 27 tests of the page).
CHROMIUM = os.environ.get("CHROMIUM") or which("chromium-headless-shell") or "/usr/bin/chromium"

# Chromium as people have it, with preferences.
WHOLE_CHROMIUM = "/usr/bin/chromium"

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

# Not skipped, which in CI means that a program is missing.
draws_diagrams = pytest.mark.xfail(
    Version(gradio.__version__) < Version("6.31"),
    reason="Gradio shows how they are written",
    run=False,
)

# Keeps every different state that the page was ever in, however briefly.
RECORD_STATES = """
window.bubbles = () => [...document.querySelectorAll('[data-testid=user], [data-testid=bot]')].map(
    bubble => {
        const title = bubble.querySelector('.thought-group .title .md')
        const words = bubble.querySelector('.message-content')
        const isFoot = bubble.querySelector('.message-content small[title]') !== null
        const model = isFoot ? 'foot' : 'model'
        const speaker = bubble.dataset.testid === 'user' ? 'user' : model
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

# Gradio's own page has nothing to wait for.
HAS_ARRIVED = """globalThis.chat?.state.hasArrived ||
    !gradio_config.dependencies.some(step => step.api_name === 'arrive')"""

IS_LOCKED = "document.querySelector('#message [data-testid=textbox]').disabled"

# Turns to a new chat; done when the box, which is locked meanwhile, is free again.
BEGIN_ANEW = """() => new Promise(done => {
    const box = document.querySelector('#message [data-testid=textbox]')
    let wasLocked = false
    new MutationObserver((_, observer) => {
        wasLocked ||= box.disabled
        if (!wasLocked || box.disabled) return
        observer.disconnect()
        done()
    }).observe(box, {attributeFilter: ['disabled']})
    document.querySelector('[aria-label=Clear]').click()
})"""

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
        """Go there, and wait until one can type, and the server has said what is to be shown."""
        self.come(url)
        expect(self.box).to_be_editable(timeout=ACTION_TIMEOUT)
        self.tab.wait_for_function(HAS_ARRIVED)
        return self

    def come(self, url: str) -> "Page":
        """Go there."""
        home = url.partition("?")[0]
        self.tab.on("request", lambda request: self._leave(home, request.url))
        self.tab.goto(url)
        return self

    def sign_in(self, name: str, password: str) -> None:
        """By Gradio's form."""
        self.tab.get_by_label("username").fill(name)
        self.tab.get_by_label("password").fill(password)
        self.tab.get_by_role("button", name="Login").click()

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
        """Type a message and press Enter; on a touch screen, where Enter begins a line, Send."""
        self.box.fill(text)
        is_touch = self.tab.evaluate("matchMedia('(pointer: coarse)').matches")
        self._begin(self._button("Send").click if is_touch else lambda: self.box.press("Enter"))

    def send_as_soon_as_possible(self, text: str) -> None:
        """Have a message typed in the very moment in which the box lets one type."""
        self.tab.evaluate(SEND_AT_ONCE, text)

    def stop(self) -> None:
        """Press Stop, while an answer runs."""
        self.stop_button.click()

    def go_on(self) -> None:
        """Ask for the rest of the last answer, by a key."""
        self._button("Continue").focus()
        self._begin(lambda: self.tab.keyboard.press("Enter"))

    def try_again(self) -> None:
        """Have the last answer, which has failed, tried again, by a key."""
        self._button("Try again").focus()
        self._begin(lambda: self.tab.keyboard.press("Enter"))

    def offers_to_go_on(self, is_so: bool = True) -> None:
        """Wait until there is the button for it, or none."""
        button = self._button("Continue")
        expect(button).to_have_count(int(is_so), timeout=ACTION_TIMEOUT)

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

    def begin_anew(self) -> None:
        """Turn to a new chat, by the quickest way: Gradio's own button, which nobody sees."""
        self.tab.evaluate(BEGIN_ANEW)

    def clear(self) -> None:
        """Delete the chat on the page, wherever the side bar is."""
        self.open_side_bar()
        self.delete()
        self._wait(f"bubbles().length === 0 || {IS_LOCKED}")

    def click_example(self, text: str) -> None:
        """Begin with one of the examples."""
        self._begin(self.tab.locator("button.example", has_text=text).click)

    def open_side_bar(self) -> None:
        """Unfold the list of one's chats, unless it is."""
        if not self._button("Forget me").is_visible():
            self.tab.get_by_role("button", name="Your chats").click()
        expect(self._button("Forget me")).to_be_visible(timeout=ACTION_TIMEOUT)

    def answer_card(self, label: str) -> None:
        """Press one of the buttons of what the agent asks; wait for what comes of it."""
        self._begin(self.cards.get_by_role("button", name=label, exact=True).click)
        self.wait_idle()

    def press(self, label: str) -> None:
        """Press the button with this label."""
        self._button(label).click()

    def pick(self, label: str, name: str | None = None) -> None:
        """Choose from the menu of the chat of this name, by default of the open one."""
        row = self.tab.locator("#chats li")
        is_open = row.filter(has=self.tab.locator("[aria-current=true]"))
        row = is_open if name is None else row.filter(has_text=name)
        row.hover()
        row.locator("[aria-haspopup=menu]").click()
        self.tab.get_by_role("menuitem", name=label, exact=True).click()

    def delete(self, name: str | None = None) -> None:
        """Delete a chat, by default the open one, and mean it."""
        self.pick("Delete", name)
        self.press("Delete")

    def forget(self) -> None:
        """Delete all that was ever said, and mean it."""
        self.press("Forget me")
        self.press("Really delete all my chats")

    def choose(self, name: str) -> None:
        """Open the chat of this name."""
        self.chats.filter(has_text=name).click()

    def search(self, words: str) -> None:
        """Look for chats."""
        self.tab.get_by_placeholder("Search your chats").fill(words)

    def rename(self, name: str) -> None:
        """Give the open chat another name."""
        self.pick("Rename")
        field = self.tab.get_by_label("A new name for this chat")
        field.fill(name)
        field.press("Enter")

    def save(self, kind: str) -> tuple[str, str]:
        """Save the open chat; the name of the file, and what is in it."""
        with self.tab.expect_download() as saved:
            self.pick(kind)
        return saved.value.suggested_filename, Path(saved.value.path()).read_text("utf-8")

    def share(self) -> str:
        """Share the open chat; the link, and its dialog is closed again."""
        self.pick("Share")
        self.tab.locator("#share .card-yes").wait_for()
        if not self.link.count():
            self.press("Share it as it is now")
        link = self.link.input_value(timeout=ACTION_TIMEOUT)
        self.tab.keyboard.press("Escape")
        expect(self.link).to_have_count(0, timeout=ACTION_TIMEOUT)
        return link

    def copy_answer(self, label: str = "Copy message") -> str:
        """What the last Copy button, or another one, puts on the clipboard, as soon as it does."""
        self.tab.evaluate("navigator.clipboard.writeText('Nothing is copied yet.')")
        self._button(label).last.click()
        self._wait("async () => await navigator.clipboard.readText() !== 'Nothing is copied yet.'")
        return str(self.tab.evaluate("navigator.clipboard.readText()"))

    def scroll_up(self) -> None:
        """Turn the wheel a little, as one who wants to read what is above."""
        self.tab.get_by_role("log").hover()
        self.tab.mouse.wheel(0, -150)
        self._wait(f"!({IS_AT_END})")

    # What one sees

    @property
    def seen(self) -> Locator:
        """All of the page, without what is only read aloud."""
        return self.tab.locator("gradio-app")

    @property
    def box(self) -> Locator:
        """Where one types."""
        return self.tab.locator("#message").get_by_test_id("textbox")

    @property
    def chats(self) -> Locator:
        """The names of one's chats in the side bar."""
        return self.tab.locator("#chats li > button:first-child")

    @property
    def link(self) -> Locator:
        """The link of a chat that is shared, in the dialog that tells it."""
        return self.tab.get_by_label("The link to this chat")

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
        expect(self.chats).to_have_text(list(names), timeout=ACTION_TIMEOUT)

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
def run_chromium(path: str = CHROMIUM, *arguments: str) -> Iterator[Browser]:
    """Chromium, until the end; with more arguments."""
    if not os.path.exists(path):
        pytest.skip(f"There is no {path}: install it, or name another in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*CHROMIUM_ARGUMENTS, *arguments]
        )
        yield browser
        browser.close()
