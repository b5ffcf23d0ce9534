"""An agent that waits for a person: the reply goes on with the same turn."""

from typing import Any

import pytest
from google.adk.agents import Agent
from google.adk.tools.base_toolset import BaseToolset
from google.adk.workflow import BaseNode

from agent.chat.conversation import Conversation
from agent.core.history import turn_records
from agent.core.notices import SENTENCES
from agent.core.pauses import Pause, Reply, sentence
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import ToolCall, Transcript, answer, notices
from agent.core.waiting import open_pauses
from agent.render.export import to_adk, to_html
from tests.support.app_setup import loaded_root, registry, say
from tests.support.scripted_model import call, contents, scripted
from tests.support.waiting_agents import DONE, PAY, SECRET, TOOLS, agent, forecaster, reviewer

pytestmark = pytest.mark.usefixtures("nothing_done")


def talk_with(root: BaseNode) -> Conversation:
    return Conversation(loaded_root(root).runner, Settings())


async def reply(talk: Conversation, *replies: Reply) -> Transcript:
    """Answer all that is open, in this order."""
    asked = [pause for turn in await talk.history() for pause in open_pauses(turn.transcript)]
    given = dict(zip((pause.id for pause in asked), replies, strict=True))
    return await talk.ask(Question(replies=given)).finish()


def pause_of(transcript: Transcript) -> Pause:
    (pause,) = (entry for entry in transcript if isinstance(entry, Pause))
    return pause


def call_of(transcript: Transcript) -> ToolCall:
    (tool_call,) = (entry for entry in transcript if isinstance(entry, ToolCall))
    return tool_call


async def reread(talk: Conversation) -> list[tuple[str, str]]:
    """Questions and answers as another process would find them."""
    session = await talk.session()
    assert session
    return [(turn.question, answer(turn.transcript)) for turn in turn_records(session.events)]


async def test_a_tool_that_has_to_be_approved_waits_and_nothing_is_said_to_have_failed() -> None:
    talk = talk_with(agent(scripted((PAY,)), "pay"))
    said = await say(talk, "Pay Ann")
    asked = pause_of(said)
    assert (asked.kind, asked.tool, asked.args) == ("approval", "pay", {"amount": 1, "to": "Ann"})
    assert (call_of(said).result, call_of(said).waits_for) == (None, "person")
    assert (notices(said), DONE) == ([], [])
    assert [turn.transcript for turn in await talk.history()] == [said]


async def test_an_approval_goes_on_with_the_same_turn() -> None:
    model = scripted((PAY,), ("Paid.",), ("Bye.",))
    talk = talk_with(agent(model, "pay"))
    await say(talk, "Pay Ann")
    said = await reply(talk, Reply())
    assert pause_of(said).reply == Reply()
    assert call_of(said).result == {"status": "paid 1 to Ann"}
    assert (answer(said), notices(said), DONE) == ("Paid.", [], [("pay", 1, "Ann")])
    assert await reread(talk) == [("Pay Ann", "Paid.")]
    assert [turn.transcript for turn in await talk.history()] == [said]
    await say(talk, "Bye")
    assert [text for _, text in contents(model.requests[-1]) if text] == ["Pay Ann", "Paid.", "Bye"]


@pytest.mark.parametrize(("tool", "steps"), [("pay", PAY), ("wipe", call("wipe"))])
async def test_what_is_declined_is_never_done(tool: str, steps: Any) -> None:
    talk = talk_with(agent(scripted((steps,), ("All right.",)), tool))
    await say(talk, "Do it")
    said = await reply(talk, Reply(is_approved=False))
    assert pause_of(said).reply == Reply(is_approved=False)
    assert (answer(said), notices(said), DONE) == ("All right.", [], [])


async def test_a_tool_of_a_class_of_its_own_runs_once_it_is_approved() -> None:
    talk = talk_with(agent(scripted((call("wipe"),), ("Gone.",)), "wipe"))
    await say(talk, "Delete it")
    assert DONE == []
    said = await reply(talk, Reply())
    assert (answer(said), DONE) == ("Gone.", [("wipe",)])


async def test_what_a_tool_lets_a_person_change_is_what_it_gets() -> None:
    talk = talk_with(agent(scripted((call("book", place="Rome"),), ("Booked.",)), "book"))
    asked = pause_of(await say(talk, "Book it"))
    assert (asked.message, asked.payload) == ("Shall it be booked?", {"nights": 2})
    await reply(talk, Reply(value={"nights": 5}))
    assert DONE == [("book", "Rome", 5)]


async def test_a_tool_may_look_into_its_payload_where_it_is_declined_too() -> None:
    talk = talk_with(agent(scripted((call("book", place="Rome"),), ("All right.",)), "book"))
    await say(talk, "Book it")
    said = await reply(talk, Reply(is_approved=False))
    assert call_of(said).result == {"status": "not booked"}
    assert pause_of(said).reply == Reply(is_approved=False)


async def test_a_payload_that_nobody_changes_goes_back_as_it_was() -> None:
    talk = talk_with(agent(scripted((call("book", place="Rome"),), ("Booked.",)), "book"))
    await say(talk, "Book it")
    await reply(talk, Reply())
    assert DONE == [("book", "Rome", 2)]


CHANGED = {"arguments.amount": "5", "arguments.to": "Bob"}


@pytest.mark.parametrize(
    ("tool", "asked_for", "form", "done"),
    [
        ("pay", PAY, CHANGED, ("pay", 5, "Bob")),
        ("pay", PAY, {**CHANGED, "arguments.to": "Ann"}, ("pay", 5, "Ann")),
        (
            "book",
            call("book", place="Rome"),
            {"arguments.place": "Bonn", "nights": "3"},
            ("book", "Bonn", 3),
        ),
    ],
)
async def test_a_tool_gets_the_arguments_that_a_person_has_changed_and_the_model_is_told(
    tool: str, asked_for: Any, form: dict[str, object], done: tuple[Any, ...]
) -> None:
    model = scripted((asked_for,), ("Done.",))
    talk = talk_with(agent(model, tool))
    await say(talk, "Do it")
    said = await reply(talk, Reply(form=form))
    assert (answer(said), DONE) == ("Done.", [done])
    changed = {name[10:]: form[name] for name in form if name.startswith("arguments.")}
    told = [p.function_response for p in model.requests[1].contents[-1].parts or []]
    result = told[0].response if told[0] else {}
    assert result
    assert {k: str(v) for k, v in result["arguments_changed_by_person"].items()} == changed
    assert "which you had changed" in sentence(pause_of(said)).text
    assert [turn.transcript for turn in await talk.history()] == [said]


async def test_a_choice_beside_an_approval_reaches_the_model() -> None:
    choose = call("get_user_choice", id="call-2", options=["red", "blue"])
    model = scripted((PAY, choose), ("Done.",))
    talk = talk_with(agent(model, "pay", "get_user_choice"))
    await say(talk, "Pay, and ask for the colour")
    said = await reply(talk, Reply(value="blue"), Reply())
    assert (answer(said), notices(said), DONE) == ("Done.", [], [("pay", 1, "Ann")])
    told = [p.function_response for p in model.requests[1].contents[-1].parts or []]
    assert {r.id: r.response for r in told if r} == {
        "call-1": {"status": "paid 1 to Ann"},
        "call-2": {"result": "blue"},
    }
    assert [turn.transcript for turn in await talk.history()] == [said]


async def test_a_message_in_place_of_several_answers_declines_each_and_the_model_is_told() -> None:
    choose = call("get_user_choice", id="call-2", options=["red", "blue"])
    model = scripted((PAY, choose), ("Hello.",))
    talk = talk_with(agent(model, "pay", "get_user_choice"))
    await say(talk, "Pay, and ask for the colour")
    assert (answer(await say(talk, "Hi")), DONE) == ("Hello.", [])
    parts = [part for content in model.requests[1].contents for part in content.parts or []]
    told = [part.function_response for part in parts if part.function_response]
    assert {response.id: response.response for response in told} == {
        "call-1": {"error": "This tool call is rejected."},
        "call-2": {"declined": "The person did not answer this."},
    }


async def test_arguments_that_nobody_has_changed_are_the_models_own() -> None:
    model = scripted((PAY,), ("Paid.",))
    talk = talk_with(agent(model, "pay"))
    await say(talk, "Pay Ann")
    await reply(talk, Reply(form={"arguments.amount": "1", "arguments.to": "Ann"}))
    (part,) = model.requests[1].contents[-1].parts or []
    assert part.function_response
    assert part.function_response.response == {"status": "paid 1 to Ann"}


async def test_arguments_that_the_tool_does_not_take_are_refused_and_can_be_corrected() -> None:
    talk = talk_with(agent(scripted((PAY,), ("Paid.",)), "pay"))
    await say(talk, "Pay Ann")
    wrong = await reply(talk, Reply(form={"arguments.amount": "2.5"}))
    assert "2.5 is not of type 'integer'" in notices(wrong)[0]
    assert DONE == []
    assert answer(await reply(talk, Reply(form={"arguments.amount": "2"}))) == "Paid."
    assert DONE == [("pay", 2, "Ann")]


class Connected(BaseToolset):
    """Tools that are known only by a connection."""

    async def get_tools(self, readonly_context: Any = None) -> list[Any]:
        return [TOOLS["pay"]]


def connected(model: Any) -> Agent:
    return Agent(name="helper", model=model, tools=[Connected()])


async def test_arguments_that_a_tool_of_a_server_does_not_take_reach_no_tool() -> None:
    model = scripted((PAY,), ("Not paid.",))
    talk = talk_with(connected(model))
    await say(talk, "Pay Ann")
    said = await reply(talk, Reply(args={"amount": "much", "to": "Ann"}))
    assert (answer(said), DONE) == ("Not paid.", [])
    assert "'much' is not of type 'integer'" in call_of(said).result["error"]


async def test_arguments_that_need_more_are_approved_by_themselves() -> None:
    again = call("spend", id="call-2", amount=10_000)
    talk = talk_with(agent(scripted((call("spend", amount=10),), (again,), ("Spent.",)), "spend"))
    await say(talk, "Spend 10")
    said = await reply(talk, Reply(args={"amount": 10_000}))
    assert DONE == []
    (asked,) = open_pauses(said)
    assert asked.args == {"amount": 10_000}
    assert answer(await reply(talk, Reply())) == "Spent."
    assert DONE == [("spend", 10_000)]


async def test_what_is_declined_with_changed_arguments_is_told_as_declined() -> None:
    talk = talk_with(agent(scripted((PAY,), ("All right.",)), "pay"))
    await say(talk, "Pay Ann")
    said = await reply(talk, Reply(is_approved=False, args={"amount": 9, "to": "Ann"}))
    assert sentence(pause_of(said)).code == "not_approved"
    assert (call_of(said).result, DONE) == ({"error": "This tool call is rejected."}, [])


async def test_what_was_refused_for_its_arguments_is_not_said_to_stay_done() -> None:
    talk = talk_with(connected(scripted((PAY,), ("Not paid.",), ("Hello.",))))
    await say(talk, "Pay Ann")
    await reply(talk, Reply(args={"amount": "much", "to": "Ann"}))
    assert (notices(await say(talk, "Hi", kept=0)), DONE) == ([], [])


async def test_a_choice_is_one_of_the_options() -> None:
    model = scripted((call("get_user_choice", options=["red", "blue"]),), ("Blue it is.",))
    talk = talk_with(agent(model, "get_user_choice"))
    asked = pause_of(await say(talk, "Which?"))
    assert (asked.kind, asked.options) == ("choice", ("red", "blue"))
    assert notices(await reply(talk, Reply(value="green")))
    said = await reply(talk, Reply(value="blue"))
    assert (pause_of(said).reply, answer(said)) == (Reply(value="blue"), "Blue it is.")


async def test_a_workflow_asks_for_values_and_goes_on_with_them() -> None:
    talk = talk_with(reviewer())
    asked = pause_of(await say(talk, "cats"))
    assert (asked.kind, asked.message) == ("input", "Who shall get «Draft about cats»?")
    assert asked.schema
    assert asked.schema["required"] == ["to"]
    wrong = await reply(talk, Reply(value={"copies": "many"}))
    assert "That is not what was asked for" in notices(wrong)[0]
    said = await reply(talk, Reply(value={"to": "Zoe", "copies": 2}))
    assert (answer(said), DONE) == ("Sent to Zoe", [("send", {"to": "Zoe", "copies": 2})])
    assert await reread(talk) == [("cats", "Sent to Zoe")]


async def test_two_approvals_are_answered_together_and_each_runs_or_does_not() -> None:
    calls = (PAY, call("pay", id="call-2", amount=2, to="Bob"))
    talk = talk_with(agent(scripted(calls, ("Ann has hers.",)), "pay"))
    asked = open_pauses(await say(talk, "Pay both"))
    alone = await talk.ask(Question(replies={asked[0].id: Reply()})).finish()
    assert (notices(alone), DONE) == (
        [
            "All that the agent asks is answered together, and this is still open: “The agent "
            'asks for approval to use “pay” (amount: 2, to: "Bob").”.'
        ],
        [],
    )
    said = await reply(talk, Reply(), Reply(is_approved=False))
    assert (answer(said), DONE) == ("Ann has hers.", [("pay", 1, "Ann")])


async def test_what_is_answered_twice_runs_once() -> None:
    talk = talk_with(agent(scripted((PAY,), ("Paid.",)), "pay"))
    asked = pause_of(await say(talk, "Pay Ann"))
    turns = [talk.ask(Question(replies={asked.id: Reply()})) for _ in range(2)]
    said = [await turn.finish() for turn in turns]
    assert answer(said[0]) == "Paid."
    assert notices(said[1]) == [SENTENCES["answered_already"]]
    assert DONE == [("pay", 1, "Ann")]


async def test_a_new_message_closes_what_is_open_and_is_asked_then() -> None:
    model = scripted((PAY,), ("Hello.",))
    talk = talk_with(agent(model, "pay"))
    asked = pause_of(await say(talk, "Pay Ann"))
    assert answer(await say(talk, "Hi")) == "Hello."
    first = (await talk.history())[0]
    assert pause_of(first.transcript).reply == Reply(is_approved=False)
    assert notices(first.transcript) == []
    late = await talk.ask(Question(replies={asked.id: Reply()})).finish()
    assert (notices(late), DONE, len(model.requests)) == ([SENTENCES["answered_already"]], [], 2)
    told = model.requests[1].contents
    results = [part.function_response for content in told for part in content.parts or []]
    assert [result.response for result in results if result] == [
        {"error": "This tool call is rejected."}
    ]
    assert [content.parts[-1].text for content in told if content.parts[-1].text] == [  # type: ignore
        *("Pay Ann", "Hi")
    ]


async def test_a_new_message_closes_a_question_of_a_workflow() -> None:
    talk = talk_with(reviewer())
    await say(talk, "cats")
    asked = pause_of(await say(talk, "dogs"))
    assert (asked.message, asked.reply) == ("Who shall get «Draft about dogs»?", None)
    first = (await talk.history())[0]
    assert pause_of(first.transcript).reply == Reply(is_approved=False)
    await reply(talk, Reply(value={"to": "Zoe"}))
    assert [done[1]["to"] for done in DONE] == ["Zoe"]


async def test_what_is_answered_too_late_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Conversation(
        loaded_root(agent(scripted((PAY,), ("Hello.",)), "pay")).runner, Settings(reply_timeout=60)
    )
    asked = pause_of(await say(talk, "Pay Ann"))
    monkeypatch.setattr("agent.core.pauses.time.time", lambda: asked.asked_at + 61)
    said = await talk.ask(Question(replies={asked.id: Reply()})).finish()
    assert notices(said) == [SENTENCES["lapsed"]]
    (turn,) = await talk.history()
    assert (pause_of(turn.transcript).reply, DONE) == (Reply(is_approved=False), [])


async def test_undo_of_a_question_takes_what_was_asked_with_it() -> None:
    talk = talk_with(agent(scripted((PAY,), ("Hello.",)), "pay"))
    await say(talk, "Pay Ann")
    await talk.undo([turn.id for turn in talk.turns])
    assert answer(await say(talk, "Hi")) == "Hello."
    assert [turn.question for turn in await talk.history()] == ["Hi"]


async def test_a_ticket_is_no_end_and_no_failure() -> None:
    model = scripted((call("ask_boss", amount=5),), ("I have asked.",), ("And again?",))
    talk = talk_with(agent(model, "ask_boss"))
    said = await say(talk, "Ask")
    assert (call_of(said).result, call_of(said).waits_for) == (
        {"status": "pending", "ticket": "T-1"},
        "program",
    )
    assert (answer(said), notices(said)) == ("I have asked.", [])
    await say(talk, "And?")  # It stays open.
    assert call_of((await talk.history())[0].transcript).waits_for == "program"


async def test_of_a_sign_in_only_the_link_is_known() -> None:
    talk = talk_with(agent(scripted((call("next_meeting"),), ("At ten.",)), "next_meeting"))
    said = await say(talk, "When?")
    asked = pause_of(said)
    assert asked.kind == "sign_in"
    assert asked.link.startswith("https://login.example.com/authorize?")
    assert SECRET not in repr(said)
    assert notices(said) == []


async def test_a_sign_in_that_is_declined_ends_the_turn_without_the_tool() -> None:
    model = scripted((call("next_meeting"),), ("Hello.",))
    talk = talk_with(agent(model, "next_meeting"))
    await say(talk, "When?")
    said = await reply(talk, Reply(is_approved=False))
    assert (pause_of(said).reply, notices(said)) == (Reply(is_approved=False), [])
    assert (DONE, len(model.requests)) == ([], 1)
    assert answer(await say(talk, "Hi")) == "Hello."


async def test_a_sign_in_that_led_back_lets_the_tool_go_on() -> None:
    talk = talk_with(agent(scripted((call("next_meeting"),), ("At ten.",)), "next_meeting"))
    await say(talk, "When?")
    wrong = await reply(talk, Reply(form={"": "yes"}))
    assert "the address to which the sign-in has led you" in notices(wrong)[0]
    said = await reply(talk, Reply(form={"": "http://127.0.0.1/back?code=abc"}))
    assert (answer(said), DONE) == ("At ten.", [("next_meeting",)])
    assert "code=abc" not in repr(said)


async def test_a_reply_counts_as_no_message_for_the_limits() -> None:
    model = scripted((PAY,), ("Paid.",))
    where = registry(model, {"tools": agent(model, "pay").tools}, visitor_per_day=1)
    chat = where.open()
    said = await chat.ask(Question("Pay Ann")).turn.finish()
    turn = chat.ask(Question(replies={pause_of(said).id: Reply()})).turn
    assert answer(await turn.finish()) == "Paid."


async def test_what_was_approved_and_is_taken_back_stays_done_and_the_model_is_told() -> None:
    model = scripted((PAY,), ("Paid.",), ("Hello.",), ("Bye.",))
    talk = talk_with(agent(model, "pay"))
    await say(talk, "Pay Ann")
    await reply(talk, Reply())
    said = await say(talk, "Hi", kept=0)
    done = '“pay” (amount: 1, to: "Ann")'
    assert f"What has been taken back here stays done: {done}." in notices(said)[0]
    (kept,) = await talk.history()
    assert (answer(kept.transcript), notices(kept.transcript)) == ("Hello.", notices(said))
    await say(talk, "Bye")
    for request in model.requests[2:]:
        assert done in str(request.config.system_instruction)
    assert done not in str(model.requests[1].config.system_instruction)
    assert [text for _, text in contents(model.requests[-1])] == ["Hi", "Hello.", "Bye"]
    assert DONE == [("pay", 1, "Ann")]


async def test_undo_of_an_approval_tells_the_model_too() -> None:
    model = scripted((PAY,), ("Paid.",), ("Hello.",))
    talk = talk_with(agent(model, "pay"))
    await say(talk, "Pay Ann")
    await reply(talk, Reply())
    await talk.undo([turn.id for turn in talk.turns])
    await say(Conversation(talk.runner, talk.settings, *talk.key[1:], is_stored=True), "Hi")
    assert "“pay” (amount: 1" in str(model.requests[-1].config.system_instruction)


async def test_what_was_declined_or_never_answered_is_taken_back_without_a_word() -> None:
    model = scripted((PAY,), ("All right.",), (PAY,), ("Hello.",))
    talk = talk_with(agent(model, "pay"))
    await say(talk, "Pay Ann")
    await reply(talk, Reply(is_approved=False))
    await say(talk, "Pay Ann again", kept=0)
    assert notices(await say(talk, "Hi", kept=0)) == []
    assert "stays done" not in str(model.requests[-1].config.system_instruction)


# A key


async def test_a_key_that_is_given_reaches_the_agent_and_nobody_else() -> None:
    talk = talk_with(forecaster())
    asked = pause_of(await say(talk, "How is it?"))
    assert (asked.kind, asked.message) == ("key", "Please provide your API key for X-Api-Key.")
    assert SECRET not in repr(asked)
    said = await reply(talk, Reply(form={"": " my-key "}))
    assert (answer(said), notices(said), DONE) == ("Sunny", [], [("weather", "my-key")])
    history = await talk.history()
    session = await talk.session()
    assert session
    for text in (repr(said), to_html(history, ""), to_adk(session, "")):
        assert "my-key" not in text
        assert SECRET not in text


async def test_who_gives_no_key_is_told_of_no_failure() -> None:
    talk = talk_with(forecaster())
    await say(talk, "How is it?")
    said = await reply(talk, Reply(is_approved=False))
    assert (notices(said), sentence(pause_of(said)).text, DONE) == ([], "You gave no key.", [])


async def test_an_empty_key_is_asked_for_again() -> None:
    talk = talk_with(forecaster())
    await say(talk, "How is it?")
    said = await reply(talk, Reply(value=" "))
    assert "That is not what was asked for: a key" in notices(said)[0]
    assert answer(await reply(talk, Reply(value="my-key"))) == "Sunny"
