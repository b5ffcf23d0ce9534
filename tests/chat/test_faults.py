"""Each fault is told in plain words, keeps what was said, and is followed by a good turn."""

import pytest

from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import answer
from tests.support.app_setup import GEMINI, conversation, notices, say
from tests.support.fake_gemini import Cut, FakeGemini, Status
from tests.support.faults import FAULTS, LIMITS, TOOLS, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_told_and_the_next_turn_is_good(gemini: FakeGemini, fault: Fault) -> None:
    talk = conversation(GEMINI, {"tools": TOOLS}, **LIMITS, **fault.limits)
    gemini.reply_to("faulty", *fault.script)
    gemini.reply_to('{"result": "and again"}', *fault.script)
    gemini.reply_to('{"error": "RuntimeError', *fault.script)
    failed = await say(talk, "faulty")
    *tries, notice = notices(failed)
    assert tries in ([], [SENTENCES["not_streamed"]])  # tests/chat/test_degrading.py: which when.
    assert notice.startswith(fault.notice)
    assert answer(failed).startswith(fault.kept)
    talk.settings = Settings()
    gemini.reply_to("Hello", "A good ", "answer.")
    good = await say(talk, "Hello")
    assert (answer(good), notices(good)) == ("A good answer.", [])
    told = [text for role, text in gemini.requests[-1].conversation if role == "model"]
    assert [text for text in told if not text.startswith("call ")] == (
        [answer(failed)] if answer(failed) else []
    )


async def test_a_server_that_nobody_runs_is_told(gemini: FakeGemini) -> None:
    gemini.close()
    failed = await say(conversation(request_retries=0), "Hi")
    assert notices(failed)[0].startswith("The AI service cannot be reached.")


async def test_a_busy_server_is_asked_again_before_the_first_word(gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    gemini.enqueue("Here I am.")
    said = await say(conversation(request_retries=1), "Hi")
    assert (answer(said), notices(said), len(gemini.requests)) == ("Here I am.", [], 2)


async def test_an_answer_that_has_begun_is_not_asked_for_again(gemini: FakeGemini) -> None:
    gemini.enqueue("Some words", Cut())
    assert answer(await say(conversation(request_retries=3), "Hi")) == "Some words"
    assert len(gemini.requests) == 1


async def test_retries_are_bounded(gemini: FakeGemini) -> None:
    gemini.always(Status(503, "UNAVAILABLE"))
    await say(conversation(request_retries=2), "Hi")
    assert len(gemini.requests) == 3
