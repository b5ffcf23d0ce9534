"""The result of a long-running tool, brought by another program of the host's."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from tests.support.app_setup import launched, loaded_root
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor
from tests.support.scripted_model import ScriptedModel, call
from tests.support.waiting_agents import DONE, TICKET, agent

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-the-host"


@pytest.fixture
def model() -> ScriptedModel:
    scripts: list[list[Any]] = [[call("ask_boss", amount=5)], ["I have asked."], ["She agrees."]]
    return ScriptedModel(scripts=scripts)


@pytest.fixture
def url(model: ScriptedModel) -> Iterator[str]:
    DONE.clear()
    token = SecretStr(TOKEN)
    with launched(loaded_root(agent(model, "ask_boss")), leave_grace=600, api_token=token) as url:
        yield url
    DONE.clear()


def bring(url: str, token: str = TOKEN, **ids: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    given = {**TICKET, "result": {"status": "approved"}, **ids}
    return httpx.post(f"{url}chat/result", json=given, headers=headers, timeout=60)


def ask(page: Page) -> None:
    page.send("Ask her")
    page.wait_idle()
    page.speaks()


def test_an_open_page_shows_the_result_and_what_comes_of_it(url: str, visitor: Visitor) -> None:
    page = visitor().open(url)
    ask(page)
    assert bring(url).json() == {"text": "I have asked.\n\nShe agrees.", "notices": []}
    expect(page.tab.get_by_text("She agrees.")).to_be_visible(timeout=ACTION_TIMEOUT)
    seen = page.texts()
    page.reload()
    page.shows(*seen)
    assert DONE == [("ask_boss", 5)]


def test_a_result_is_taken_once_and_by_the_hosts_token_alone(url: str, visitor: Visitor) -> None:
    ask(visitor().open(url))
    assert bring(url, token="another-secret-of-mine").status_code == 401
    assert bring(url, call_id="call-2").status_code == 404
    assert bring(url, session_id="x").status_code == 404
    assert [bring(url).status_code for _ in range(2)] == [200, 404]
