"""The page that the tests of `/agui` ask."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.agui_client import Thread
from tests.support.app_setup import GEMINI, launched, loaded_root
from tests.support.fake_gemini import FakeGemini
from tests.support.waiting_agents import TOOLS, agent


def sky(city: str) -> dict[str, str]:
    """Tell the colour of the sky."""
    return {"colour": f"blue over {city}"}


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    everything = agent(GEMINI, *TOOLS)
    everything.tools = [*everything.tools, sky]
    # So much patience that nothing here ends by itself.
    settings: dict[str, Any] = {"leave_grace": 600, "gap_timeout": 100, "request_retries": 0}
    with launched(loaded_root(everything), **settings) as address:
        yield address


@pytest.fixture
def thread(url: str, gemini: FakeGemini) -> Thread:
    return Thread(url)
