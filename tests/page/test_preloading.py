"""What a page names in its head, so that it is loaded at once."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.models.offline import OfflineModel
from agent.page import preloading
from agent.page.preloading import preloads
from tests.support.app_setup import launched, loaded
from tests.support.browser import Visitor

COMPONENTS = [{"type": "chatbot", "props": {}}]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with launched(loaded(OfflineModel(delay=0))) as address:
        yield address


def test_it_is_just_what_a_browser_loads_of_gradios(url: str, visitor: Visitor) -> None:
    named = re.findall(r'rel="(?:module)?preload".* href="\./(assets/[^"]+)"', httpx.get(url).text)
    page = visitor().open(url)
    entries = "performance.getEntriesByType('resource').map(each => each.name)"
    fetched = [name.removeprefix(url) for name in page.tab.evaluate(entries)]
    assert sorted(named) == sorted({name for name in fetched if name.startswith("assets/")})


def test_what_is_not_shown_is_not_loaded() -> None:
    hidden = {"type": "plot", "props": {"visible": False}}
    assert preloads([*COMPONENTS, hidden]) == preloads(COMPONENTS) != ""


@pytest.mark.parametrize("script", ['<script src="./assets/index-1.js">', "<script>", None])
def test_where_gradio_is_built_differently_pages_only_open_slower(
    script: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(preloading, "FRONTEND", tmp_path)
    if script:
        (tmp_path / "index.html").write_text(script)
    assert preloads(COMPONENTS) == ""
    assert "Pages open slower." in caplog.text
