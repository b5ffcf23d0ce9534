"""The result of a long-running tool, brought by another program of the host's."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from agent.core.notices import SENTENCES
from tests.support.app_setup import launched_app, loaded_root, url_of
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor
from tests.support.scripted_model import ScriptedModel, call
from tests.support.sse_client import ask as answer_to
from tests.support.waiting_agents import DONE, TICKET, agent

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-the-host"


@pytest.fixture
def model() -> ScriptedModel:
    scripts: list[list[Any]] = [[call("ask_boss", amount=5)], ["I have asked."], ["She agrees."]]
    return ScriptedModel(scripts=scripts)


@pytest.fixture
def app(model: ScriptedModel) -> Iterator[Any]:
    DONE.clear()
    settings: dict[str, Any] = {"leave_grace": 600, "api_token": SecretStr(TOKEN)}
    with launched_app(loaded_root(agent(model, "ask_boss")), **settings) as app:
        yield app
    DONE.clear()


@pytest.fixture
def url(app: Any) -> str:
    return url_of(app)


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
    expect(page.seen.get_by_text("She agrees.")).to_be_visible(timeout=ACTION_TIMEOUT)
    seen = page.texts()
    page.reload()
    page.shows(*seen)
    assert DONE == [("ask_boss", 5)]


def test_a_result_that_comes_while_nobody_is_answered_can_be_brought_again(
    app: Any, url: str
) -> None:
    answer_to(url, "Ask her")
    limits = app.state.served.agents.first.limits
    limits.close("being_mended")
    refused = bring(url)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert refused.json() == {"detail": SENTENCES["being_mended"]}
    limits.close("")
    assert bring(url).json()["text"].endswith("She agrees.")


def test_a_result_is_taken_once_and_by_the_hosts_token_alone(url: str, visitor: Visitor) -> None:
    ask(visitor().open(url))
    assert bring(url, token="another-secret-of-mine").status_code == 401
    assert bring(url, call_id="call-2").status_code == 404
    assert bring(url, session_id="x").status_code == 404
    assert [bring(url).status_code for _ in range(2)] == [200, 404]
