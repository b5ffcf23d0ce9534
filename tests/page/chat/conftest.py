"""The page in real Chromium, around the real Runner and the real google-genai client."""

import threading
from collections.abc import Iterator

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import FakeGemini


@pytest.fixture(scope="module")
def tool_may_answer() -> threading.Event:
    """The agent's tool, `sky`, waits for it."""
    return threading.Event()


@pytest.fixture(scope="module")
def url(fake: FakeGemini, tool_may_answer: threading.Event) -> Iterator[str]:
    def sky(city: str) -> dict[str, str]:
        """Tell the colour of the sky."""
        assert tool_may_answer.wait(20)
        return {"colour": f"blue over {city}"}

    # So long a grace that nothing here ends only because nobody looks any more.
    with launched(loaded(tools=[sky]), request_retries=0, leave_grace=600) as address:
        yield address


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)
