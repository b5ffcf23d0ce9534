"""Several apps on one store: what was said at one is known at the other, and turns take turns."""

import asyncio
import json
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from google.adk.cli.utils.service_factory import create_session_service_from_options
from google.adk.sessions import InMemorySessionService
from playwright.sync_api import expect

from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.errors import PlainError
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import answer, notices
from agent.page.page_state import PageState
from agent.stores.fallback import FallbackStore
from agent.stores.lease import LEASE_USER_ID, lease
from tests.support.app_process import ROOT, App
from tests.support.app_setup import UNLIMITED, below, loaded, until
from tests.support.browser import Visitor
from tests.support.fake_gemini import FakeGemini, Until
from tests.support.postgres import Postgres
from tests.support.scripted_model import ScriptedModel, contents

# Two in one process, to which the same visitor comes by two pages


class Replica:
    """An app, and a page of the visitor's on it."""

    def __init__(self, uri: str) -> None:
        real = create_session_service_from_options(base_dir=ROOT, session_service_uri=uri)
        self.store = FallbackStore(real, is_shared=uri.startswith("postgresql"))
        self.model = ScriptedModel()
        what = loaded(self.model)
        what.runner.session_service = self.store
        self.page = PageState(Registry(what, Settings(**UNLIMITED)))

    def begin(self, message: str, *steps: object) -> Turn:
        """Begin a turn on the page."""
        if steps:
            self.model.enqueue(*steps)
        return self.page.ask(message, len(self.page.screen.turn_ids), "1.2.3.4")

    async def says(self, message: str, *steps: object) -> tuple[str, list[str]]:
        """One turn: the answer, and the app's own sentences."""
        transcript = await self.begin(message, *steps).finish()
        return answer(transcript), notices(transcript)

    async def come(self, other: "Replica") -> None:
        """Open here what is on the other's page."""
        self.page = PageState(self.page.registry, other.page.user_id, other.page.session_id)
        await self.shows()

    async def shows(self) -> list[tuple[str, str, list[str]]]:
        """What the page shows once it has caught up."""
        told = [told async for told, _ in self.page.replay()][-1]
        return [(t.question, answer(t.transcript), notices(t.transcript)) for t in told]

    def told(self) -> list[str]:
        """What the model was told at last."""
        return [text for _, text in contents(self.model.requests[-1])]


@asynccontextmanager
async def replicas(uri: str) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two, at which one visitor has said "first" already, and whose pages show it."""
    async with AsyncExitStack() as stack:
        one, two = Replica(uri), Replica(uri)
        for replica in (one, two):
            if close := getattr(replica.store.real, "close", None):
                stack.push_async_callback(close)
        await one.says("first", "one")
        await two.come(one)
        yield one, two


FIRST: tuple[str, str, list[str]] = ("first", "one", [])


async def test_what_was_said_at_one_is_known_at_the_other_that_holds_the_conversation(
    postgres_uri: str,
) -> None:
    async with replicas(postgres_uri) as (one, two):
        assert await two.says("second", "two") == ("two", [])
        await one.come(two)
        assert await one.says("third", "three") == ("three", [])
        assert one.told() == ["first", "one", "second", "two", "third"]
        await two.come(one)
        assert await two.says("fourth", "four") == ("four", [])
        assert two.told()[-3:] == ["third", "three", "fourth"]


async def test_a_page_that_is_behind_is_brought_up_to_date_and_takes_nothing_away(
    postgres_uri: str,
) -> None:
    async with replicas(postgres_uri) as (one, two):
        await two.says("second", "two")
        assert await one.says("third") == ("", [SENTENCES["out_of_date"]])
        assert one.page.unsent == "third"
        assert await one.shows() == [FIRST, ("second", "two", [])]
        assert await one.says("third", "three") == ("three", [])
        assert one.told() == ["first", "one", "second", "two", "third"]


async def test_retry_on_a_page_that_is_behind_takes_nothing_away(postgres_uri: str) -> None:
    async with replicas(postgres_uri) as (one, two):
        await two.says("second", "two")
        retried = one.page.ask("first", 0, "1.2.3.4")
        assert notices(await retried.finish()) == [SENTENCES["out_of_date"]]
        assert await one.shows() == [FIRST, ("second", "two", [])]


async def test_who_says_how_much_is_kept_must_know_all_of_it(postgres_uri: str) -> None:
    async with replicas(postgres_uri) as (one, two):
        await two.says("second", "two")
        conversation = await one.page.conversation()
        assert notices(await conversation.ask(below(conversation, 1, "third")).finish()) == [
            SENTENCES["out_of_date"]
        ]
        one.model.enqueue("three")
        assert answer(await conversation.ask("third").finish()) == "three"
        assert one.told() == ["first", "one", "second", "two", "third"]


async def test_what_was_rewound_at_one_is_gone_at_the_other(postgres_uri: str) -> None:
    async with replicas(postgres_uri) as (one, two):
        two.model.enqueue("one, again")
        await two.page.ask("first", 0, "1.2.3.4").finish()
        assert await one.says("second") == ("", [SENTENCES["out_of_date"]])
        assert await one.shows() == [("first", "one, again", [])]
        await one.says("second", "two")
        assert one.told() == ["first", "one, again", "second"]


async def test_of_two_turns_at_once_the_second_is_refused_and_nothing_is_lost(
    postgres_uri: str,
) -> None:
    async with replicas(postgres_uri) as (one, two):
        rest = asyncio.Event()
        running = one.begin("second", "Once upon ", rest, "a time.")
        await until(running, "Once upon ")
        await two.shows()
        assert await two.says("third") == ("", [SENTENCES["elsewhere"]])
        rest.set()
        assert answer(await running.finish()) == "Once upon a time."
        both = [FIRST, ("second", "Once upon a time.", [])]
        assert await two.shows() == both
        assert await two.says("third", "three") == ("three", [])
        assert two.told() == ["first", "one", "second", "Once upon a time.", "third"]
        assert await one.shows() == [*both, ("third", "three", [])]


async def test_two_turns_in_the_very_same_moment_end_with_one_answer(postgres_uri: str) -> None:
    async with replicas(postgres_uri) as (one, two):
        for replica in (one, two):
            replica.model.enqueue("yes")
        said = await asyncio.gather(one.says("second"), two.says("second"))
        assert ("yes", []) in said
        refused = [sentence for text, sentences in said for sentence in sentences if not text]
        assert refused in ([SENTENCES["elsewhere"]], [SENTENCES["out_of_date"]])
        for replica in (one, two):
            assert await replica.shows() == [FIRST, ("second", "yes", [])]


async def test_nobody_gets_between_by_giving_a_name(postgres_uri: str) -> None:
    async with replicas(postgres_uri) as (one, two):
        rest = asyncio.Event()
        running = one.begin("second", "Once upon ", rest, "a time.")
        await until(running, "Once upon ")
        with pytest.raises(PlainError, match="somewhere else"):
            await two.page.rename("A story")
        rest.set()
        assert notices(await running.finish()) == []
        await two.page.rename("A story")
        assert [chat.state["adk_chat_page_name"] for chat in await one.page.chats()] == ["A story"]
        await one.shows()
        assert await one.says("third", "three") == ("three", [])


async def test_an_app_that_died_in_a_turn_holds_the_conversation_only_while_a_turn_may_take() -> (
    None
):
    store = InMemorySessionService()
    await store.create_session(app_name="test", user_id=LEASE_USER_ID, session_id="x")
    with pytest.raises(PlainError):
        async with lease(store, "test", "x", "me", seconds=60):
            pass
    async with lease(store, "test", "x", "me", seconds=0):
        assert await store.get_session(app_name="test", user_id=LEASE_USER_ID, session_id="x")
    assert not await store.get_session(app_name="test", user_id=LEASE_USER_ID, session_id="x")


async def test_where_no_turns_are_taken_one_of_two_fails_and_the_conversation_goes_on(
    tmp_path: Path,
) -> None:
    async with replicas(f"sqlite:///{tmp_path}/chats.db") as (one, two):
        rest = asyncio.Event()
        running = one.begin("second", "Once upon ", rest, "a time.")
        await until(running, "Once upon ")
        await two.shows()
        assert await two.says("third", "three") == ("three", [])
        rest.set()
        transcript = await running.finish()
        assert "somewhere else" in notices(transcript)[0]
        questions = [question for question, _, _ in await one.shows()]
        assert questions == ["first", "second", "third"]
        assert await one.says("fourth", "four") == ("four", [])
        assert one.told()[-3:] == ["third", "three", "fourth"]


# Two processes


@pytest.fixture(scope="module")
def apps(postgres: Postgres, fake: FakeGemini) -> Iterator[tuple[App, App]]:
    uri = postgres.new_database()
    both = App(SESSION_DB=uri), App(SESSION_DB=uri)
    yield both
    for app in both:
        app.end(signal.SIGKILL)


def ask(app: App, query: str, session: str | None = None) -> list[tuple[str, str]]:
    """What /chat/stream says: each event and its text; of the session, its id."""
    question = {"query": query, "session_id": session}
    said = httpx.post(f"{app.url}chat/stream", json=question, timeout=60).text
    events = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
              for block in said.split("\n\n")]  # fmt: skip
    texts = [(event.get("event", "text"), event["data"]) for event in events if "data" in event]
    return [(kind, *json.loads(data).values())[:2] for kind, data in texts if data != "[DONE]"]


@pytest.mark.slow
def test_a_client_may_go_to_either_process(apps: tuple[App, App], gemini: FakeGemini) -> None:
    for text in ("one", "two", "three"):
        gemini.enqueue(text)
    (_, session), said = ask(apps[0], "first")
    assert said == ("text", "one")
    assert ask(apps[1], "second", session)[1:] == [("text", "two")]
    assert ask(apps[0], "third", session)[1:] == [("text", "three")]
    assert [text for _, text in gemini.requests[-1].conversation] == [
        *("first", "one", "second", "two", "third")
    ]


@pytest.mark.slow
def test_of_two_processes_one_answers_at_a_time(apps: tuple[App, App], gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("one")
    gemini.enqueue("Once upon ", Until(rest), "a time.")
    (_, session), _ = ask(apps[0], "first")
    running = threading.Thread(target=ask, args=(apps[0], "second", session))
    running.start()
    gemini.arrived(2)
    assert ask(apps[1], "third", session)[1:] == [("failure", SENTENCES["elsewhere"])]
    rest.set()
    running.join()
    gemini.enqueue("three")
    assert ask(apps[1], "third", session)[1:] == [("text", "three")]
    assert [text for _, text in gemini.requests[-1].conversation] == [
        *("first", "one", "second", "Once upon a time.", "third")
    ]


@pytest.mark.slow
def test_a_page_of_one_process_catches_up_with_a_page_of_the_other(
    apps: tuple[App, App], gemini: FakeGemini, visitor: Visitor
) -> None:
    for text in ("one", "two", "three"):
        gemini.enqueue(text)
    here, there = visitor().open(apps[0].url), visitor().open(apps[1].url)
    here.send("first")
    here.wait_idle()
    kept = here.tab.evaluate("localStorage['chat with agent']")
    there.tab.wait_for_function("chat.state.hasArrived")  # It keeps whose it is then.
    there.tab.evaluate("kept => { localStorage['chat with agent'] = kept }", kept)
    there.reload()
    there.shows(("user", "first"), ("model", "one"))
    there.wait_idle()
    there.send("second")
    there.wait_idle()
    both = [("user", "first"), ("model", "one"), ("user", "second"), ("model", "two")]
    here.send("third")
    here.shows(*both)
    here.wait_idle()
    expect(here.box).to_have_value("third")
    here.box.press("Enter")
    here.shows(*both, ("user", "third"), ("model", "three"))
