"""A talk: both sides speak at any time; real google-genai and Runner, against a fake Live API."""

import asyncio

import pytest
from google.adk.tools import FunctionTool

from agent.core.notices import Notice
from agent.core.transcript import Text, ToolCall
from agent.core.visitor import Visitor
from agent.limits.rate_limits import LimitExceeded
from agent.models.offline import OfflineModel
from tests.support.app_setup import conversation, loaded, registry, say
from tests.support.fake_live import Call, Close, FakeLive, Hang, Heard, Spoken
from tests.support.scripted_model import contents, scripted
from tests.support.talks import (
    GEMINI_2,
    GEMINI_3,
    OVER,
    TYPED,
    VOICE,
    begin,
    get_time,
    shown,
    speak,
    until,
    wait_until,
    whole,
)


@pytest.mark.parametrize("model", [GEMINI_3, GEMINI_2])
async def test_what_is_spoken_and_typed_is_one_talk_that_is_kept_as_text(
    live: FakeLive, model: str
) -> None:
    chat = conversation(model)
    turn = begin(chat, VOICE)
    live.enqueue(Heard("What time "), Heard("is it?"), Spoken("It is "), Spoken("noon."))
    speak(turn)
    await wait_until(turn, whole("It is noon."))
    live.enqueue(Spoken("A long "), Spoken("story"), Hang())
    await turn.say("Tell me a story")
    await until(turn, "A long story")
    live.enqueue(Spoken("Bye."))
    await turn.say("Stop!")
    await wait_until(turn, whole("Bye."))
    turn.end()

    said = ["It is noon.", "(Tell me a story)", "A long story", "(Stop!)", "Bye.", OVER]
    assert shown(await turn.finish()) == ["(What time is it?)", *said]
    (record,) = await chat.history()
    assert (record.question, shown(record.transcript)) == ("What time is it?", said)
    assert chat.title == "What time is it?"
    assert live.arrived().sound == b"\0\1" * 1600
    assert await asyncio.to_thread(live.arrived().is_closed.wait, 20)
    assert live.arrived().close_code == 1000
    assert (turn.usage.prompt, turn.usage.answer, turn.spent.tokens) == (14, 10, 24)


async def test_a_voice_comes_whole_and_in_order_to_who_listens(live: FakeLive) -> None:
    turn = begin(conversation(GEMINI_3), VOICE)
    pieces = [bytes([number, 0]) * 480 for number in range(100)]
    live.enqueue(*(Spoken(f"{number} ", piece) for number, piece in enumerate(pieces)))
    speak(turn)
    sound = b""
    async with asyncio.timeout(20):
        async for event in turn.listen():
            for part in (event.content.parts or []) if event.content else []:
                sound += (part.inline_data.data or b"") if part.inline_data else b""
            if event.turn_complete:
                turn.end()
    assert sound == b"".join(pieces)


async def test_a_typed_chat_goes_on_where_the_talk_has_ended_and_undo_takes_all_of_it() -> None:
    chat = conversation(OfflineModel(delay=0), agent={"tools": [get_time]})
    await say(chat, "/markdown")
    turn = begin(chat, TYPED)
    await turn.say('/call get_time {"city": "Rome"}')
    result = "The tool `get_time` answered:\n\n- time: noon in Rome"
    await wait_until(turn, whole(result))
    await turn.say("Thank you")
    await wait_until(turn, lambda latest: "welcome" in getattr(latest[-1], "text", ""))
    await wait_until(turn, lambda latest: getattr(latest[-1], "state", "") == "final")
    turn.end()
    await turn.finish()
    told = "Before this message you said:\n\n- `/markdown`\n- `/call get_time {&quot;"
    told = told.partition("&quot;")[0] + '"city": "Rome"}`\n- `Thank you`'
    assert shown(await say(chat, "What did I say?"))[-1] == told
    await chat.undo([chat.turns[-1].id, chat.turns[-2].id])
    assert [record.question for record in await chat.history()] == ["/markdown"]
    told = "Before this message you said:\n\n- `/markdown`"
    assert shown(await say(chat, "What did I say?"))[-1] == told


async def test_a_model_without_a_live_api_takes_and_gives_words() -> None:
    going = asyncio.Event()
    model = scripted(("Hel", "lo"), ("A long ", "sto", going), ("Bye.",))
    chat = conversation(model)
    turn = begin(chat, TYPED)
    await turn.say("Hi")
    await wait_until(turn, whole("Hello"))
    await turn.say("Tell me a story")
    await until(turn, "A long sto")
    await turn.say("Stop!")
    await wait_until(turn, whole("Bye."))
    turn.end()
    assert shown(await turn.finish()) == [
        *("(Hi)", "Hello", "(Tell me a story)", "A long sto", "(Stop!)", "Bye.", OVER)
    ]
    assert contents(model.requests[-1]) == [
        *(("user", "Hi"), ("model", "Hello"), ("user", "Tell me a story")),
        *(("model", "A long sto"), ("user", "Stop!")),
    ]


async def test_who_speaks_to_a_model_that_takes_words_alone_is_told_so() -> None:
    turn = begin(conversation(OfflineModel(delay=0)), VOICE)
    await turn.say("Hello!")
    await wait_until(turn, lambda latest: getattr(latest[-1], "state", "") == "final")
    speak(turn)
    speak(turn)
    turn.end()
    assert [e for e in await turn.finish() if isinstance(e, Notice)] == [
        *(Notice("talk_words_only"), OVER)
    ]


async def test_a_talk_in_which_nobody_says_anything_leaves_nothing(live: FakeLive) -> None:
    chat = conversation(GEMINI_3)
    turn = begin(chat, VOICE)
    await asyncio.to_thread(live.arrived)
    turn.end()
    assert await turn.finish() == (OVER,)
    assert await chat.history() == []


async def test_while_a_talk_runs_its_visitor_has_no_other_and_writes_in_it(live: FakeLive) -> None:
    chats = registry(GEMINI_3)
    first, second = chats.open("visitor-a"), chats.open("visitor-a")
    turn = first.conversation.talk(VOICE, Visitor())
    live.enqueue("Hello")
    await turn.say("Hi")
    await wait_until(turn, whole("Hello"))
    other = second.conversation.talk(VOICE, Visitor())
    assert await other.finish() == (Notice("talking"),)
    assert await say(first.conversation, "Hi") == (Notice("talking"),)
    assert [record.question for record in await first.conversation.history()] == ["Hi"]
    turn.end()
    await turn.finish()
    third = second.conversation.talk(VOICE, Visitor())
    await asyncio.to_thread(live.arrived, 2)
    await chats.close()
    assert await third.finish() == (Notice("shut_down"),)


async def test_ten_talks_at_once_are_apart(live: FakeLive) -> None:
    chats = registry(GEMINI_3)
    talks = [chats.open().conversation.talk(VOICE, Visitor()) for _ in range(10)]
    for _ in talks:
        live.enqueue(*(Spoken("word ", b"\0" * 4800) for _ in range(20)))
    for turn in talks:
        await turn.say("Talk")
    await asyncio.gather(*(wait_until(turn, whole("word " * 20)) for turn in talks))
    for turn in talks:
        turn.end()
    ended = await asyncio.gather(*(turn.finish() for turn in talks))
    assert [shown(transcript) for transcript in ended] == [["(Talk)", "word " * 20, OVER]] * 10
    assert len(live.connections) == 10


async def test_another_agent_takes_over_in_the_same_talk(live: FakeLive) -> None:
    cook = loaded(GEMINI_3, name="cook").runner.agent
    chat = conversation(GEMINI_3, agent={"sub_agents": [cook]})
    turn = begin(chat, VOICE)
    live.enqueue(Call("transfer_to_agent", {"agent_name": "cook"}), Hang())
    live.enqueue(Spoken("I cook."))
    await turn.say("Who cooks?")
    await wait_until(turn, whole("I cook."))
    turn.end()
    call, answer, over = (await turn.finish())[1:]
    assert isinstance(call, ToolCall)
    assert isinstance(answer, Text)
    assert (answer.source[0], over) == ("cook", OVER)


async def test_the_hosts_model_for_talks_holds_them(live: FakeLive) -> None:
    chat = conversation("gemini-3.5-flash", live_model=GEMINI_3)
    turn = begin(chat, VOICE)
    await turn.say("Hi")
    await wait_until(turn, whole("I have nothing to say."))
    turn.end()
    await turn.finish()
    assert live.arrived().setup["model"] == f"models/{GEMINI_3}"


async def test_once_the_days_budget_is_spent_the_offline_model_talks(live: FakeLive) -> None:
    chats = registry(GEMINI_3, daily_tokens=20)
    turn = chats.open().conversation.talk(VOICE, Visitor())
    for _ in range(3):
        live.enqueue(Spoken("Yes. "))
    await turn.say("Once")
    await wait_until(turn, whole("Yes. "))
    await turn.say("Twice")
    assert shown(await turn.finish())[-1] == Notice("budget_ran_out")
    again = chats.open().conversation.talk(VOICE, Visitor())
    await again.say("Are you there?")
    await wait_until(again, lambda latest: getattr(latest[-1], "state", "") == "final")
    again.end()
    notice, _said, _thought, answer, _over = await again.finish()
    assert isinstance(notice, Notice)
    assert isinstance(answer, Text)
    assert notice.code == "budget_spent"
    assert answer.text.startswith("I am the **built-in offline model**")
    assert len(live.connections) == 1


async def test_a_question_without_an_answer_is_not_answered_by_a_talk(live: FakeLive) -> None:
    chat = conversation(GEMINI_3)
    first = begin(chat, VOICE)
    live.enqueue(Hang())
    await first.say("Are you there?")
    await asyncio.to_thread(live.until, lambda: live.connections and live.connections[0].said)
    first.end()
    await first.finish()
    second = begin(chat, VOICE)
    live.enqueue("Here I am.")
    await asyncio.to_thread(live.arrived, 2)
    await second.say("Hello?")
    await wait_until(second, whole("Here I am."))
    second.end()
    await second.finish()
    assert live.connections[1].said == [
        *("user: Are you there?", "model: (This was not answered.)", "Hello?")
    ]


async def test_a_talk_does_not_begin_by_answering_what_waited_for_a_person() -> None:
    tools = [FunctionTool(get_time, require_confirmation=True)]
    chat = conversation(OfflineModel(delay=0), agent={"tools": tools})
    await say(chat, '/call get_time {"city": "Rome"}')
    turn = begin(chat, TYPED)
    await turn.line_opened.wait()
    await turn.say("Thank you")
    await wait_until(turn, lambda latest: getattr(latest[-1], "state", "") == "final")
    turn.end()
    answers = [entry for entry in await turn.finish() if isinstance(entry, Text)]
    assert ["welcome" in answer.text for answer in answers] == [True]


async def test_what_is_typed_counts_as_messages_do(live: FakeLive) -> None:
    chats = registry(GEMINI_3, visitor_per_minute=3, max_message_length=10)
    turn = chats.open().conversation.talk(VOICE, Visitor())
    await turn.say("One")
    await wait_until(turn, whole("I have nothing to say."))
    with pytest.raises(LimitExceeded, match="at most 10"):
        await turn.say("This is too long")
    await turn.say("Two")
    with pytest.raises(LimitExceeded, match="3 a minute"):
        await turn.say("Three")
    turn.end()
    answers = shown(await turn.finish())
    assert [said for said in answers if str(said).startswith("(")] == ["(One)", "(Two)"]


async def test_a_server_that_ends_the_talk_is_told(live: FakeLive) -> None:
    chat = conversation(GEMINI_3)
    turn = begin(chat, VOICE)
    live.enqueue(Spoken("I am just "), Close(1000))
    await turn.say("Hi")
    closed = Notice("talk_line_closed")
    assert shown(await turn.finish()) == ["(Hi)", "I am just ", closed]
    (record,) = await chat.history()
    assert shown(record.transcript) == ["I am just ", closed]
