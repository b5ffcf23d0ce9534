"""An agent waits for a person, and its app is killed meanwhile: what was approved is done once, and
what was declined never, also by two processes."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.app_process import App
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.postgres import Postgres
from tests.support.sse_client import answer, answer_pauses, ask, events, said
from tests.support.waiting_agents import GEMINI_PAYS

pytestmark = pytest.mark.slow

# An agent that waits, and keeps in a file what its tools have done.
AGENT = """
import json
from tests.support import waiting_agents

class InFile(list):
    def append(self, done):
        with open({file!r}, "a") as file:
            file.write(json.dumps(done) + "\\n")

    def update(self, **ticket):
        self.append(ticket)

waiting_agents.DONE = waiting_agents.TICKET = InFile()
root_agent = waiting_agents.{agent}
"""

TOOLS = "agent('gemini-3.5-flash', 'pay', 'book', 'get_user_choice', 'ask_boss')"

TOKEN = "the-token-of-this-host"


class Waiting:
    """Such an agent, with a model that is asked for by real HTTP."""

    def __init__(self, folder: Path, agent: str) -> None:
        self._file = folder / "done.jsonl"
        self.folder = folder / "waiting"
        self.folder.mkdir()
        source = AGENT.format(file=str(self._file), agent=agent)
        (self.folder / "agent.py").write_text(source)

    def done(self) -> list[Any]:
        """What its tools have done."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return [json.loads(line) for line in lines]


def opened_after_kill(app: App, page: Page) -> Page:
    """A new window of the same browser, in place of the one in which the app was killed."""
    url = page.tab.url
    page.tab.close()
    app.end(signal.SIGKILL)
    app.start()
    return Page(page.tab.context.new_page()).open(url)


@pytest.mark.parametrize(
    ("label", "done"),
    [("Approve", [["pay", 7, "Ann"], ["book", "Rome", 5]]), ("Decline", [])],
)
def test_what_was_asked_before_a_kill_is_answered_after_it_in_another_window(
    gemini: FakeGemini, visitor: Visitor, tmp_path: Path, label: str, done: list[Any]
) -> None:
    agent = Waiting(tmp_path, TOOLS)
    app = App(str(agent.folder), SESSION_DB=f"sqlite:///{tmp_path}/chats.db")
    try:
        page = visitor().open(app.url)
        choose = Call("get_user_choice", {"options": ["red", "blue"]}, "call-3")
        gemini.enqueue(GEMINI_PAYS, Call("book", {"place": "Rome"}, "call-2"), choose)
        page.send("Do it")
        page.wait_idle()
        page = opened_after_kill(app, page)
        page.cards.get_by_text("Change the values").first.click()
        page.cards.get_by_label("amount").fill("7")
        page.cards.get_by_label("nights").fill("5")
        for button in page.cards.get_by_role("button", name=label).all():
            button.click()
        assert agent.done() == []
        gemini.enqueue("All done.")
        page.answer_card("blue")
        page.asks()
        page.speaks()
        assert page.words() == [("user", "Do it"), ("model", "All done.")]
        assert sorted(agent.done()) == sorted(done)  # They are run at the same time.
        assert 'response get_user_choice {"result": "blue"}' in gemini.requests[-1].last_user_text
    finally:
        app.end(signal.SIGKILL)


@pytest.mark.thorough
def test_a_workflow_that_asked_before_a_kill_goes_on_after_it(
    visitor: Visitor, tmp_path: Path
) -> None:
    agent = Waiting(tmp_path, "reviewer()")
    app = App(str(agent.folder), SESSION_DB=f"sqlite:///{tmp_path}/chats.db")
    try:
        page = visitor().open(app.url)
        page.send("cats")
        page.wait_idle()
        page = opened_after_kill(app, page)
        page.cards.get_by_label("To").fill("Zoe")
        page.answer_card("Send")
        page.asks()
        page.speaks()
        assert page.words() == [("user", "cats"), ("model", "Sent to Zoe")]
        assert agent.done() == [["send", {"to": "Zoe", "copies": 1}]]
    finally:
        app.end(signal.SIGKILL)


# Two processes


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    return Waiting(tmp_path_factory.mktemp("two"), TOOLS)


@pytest.fixture(scope="module")
def apps(postgres: Postgres, fake: FakeGemini, agent: Waiting) -> Iterator[tuple[App, App]]:
    settings = {"SESSION_DB": postgres.new_database(), "API_TOKEN": TOKEN}
    both = App(str(agent.folder), **settings), App(str(agent.folder), **settings)
    yield both
    for app in both:
        app.end(signal.SIGKILL)


def test_of_two_processes_that_are_answered_at_once_one_runs_the_tool(
    apps: tuple[App, App], agent: Waiting, gemini: FakeGemini
) -> None:
    before = len(agent.done())
    gemini.enqueue(GEMINI_PAYS)
    gemini.enqueue("Paid.")
    stream = ask(apps[0].url, "Pay Ann")
    (asked,) = (data["id"] for name, data in said(stream) if name == "pause")

    def approve(app: App) -> httpx.Response:
        return answer_pauses(app.url, stream[0].session, {asked: {"approved": True}})

    with ThreadPoolExecutor() as threads:
        responses = list(threads.map(approve, apps))
    assert agent.done()[before:] == [["pay", 1, "Ann"]]
    answers = [
        answer(list(events(response))) for response in responses if response.status_code == 200
    ]
    assert sorted(answers) in ([["Paid."], ["", "Paid."]]), responses


def test_the_result_of_a_long_running_tool_may_come_to_either_process(
    apps: tuple[App, App], agent: Waiting, gemini: FakeGemini
) -> None:
    gemini.enqueue(Call("ask_boss", {"amount": 9}, "call-1"))
    gemini.enqueue("Asked.")
    stream = ask(apps[0].url, "May I?")
    assert answer(stream) == "Asked."
    gemini.enqueue("She agrees.")
    result = {**agent.done()[-1], "result": {"status": "approved"}}

    def bring(app: App) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.post(f"{app.url}chat/result", json=result, headers=headers, timeout=60)

    with ThreadPoolExecutor() as threads:
        responses = list(threads.map(bring, apps))
    taken = [response.json() for response in responses if response.status_code == 200]
    assert taken == [{"text": "Asked.\n\nShe agrees.", "notices": []}], responses
    assert len(gemini.requests) == 3
