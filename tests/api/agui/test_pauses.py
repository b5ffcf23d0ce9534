"""What an agent asks a person, and what only the person's application can do, by AG-UI."""

import json
from typing import Any

import pytest

from agent.api.agui_request import BAD_TOOL, NO_RESULT_AWAITED, NOT_DECIDED
from agent.core.client_tools import TICKET
from agent.core.notices import SENTENCES
from tests.support.agui_client import Thread
from tests.support.app_setup import GEMINI, launched, loaded_root
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.waiting_agents import DONE, GEMINI_PAYS, SECRET, agent, reviewer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_done")]

YES, NO = {"approved": True}, {"approved": False}

SUCCESS = {"type": "RUN_FINISHED", "outcome": {"type": "success"}}


@pytest.fixture
def paying(thread: Thread, gemini: FakeGemini) -> Thread:
    """One in which a payment has to be approved."""
    gemini.enqueue("I am about to pay.", GEMINI_PAYS)
    thread.ask("Pay Ann")
    return thread


# What a person is asked


def test_an_approval_is_an_interrupt(paying: Thread) -> None:
    (asked,) = paying.end["outcome"]["interrupts"]
    (made,) = paying.messages[-1]["toolCalls"]
    assert asked == {
        "id": paying.interrupts[0].id,
        "reason": "tool_call",
        "message": 'The agent asks for approval to use “pay” (amount: 1, to: "Ann").',
        "toolCallId": made["id"],
        "responseSchema": {
            "type": "object",
            "properties": {"approved": {"type": "boolean"}, "editedArgs": {"type": "object"}},
            "required": ["approved"],
        },
        "metadata": {"kind": "approval", "tool": "pay", "args": {"amount": 1, "to": "Ann"}},
    }
    assert DONE == []


def test_what_is_approved_is_done_and_nothing_is_said_twice(
    paying: Thread, gemini: FakeGemini
) -> None:
    gemini.enqueue("Paid.")
    assert paying.resume(approval=YES) == "Paid."
    assert paying.outline()[0] == ("TOOL_CALL_RESULT", '{"status": "paid 1 to Ann"}')
    assert (paying.end, DONE) == (SUCCESS, [("pay", 1, "Ann")])
    gemini.enqueue("Yes.")
    assert paying.ask("Is it paid?") == "Yes."
    assert gemini.requests[-1].conversation[-2:] == [("model", "Paid."), ("user", "Is it paid?")]


@pytest.mark.parametrize("payload", [NO, None], ids=["declined", "cancelled"])
def test_what_is_not_approved_is_never_done(
    paying: Thread, gemini: FakeGemini, payload: Any
) -> None:
    gemini.enqueue("All right.")
    assert paying.resume(approval=payload) == "All right."
    assert DONE == []


def test_a_tool_gets_the_arguments_that_were_edited(paying: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue("Paid.")
    paying.resume(approval={**YES, "editedArgs": {"amount": 2, "to": "Bob"}})
    assert DONE == [("pay", 2, "Bob")]


@pytest.mark.parametrize("payload", ["yes", {}, {"approved": "true"}, {"approved": 1}, [True]])
def test_an_approval_without_a_clear_word_is_refused_and_stays_open(
    paying: Thread, gemini: FakeGemini, payload: Any
) -> None:
    asked = paying.interrupts
    paying.resume(approval=payload)
    assert paying.end == {"type": "RUN_ERROR", "message": NOT_DECIDED, "code": "http_422"}
    paying.interrupts = asked
    gemini.enqueue("Paid.")
    assert paying.resume(approval=YES) == "Paid."
    assert DONE == [("pay", 1, "Ann")]


def test_a_new_message_cancels_what_is_open(paying: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    asked = paying.interrupts
    paying.say("Hi")
    assert paying.resume(approval=None) == "Hello."
    assert DONE == []
    paying.interrupts = asked
    paying.resume(approval=YES)
    assert paying.end["message"] == SENTENCES["answered_already"]
    assert DONE == []


def test_a_choice_is_taken_and_no_other_than_one_of_the_options(
    thread: Thread, gemini: FakeGemini
) -> None:
    gemini.enqueue(Call("get_user_choice", {"options": ["red", "blue"]}, "call-1"))
    thread.ask("Which?")
    asked = thread.interrupts
    assert (asked[0].reason, asked[0].response_schema) == (
        "input_required",
        {"type": "string", "enum": ["red", "blue"]},
    )
    thread.resume(choice="green")
    assert thread.end["message"].startswith("That is not what was asked for")
    gemini.enqueue("Blue it is.")
    thread.interrupts = asked
    assert thread.resume(choice="blue") == "Blue it is."


def test_a_workflow_without_a_word_asks_by_a_form(fake: FakeGemini) -> None:
    with launched(loaded_root(reviewer()), reply_timeout=3600) as url:
        thread = Thread(url)
        thread.ask("cats")
        (asked,) = thread.interrupts
        assert asked.message == "Who shall get «Draft about cats»?"
        assert asked.response_schema["required"] == ["to"]
        assert asked.expires_at.endswith("+00:00")
        assert thread.resume(input={"to": "Ann", "copies": 2}) == "Sent to Ann"
    assert DONE == [("send", {"to": "Ann", "copies": 2})]


def test_a_sign_in_has_its_link_and_no_secret(thread: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("next_meeting", {}, "call-1"))
    thread.ask("When?")
    (asked,) = thread.interrupts
    assert asked.reason == "sign_in"
    assert asked.metadata["link"].startswith("https://login.example.com/authorize?")
    assert SECRET not in json.dumps(thread.events)


def test_what_is_open_is_answered_after_a_restart(gemini: FakeGemini) -> None:
    what = loaded_root(agent(GEMINI, "pay"))
    gemini.enqueue(GEMINI_PAYS)
    gemini.enqueue("Paid.")
    with launched(what) as url:
        thread = Thread(url)
        thread.ask("Pay")
    with launched(what) as url:  # With the same store.
        thread.url = f"{url}agui"
        assert thread.resume(approval=YES) == "Paid."
    assert DONE == [("pay", 1, "Ann")]


# The application's own tools

FILL_IN = {
    "name": "fill_in",
    "description": "Fill in a field of the form.",
    "parameters": {"type": "object", "properties": {"value": {"type": "string"}}},
}

FILLS_IN = Call("fill_in", {"value": "Ann"}, "call-7")


@pytest.fixture
def form(thread: Thread) -> Thread:
    """One whose application has a form."""
    thread.input["tools"] = [FILL_IN]
    return thread


def test_the_applications_tool_is_called_and_its_result_goes_on(
    form: Thread, gemini: FakeGemini
) -> None:
    gemini.enqueue("I fill it in.", FILLS_IN)
    assert form.ask("My name is Ann") == "I fill it in."
    assert form.outline()[-3:] == [
        ("TOOL_CALL_START", "fill_in"),
        ("TOOL_CALL_ARGS", '{"value": "Ann"}'),
        ("TOOL_CALL_END",),
    ]
    (made,) = form.messages[-1]["toolCalls"]
    assert form.pending == [made["id"]]
    (declared,) = [
        function
        for tool in gemini.requests[0].body["tools"]
        for function in tool["functionDeclarations"]
        if function["name"] == "fill_in"
    ]
    assert declared["description"] == FILL_IN["description"]
    gemini.enqueue("Done, Ann.")
    assert form.bring('{"filled": true}') == "Done, Ann."
    assert form.end == SUCCESS
    assert gemini.requests[1].last_user_text == 'response fill_in {"filled": true}'
    # What the application has said itself it is not told again.
    assert {event["type"] for event in form.events} == {
        *("RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END"),
        "RUN_FINISHED",
    }


def test_other_tools_go_on_beside_it(form: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(FILLS_IN, Call("sky", {"city": "Oslo"}, "call-8"))
    assert form.ask("Both") == ""
    assert ("TOOL_CALL_RESULT", '{"colour": "blue over Oslo"}') in form.outline()
    assert len(form.pending) == 1
    gemini.enqueue("Both done.")
    assert form.bring("filled in") == "Both done."
    assert gemini.requests[1].last_user_text.split("\n") == [
        'response fill_in {"result": "filled in"}',
        'response sky {"colour": "blue over Oslo"}',
    ]


def test_its_failure_is_told_as_one(form: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(FILLS_IN)
    form.ask("My name is Ann")
    gemini.enqueue("I am sorry.")
    result = {"id": "r", "role": "tool", "toolCallId": form.pending[0], "content": ""}
    form.messages.append({**result, "error": "There is no form."})
    assert form.run() == "I am sorry."
    assert gemini.requests[1].last_user_text == 'response fill_in {"error": "There is no form."}'


def test_the_chat_goes_on_where_no_result_comes(form: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(FILLS_IN)
    form.ask("My name is Ann")
    gemini.enqueue("Hello.")
    assert form.ask("Never mind") == "Hello."
    told = [text for _, text in gemini.requests[1].conversation]
    assert told[-2:] == [f"response fill_in {json.dumps(TICKET)}", "Never mind"]


def test_a_person_and_the_application_are_asked_at_once(form: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(FILLS_IN, GEMINI_PAYS)
    form.ask("Both")
    gemini.enqueue("Both done.")
    made = next(m for m in form.messages if m.get("toolCalls"))["toolCalls"]
    id = next(call["id"] for call in made if call["function"]["name"] == "fill_in")
    form.messages.append({"id": "r", "role": "tool", "toolCallId": id, "content": "filled in"})
    assert form.resume(approval=YES) == "Both done."
    assert DONE == [("pay", 1, "Ann")]
    assert gemini.requests[1].last_user_text.split("\n") == [
        'response fill_in {"result": "filled in"}',
        'response pay {"status": "paid 1 to Ann"}',
    ]


def test_a_result_is_taken_once(form: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(FILLS_IN)
    form.ask("My name is Ann")
    gemini.enqueue("Done.")
    before = list(form.messages)
    call = form.pending[0]
    form.bring("ok")
    form.messages = [*before, {"id": "r", "role": "tool", "toolCallId": call, "content": "ok"}]
    form.run()
    assert form.end == {"type": "RUN_ERROR", "message": NO_RESULT_AWAITED, "code": "http_409"}


def test_nobody_takes_the_place_of_the_agents_own_tools(
    url: str, form: Thread, gemini: FakeGemini
) -> None:
    form.input["tools"] = [{**FILL_IN, "name": name} for name in ("pay", "ask_boss")]
    gemini.enqueue(GEMINI_PAYS)
    form.ask("Pay")
    assert [asked.reason for asked in form.interrupts] == ["tool_call"]
    functions = [f for t in gemini.requests[0].body["tools"] for f in t["functionDeclarations"]]
    assert [f["description"] for f in functions].count(FILL_IN["description"]) == 0


def test_the_results_of_the_hosts_own_programs_are_not_the_applications_to_give(
    form: Thread, gemini: FakeGemini
) -> None:
    gemini.enqueue(Call("ask_boss", {"amount": 5}, "call-1"))
    gemini.enqueue("I have asked.")
    form.ask("Ask her")
    assert "pendingToolCallIds" not in form.end["outcome"]
    made = next(m for m in form.messages if m.get("toolCalls"))["toolCalls"][0]
    faked = {"id": "r", "role": "tool", "toolCallId": made["id"], "content": '{"status": "yes"}'}
    form.messages.append(faked)
    form.run()
    assert form.end["message"] == NO_RESULT_AWAITED


BAD: dict[str, Any] = {
    "a name with a space": {**FILL_IN, "name": "fill in"},
    "no name": {**FILL_IN, "name": ""},
    "no schema": {**FILL_IN, "parameters": {"type": "form"}},
    "a text as the schema": {**FILL_IN, "parameters": "a value"},
}


@pytest.mark.parametrize("tool", BAD.values(), ids=BAD.keys())
def test_a_tool_that_no_model_can_be_given_is_refused(form: Thread, tool: Any) -> None:
    form.input["tools"] = [tool]
    form.ask("Hi")
    sentence = BAD_TOOL.format(name=tool["name"])
    assert form.end == {"type": "RUN_ERROR", "message": sentence, "code": "http_422"}


def test_what_the_application_shows_is_told_as_its_users_words(
    thread: Thread, gemini: FakeGemini
) -> None:
    thread.input["context"] = [{"description": "The page", "value": "a form\ud83d"}]
    gemini.enqueue("I see.")
    thread.ask("Hi")
    assert gemini.requests[0].conversation == [
        (
            "user",
            "What my application tells of what it shows at the moment:\n\nThe page: a form\ufffd",
        ),
        ("user", "Hi"),
    ]
    assert "a form" not in str(gemini.requests[0].body["systemInstruction"])
    thread.input["context"] = []
    gemini.enqueue("Hello.")
    thread.ask("And now?")
    assert gemini.requests[1].conversation[0] == ("user", "Hi")
