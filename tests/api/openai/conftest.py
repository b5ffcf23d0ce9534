"""The page that the tests of the OpenAI-compatible API ask, and their clients."""

from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from agent.chat.loader import LoadedAgent
from tests.support.app_setup import launched
from tests.support.fake_gemini import FakeGemini
from tests.support.openai_client import TOKEN
from tests.support.stored_sessions import is_emptied


@pytest.fixture(scope="module")
def url(fake: FakeGemini, what: LoadedAgent) -> Iterator[str]:
    # So long a grace that nothing here ends only because nobody listens any more.
    with launched(what, api_token=TOKEN, request_retries=0, leave_grace=600) as address:
        yield address


@pytest.fixture(scope="module")
def ours(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}v1", api_key=TOKEN) as it:
        yield it


@pytest.fixture(scope="module")
def theirs(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20) as it:
        yield it


@pytest.fixture
def client(ours: OpenAI, gemini: FakeGemini) -> OpenAI:
    return ours


@pytest.fixture
def http(theirs: httpx.Client, gemini: FakeGemini) -> httpx.Client:
    return theirs


@pytest.fixture(autouse=True)
def nothing_stays_stored(what: LoadedAgent) -> Iterator[None]:
    """Whatever a test does."""
    yield
    assert is_emptied(what)
