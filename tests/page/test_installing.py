"""The page can be installed like an app."""

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.browser import WHOLE_CHROMIUM, run_chromium


@pytest.mark.slow
@pytest.mark.browser
def test_chromium_finds_nothing_that_keeps_the_page_from_being_installed() -> None:
    with launched(loaded()) as url, run_chromium(WHOLE_CHROMIUM) as chromium:
        tab = chromium.new_page()
        tab.goto(url)
        browser = tab.context.new_cdp_session(tab)
        manifest = browser.send("Page.getAppManifest")
        assert manifest["errors"] == []
        assert manifest["url"] == f"{url}look/helper/manifest.json"
        found = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
        # Here it is a window that keeps nothing, where nothing can be installed.
        assert [error["errorId"] for error in found] == ["in-incognito"]
