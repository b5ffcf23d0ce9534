"""The page in another language than English: chosen, from right to left, and with no word left."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from google.adk.tools import FunctionTool
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from agent.core.language import ACCENTED, COOKIE, LANGUAGES
from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, IS_IDLE, Page, Visitor

pytestmark = pytest.mark.slow

# Every text on the page that has two letters without an accent, also those for screen readers.
UNACCENTED = """() => {
    const found = new Set(), word = /[A-Za-z]{2}/
    const keep = (text) => word.test(text) && found.add(text.trim())
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (nodes.nextNode()) {
        const { data, parentElement } = nodes.currentNode
        if (!parentElement.closest('script, style, option, defs')) keep(data)
    }
    for (const element of document.querySelectorAll('body *')) {
        for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
            // Gradio names a message by all that is in it.
            const value = element.getAttribute(name)
            if (value && !value.startsWith("bot's message:")) keep(value)
        }
    }
    return [...found]
}"""

# What the owner and the visitor have written, and names.
OTHERS = (
    *("Helper", "Helps.", "helper", "user", "pay", "amount", "/fail", "/call"),
    *("GOOGLE_API_KEY", ACCENTED),
)

# Gradio's own words, in whose languages there is no made-up one; and what it names a message by.
GRADIOS = {
    *("user's message: /fail", 'user\'s message: /call pay {"amount": 5}', "Scroll down", "copy"),
    *("Clear", "Edit", "Retry", "Undo", "Loading", "Hello"),
}


def pay(amount: int) -> str:
    """Pay."""
    return f"Paid {amount}."


def without(text: str, pieces: Iterable[str]) -> str:
    """The text with these cut out."""
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, "")
    return text


def in_language(visitor: Visitor, url: str, tag: str, **options: Any) -> Tab:
    """A visitor who has chosen this language, on the page."""
    page = visitor(**options)
    page.tab.context.add_cookies([{"name": COOKIE, "value": tag, "url": url}])
    page.open(url)
    return page.tab


def ask(tab: Tab, text: str) -> None:
    """Send a message, and wait for the end of its answer."""
    tab.locator("#message textarea").fill(text)
    before = tab.evaluate("film.length")
    tab.locator(".submit-button").click()
    busy = "before => film.slice(before).some(frame => JSON.parse(frame).busy)"
    tab.wait_for_function(busy, arg=before, timeout=ACTION_TIMEOUT)
    tab.wait_for_function(IS_IDLE, timeout=ACTION_TIMEOUT)


def test_who_chooses_german_reads_all_in_german_after_a_reload_too(visitor: Visitor) -> None:
    with launched(loaded(OfflineModel(delay=0))) as url:
        page: Page = visitor().open(url)
        tab = page.tab
        ask(tab, "/fail")
        expect(page.seen.get_by_text("This failure is the one")).to_be_visible(
            timeout=ACTION_TIMEOUT
        )
        with tab.expect_navigation():
            tab.get_by_label("Language").select_option("Deutsch")
        told = "Um diesen Fehler hast du mit /fail gebeten."
        for _time in range(2):
            expect(page.seen.get_by_text(told)).to_be_visible(timeout=ACTION_TIMEOUT)
            expect(page.box).to_be_editable(timeout=ACTION_TIMEOUT)
            assert tab.evaluate("[document.documentElement.lang, navigator.language]") == [
                *("de", "de")
            ]
            expect(page.box).to_have_attribute("placeholder", "Nachricht …")
            page.reload()
        expect(page.seen.get_by_text(told)).to_be_visible(timeout=ACTION_TIMEOUT)
        expect(page.box).to_be_editable(timeout=ACTION_TIMEOUT)
        ask(tab, "/nothing")
        expect(page.seen.get_by_text("kenne ich nicht")).to_be_visible(timeout=ACTION_TIMEOUT)
        expect(tab.get_by_label("Bearbeiten").last).to_be_attached()  # Gradio's own, too.
        page.box.press("ArrowUp")
        expect(tab.locator("textarea.edit-textarea")).to_have_value("/nothing")
        tab.locator("textarea.edit-textarea").press("Escape")
        expect(tab.locator("textarea.edit-textarea")).to_have_count(0)
        expect(tab.locator("#conversation .top-panel button").first).to_be_hidden()
        tab.context.close()


def test_no_word_of_the_page_is_left_in_english(visitor: Visitor) -> None:
    seen: set[str] = set()
    tools = [FunctionTool(pay, require_confirmation=True)]
    offered = " ".join([*LANGUAGES, ACCENTED])
    model = OfflineModel(delay=0)
    here: dict[str, Any] = {"show_figures": True, "side_by_side": True}
    with launched(loaded(model, tools=tools), page_languages=offered, **here) as url:
        tab = in_language(visitor, url, ACCENTED)

        def look() -> None:
            seen.update(tab.evaluate(UNACCENTED))

        look()
        ask(tab, "/fail")
        ask(tab, '/call pay {"amount": 5}')
        expect(tab.locator("#cards")).to_be_visible()
        look()
        tab.locator(".settings-panel > summary").click()
        expect(tab.locator("#setting-temperature")).to_be_visible(timeout=ACTION_TIMEOUT)
        look()
        tab.locator("#setting-temperature").fill("9")
        look()
        tab.locator(".settings-panel > summary").click()
        tab.locator("#stream summary").first.click()
        expect(tab.locator(".stream-answer")).to_be_visible()
        tab.locator(".stream-events").locator("..").evaluate("it => it.open = true")
        look()
        tab.locator(".sides-open").click()
        tab.locator("#sides-0-temperature").fill("1")
        tab.locator("#sides-question").fill("1")
        tab.locator(".sides-main").click()
        expect(tab.locator(".sides-choosing")).to_be_visible(timeout=ACTION_TIMEOUT)
        # What an agent has said is none of the page's words.
        tab.locator(".sides-answer").evaluate_all("all => all.map(each => each.remove())")
        look()
        tab.locator(".sides-choosing button").first.click()
        expect(tab.locator(".sides-results")).to_be_visible(timeout=ACTION_TIMEOUT)
        look()
        tab.keyboard.press("Escape")
        tab.locator("#side-bar > .toggle-button").click()
        tab.locator("#chats [aria-haspopup=menu]").click()
        expect(tab.get_by_role("menu")).to_be_visible()
        look()
        tab.get_by_role("menuitem").nth(1).click()
        expect(tab.locator("#share .card-yes")).to_be_visible(timeout=ACTION_TIMEOUT)
        look()
        tab.locator("#share .card-yes").click()
        expect(tab.locator("#share input")).to_be_visible(timeout=ACTION_TIMEOUT)
        look()
        tab.keyboard.press("Escape")
        tab.locator("[role=log] .thumb-down").first.click()
        expect(tab.locator("#feedback")).to_be_visible(timeout=ACTION_TIMEOUT)
        look()
        tab.context.close()
    left = {text for text in seen if re.search("[A-Za-z]{2}", without(text, OTHERS))}
    assert left - GRADIOS == set()


def test_arabic_is_written_from_right_to_left_and_nothing_is_cut(visitor: Visitor) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "locale": "ar"}
    with launched(loaded(OfflineModel(delay=0))) as url:
        tab = visitor(**phone).open(url).tab
        ask(tab, "/fail")
        expect(tab.locator("gradio-app").get_by_text("ستنقطع هذه الإجابة")).to_be_visible()
        places = tab.evaluate(
            """() => {
            const place = (found) => found.getBoundingClientRect()
            const box = place(document.querySelector('#message textarea'))
            const send = place(document.querySelector('.submit-button'))
            const answer = document.querySelectorAll('[data-testid=bot] .message-content p')[0]
            const bar = place(document.querySelector('#side-bar > .toggle-button'))
            const fresh = place(document.querySelector('#new-chat'))
            return {
                direction: document.documentElement.dir,
                sideways: document.documentElement.scrollWidth - innerWidth,
                isBarRight: bar.left > innerWidth / 2 && bar.right >= innerWidth - 8,
                isNewChatBesideIt: fresh.left > innerWidth / 2 && fresh.right <= bar.left,
                areSidesMirrored: ['.user-row', '.message-buttons-right', '.message-buttons-left']
                    .map((part) => place(document.querySelector(part)))
                    .map(({ left, right }) => left < innerWidth - right),
                isSendLeft: send.left >= 0 && send.right <= box.left + 1,
                answer: getComputedStyle(answer).direction,
            }
        }"""
        )
        assert places == {
            "direction": "rtl",
            "sideways": 0,
            "isBarRight": True,
            "isNewChatBesideIt": True,
            "areSidesMirrored": [True, True, False],
            "isSendLeft": True,
            "answer": "rtl",
        }
        ask(tab, "/markdown")
        code = tab.locator("[data-testid=bot] pre").first
        assert code.evaluate("code => getComputedStyle(code).direction") == "ltr"
        tab.context.close()
