"""The turn that nobody asks for is a whole one."""

import asyncio

from agent.offline import WHAT_I_AM
from agent.transcript import answer, notices
from agent.warmth import one_turn


def test_it_is_answered_like_a_visitors() -> None:
    transcript = asyncio.run(one_turn())
    assert answer(transcript).startswith(WHAT_I_AM)
    assert notices(transcript) == []
