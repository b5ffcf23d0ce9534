"""What every test stands on: no network but loopback, no credentials, no `.env` of a developer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser
from pytest_socket import socket_allow_hosts

from tests.support.browser import Page, Visitor, run_chromium
from tests.support.clock import Clock
from tests.support.fake_gemini import FakeGemini
from tests.support.postgres import Postgres, run_postgres
from tests.support.second_origin import SecondOrigin

# Gradio and ADK read these when they are imported, which is after this.
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "ADK_DISABLE_LOAD_DOTENV": "1"}
os.environ |= {"SESSION_DB": "memory://"}  # Nothing of a test's is left in agent/.adk.
for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "MODEL"):
    os.environ.pop(name, None)
for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def network_off() -> None:
    """Make every connection to another machine an error."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time by which limits are counted, in place of the real one."""
    clock = Clock()
    monkeypatch.setattr("limits.aio.storage.memory.time", SimpleNamespace(time=clock.read))
    monkeypatch.setattr("agent.limits.counters.time", clock.read)
    return clock


# Who answers


@contextmanager
def found() -> Iterator[FakeGemini]:
    """A fake Gemini that the real google-genai client finds by itself."""
    with FakeGemini() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        environment.setenv("GOOGLE_API_KEY", "test-key-of-nobody")
        yield server


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeGemini]:
    """A fake Gemini for a module whose tests share one page."""
    with found() as server:
        yield server


@pytest.fixture
def gemini(request: pytest.FixtureRequest) -> Iterator[FakeGemini]:
    """A fake Gemini for one test: `fake`, as if new, where the test has that, else its own."""
    if "fake" in request.fixturenames:
        shared: FakeGemini = request.getfixturevalue("fake")
        shared.reset()
        yield shared
    else:
        with found() as server:
            yield server


# Who looks at the page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium itself. Playwright keeps a loop running, so no async test can run meanwhile."""
    with run_chromium() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Each call is a visitor of its own; none may end with a complaint."""
    pages: list[Page] = []

    def come(**options: Any) -> Page:
        context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        pages.append(Page(context.new_page()))
        return pages[-1]

    yield come
    for page in pages:
        page.tab.context.close()
    complaints = [page.complaints for page in pages if page.complaints]
    assert not complaints, complaints


@pytest.fixture(scope="module")
def second_origin_server() -> Iterator[SecondOrigin]:
    """Another origin than the page's, for all tests of a module."""
    server = SecondOrigin()
    yield server
    server.close()


@pytest.fixture
def second_origin(second_origin_server: SecondOrigin) -> SecondOrigin:
    """The same, as if nobody had come yet."""
    second_origin_server.forget()
    return second_origin_server


# Where it is kept


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of a module."""
    with run_postgres() as server:
        yield server


@pytest.fixture
def postgres_uri(postgres: Postgres) -> str:
    """The URI of an empty database."""
    return postgres.new_database()
