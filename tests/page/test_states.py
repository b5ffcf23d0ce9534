"""Whose page it is: of who has signed in, whatever the browser says; else of whom the browser says,
if that is nobody who could have signed in."""

import gradio as gr
import pytest
from starlette.requests import Request

from agent.chat.agents import Agents
from agent.core.settings import Settings
from agent.core.visitor import Person, is_anonymous_id, person_id
from agent.page.page_state import PageState
from agent.page.sidebar import forget_me
from agent.page.states import States
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import ScriptedModel

ANN, BOB = (Person(person_id(name), name) for name in ("ann", "bob"))


def asked_by(person: Person | None = None) -> gr.Request:
    scope = {"type": "http", "headers": [], "state": {"person": person}}
    return gr.Request(Request(scope))


def states() -> States:
    model = ScriptedModel()
    for _ in range(9):
        model.enqueue("yes")
    return States(Agents(loaded(model), Settings(**UNLIMITED)))


async def says(page: PageState, text: str) -> str:
    """The session in which that was said."""
    await page.ask(text, 0, "").finish()
    assert page.session_id
    return page.session_id


async def test_a_browser_that_says_that_it_is_a_person_is_a_new_visitor() -> None:
    all_states = states()
    session_id = await says(await all_states.open("", "", "", asked_by(ANN)), "A secret")
    for claim in (ANN.user_id, [ANN.user_id], f"{ANN.user_id} ", None):
        for request in (asked_by(), asked_by(BOB)):
            opened = await all_states.open(claim, session_id, "", request)
            found = await all_states.find(None, claim, session_id, "", request)
            assert await opened.chats() == await found.chats() == []
            assert ANN.user_id not in (opened.user_id, found.user_id)
            assert opened.session_id is None


async def test_a_person_finds_the_same_chats_whatever_the_browser_says() -> None:
    all_states = states()
    bobs = await all_states.open("", "", "", asked_by(BOB))
    await says(bobs, "Mine")
    session_id = await says(await all_states.open("", "", "", asked_by(ANN)), "Hello")
    for claim in ("", bobs.user_id, PageState(all_states.agents.first).user_id):
        page = await all_states.open(claim, "", "", asked_by(ANN))
        assert (page.user_id, page.session_id) == (ANN.user_id, session_id)


@pytest.mark.parametrize(
    ("before", "now"), [(None, ANN), (ANN, None), (ANN, BOB)], ids=["in", "out", "another"]
)
async def test_a_page_of_who_was_signed_in_before_is_not_used(
    before: Person | None, now: Person | None
) -> None:
    all_states = states()
    page = await all_states.open("", "", "", asked_by(before))
    assert await all_states.find(page, "", "", "", asked_by(before)) is page
    with pytest.raises(gr.Error, match="reload the page"):
        await all_states.find(page, page.user_id, "", "", asked_by(now))


async def test_forget_me_deletes_a_persons_chats_and_the_person_stays() -> None:
    all_states = states()
    page = await all_states.open("", "", "", asked_by(ANN))
    await says(page, "Hello")
    told, *_ = await forget_me(all_states.agents, page)
    assert told == gr.skip()  # The browser keeps who it was before.
    assert page.user_id == ANN.user_id
    assert await page.chats() == []
    anonymous = await all_states.open("", "", "", asked_by())
    before = anonymous.user_id
    told, *_ = await forget_me(all_states.agents, anonymous)
    assert told != before
    assert is_anonymous_id(told)
