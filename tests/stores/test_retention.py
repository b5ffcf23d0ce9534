"""Conversations end when they are idle or too many; those in use and a developer's own stay."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from google.adk.sessions import InMemorySessionService, Session

from agent.chat import registry as held
from agent.chat.registry import ActiveConversation, Registry
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.visitor import Visitor
from agent.stores import retention
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import ScriptedModel


class Store(InMemorySessionService):
    """A store in which time passes at will, with sessions that cannot be deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.listings = 0
        self.broken: set[str] = set()
        self.is_down = False
        self.touched = asyncio.Event()

    async def list_sessions(self, **whose: Any) -> Any:
        self.listings += 1
        self.touched.set()
        if self.is_down:
            raise OSError("The store is down.")
        return await super().list_sessions(**whose)

    async def delete_session(self, *, session_id: str, **whose: Any) -> None:
        if session_id in self.broken:
            raise OSError("This one cannot be deleted.")
        await super().delete_session(session_id=session_id, **whose)
        self.touched.set()

    def age(self, seconds: float) -> None:
        """Let all that is stored be so much older."""
        for session in self.stored():
            session.last_update_time -= seconds

    def stored(self) -> list[Session]:
        users = self.sessions.get("test", {})
        return [session for sessions in users.values() for session in sessions.values()]

    def ids(self) -> set[str]:
        return {session.id for session in self.stored()}


class House:
    """A directory over such a store."""

    def __init__(self, store: Store | None = None, **settings: Any) -> None:
        self.model, self.store = ScriptedModel(), store or Store()
        what = loaded(self.model)
        what.runner.session_service = self.store
        self.registry = Registry(what, Settings(**{**UNLIMITED, **settings}))

    async def chat(
        self, *steps: Any, at: str | None = None, user: str | None = None
    ) -> ActiveConversation:
        """A new conversation; its turn is over unless its steps keep it."""
        self.model.enqueue("Hi.", *steps)
        chat = self.registry.open(user)
        log = chat.ask(Question("Hello", visitor=Visitor(address=at)))
        await (log.turn.admitted.wait() if steps else log.turn.finish())
        return chat

    async def chats(self, count: int) -> list[str]:
        """The ids of so many new conversations."""
        return [(await self.chat()).conversation.session_id for _ in range(count)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until this holds; it may change whenever the store is used."""
        async with asyncio.timeout(10):
            while not holds():
                await self.store.touched.wait()
                self.store.touched.clear()

    async def until_left(self, *ids: str) -> None:
        """Wait until the store holds these and no other."""
        await self.until(lambda: self.store.ids() == set(ids))

    async def rounds(self) -> None:
        """Wait until the store has been looked through once more, from beginning to end."""
        seen = self.store.listings
        await self.until(lambda: self.store.listings >= seen + 2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SWEEP_INTERVAL", (0.02, 0.05))
    monkeypatch.setattr(retention, "FIRST_SWEEP_DELAY", 0.0)


@pytest.fixture
def only_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SWEEP_INTERVAL", (600, 600))


# Too old


async def test_a_conversation_that_was_idle_for_too_long_is_deleted_and_a_younger_one_stays() -> (
    None
):
    house = House(session_idle=3600)
    await house.chats(2)
    house.store.age(3601)
    young = await house.chats(1)
    await house.until_left(*young)


async def test_an_hour_less_is_not_too_long() -> None:
    house = House(session_idle=7200)
    ids = await house.chats(2)
    house.store.age(3600)
    await house.rounds()
    assert house.store.ids() == set(ids)


async def test_a_conversation_found_again_begins_the_rounds_as_a_new_one_does() -> None:
    before = House(session_idle=10_000)
    await before.chats(1)
    before.store.age(4000)
    (young,) = await before.chats(1)
    before.registry._retention._task.cancel()  # type: ignore[union-attr]
    after = House(before.store, session_idle=3600)
    assert await after.registry.find(f"visitor-{young}", young)
    await after.until_left(young)


# Too many


@pytest.mark.parametrize("most", [1, 3, 20])
async def test_no_more_are_kept_than_the_host_wants_and_those_are_the_latest(most: int) -> None:
    house = House(max_conversations=most)
    ids = await house.chats(2 * most + 1)
    await house.until_left(*ids[-most:])


async def test_many_at_once_are_looked_through_before_the_pause_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "SWEEP_INTERVAL", (0.02, 600))
    house = House(max_conversations=20)
    ids = await house.chats(60)
    # A tenth more may wait for the next round.
    await house.until(lambda: len(house.store.ids()) <= 22)
    assert house.store.ids() >= set(ids[-20:])


async def test_0_is_no_limit_and_no_reason_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SWEEP_INTERVAL", (0.01, 600))
    house = House(max_conversations=0)
    ids = await house.chats(30)
    assert house.store.ids() == set(ids)
    assert house.store.listings == 1


# Whose


def sessions(*names: str) -> list[Session]:
    """Sessions, the oldest first; each is called by its visitor and a number."""
    return [
        Session(id=name, app_name="test", user_id=name[0], last_update_time=float(at))
        for at, name in enumerate(names)
    ]


AT_HOME = {"a": "192.0.2.1", "b": "192.0.2.1", "c": "192.0.2.1", "d": "192.0.2.2"}


@pytest.mark.parametrize(
    ("stored", "at", "order"),
    [
        # Visitors of whom no address is known.
        (["a1", "b1", "c1"], {}, ["a1", "b1", "c1"]),
        (["a1", "b1", "b2", "b3", "c1"], {}, ["b1", "b2", "a1", "b3", "c1"]),
        (["a1", "a2", "b1", "b2", "b3"], {}, ["b1", "a1", "b2", "a2", "b3"]),
        # Visitors of one address, and of others.
        (["d1", "a1", "b1", "c1"], AT_HOME, ["a1", "b1", "d1", "c1"]),
        (["d1", "d2", "a1", "b1", "b2", "c1"], AT_HOME, ["b1", "a1", "d1", "b2", "d2", "c1"]),
        (["e1", "d1", "a1", "a2", "a3", "b1"], AT_HOME, ["a1", "a2", "a3", "e1", "d1", "b1"]),
    ],
)
def test_whoever_has_most_makes_room_first(
    stored: list[str], at: dict[str, str], order: list[str]
) -> None:
    made = retention.in_order(sessions(*stored), at.get)
    assert [session.id for session in made] == order


async def test_a_strangers_many_chats_push_out_nobody_elses() -> None:
    house = House(max_conversations=20)
    ours = [(await house.chat(at="192.0.2.1")).conversation.session_id for _ in range(3)]
    theirs = [(await house.chat(at="192.0.2.2")).conversation.session_id for _ in range(60)]
    await house.until_left(*ours, *theirs[-17:])


async def test_a_visitors_many_chats_push_out_nobody_elses_of_the_same_address() -> None:
    house = House(max_conversations=20)
    whose = "visitor-00000000-0000-4000-8000-000000000001"
    ours = [(await house.chat(at="127.0.0.1", user=whose)).conversation.session_id]
    other = whose.replace("1", "2")
    theirs = [
        (await house.chat(at="127.0.0.1", user=other)).conversation.session_id for _ in range(60)
    ]
    await house.until_left(*ours, *theirs[-19:])


# What stays


async def test_a_conversation_in_use_is_neither_too_old_nor_one_too_many() -> None:
    house, rest = House(max_conversations=1, session_idle=3600), asyncio.Event()
    busy = await house.chat(rest, " And bye.")
    house.store.age(4000)
    latest = (await house.chats(3))[-1]
    in_use = busy.conversation.session_id
    await house.until_left(in_use, latest)
    rest.set()
    assert busy.log
    await busy.log.turn.finish()
    assert [text for _, text in await told(busy)] == ["Hi. And bye."]


async def told(chat: ActiveConversation) -> list[tuple[str, str]]:
    turns = await chat.conversation.history()
    return [(turn.question, getattr(turn.transcript[0], "text", "")) for turn in turns]


async def test_a_developers_own_sessions_stay_and_are_not_counted() -> None:
    house = House(max_conversations=2, session_idle=3600)
    for number in range(5):
        await house.store.create_session(
            app_name="test", user_id="user", session_id=f"mine {number}"
        )
    house.store.age(1_000_000)
    ids = await house.chats(4)
    await house.until_left(*(f"mine {number}" for number in range(5)), *ids[-2:])


# A store that fails


async def test_one_that_cannot_be_deleted_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    house = House(session_idle=3600)
    stuck, *_ = await house.chats(3)
    house.store.broken = {stuck}
    house.store.age(4000)
    await house.until_left(stuck)
    house.store.broken = set()
    await house.until_left()
    assert caplog.messages[0] == "Old conversations could not be deleted."


async def test_a_store_that_was_down_is_looked_through_when_it_is_back() -> None:
    house = House(session_idle=3600)
    house.store.is_down = True
    await house.chats(2)
    house.store.age(4000)
    await house.rounds()
    house.store.is_down = False
    await house.until_left()


# What is held


def held_ids(house: House) -> list[str]:
    """The sessions of the conversations that are held, the longest unused first."""
    return [key.session_id for key in house.registry._active]


@pytest.mark.usefixtures("only_one_round")
async def test_no_more_are_held_than_the_host_wants_and_the_one_used_longest_ago_goes_first() -> (
    None
):
    house = House(max_conversations=3)
    first, second, third = await house.chats(3)
    await house.registry.find(f"visitor-{first}", first)
    (fourth,) = await house.chats(1)
    assert held_ids(house) == [third, first, fourth]
    assert second not in held_ids(house)


@pytest.mark.usefixtures("only_one_round")
async def test_a_conversation_that_is_being_answered_stays_held_beyond_that() -> None:
    house, rest = House(max_conversations=1), asyncio.Event()
    busy = (await house.chat(rest)).conversation.session_id
    _, latest = await house.chats(2)
    assert held_ids(house) == [busy, latest]
    rest.set()


async def test_one_that_was_let_go_is_found_again_with_all_that_was_said() -> None:
    house = House(max_conversations=2)
    first, *_ = await house.chats(1)
    house.registry._let_go(house.registry.key(f"visitor-{first}", first))
    chat = await house.registry.find(f"visitor-{first}", first)
    assert chat
    assert await told(chat) == [("Hello", "Hi.")]


async def test_an_idle_one_is_held_for_a_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "HOLD_TIME", 0.05)
    house = House()
    (only,) = await house.chats(1)
    await house.until(lambda: not held_ids(house))
    assert house.store.ids() == {only}


async def test_a_registry_whose_place_another_takes_sweeps_no_more_and_its_turns_go_on() -> None:
    house, rest = House(), asyncio.Event()
    chat = await house.chat(rest, " Bye.")
    house.registry.retire()
    rest.set()
    assert chat.log
    await chat.log.turn.finish()
    assert await told(chat) == [("Hello", "Hi. Bye.")]
    task = house.registry._retention._task
    assert task
    assert task.cancelled()


async def test_a_registry_that_is_closed_uses_the_store_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, in_use = House(), list[str]()

    async def list_slowly(**whose: Any) -> None:
        in_use.append("begun")
        house.store.touched.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(20):  # A connection is given back.
                await asyncio.sleep(0)
            in_use.append("given back")

    monkeypatch.setattr(held, "LAST_WORDS", 0.0)
    monkeypatch.setattr(house.store, "list_sessions", list_slowly)
    await house.chat()
    await house.until(lambda: in_use == ["begun"])
    await house.registry.close()
    assert in_use == ["begun", "given back"]


# What leaves nothing


async def test_sessions_that_nobody_has_are_not_held() -> None:
    house, nobody = House(), "00000000-0000-4000-8000-{:012}"
    for number in range(1000):
        forged = nobody.format(number)
        assert await house.registry.find(f"visitor-{forged}", forged) is None
    assert held_ids(house) == []
    assert house.store.ids() == set()
