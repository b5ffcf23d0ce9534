"""The sources of an answer, as programs are told them."""

from collections.abc import Iterator

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini, Grounded
from tests.support.grounded import ANSWER, FACTS
from tests.support.mcp_client import call, tools_of
from tests.support.sse_client import ask, said

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(), request_retries=0) as url:
        yield url


@pytest.fixture(autouse=True)
def knows(gemini: FakeGemini) -> None:
    gemini.enqueue(ANSWER[:20], ANSWER[20:], Grounded(FACTS))


def test_a_program_is_told_them(url: str) -> None:
    stream = said(ask(url, "Who won?"))
    assert dict(stream)["sources"] == {
        "pages": [
            {"title": "example.com", "address": "https://www.example.com/euro"},
            {"title": "example.org", "address": "https://www.example.org/final"},
        ],
        "searches": ["euro 2024 winner"],
    }


async def test_a_client_of_mcp_reads_them_below_the_answer(url: str) -> None:
    async with tools_of(url) as tools:
        text = await call(tools, "Who won?")
    assert text == (
        f"{ANSWER}\n\nSources:\n[1] example.com https://www.example.com/euro\n"
        "[2] example.org https://www.example.org/final"
    )
