"""What a page does before its answer has begun, or after it is over, or when it is behind."""

import asyncio
from typing import Any

import gradio as gr
import pytest

from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.settings import Settings
from agent.core.transcript import answer, notices
from agent.page.page_state import PageState
from agent.page.sidebar import delete_chat, export_chat, fulfil, open_chat
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import ScriptedModel


async def told_of(turn: Turn) -> tuple[str, list[str]]:
    transcript = await turn.finish()
    return answer(transcript), notices(transcript)


async def begun(*answers: str) -> tuple[PageState, ScriptedModel]:
    """A page after its first turn, and the model with these further answers."""
    model = ScriptedModel()
    for said in ("one", *answers):
        model.enqueue(said)
    page = PageState(Registry(loaded(model), Settings(**UNLIMITED)))
    assert await told_of(page.ask("first", 0, "")) == ("one", [])
    return page, model


async def test_stop_pressed_before_the_answer_has_begun_stops_it() -> None:
    page, model = await begun("two")
    await page.stop(0.2)
    assert await told_of(page.ask({"text": "second", "number": 0.2}, 1, "")) == ("", ["Stopped."])
    assert await told_of(page.ask({"text": "third", "number": 0.3}, 2, "")) == ("two", [])
    assert len(model.requests) == 2


async def test_stop_pressed_in_the_moment_in_which_an_answer_begins_stops_it() -> None:
    page, model = await begun("two")
    turn = page.ask({"text": "second", "number": 0.2}, 1, "")
    await page.stop(0.2)
    assert await told_of(turn) == ("", ["Stopped."])
    assert len(model.requests) == 1


async def test_stop_pressed_too_late_leaves_the_next_answer_alone() -> None:
    page, _ = await begun("two")
    await page.stop(0.1)
    assert await told_of(page.ask({"text": "second", "number": 0.2}, 1, "")) == ("two", [])


async def test_stop_pressed_for_a_message_of_no_number_stops_no_later_one() -> None:
    page, _ = await begun("two")
    await page.stop(None)
    assert await told_of(page.ask("second", 1, "")) == ("two", [])


async def test_a_page_that_is_behind_is_shown_the_latest_and_nothing_between() -> None:
    page, model = await begun()
    let_go = asyncio.Event()
    model.enqueue("t", let_go, "w", "o")
    turn = page.ask("second", 1, "")
    shown = page.follow(turn)
    await anext(shown)
    let_go.set()
    await turn.finish()
    assert [answer(latest) async for latest in shown] == ["two"]


async def test_a_page_that_turns_away_while_it_is_behind_is_shown_no_more() -> None:
    page, _ = await begun("two")
    shown = page.follow(page.ask("second", 1, ""))
    await anext(shown)
    page.turn_to(None)
    assert [latest async for latest in shown] == []


@pytest.mark.parametrize(
    "message", [None, "", " \n", {}, {"text": None}, {"text": "", "files": []}]
)
async def test_an_empty_message_of_any_form_is_asked_for(message: Any) -> None:
    page, model = await begun()
    assert await told_of(page.ask(message, 1, "")) == ("", ["Please type a message first."])
    assert len(model.requests) == 1


async def test_what_is_wanted_with_another_visitors_chat_changes_nothing() -> None:
    anns, _ = await begun("two")
    await anns.share()
    bobs = PageState(anns.registry)
    about = {"id": anns.session_id, "name": "Mine"}
    kept = [chat.model_dump() for chat in await anns.chats()], await anns.token()
    for kind in ("rename", "link", "share", "share again", "unshare"):
        told = await fulfil(bobs, gr.EventData(None, {"kind": kind, **about}))
        assert told["token"] is None
    assert await export_chat(bobs, gr.EventData(None, {"kind": "md", **about})) is None
    await delete_chat(bobs, gr.EventData(None, about))
    assert ([chat.model_dump() for chat in await anns.chats()], await anns.token()) == kept
    await open_chat(bobs, gr.EventData(None, about))
    assert [records async for records, _ in bobs.replay()] == [[]]
    assert await told_of(anns.ask("second", 1, "")) == ("two", [])


@pytest.mark.parametrize("said", [None, 7, "id", ["id"], {"id": 7}, {"id": {}, "name": None}])
async def test_a_wish_that_names_no_chat_does_nothing(said: Any) -> None:
    page, _ = await begun()
    await page.share()
    kept = [chat.model_dump() for chat in await page.chats()], await page.token()
    event = gr.EventData(None, said)
    assert (await fulfil(page, event))["token"] is None
    assert await export_chat(page, event) is None
    await delete_chat(page, event)
    assert ([chat.model_dump() for chat in await page.chats()], await page.token()) == kept
