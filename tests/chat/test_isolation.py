"""A hundred visitors at once, each with a secret: nobody ever meets another's."""

import asyncio
import re
from collections import Counter

import httpx
import pytest

from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

VISITORS, TURNS, AT_ONCE = 100, 3, 20


async def test_a_hundred_visitors_meet_only_their_own_words(gemini: FakeGemini) -> None:
    for visitor in range(VISITORS):
        gemini.reply_to(f"I am canary-{visitor}.", f"You are canary-{visitor}, ", "I shall say.")
    with launched(loaded()) as url:
        answers_by_visitor = await ask_at_once(url)
    for visitor, answers in enumerate(answers_by_visitor):
        assert answers == [f"You are canary-{visitor}, I shall say."] * TURNS
    for request in gemini.requests:
        assert len(canaries(str(request.conversation))) == 1
    lengths = Counter(len(request.conversation) for request in gemini.requests)
    assert lengths == {1: VISITORS, 3: VISITORS, 5: VISITORS}
    assert not gemini.unexpected


async def ask_at_once(url: str) -> list[list[str]]:
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        return await asyncio.gather(*(ask_in_turn(client, gate, n) for n in range(VISITORS)))


async def ask_in_turn(
    client: httpx.AsyncClient, gate: asyncio.Semaphore, visitor: int
) -> list[str]:
    session, answers = None, []
    async with gate:
        for turn in range(TURNS):
            question = {"query": f"Turn {turn}: I am canary-{visitor}.", "session_id": session}
            said = (await client.post("/chat/stream", json=question)).text
            session = re.findall(r'"session_id": "([^"]+)"', said)[0]
            answers.append("".join(re.findall(r'^data: {"text": "(.*)"}$', said, re.MULTILINE)))
    return answers


def canaries(text: str) -> set[str]:
    return set(re.findall(r"canary-\d+", text))
