"""Each limit by itself: what it lets through, what it says then, and when it lets through again."""

import pytest

from agent.core.question import Question
from agent.core.text import duration
from agent.core.transcript import answer
from agent.core.visitor import Visitor
from agent.limits.rate_limits import LimitExceeded
from agent.page.page_state import PageState
from tests.support.app_setup import below, notices, registry
from tests.support.clock import DAY, MINUTE, Clock
from tests.support.limits import HERE, THERE, ask, ask_as_new, lot, willing
from tests.support.scripted_model import contents

# Messages in a minute, and in a day


@pytest.mark.parametrize(
    ("setting", "said", "seconds"),
    [
        ("visitor_per_minute", lot("2 a minute", "60 seconds"), MINUTE),
        ("visitor_per_day", lot("2 a day", "24 hours"), DAY),
        ("address_per_minute", lot("2 a minute", "60 seconds"), MINUTE),
        ("address_per_day", lot("2 a day", "24 hours"), DAY),
    ],
)
async def test_so_many_messages_are_answered_and_the_next_is_told_when_to_come_back(
    clock: Clock, setting: str, said: str, seconds: float
) -> None:
    model = willing()
    chat = registry(model, **{setting: 2}).open()
    assert [await ask(chat) for _ in range(4)] == ["Yes.", "Yes.", said, said]
    assert len(model.requests) == 2
    clock.move(seconds - 0.5)
    assert "again in 1 second." in await ask(chat)
    clock.move(1)
    assert [await ask(chat) for _ in range(3)] == ["Yes.", "Yes.", said]
    assert len(model.requests) == 4


async def test_one_visitor_is_not_held_up_by_another(clock: Clock) -> None:
    visitors = registry(willing(), visitor_per_minute=1)
    ann, bob = visitors.open(), visitors.open()
    assert await ask(ann) == "Yes."
    assert await ask(ann) == lot("1 a minute", "60 seconds")
    assert await ask(bob) == "Yes."


async def test_a_visitor_has_one_count_for_all_chats(clock: Clock) -> None:
    visitors = registry(willing(), visitor_per_minute=2)
    first = visitors.open()
    chats = [first, *(visitors.open(first.conversation.user_id) for _ in range(2))]
    told = [await ask(chat) for chat in chats]
    assert told == ["Yes.", "Yes.", lot("2 a minute", "60 seconds")]


@pytest.mark.parametrize("setting", ["address_per_minute", "address_per_day"])
async def test_one_address_has_one_count_for_all_its_visitors(setting: str) -> None:
    visitors = registry(willing(), **{setting: 3})
    told = [await ask_as_new(visitors) for _ in range(5)]
    assert [text == "Yes." for text in told] == [True, True, True, False, False]
    assert await ask_as_new(visitors, THERE) == "Yes."


async def test_what_the_minute_refuses_takes_nothing_from_the_day(clock: Clock) -> None:
    settings = {"visitor_per_minute": 2, "visitor_per_day": 3, "address_per_day": 3}
    chat = registry(willing(), **settings).open()
    for _ in range(7):
        await ask(chat)
    clock.move(MINUTE)
    assert await ask(chat) == "Yes."
    assert await ask(chat) == lot("3 a day", "24 hours")


async def test_an_empty_message_is_none(clock: Clock) -> None:
    chat = registry(willing(), visitor_per_minute=1).open()
    assert await ask(chat, " \n") == "Please type a message first."
    assert await ask(chat) == "Yes."


@pytest.mark.parametrize(
    "setting",
    [
        *("visitor_per_minute", "visitor_per_day", "address_per_minute", "address_per_day"),
        *("address_running", "daily_turns", "daily_tokens", "max_chat_turns"),
        "max_message_length",
    ],
)
async def test_zero_lifts_a_limit_and_no_other(setting: str) -> None:
    ones = {"visitor_per_day": 60, "max_chat_turns": 60, "max_message_length": 60}
    limits = {**ones, "daily_turns": 60, "daily_tokens": 600, "address_running": 60, setting: 0}
    chat = registry(willing(), **limits).open()
    assert {await ask(chat, "x" * 60) for _ in range(60)} == {"Yes."}
    other = registry(willing(), **limits).open()
    is_lifted = not (await ask(other, "x" * 61)).startswith("This message has")
    assert is_lifted == (setting == "max_message_length")


# Characters in a message, turns in a chat


TOO_LONG = (
    "This message has 1,001 characters, and at most 1,000 can be sent here. Please send a shorter "
    "one, or the text in parts."
)


@pytest.mark.parametrize("character", ["x", "é", "漢", "🙂"])
async def test_a_message_may_be_as_long_as_the_limit_in_any_script(character: str) -> None:
    model = willing()
    chat = registry(model, max_message_length=1000).open()
    assert await ask(chat, character * 1001) == TOO_LONG
    assert await ask(chat, character * 1000) == "Yes."
    assert contents(model.requests[0]) == [("user", character * 1000)]


@pytest.mark.parametrize(("most", "had"), [(1, "its one message"), (3, "its 3 messages")])
async def test_a_chat_has_so_many_turns_and_a_new_one_begins_anew(most: int, had: str) -> None:
    model = willing()
    visitors = registry(model, max_chat_turns=most)
    chat = visitors.open()
    told = [await ask(chat) for _ in range(most + 1)]
    assert told == [*["Yes."] * most, f"This chat has had {had}. Please begin a new one."]
    assert len(model.requests) == most
    assert await ask(visitors.open(chat.conversation.user_id)) == "Yes."


async def test_the_last_turn_of_a_chat_can_be_tried_again() -> None:
    talk = registry(willing(), max_chat_turns=2).open().conversation
    await talk.ask(below(talk, 0, "one")).finish()
    await talk.ask(below(talk, 1, "two")).finish()
    assert answer(await talk.ask(below(talk, 1, "two, again")).finish()) == "Yes."
    refused = talk.ask(below(talk, 2, "three"))
    await refused.finish()
    assert isinstance(refused.failure, LimitExceeded)
    assert refused.failure.wait is None


# After a refusal


async def test_what_is_refused_for_its_length_counts_as_a_message(clock: Clock) -> None:
    chat = registry(willing(), max_message_length=3, visitor_per_minute=2).open()
    assert "at most 3 can be sent here" in await ask(chat, "Hello")
    assert await ask(chat) == "Yes."
    assert await ask(chat) == lot("2 a minute", "60 seconds")


async def test_nothing_is_kept_of_a_message_that_is_refused() -> None:
    visitors = registry(willing(), max_message_length=3)
    page = PageState(visitors)
    turn = page.ask("Hello, and a lot more", 0, HERE)
    async for _ in page.follow(turn):
        pass
    held = [chat.conversation._question.text for chat in visitors._active.values()]
    assert (page._question.text, held) == ("", [""])


@pytest.mark.parametrize("message", ["x" * 99, "hasty"], ids=["too long", "too soon"])
async def test_a_refused_message_leaves_no_trace(clock: Clock, message: str) -> None:
    model = willing()
    limits = {"max_message_length": 20, "visitor_per_minute": 1, "visitor_per_day": 2}
    talk = registry(model, **limits).open().conversation
    await talk.ask(below(talk, 0, "first")).finish()
    refused = talk.ask(below(talk, 1, message))
    await refused.finish()
    assert isinstance(refused.failure, LimitExceeded)
    clock.move(MINUTE)
    assert answer(await talk.ask(below(talk, 1, "second")).finish()) == "Yes."
    assert contents(model.requests[1]) == [
        ("user", "first"),
        ("model", "Yes."),
        ("user", "second"),
    ]


async def test_a_chat_whose_first_message_is_refused_is_not_stored() -> None:
    chat = registry(willing(), max_message_length=3).open()
    await ask(chat, "Hello")
    sessions = await chat.conversation.runner.session_service.list_sessions(app_name="test")
    assert sessions.sessions == []


async def test_an_app_that_shuts_down_says_when_to_come_back() -> None:
    visitors = registry(willing())
    chat = visitors.open()
    await visitors.close()
    turn = chat.ask(Question("Hi", visitor=Visitor(address=HERE))).turn
    assert notices(await turn.finish()) == [
        "The app is being shut down. Send this again in a minute."
    ]
    assert isinstance(turn.failure, LimitExceeded)
    assert turn.failure.wait == 60


# How long to wait


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"),
        (2, "2 seconds"),
        (59, "59 seconds"),
        (60, "60 seconds"),
        (61, "61 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (121, "3 minutes"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
        (7201, "3 hours"),
        (86_399, "24 hours"),
        (86_400, "24 hours"),
    ],
)
def test_a_time_to_wait_is_told_as_people_do_and_never_too_short(seconds: int, said: str) -> None:
    assert duration(seconds) == said


async def test_ids_are_random_and_nobodys_say() -> None:
    visitors = registry(willing())
    chats = [visitors.open() for _ in range(100)]
    ids = {id for chat in chats for id in (chat.conversation.user_id, chat.conversation.session_id)}
    assert len(ids) == 200
    assert await visitors.find(chats[0].conversation.user_id, "my-own-id") is None
