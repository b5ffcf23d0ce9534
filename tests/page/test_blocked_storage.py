"""A Space is a frame in Hugging Face's page, and some browsers let no frame store anything."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect, sync_playwright

from agent.core.notices import SENTENCES
from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, CHROMIUM_ARGUMENTS, WHOLE_CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SPACE = "https://huggingface.co/spaces/somebody/something"

# Chromium's settings by which a page may store nothing: 2 is "block".
BLOCKED = {"profile": {"default_content_setting_values": {"cookies": 2}}}

# Else no page of the web may show one of this machine in a frame.
LOCAL_FRAMES = "--disable-features=LocalNetworkAccessChecks"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser in which nothing can be stored."""
    if not Path(WHOLE_CHROMIUM).exists():
        pytest.skip(f"There is no {WHOLE_CHROMIUM}: install it")
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default/Preferences").write_text(json.dumps(BLOCKED))
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=WHOLE_CHROMIUM, args=[*CHROMIUM_ARGUMENTS, LOCAL_FRAMES]
        )
        context.set_default_timeout(ACTION_TIMEOUT)
        yield context
        context.close()


def test_where_nothing_can_be_stored_the_page_comes_and_a_reload_finds_the_chat(
    browser: BrowserContext,
) -> None:
    tab, errors = browser.new_page(), list[str]()
    tab.on("pageerror", lambda error: errors.append(str(error)))
    with launched(loaded(OfflineModel(delay=0))) as url:
        frame = f"<iframe src={url} width=900 height=700></iframe>"
        tab.route(f"{SPACE}*", lambda route: route.fulfill(content_type="text/html", body=frame))
        tab.goto(SPACE)
        page = tab.frame_locator("iframe")
        box = page.locator("#message textarea")
        expect(box).to_be_editable(timeout=ACTION_TIMEOUT)
        expect(page.get_by_text(SENTENCES["stores_nothing"])).to_be_visible()
        box.fill("/think")
        box.press("Enter")
        said = page.locator("gradio-app").get_by_text("I have thought about it.")
        expect(said).to_be_visible(timeout=ACTION_TIMEOUT)
        expect(box).to_be_editable(timeout=ACTION_TIMEOUT)
        tab.frames[1].evaluate("location.reload()")
        expect(said).to_be_hidden(timeout=ACTION_TIMEOUT)
        expect(said).to_be_visible(timeout=ACTION_TIMEOUT)
        assert errors == []
        tab.close()
