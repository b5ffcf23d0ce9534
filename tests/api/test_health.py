"""The health checks: is the app alive, and is it ready?"""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.adk.sessions import InMemorySessionService

from agent.api import health
from tests.support.app_setup import launched, loaded
from tests.support.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

NOT_READY = {"detail": "The conversations cannot be stored at the moment."}


class Store(InMemorySessionService):
    """A store that can break."""

    failure: Exception | None = None
    hangs = False

    async def get_session(self, **session: Any) -> Any:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return await super().get_session(**session)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Store]]:
    what, store = loaded(ScriptedModel()), Store()
    what.runner.session_service = store
    with launched(what) as url:
        yield url, store


@pytest.fixture
def url(served: tuple[str, Store]) -> str:
    return served[0]


@pytest.fixture
def store(served: tuple[str, Store]) -> Store:
    served[1].failure, served[1].hangs = None, False
    return served[1]


def look(url: str, path: str) -> tuple[int, Any]:
    response = httpx.get(url + path, timeout=20)
    return response.status_code, response.json()


def test_an_app_that_runs_is_alive(url: str) -> None:
    assert look(url, "healthz") == (200, {"status": "ok"})


def test_an_app_with_an_agent_and_a_store_is_ready(url: str, store: Store) -> None:
    assert look(url, "readyz") == (200, {"status": "ok", "agent": "helper"})


@pytest.mark.parametrize(
    "failure", [OSError("/secret/place"), TimeoutError(), KeyError("x"), Exception()], ids=repr
)
def test_a_store_that_fails_is_reported_in_a_sentence(
    url: str, store: Store, failure: Exception
) -> None:
    store.failure = failure
    assert look(url, "readyz") == (503, NOT_READY)


def test_a_store_that_does_not_answer_is_reported_in_a_sentence(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STORE_TIMEOUT", 0.05)
    store.hangs = True
    assert look(url, "readyz") == (503, NOT_READY)


def test_an_app_with_a_broken_store_is_alive(url: str, store: Store) -> None:
    store.failure = OSError("The disk is full")
    assert look(url, "healthz") == (200, {"status": "ok"})


def test_an_app_is_ready_again_once_its_store_is(url: str, store: Store) -> None:
    store.failure = OSError("The disk is full")
    look(url, "readyz")
    store.failure = None
    assert look(url, "readyz") == (200, {"status": "ok", "agent": "helper"})


async def test_a_check_leaves_nothing_behind(url: str, store: Store) -> None:
    look(url, "readyz")
    assert (await store.list_sessions(app_name="test")).sessions == []


def test_tools_that_do_not_come_back_are_counted(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "threads_left", lambda: (3, False))
    ready = {"status": "ok", "agent": "helper", "tools_left_behind": 3}
    assert look(url, "readyz") == (200, ready)
    monkeypatch.setattr(health, "threads_left", lambda: (64, True))
    status, body = look(url, "readyz")
    assert (status, body["detail"][:41]) == (503, "64 calls of tools have not come back thou")


@pytest.mark.parametrize("path", ["healthz", "readyz"])
def test_one_may_only_look(url: str, path: str) -> None:
    response = httpx.post(url + path)
    assert (response.status_code, response.json()) == (405, {"detail": "Method Not Allowed"})
