"""What a visitor says of an answer: kept beside the chat, shared by replicas, deleted with it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from google.adk.agents import Agent
from google.adk.cli.utils.service_factory import create_session_service_from_options
from google.adk.sessions import BaseSessionService

from agent.chat import rating
from agent.chat.registry import Registry
from agent.core.feedback import MAX_WORDS, Finding, Opinion
from agent.core.notices import SENTENCES, Notice, PlainError
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.limits.rate_limits import RATINGS_PER_MESSAGE, LimitExceeded
from agent.page.page_state import PageState
from agent.stores import retention
from agent.stores.cleanup import InMemoryStore
from agent.stores.fallback import FallbackStore
from agent.stores.feedback import FEEDBACK_USER_ID, finding_id
from tests.support.app_process import ROOT
from tests.support.app_setup import UNLIMITED, loaded, until
from tests.support.postgres import Postgres
from tests.support.scripted_model import ScriptedModel, call, contents, thought


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


class Store(InMemoryStore):
    """In which time passes at will."""

    def __init__(self) -> None:
        super().__init__()
        self.touched = asyncio.Event()

    async def list_sessions(self, **whose: Any) -> Any:
        self.touched.set()
        return await super().list_sessions(**whose)

    async def rounds(self) -> None:
        """Wait until what is stored has been looked through, from begin to end."""
        for _ in range(2):
            self.touched.clear()
            await self.touched.wait()

    async def until_empty(self) -> None:
        """Wait until nothing is stored."""
        while any(self.sessions.get("test", {}).values()):
            await self.rounds()

    def age(self, seconds: float) -> None:
        """Let all that is stored be so much older."""
        for sessions in self.sessions["test"].values():
            for session in sessions.values():
                session.last_update_time -= seconds
                for stored in session.state.values():
                    if isinstance(stored, dict) and "at" in stored:
                        stored["at"] -= seconds


class Window:
    """A page of a visitor's, at one replica."""

    def __init__(self, store: BaseSessionService | None = None, **settings: Any) -> None:
        self.model = ScriptedModel()
        what = loaded(self.model, tools=[look], instruction="Be kind.")
        what.runner.session_service = store or InMemoryStore()
        self.registry = Registry(what, Settings(**{**UNLIMITED, **settings}))
        self.page = PageState(self.registry)

    async def ask(self, question: str, *steps: Any, kept: int | None = None) -> str:
        """One turn; its answer."""
        self.model.enqueue(*steps)
        above = len(self.page.screen.turn_ids) if kept is None else kept
        return answer(await self.page.ask(question, above, "1.2.3.4").finish())

    async def rate(self, given: str, turn: int = -1, **words: str) -> Opinion:
        """Rate an answer on the page."""
        what = {"turn": self.page.screen.turn_ids[turn], "rating": given, **words}
        conversation = await self.page.conversation()
        return await rating.rate(self.registry, conversation, what, "1.2.3.4")

    async def come(self, other: "Window") -> None:
        """Open here what is on the other's page."""
        self.page = PageState(self.registry, other.page.user_id, other.page.session_id)
        async for _ in self.page.replay():
            pass

    async def opinions(self) -> dict[str, Opinion]:
        """Those about the chat on the page, by what the answers were."""
        kept = await self.registry.feedback.of_chat(self.page.user_id, str(self.page.session_id))
        return {finding.answer: finding.opinion for finding in kept.values()}

    async def all(self) -> list[Finding]:
        """What the host finds."""
        return await self.registry.feedback.all()

    async def answers(self) -> list[str]:
        """The same: what the answers were."""
        return [finding.answer for finding in await self.all()]


async def test_a_finding_has_all_that_a_test_of_the_agent_needs() -> None:
    window = Window()
    window.model.enqueue(call("look", city="Rome"))
    await window.ask("How is Rome?", thought("Hm."), "Rainy.")
    await window.rate("down", reason="Wrong facts", comment="It is not.", expected="Sunny.")
    (finding,) = await window.all()
    (turn,) = (await window.page.conversation()).turns
    version = finding.agent_version
    assert finding == Finding(
        user_id=window.page.user_id,
        session_id=str(window.page.session_id),
        turn_id=turn.invocation_id,
        opinion=Opinion("down", "Wrong facts", "It is not.", "Sunny."),
        at=finding.at,
        question="How is Rome?",
        answer="Rainy.",
        tools=(
            {
                "name": "look",
                "args": {"city": "Rome"},
                "result": '{"seen": "Rome"}',
                "seconds": finding.tools[0]["seconds"],
            },
        ),
        figures=finding.figures,
        agent="helper",
        agent_version=version,
        app_version="0.1.0",
    )
    assert abs(finding.at - time.time()) < 60
    assert finding.figures.endswith("2 tokens read, 2 written")
    cast(Agent, window.registry.loaded.runner.agent).instruction = "Be rude."
    await window.rate("down", comment="Still.")
    assert (await window.all())[0].agent_version != version


async def test_a_rating_is_changed_and_taken_back_with_all_that_was_written() -> None:
    store = InMemoryStore()
    window = Window(store)
    await window.ask("first", "one")
    await window.ask("second", "two")
    assert await window.rate("down", 0) == Opinion("down")
    assert await window.rate("down", 0, reason="Incomplete", comment="Secret") == Opinion(
        "down", "Incomplete", "Secret"
    )
    # Without words it only rates; a good answer needs neither reason nor another answer.
    assert await window.rate("down", 0) == Opinion("down", "Incomplete", "Secret")
    assert await window.rate("up", 0) == Opinion("up", comment="Secret")
    await window.rate("up", 1, passage="tw")
    await window.rate("", 0)
    assert await window.opinions() == {"two": Opinion("up", passage="tw")}
    assert "Secret" not in repr(store.__dict__)
    await window.rate("", 1)
    assert FEEDBACK_USER_ID not in repr(store.__dict__)


async def test_no_model_is_told_of_it_and_the_chat_does_not_change() -> None:
    window = Window()
    await window.ask("first", "one")
    key = window.registry.key(window.page.user_id, str(window.page.session_id))._asdict()
    store = window.registry.loaded.runner.session_service
    before = await store.get_session(**key)
    await window.rate("down", comment="Bad.")
    assert await store.get_session(**key) == before
    await window.ask("second", "two")
    told = [("user", "first"), ("model", "one"), ("user", "second")]
    assert contents(window.model.requests[-1]) == told
    assert await window.opinions() == {"one": Opinion("down", comment="Bad.")}


@pytest.mark.parametrize("gone", ["undo", "undo the first", "retry"])
async def test_a_finding_outlasts_an_answer_that_is_taken_back(gone: str) -> None:
    window = Window()
    await window.ask("first", "one")
    if gone != "undo the first":
        await window.ask("second", "two")
    await window.rate("down")
    frozen = await window.all()
    if gone == "retry":
        await window.ask("second", "another", kept=1)
    else:
        await window.page.undo()
    assert await window.all() == frozen
    await window.page.forget_visitor()
    assert await window.all() == []


async def test_a_finding_is_deleted_with_its_chat_and_no_other_is() -> None:
    window, stranger = Window(store := InMemoryStore()), Window(store)
    for own_window, said in ((window, "one"), (stranger, "hers")):
        await own_window.ask("first", said)
        await own_window.rate("down")
    window.page.turn_to(None)
    await window.ask("second", "two")
    await window.rate("up")
    await window.page.forget()
    assert sorted(await window.answers()) == ["hers", "one"]
    await window.page.forget_visitor()
    assert await window.answers() == ["hers"]


async def test_findings_are_kept_as_long_as_chats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "FIRST_SWEEP_DELAY", 0)
    monkeypatch.setattr(retention, "SWEEP_INTERVAL", (0.01, 0.01))
    window = Window(store := Store(), session_idle=100)
    await window.ask("first", "one")
    await window.rate("down")
    await window.page.undo()  # Now nothing but the finding is there.
    assert await window.answers() == ["one"]
    await window.ask("second", "two")
    await window.rate("down")
    await store.rounds()
    assert await window.answers() == ["two", "one"]
    store.age(200)
    await store.until_empty()
    await window.registry.close()


async def test_only_ones_own_finished_answers_can_be_rated() -> None:
    window, stranger = Window(store := InMemoryStore()), Window(store)
    await window.ask("first", "one")
    await stranger.ask("hers", "hers")
    goes_on = asyncio.Event()
    window.model.enqueue("Wait", goes_on)
    turn = window.page.ask("second", 1, "")
    await until(turn, "Wait")
    for id in (turn.id, stranger.page.screen.turn_ids[0], "nothing", None, {"a": 1}):
        with pytest.raises(PlainError, match=SENTENCES["not_rated"][:30]):
            await rating.rate(
                window.registry,
                await window.page.conversation(),
                {"turn": id, "rating": "down"},
                None,
            )
    assert await window.all() == []
    goes_on.set()
    await turn.finish()
    await window.rate("down")
    assert await window.answers() == ["Wait"]


async def test_what_is_too_long_or_nonsense_is_refused_or_nothing() -> None:
    window = Window()
    await window.ask("first", "one")
    too_long = Notice("feedback_too_long", {"longest": MAX_WORDS}).text
    assert too_long.startswith("A field can have 2,000 characters.")
    for name in ("reason", "comment", "expected", "passage"):
        with pytest.raises(PlainError) as refused:
            await window.rate("down", -1, **{name: "x" * 1_000_000})
        assert str(refused.value) == too_long
    opinion = await window.rate(
        "down", reason="=1+1", comment=" <b>\ud83d\0</b> ", nonsense="x", expected="x" * MAX_WORDS
    )
    assert opinion == Opinion("down", "", "<b>\ufffd</b>", "x" * MAX_WORDS)
    assert await window.rate("nonsense") == Opinion("")
    assert await window.all() == []


async def test_ratings_are_limited_as_messages_are() -> None:
    window = Window(visitor_per_minute=1)
    await window.ask("first", "one")
    for number in range(RATINGS_PER_MESSAGE):
        await window.rate("down", comment=str(number))
    with pytest.raises(LimitExceeded, match=r"That was a lot of ratings. Please try again in "):
        await window.rate("down", comment="More")
    assert await window.opinions() == {"one": Opinion("down", comment="3")}


# Several replicas


@asynccontextmanager
async def two_windows(uri: str) -> AsyncIterator[tuple[Window, Window]]:
    """Of one visitor, at two replicas; the same answer is on both."""
    stores = [
        FallbackStore(create_session_service_from_options(base_dir=ROOT, session_service_uri=uri))
        for _ in range(2)
    ]
    one, two = map(Window, stores)
    await one.ask("first", "one")
    await two.come(one)
    yield one, two
    for store in stores:
        if close := getattr(store.real, "close", None):
            await close()


async def have_one_list(one: Window, two: Window) -> None:
    await one.rate("down", comment="At the first")
    assert await two.opinions() == {"one": Opinion("down", comment="At the first")}
    await two.ask("second", "two")
    await one.come(two)
    await asyncio.gather(
        one.rate("up", 0), two.rate("up", 1), one.rate("down", 1), two.rate("down", 0)
    )
    assert sorted(await one.answers()) == sorted(await two.answers()) == ["one", "two"]
    (first, *_) = await two.all()
    await one.registry.feedback.mark(finding_id(first), is_done=True)
    assert [finding.is_done for finding in await two.all()] == [True, False]
    await two.rate("", 0)
    assert await one.answers() == ["two"]
    await one.page.forget_visitor()
    assert await two.all() == []


async def test_two_replicas_have_one_list_of_findings_in_sqlite(tmp_path: Path) -> None:
    async with two_windows(f"sqlite:///{tmp_path}/chats.db") as (one, two):
        await have_one_list(one, two)


async def test_two_replicas_have_one_list_of_findings_in_postgres(postgres: Postgres) -> None:
    async with two_windows(postgres.new_database()) as (one, two):
        await have_one_list(one, two)
