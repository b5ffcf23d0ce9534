"""What a person was asked, and has answered, in files: words, in order, and no secrets."""

import json

import pytest
from google.adk.events import Event
from google.adk.sessions import Session
from google.adk.workflow import BaseNode

from agent.api.share import SharedPages
from agent.chat.conversation import Conversation
from agent.core.history import turn_records
from agent.core.notices import SENTENCES
from agent.core.pauses import Reply
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import Notice, answer
from agent.core.waiting import open_pauses
from agent.render.export import to_adk, to_html, to_markdown
from tests.support.app_setup import loaded_root, say
from tests.support.scripted_model import call, scripted
from tests.support.waiting_agents import PAY, SECRET, agent, reviewer

APPROVED = "https://back.example.com/?code=CODE-canary&state=x"

CANARIES = (SECRET, "CODE-canary", "login.example.com", "demo-client", "authorize")


async def talked(root: BaseNode, message: str, *replies: Reply) -> Conversation:
    """A conversation of one turn, with replies to all that was asked in it."""
    talk = Conversation(loaded_root(root).runner, Settings())
    await say(talk, message)
    await reply(talk, *replies)
    return talk


async def reply(talk: Conversation, *replies: Reply) -> None:
    asked = [pause for turn in await talk.history() for pause in open_pauses(turn.transcript)]
    if replies:
        given = dict(zip((pause.id for pause in asked), replies, strict=True))
        await talk.ask(Question(replies=given)).finish()


async def files(talk: Conversation) -> tuple[str, str, Session]:
    """The conversation as Markdown, as the page that is shared, and as ADK's session."""
    turns, session = await talk.history(), await talk.session()
    assert session
    page = await SharedPages().page("token", turns, "Title", "helper")
    assert page == to_html(turns, "Title", "helper")
    exported = Session.model_validate_json(to_adk(session, "Title"))
    return to_markdown(turns, "Title", "helper"), page, exported


def said(events: list[Event]) -> list[str]:
    """What is left of a session in words: the notes, and the answer."""
    (turn,) = turn_records(events)
    words = [entry.text for entry in turn.transcript if isinstance(entry, Notice)]
    return [*words, answer(turn.transcript)]


ASKS_TO_PAY = 'The agent asks for approval to use “pay” (amount: 1, to: "Ann").'


@pytest.mark.parametrize(
    ("replies", "answered", "words"),
    [
        ([], "was_not_answered", ""),
        ([Reply()], "was_approved", "Paid."),
        ([Reply(is_approved=False)], "was_not_approved", "Paid."),
    ],
)
async def test_an_approval_is_told_in_words(
    replies: list[Reply], answered: str, words: str
) -> None:
    talk = await talked(agent(scripted((PAY,), ("Paid.",)), "pay"), "Pay Ann", *replies)
    markdown, page, exported = await files(talk)
    note = f"> **Note**\n>\n> {ASKS_TO_PAY}\n>\n> {SENTENCES[answered]}\n"
    assert note in markdown
    assert markdown.index("> **Tool pay**") < markdown.index(note)
    assert markdown.endswith(f"{words}\n")
    assert f"<p>{ASKS_TO_PAY.replace(chr(34), '&quot;')}</p>\n<p>{SENTENCES[answered]}</p>" in page
    told = [SENTENCES[answered]] if replies else []
    assert said(exported.events) == [ASKS_TO_PAY, *told, words]


async def test_what_was_changed_and_the_agents_own_words_are_told() -> None:
    model = scripted((call("book", place="*Rome*"),), ("Booked.",))
    talk = await talked(agent(model, "book"), "Book it", Reply(value={"nights": 5}))
    markdown, _, exported = await files(talk)
    assert (
        '> The agent asks for approval to use “book” (place: "\\*Rome\\*").\n>\n'
        "> Shall it be booked?\n>\n"
        '> This was approved with these values: \\{"nights": 5\\}.\n'
    ) in markdown
    assert said(exported.events)[1] == 'This was approved with these values: {"nights": 5}.'


async def test_arguments_that_were_changed_are_told() -> None:
    talk = await talked(
        agent(scripted((PAY,), ("Paid.",)), "pay"), "Pay", Reply(args={"amount": 2, "to": "Bob"})
    )
    markdown, *_ = await files(talk)
    changed = 'This was approved with these values: \\{"amount": 2, "to": "Bob"\\}.'
    assert f"> {ASKS_TO_PAY}\n>\n> {changed}\n" in markdown


async def test_a_form_of_a_workflow_is_told_in_words() -> None:
    letter = {"to": "Zoe", "copies": 2}
    talk = await talked(reviewer(), "cats", Reply(value=letter))
    markdown, page, exported = await files(talk)
    asks = "The agent asks: “Who shall get «Draft about cats»?”."
    assert f"> {asks}\n>\n> The answer was: \\{{" in markdown
    assert asks in page
    assert said(exported.events) == [
        asks,
        f"The answer was: {json.dumps(letter)}.",
        "Sent to Zoe",
    ]


async def test_a_choice_is_told_in_words() -> None:
    model = scripted((call("get_user_choice", options=["red", "blue"]),), ("Blue it is.",))
    talk = await talked(agent(model, "get_user_choice"), "Which?", Reply(value="blue"))
    markdown, *_ = await files(talk)
    asks = "The agent asks to choose one of these: red, blue."
    assert f"> {asks}\n>\n> The answer was: blue.\n\nBlue it is.\n" in markdown


@pytest.mark.parametrize(
    ("replies", "answered"),
    [
        ([], "was_not_answered"),
        ([Reply(value=APPROVED)], "was_signed_in"),
        ([Reply(is_approved=False)], "was_not_signed_in"),
    ],
)
async def test_a_sign_in_leaves_no_secret_and_no_link_in_any_file(
    replies: list[Reply], answered: str
) -> None:
    model = scripted((call("next_meeting"),), ("At ten.",), ("Bye.",))
    talk = await talked(agent(model, "next_meeting"), "When?", *replies)
    markdown, page, exported = await files(talk)
    told = f"> {SENTENCES['was_asked_to_sign_in']}\n>\n> {SENTENCES[answered]}\n"
    assert told in markdown
    json_file = to_adk(exported, "Title")
    session = await talk.session()
    assert session
    assert SECRET in session.model_dump_json()  # It is stored, but never given away.
    for text in (markdown, page, json_file, exported.model_dump_json()):
        assert [canary for canary in CANARIES if canary in text] == []
    assert SENTENCES["was_asked_to_sign_in"] in said(exported.events)


async def test_nobody_can_answer_on_a_shared_page() -> None:
    talk = await talked(agent(scripted((PAY,)), "pay"), "Pay Ann")
    _, page, _ = await files(talk)
    assert ASKS_TO_PAY.partition("(")[0] in page
    assert not [tag for tag in ("<button", "<form", "<input", "<script") if tag in page]
