"""A chat on the page: its first turn, and what the model is told of it."""

from playwright.sync_api import Locator, expect

from tests.support.browser import ACTION_TIMEOUT, Page
from tests.support.fake_gemini import FakeGemini

# The title says it all: what stands below it is folded.
STOPPED = ("Stopped", "")

BEGUN = ("user", "Hi"), ("model", "Hello.")


def begun(page: Page, gemini: FakeGemini) -> None:
    """A first turn, whole."""
    gemini.enqueue("Hello.")
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Hello."))
    page.wait_idle()


def open_settings(page: Page) -> Locator:
    """Open the panel of settings; it, once it shows what there is to choose."""
    page.tab.locator(".settings-panel > summary").click()
    panel = page.tab.locator(".settings-panel")
    expect(panel.locator(".settings-body")).not_to_be_empty(timeout=ACTION_TIMEOUT)
    return panel


def remembers_what_is_seen(page: Page, gemini: FakeGemini) -> None:
    """The page can be used, and the model is told just what stands on it."""
    page.wait_idle()
    seen, texts, number = page.words(), page.texts(), len(gemini.requests)
    gemini.enqueue("Noted.")
    page.send("And now?")
    page.shows(*texts, ("user", "And now?"), ("model", "Noted."))
    assert gemini.requests[number].conversation == [*seen, ("user", "And now?")]
    page.wait_idle()
