"""A folder of agents: each is loaded when it is first asked for, with chats of its own; visitors,
limits and "Forget me" are one for all."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from google.adk.sessions import Session

from agent.chat.agents import Agents
from agent.chat.agents_folder import names_in, open_folder
from agent.chat.registry import Registry
from agent.chat.services import open_stores
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.core.visitor import is_visitor_id
from agent.limits.rate_limits import LimitExceeded
from agent.page.page_state import PageState
from agent.stores import retention
from agent.stores.fallback import StoreUnavailable
from agent.stores.share_links import SharedChat
from tests.support.agent_folder import BROKEN, FOLDER, HELPER, Write, write_agents
from tests.support.app_setup import UNLIMITED, notices
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.usefixtures("clean_imports")

ANN, BILL, CARL = (f"{FOLDER}_{name}" for name in ("ann", "bill", "carl"))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three agents, whose chats are kept beside them."""
    monkeypatch.delenv("SESSION_DB")
    return write_agents(tmp_path, ANN, BILL, CARL)


def opened(path: Path, **settings: object) -> Agents:
    """The agents of this folder, as after a start of the app."""
    folder = open_folder(path, names_in(path))
    return Agents(folder.load(folder.names[0]), Settings(**{**UNLIMITED, **settings}), folder)


async def says(agents: Agents, name: str, user_id: str, question: str = "Hi") -> PageState:
    """The page of a visitor who has asked this agent something."""
    page = PageState(await agents.get(name), user_id)
    await page.ask(question, 0, "").finish()
    return page


def chats_in(path: Path, name: str) -> int:
    """How many chats are stored beside this agent, where `adk web` looks for them."""
    file = path / name / ".adk" / "session.db"
    if not file.exists():
        return 0
    with sqlite3.connect(file) as database:
        [[count]] = database.execute("select count(*) from sessions").fetchall()
    database.close()
    return int(count)


# Which agents there are


def test_a_folder_has_the_agents_that_adk_lists(tmp_path: Path) -> None:
    write_agents(tmp_path, "ann", "__pycache__", ".hidden")
    for file in ("bill/root_agent.yaml", "carl/__init__.py", "docs/readme.md"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    assert names_in(tmp_path) == ("ann", "bill", "carl")


@pytest.mark.parametrize(
    ("file", "text", "is_agent"),
    [
        ("agent.py", "", True),
        ("root_agent.yaml", "", True),
        ("__init__.py", "from .ann.agent import root_agent\n", True),
        ("__init__.py", "", False),
        ("readme.md", "root_agent", False),
    ],
)
def test_a_folder_that_is_an_agent_itself_is_one(
    tmp_path: Path, file: str, text: str, is_agent: bool
) -> None:
    write_agents(tmp_path, "ann", "bill")
    (tmp_path / file).write_text(text)
    assert names_in(tmp_path) == (() if is_agent else ("ann", "bill"))


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert names_in(tmp_path / "nowhere") == ()


def test_a_folder_with_one_agent_shows_that_one_and_says_so(
    folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    from agent.page.loading import load_agents  # Here, because it imports Gradio.

    path = folder({f"{ANN}/agent.py": HELPER})
    agents = load_agents([str(path)])
    assert (agents.names, agents.are_several) == (("kind_helper",), False)
    assert f"The one in it is shown: {ANN}." in caplog.text


def test_a_wrong_name_is_told_with_the_right_ones(path: Path) -> None:
    said = opened(path).no_such("x" * 999).text
    assert said == (
        f"There is no agent called “{'x' * 80}” here. There are: {ANN}, {BILL}, {CARL}."
    )


# When they are loaded


async def test_an_agent_is_loaded_when_it_is_first_asked_for_and_once(path: Path) -> None:
    seen = path / "seen"
    (path / BILL / "__init__.py").write_text(
        f"with open({str(seen)!r}, 'a') as seen:\n    seen.write('x')\n"
    )
    agents = opened(path)
    assert not seen.exists()
    one, other = await asyncio.gather(agents.get(BILL), agents.get(BILL))
    assert one is other is await agents.get(BILL)
    assert seen.read_text() == "x"
    assert [agents.name_of(registry) for registry in agents.loaded] == [ANN, BILL]


async def test_a_visitor_who_leaves_meanwhile_keeps_it_from_nobody(path: Path) -> None:
    agents = opened(path)
    leaving = asyncio.create_task(agents.get(BILL))
    await asyncio.sleep(0)
    leaving.cancel()
    assert agents.name_of(await agents.get(BILL)) == BILL


async def test_one_that_fails_has_a_stand_in_and_the_others_answer(
    path: Path, gemini: FakeGemini, caplog: pytest.LogCaptureFixture
) -> None:
    (path / BILL / "agent.py").write_text(BROKEN)
    agents = opened(path)
    page = PageState(await agents.get(BILL))
    assert notices(await page.ask("Hi", 0, "").finish()) == [SENTENCES["being_mended"]]
    assert "pip install no-such-module-at-all" in caplog.text
    gemini.enqueue("Hello.")
    page = PageState(await agents.get(CARL))
    assert answer(await page.ask("Hi", 0, "").finish()) == "Hello."


@pytest.mark.parametrize("line", ["TURN_TIMEOUT=soon", "GOOGLE_API_KEY='no key'"])
async def test_what_one_agents_env_file_says_wrong_keeps_no_page_away(
    path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.delenv("ADK_DISABLE_LOAD_DOTENV")
    for name in ("TURN_TIMEOUT", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, "")  # So that the test's end takes away what ADK sets.
        monkeypatch.delenv(name)
    (path / BILL / ".env").write_text(f"{line}\n")
    agents = opened(path)
    bill, carl = await agents.get(BILL), await agents.get(CARL)
    assert (agents.name_of(bill), agents.name_of(carl)) == (BILL, CARL)
    assert "GOOGLE_API_KEY holds a blank" in bill.loaded.why_not_loaded or "TURN" in line


# Whose chats are where


async def test_each_has_its_own_chats_where_adk_web_looks(path: Path, gemini: FakeGemini) -> None:
    agents, visitor = opened(path), ""
    for name in (ANN, BILL):
        gemini.enqueue("Hello.")
        visitor = (await says(agents, name, visitor)).user_id
    assert [chats_in(path, name) for name in (ANN, BILL, CARL)] == [1, 1, 0]
    told = [request.body["systemInstruction"] for request in gemini.requests]
    assert [ANN in str(told[0]), BILL in str(told[1])] == [True, True]
    [chat] = await (await agents.get(BILL)).chats(visitor)
    assert chat.app_name == BILL


async def test_one_store_for_all_keeps_them_apart(
    path: Path, gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_DB", f"sqlite:///{path}/all.db")
    agents = opened(path)
    visitor = agents.visitors.new()
    for name in (ANN, BILL):
        gemini.enqueue("Hello.")
        await says(agents, name, visitor)
    again = opened(path)
    assert [len(await (await again.get(n)).chats(visitor)) for n in again.names] == [1, 1, 0]


async def test_those_that_share_a_store_write_one_at_a_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = open_stores(path)
    one, other, real = stores.session_service({}), stores.session_service({}), stores.sessions
    create, at_once = real.create_session, [0]

    async def create_session(**session: Any) -> Session:
        at_once.append(at_once[-1] + 1)
        created = await create(**session)
        at_once.append(at_once[-1] - 1)
        return created

    monkeypatch.setattr(real, "create_session", create_session)
    whose: dict[str, Any] = {"app_name": ANN, "user_id": "visitor-1"}
    await asyncio.gather(*(store.create_session(**whose) for store in (one, other) * 5))
    assert (max(at_once), chats_in(path, ANN)) == (1, 10)


async def test_a_visitor_of_one_is_known_to_all_after_a_restart(
    path: Path, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    page = await says(opened(path), BILL, "")
    again = opened(path)
    assert await again.knows(page.user_id)
    assert not await again.knows(again.visitors.new())
    assert not await again.knows("user")


async def test_a_chat_is_found_with_whichever_agent_it_is(path: Path, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    page = await says(opened(path), BILL, "")
    again = opened(path)
    active = await again.find(page.user_id, str(page.session_id))
    assert active
    assert active.conversation.key.app_name == BILL
    assert await again.find(page.user_id, "00000000-0000-0000-0000-000000000000") is None


async def test_a_shared_chat_is_found_with_an_agent_that_is_not_loaded(
    path: Path, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    page = await says(opened(path), BILL, "")
    await page.share()
    again = opened(path)
    found = await again.find_shared(str(await page.token()))
    assert found
    registry, shared = found
    assert isinstance(shared, SharedChat)
    assert again.name_of(registry) == BILL
    assert await again.find_shared("0" * 54) is None


# Limits


async def test_messages_to_all_agents_are_counted_together(path: Path, gemini: FakeGemini) -> None:
    agents, visitor = opened(path, visitor_per_minute=2), ""
    for name in (ANN, BILL):
        gemini.enqueue("Hello.")
        visitor = (await says(agents, name, visitor)).user_id
    page = await says(agents, CARL, visitor)
    assert page.turn
    assert "2 a minute" in notices(page.turn.transcript)[0]


async def test_answers_that_run_are_counted_together(path: Path) -> None:
    agents = opened(path, address_running=1)
    one, other = agents.first.limits, (await agents.get(BILL)).limits
    async with one.admit("ann", "1.2.3.4", "Hi", 0):
        with pytest.raises(LimitExceeded, match="1 answer running"):
            async with other.admit("bob", "1.2.3.4", "Hi", 0):
                pass


async def test_the_days_budget_is_spent_by_all_and_costs_what_costs(
    path: Path, gemini: FakeGemini
) -> None:
    text = (path / BILL / "agent.py").read_text().replace("gemini-3.5-flash", "offline")
    (path / BILL / "agent.py").write_text(
        text.replace('"offline"', "OfflineModel(delay=0)").replace(
            "from google", "from agent.models.offline import OfflineModel\nfrom google", 1
        )
    )
    agents = opened(path, daily_turns=1)
    await says(agents, BILL, "")  # The built-in model costs nothing.
    gemini.enqueue("Hello.")
    await says(agents, ANN, "")
    page = await says(agents, CARL, "")
    assert page.turn
    assert "used up" in notices(page.turn.transcript)[0]
    assert len(gemini.requests) == 1


# Forgetting


async def test_forget_me_forgets_with_all_also_with_those_that_nobody_has_loaded(
    path: Path, gemini: FakeGemini
) -> None:
    before, visitor = opened(path), ""
    for name in (ANN, BILL, CARL):
        gemini.enqueue("Hello.")
        visitor = (await says(before, name, visitor)).user_id
    gemini.enqueue("Hello.")
    other = await says(before, CARL, "")
    (path / BILL / "agent.py").write_text(BROKEN)
    again = opened(path)
    page = PageState(again.first, visitor)
    await page.forget_visitor(again)
    assert [chats_in(path, name) for name in (ANN, BILL, CARL)] == [0, 0, 1]
    assert is_visitor_id(page.user_id)
    assert page.user_id != visitor
    assert await again.knows(other.user_id)
    assert len(again.loaded) == 1


async def test_a_store_that_does_not_answer_is_told_and_the_others_are_emptied(
    path: Path, gemini: FakeGemini
) -> None:
    agents, visitor = opened(path), ""
    for name in (ANN, BILL):
        gemini.enqueue("Hello.")
        visitor = (await says(agents, name, visitor)).user_id
    again = opened(path)
    (path / ANN / ".adk" / "session.db").write_text("no database")
    page = PageState(again.first, visitor)
    with pytest.raises(StoreUnavailable):
        await page.forget_visitor(again)
    assert chats_in(path, BILL) == 0
    assert page.user_id == visitor


async def test_old_chats_are_deleted_also_of_agents_that_nobody_asks_for(
    path: Path, gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SWEEP_INTERVAL", (0.01, 0.01))
    monkeypatch.setattr(retention, "FIRST_SWEEP_DELAY", 0.0)
    gemini.enqueue("Hello.")
    await says(opened(path), BILL, "")
    again = opened(path, session_idle=0.01)
    deleted, forget = asyncio.Event(), Registry._forget_stored

    async def forget_stored(registry: Registry, session: Session) -> None:
        await forget(registry, session)
        deleted.set()

    monkeypatch.setattr(Registry, "_forget_stored", forget_stored)
    again.begin()
    await asyncio.wait_for(deleted.wait(), 20)
    again.retire()
    assert chats_in(path, BILL) == 0
    assert len(again.loaded) == 1


# The end


async def test_all_of_them_end_together(path: Path, gemini: FakeGemini) -> None:
    agents = opened(path, shutdown_timeout=1)
    for name in (ANN, BILL):
        gemini.enqueue("Hello.")
        await says(agents, name, "")
    await asyncio.to_thread(agents.close_from_outside)
    for name in (ANN, BILL):
        page = await says(agents, name, "")
        assert page.turn
        assert notices(page.turn.transcript) == [SENTENCES["closing"]]
