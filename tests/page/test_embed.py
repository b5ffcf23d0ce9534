"""The chat in a panel on a page of another site, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FrameLocator, Page, expect

from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, CHROMIUM_ARGUMENTS, WHOLE_CHROMIUM
from tests.support.fake_gemini import FakeGemini
from tests.support.other_site import OtherSite, other_site

pytestmark = pytest.mark.slow

# Chromium's settings by which no frame of another site may store anything: 2 is "block".
BLOCKED = {"profile": {"default_content_setting_values": {"cookies": 2}}}

# What of the chat's page another page can reach: nothing of these.
REACH = """() => {
    const frame = document.querySelector('adk-chat').shadowRoot.querySelector('iframe')
    const reached = []
    for (const look of [
        () => frame.contentWindow.document.title, () => frame.contentWindow.localStorage.length,
        () => frame.contentWindow.location.href, () => frame.contentDocument.body.innerText,
    ]) {
        try { reached.push(look()) } catch (error) { reached.push(error.name) }
    }
    return reached
}"""

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def site(fake: FakeGemini) -> Iterator[OtherSite]:
    """A shop that the host has named."""
    with other_site() as shop, launched(loaded(), embed_on=shop.url, request_retries=0) as url:
        shop.chat = url
        yield shop


@pytest.fixture
def customer(chromium: Browser, site: OtherSite) -> Iterator[Any]:
    """Each call is a customer of the shop, on its page."""
    contexts = []

    def come(url: str = site.url, **options: Any) -> Page:
        contexts.append(chromium.new_context(**options))
        tab = contexts[-1].new_page()
        tab.set_default_timeout(ACTION_TIMEOUT)
        tab.goto(url)
        return tab

    yield come
    for context in contexts:
        context.close()


def open_chat(tab: Page, name: str = "Open the chat") -> FrameLocator:
    """Press the button; the chat, once one can type."""
    tab.get_by_role("button", name=name).click()
    chat = tab.frame_locator("iframe")
    expect(chat.locator("#message textarea")).to_be_editable(timeout=ACTION_TIMEOUT)
    return chat


def shows(chat: FrameLocator, *texts: str) -> None:
    """Wait until just this was said."""
    said = chat.locator("[data-testid=user] .message-content, [data-testid=bot] .message-content")
    expect(said).to_have_text(list(texts), timeout=ACTION_TIMEOUT)


def test_a_customer_chats_by_keyboard_and_finds_the_chat_after_a_reload(
    gemini: FakeGemini, customer: Any
) -> None:
    gemini.enqueue("Green tea.")
    tab: Page = customer()
    opener = tab.get_by_role("button", name="Open the chat")
    expect(opener).to_have_attribute("aria-expanded", "false")
    assert len(tab.frames) == 1  # Nothing of the chat is loaded before it is wanted.
    opener.focus()
    tab.keyboard.press("Enter")
    panel, chat = tab.get_by_role("dialog", name="Helper"), tab.frame_locator("iframe")
    expect(panel).to_be_visible()
    box = chat.locator("#message textarea")
    expect(box).to_be_focused(timeout=ACTION_TIMEOUT)
    tab.keyboard.type("Which tea?")
    tab.keyboard.press("Enter")
    shows(chat, "Which tea?", "Green tea.")
    expect(box).to_be_editable(timeout=ACTION_TIMEOUT)

    # Escape in the chat, and beside it.
    box.focus()
    tab.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(opener).to_be_focused()
    tab.keyboard.press("Enter")
    tab.get_by_role("dialog").get_by_role("button", name="Close the chat").focus()
    tab.keyboard.press("Escape")
    expect(panel).to_be_hidden()

    tab.reload()
    shows(open_chat(tab), "Which tea?", "Green tea.")
    assert tab.evaluate(REACH) == ["SecurityError"] * 3 + ["TypeError"]
    found = Axe().run(tab).response["violations"]
    assert [rule["id"] for rule in found] == []


def test_no_other_site_shows_the_chat_nor_closes_it(site: OtherSite, customer: Any) -> None:
    with other_site() as stranger:
        stranger.chat = site.chat
        tab: Page = customer(stranger.url)
        with tab.expect_event("console", lambda said: "frame-ancestors" in said.text):
            tab.get_by_role("button", name="Open the chat").click()
        expect(tab.frame_locator("iframe").locator("#message")).to_have_count(0)
    tab = customer()
    open_chat(tab)
    tab.evaluate("postMessage('adk-chat: close', '*')")  # Of a script of the shop's own.
    tab.evaluate("new Promise(requestAnimationFrame)")
    expect(tab.get_by_role("dialog")).to_be_visible()


def test_on_a_phone_the_panel_fills_the_screen_in_the_visitors_language_and_scheme(
    gemini: FakeGemini, customer: Any
) -> None:
    tab: Page = customer(**PHONE, locale="ar", color_scheme="dark", reduced_motion="reduce")
    chat = open_chat(tab, "افتح الدردشة")
    panel = tab.get_by_role("dialog")
    assert panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert panel.evaluate("panel => getComputedStyle(panel).animationName") == "none"
    colour = "element => getComputedStyle(element).backgroundColor"
    assert chat.locator("body").evaluate(colour) == "rgb(24, 24, 27)"
    assert tab.locator(".bar").evaluate(colour) == "rgb(251, 146, 60)"
    expect(chat.locator("html")).to_have_attribute("dir", "rtl")
    # What lies below it cannot be reached.
    assert panel.evaluate("panel => panel.matches(':modal')")
    panel.get_by_role("button", name="أغلق الدردشة").click()
    expect(panel).to_be_hidden()


def test_where_frames_may_store_nothing_the_chat_says_so(
    chromium: Browser, site: OtherSite, tmp_path: Path
) -> None:
    if not Path(WHOLE_CHROMIUM).exists():
        pytest.skip(f"There is no {WHOLE_CHROMIUM}: install it")
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default/Preferences").write_text(json.dumps(BLOCKED))
    with chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path=WHOLE_CHROMIUM, args=CHROMIUM_ARGUMENTS
    ) as context:
        tab = context.new_page()
        tab.goto(site.url)
        chat = open_chat(tab)
        expect(chat.get_by_text(SENTENCES["stores_nothing"])).to_be_visible()
