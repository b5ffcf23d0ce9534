"""The host's own pages: who gets in, and what there is to see of what visitors said."""

import csv
import html
import io
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agent.api import api_app
from agent.api.host_page import COOKIE, WRONG_TOKEN
from agent.chat.agents import Agents
from agent.chat.rating import rate
from agent.core.settings import Settings
from agent.page.page_state import PageState
from agent.stores.cleanup import InMemoryStore
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.clock import MINUTE, Clock
from tests.support.scripted_model import ScriptedModel, call

TOKEN = "open-sesame-and-more"

FINDINGS = "/host/findings"

HOSTILE = '=HYPERLINK("http://evil")</p><script>alert(1)</script>'


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


class House:
    """An app with its APIs, visitors, and the host's browser."""

    def __init__(self, **settings: Any) -> None:
        self.model = ScriptedModel()
        what = loaded(self.model, tools=[look])
        what.runner.session_service = InMemoryStore()
        given = {**UNLIMITED, "host_token": SecretStr(TOKEN), **settings}
        self.agents = Agents(what, Settings(**given))
        self.app = httpx.ASGITransport(api_app(self.agents))
        self.browser = self.new_browser()

    def new_browser(self) -> httpx.AsyncClient:
        """Which has not signed in."""
        return httpx.AsyncClient(transport=self.app, base_url="https://test")

    async def sign_in(self, token: str = TOKEN) -> httpx.Response:
        """Show the secret."""
        return await self.browser.post("/host", data={"token": token})

    async def says(self, question: str, answer: str, rating: str, **words: str) -> PageState:
        """A visitor asks, and rates the answer."""
        page_state = PageState(self.agents.first)
        self.model.enqueue(call("look", city="Rome"))
        self.model.enqueue(answer)
        await page_state.ask(question, 0, "").finish()
        given = {"turn": page_state.screen.turn_ids[0], "rating": rating, **words}
        await rate(self.agents.first, await page_state.conversation(), given, None)
        return page_state

    async def text(self, path: str) -> str:
        """What is at this address."""
        answer = await self.browser.get(path)
        assert answer.status_code == 200
        return answer.text

    async def links(self, query: str = "") -> list[str]:
        """The findings that are listed."""
        return re.findall(r'href="(findings/\w+)#', await self.text(f"{FINDINGS}{query}"))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.agents.first.close()


async def test_without_a_token_there_are_no_such_pages() -> None:
    house = House(host_token=None)
    for path in ("/host", FINDINGS, f"{FINDINGS}.csv"):
        assert (await house.browser.get(path)).status_code == 404
    assert (await house.sign_in()).status_code == 404


async def test_who_has_not_signed_in_is_led_to_the_form(house: House) -> None:
    for path in (FINDINGS, f"{FINDINGS}.csv", f"{FINDINGS}.json", f"{FINDINGS}/x"):
        answer = await house.browser.get(path)
        assert answer.status_code == 303
        assert str(answer.url.join(answer.headers["Location"])) == "https://test/host"
    assert (await house.browser.post(f"{FINDINGS}/x", data={"done": "1"})).status_code == 303
    assert 'type="password"' in await house.text("/host")


async def test_the_secret_opens_them_for_this_browser_until_it_signs_out(house: House) -> None:
    entered = await house.sign_in(f" {TOKEN} ")
    assert (entered.status_code, entered.headers["Location"]) == (303, "host")
    cookie = entered.headers["Set-Cookie"].split("; ")
    assert TOKEN not in cookie[0]
    assert {"HttpOnly", "SameSite=strict", "Secure"} <= set(cookie)
    assert "What visitors said of answers" in await house.text("/host")
    headers = (await house.browser.get(FINDINGS)).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    left = await house.browser.post("/host/sign-out")
    assert str(left.url.join(left.headers["Location"])) == "https://test/host"
    assert (await house.browser.get(FINDINGS)).status_code == 303


async def test_no_other_secret_or_cookie_does(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (
        "",
        "x",
        TOKEN[:-1],
        TOKEN + "x",
        "ä",
        "\ud83d".encode("utf-8", "ignore").decode(),
    ):
        answer = await house.sign_in(wrong)
        assert (answer.status_code, WRONG_TOKEN in answer.text) == (403, True)
    assert (await house.browser.post("/host", content=b"\xff{")).status_code == 403
    await house.sign_in()
    right = str(house.browser.cookies[COOKIE])
    until, signature = right.split(".")
    for wrong in (TOKEN, until, f"{int(until) + 1}.{signature}", f"{right}0", ".", "nan.", "x.y"):
        answer = await house.new_browser().get(FINDINGS, headers={"Cookie": f"{COOKIE}={wrong}"})
        assert answer.status_code == 303
    monkeypatch.setattr(time, "time", lambda: float(until) + 1)
    assert (await house.browser.get(FINDINGS)).status_code == 303


async def test_tries_are_limited(house: House, clock: Clock) -> None:
    for _ in range(10):
        assert (await house.sign_in("wrong")).status_code == 403
    answer = await house.sign_in()
    assert answer.status_code == 429
    assert "That was tried too often. Please try again in " in answer.text
    clock.move(MINUTE + 1)
    assert (await house.sign_in()).status_code == 303


async def test_findings_are_listed_and_chosen(house: House) -> None:
    await house.sign_in()
    assert "There is nothing here." in await house.text(FINDINGS)
    await house.says("How is Rome?", "Rainy.", "down", reason="Wrong facts", comment="It is not.")
    await house.says("And Oslo?", "Sunny.", "up")
    page = await house.text(FINDINGS)
    for said in ("“How is Rome?”", "→ Rainy.", "It is not.", "bad: Wrong facts", "2 of 2"):
        assert said in page
    assert re.search(r"<td>\d{4}-\d\d-\d\d</td><td>1</td><td>1</td>", page)
    good, bad = await house.links()
    assert await house.links("?rating=good") == [good]
    assert await house.links("?reason=Wrong%20facts&agent=helper&state=open") == [bad]
    assert await house.links("?agent=nobody") == []
    marked = await house.browser.post(f"/host/{bad}", data={"done": "1"})
    assert marked.status_code == 303
    assert await house.links("?state=done") == [bad]
    assert await house.links("?state=open") == [good]
    await house.browser.post(f"/host/{bad}", data={"done": "0"})
    assert await house.links("?state=done") == []


async def test_a_finding_shows_the_chat_at_that_answer_with_tools_and_figures(
    house: House,
) -> None:
    await house.sign_in()
    page_state = await house.says(
        "How is Rome?", "Rainy.", "down", expected="Sunny.", passage="Rain"
    )
    house.model.enqueue("It is far.")
    await page_state.ask("And Oslo?", 1, "").finish()
    (link,) = await house.links()
    page = await house.text(f"/host/{link}")
    about = ("How is Rome?", "Tool look", "&quot;Rome&quot;", "Rainy.", "What it should have said")
    places = [page.index(part) for part in (*about, "Sunny.", "Mark as done", "And Oslo?")]
    assert places == sorted(places)
    assert "2 tokens read, 2 written" in page
    assert page_state.user_id not in page
    await page_state.undo()
    await page_state.undo()
    copy = await house.text(f"/host/{link}")
    assert "The visitor has taken this answer back since" in copy
    assert "It is far." not in copy
    for part in ("How is Rome?", "Tool look", "Rainy.", "Sunny."):
        assert part in copy
    await page_state.forget_visitor()
    assert (await house.browser.get(f"/host/{link}")).status_code == 404
    assert (await house.browser.post(f"/host/{link}", data={"done": "1"})).status_code == 404


async def test_what_is_exported_has_all_and_no_formula(house: House) -> None:
    await house.sign_in()
    await house.says("How is Rome?", "+Rainy", "down", comment=HOSTILE, expected=" -1\t=2")
    page_state = await house.says("And Oslo?", "Sunny.", "up")
    (row, other) = csv.DictReader(io.StringIO((await house.text(f"{FINDINGS}.csv"))[1:]))
    assert (row["question"], other["question"]) == ("And Oslo?", "How is Rome?")
    assert other["answer"] == "'+Rainy"
    assert other["comment"] == f"'{HOSTILE}"
    assert other["expected"] == "'-1\t=2"
    assert (other["rating"], other["is_done"], other["agent"]) == ("bad", "no", "helper")
    chosen = (await house.browser.get(f"{FINDINGS}.json?rating=good")).json()
    assert [case["tools"][0]["args"] for case in chosen] == [{"city": "Rome"}]
    assert chosen[0]["session_id"] == page_state.session_id
    assert chosen[0]["invocation_id"] == page_state.screen.turn_ids[0]
    assert page_state.user_id not in repr(chosen)


async def test_what_a_visitor_says_is_text(house: House) -> None:
    await house.sign_in()
    words = {name: f"{name}{HOSTILE}" for name in ("comment", "expected", "passage")}
    await house.says(HOSTILE, HOSTILE, "down", **words)
    (link,) = await house.links()
    for path in (FINDINGS, f"/host/{link}"):
        page = await house.text(path)
        assert "<script" not in page
        assert html.escape(f"comment{HOSTILE}") in page
