"""What programs are told of a session that is in a store which is down."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from agent.core.notices import SENTENCES
from agent.stores.fallback import FallbackStore
from tests.support.app_setup import launched, loaded
from tests.support.broken_store import ALL, Store
from tests.support.fake_gemini import FakeGemini
from tests.support.mcp_client import text_of, tools_of
from tests.support.sse_client import answer, ask

pytestmark = pytest.mark.slow

DOWN = SENTENCES["store_unavailable"]


@pytest.fixture
def url(gemini: FakeGemini, tmp_path: Path) -> Iterator[str]:
    what, store = loaded(), Store(f"{tmp_path}/chats.db")
    store.broken = ALL
    what.runner.session_service = FallbackStore(store)
    with launched(what) as address:
        yield address


def test_a_session_that_cannot_be_looked_up_is_503_with_a_sentence(url: str) -> None:
    session = str(uuid4())
    asked = {"query": "Hi", "session_id": session}
    refusals = [
        httpx.post(f"{url}chat/stream", json=asked, timeout=20),
        httpx.post(f"{url}chat/stream", params=asked, timeout=20),
        httpx.get(f"{url}chat/stream", params=asked, timeout=20),
        httpx.post(f"{url}chat/stop", json={"session_id": session}, timeout=20),
        httpx.post(
            f"{url}chat/stream",
            json={"query": "Hi"},
            headers={"Last-Event-ID": f"{session}.1.1"},
            timeout=20,
        ),
    ]
    assert [(r.status_code, r.json()) for r in refusals] == [(503, {"detail": DOWN})] * 5


async def test_mcp_clients_read_the_sentence(url: str) -> None:
    async with tools_of(url) as tools:
        arguments = {"message": "Hi", "session_id": str(uuid4())}
        result = await tools.call_tool("ask", arguments)
    assert (result.isError, text_of(result)) == (True, f"({DOWN})")


def test_a_link_is_not_told_as_one_that_is_withdrawn(url: str) -> None:
    response = httpx.get(f"{url}shared/{'0' * 32}{'a' * 22}", timeout=20)
    assert (response.status_code, response.text) == (503, f"{DOWN}\n")


def test_a_new_session_is_answered_all_the_same(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    assert answer(ask(url)) == "Hello."
