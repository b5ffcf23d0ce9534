"""What an agent asks outlasts restarts, and of several replicas one alone takes the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.adk.cli.utils.service_factory import create_session_service_from_options

from agent.chat.registry import Registry
from agent.core.notices import SENTENCES
from agent.core.pauses import Reply
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer, notices
from agent.core.waiting import open_pauses
from agent.page.page_state import PageState
from agent.stores.fallback import FallbackStore
from tests.support.app_process import ROOT
from tests.support.app_setup import UNLIMITED, loaded_root
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting_agents import DONE, PAY, agent

pytestmark = pytest.mark.usefixtures("nothing_done")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chats.db"
    found: str = request.getfixturevalue("postgres_uri")
    return found


@asynccontextmanager
async def replica(uri: str, model: ScriptedModel) -> AsyncIterator[Registry]:
    """An app, with everything of its own but the store."""
    real = create_session_service_from_options(base_dir=ROOT, session_service_uri=uri)
    what = loaded_root(agent(model, "pay"))
    what.runner.session_service = FallbackStore(real, is_shared=uri.startswith("postgresql"))
    registry = Registry(what, Settings(**UNLIMITED))
    yield registry
    await registry._retention.close()  # Its sweep uses the store.
    await getattr(real, "close", lambda: asyncio.sleep(0))()


async def ask(page: PageState, message: str) -> str:
    """One turn; the id of what is asked in it."""
    turn = page.ask(message, len(page.screen.turn_ids), "1.2.3.4")
    (asked,) = open_pauses(await turn.finish())
    return asked.id


async def approve(page: PageState, pause_id: str) -> Transcript:
    replies = {"replies": {pause_id: Reply()}}
    return await page.ask(replies, len(page.screen.turn_ids) - 1, "1.2.3.4").finish()


async def opened(registry: Registry, page: PageState) -> PageState:
    """The same conversation on a page of another app, which shows it."""
    other = PageState(registry, page.user_id, page.session_id)
    [_ async for _ in other.replay()]
    return other


async def test_what_is_asked_is_answered_after_a_restart(uri: str) -> None:
    model = ScriptedModel(scripts=[[PAY], ["Paid."]])
    async with replica(uri, model) as registry:
        page = PageState(registry)
        asked = await ask(page, "Pay Ann")
    async with replica(uri, model) as registry:
        page = await opened(registry, page)
        transcript = await approve(page, asked)
        assert (answer(transcript), notices(transcript)) == ("Paid.", [])
    async with replica(uri, model) as registry:
        records = [records async for records, _ in (await opened(registry, page)).replay()][-1]
        assert [(r.question, answer(r.transcript)) for r in records] == [("Pay Ann", "Paid.")]
    assert DONE == [("pay", 1, "Ann")]


@pytest.mark.parametrize("uri", ["postgresql"], indirect=True)
async def test_two_replicas_that_are_answered_at_once_run_the_tool_once(uri: str) -> None:
    models = [ScriptedModel(scripts=[[PAY], ["Paid."]]), ScriptedModel(scripts=[["Paid."]])]
    async with replica(uri, models[0]) as one, replica(uri, models[1]) as two:
        page = PageState(one)
        asked = await ask(page, "Pay Ann")
        other = await opened(two, page)
        told = await asyncio.gather(approve(page, asked), approve(other, asked))
        assert DONE == [("pay", 1, "Ann")]
        assert sorted(answer(transcript) for transcript in told) == ["", "Paid."]
        said = {notice for transcript in told for notice in notices(transcript)}
        assert said in [{SENTENCES["elsewhere"]}, {SENTENCES["answered_already"]}]
