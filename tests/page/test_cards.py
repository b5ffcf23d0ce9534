"""What an agent asks a person, on the page: cards, by hand and by keyboard, after reload."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from google.adk.workflow import BaseNode
from playwright.sync_api import expect

from tests.support.app_setup import launched, loaded_root
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor
from tests.support.scripted_model import call, scripted
from tests.support.task_agents import waiter
from tests.support.waiting_agents import DONE, PAY, SECRET, agent, forecaster, reviewer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_done")]


@contextmanager
def page_with(visitor: Visitor, root: BaseNode) -> Iterator[Page]:
    with launched(loaded_root(root), leave_grace=600) as url:
        page = visitor().open(url)
        yield page
        page.tab.close()  # Else it complains of its server's end.


PAY_CARD = (
    *("May the agent use “pay”?", "amount", "1", "to", "Ann"),
    *("Change the values", "Approve", "Decline"),
)


def ask(page: Page, message: str) -> None:
    page.send(message)
    page.wait_idle()


def test_an_approval_runs_the_tool_once_and_goes_on_with_the_answer(visitor: Visitor) -> None:
    with page_with(visitor, agent(scripted((PAY,), ("Paid.",)), "pay")) as page:
        ask(page, "Pay Ann")
        page.asks(*PAY_CARD)
        assert DONE == []
        told_above = page.seen.get_by_text("The agent asks for approval")
        expect(told_above).to_be_attached()
        expect(told_above).to_be_hidden()  # The card asks the same.
        page.answer_card("Approve")
        page.asks()
        page.speaks()
        assert page.words() == [("user", "Pay Ann"), ("model", "Paid.")]
        assert DONE == [("pay", 1, "Ann")]
        page.reload()
        page.speaks()
        assert page.words() == [("user", "Pay Ann"), ("model", "Paid.")]
        page.asks()


def test_what_is_declined_is_not_done_and_is_not_told_as_a_failure(visitor: Visitor) -> None:
    with page_with(visitor, agent(scripted((PAY,), ("All right.",)), "pay")) as page:
        ask(page, "Pay Ann")
        page.answer_card("Decline")
        page.asks()
        page.speaks()
        assert page.words() == [("user", "Pay Ann"), ("model", "All right.")]
        assert DONE == []
        assert "failed" not in page.tab.locator("#conversation").inner_text()


def test_a_card_outlasts_a_reload_and_is_answered_in_one_of_two_windows(visitor: Visitor) -> None:
    with page_with(visitor, agent(scripted((PAY,), ("Paid.",)), "pay")) as page:
        ask(page, "Pay Ann")
        page.reload()
        page.asks(*PAY_CARD)
        other = page.another()
        other.asks(*PAY_CARD)
        other.answer_card("Approve")
        page.cards.get_by_role("button", name="Approve").click()
        page.asks()
        page.speaks()
        assert page.words() == other.words() == [("user", "Pay Ann"), ("model", "Paid.")]
        assert DONE == [("pay", 1, "Ann")]


def test_a_message_in_place_of_an_answer_declines_it(visitor: Visitor) -> None:
    with page_with(visitor, agent(scripted((PAY,), ("Hello.",)), "pay")) as page:
        ask(page, "Pay Ann")
        page.send("Hi")
        page.asks()
        page.wait_idle()
        page.speaks()
        assert page.words() == [("user", "Pay Ann"), ("user", "Hi"), ("model", "Hello.")]
        declined = 'You declined the use of “pay” (amount: 1, to: "Ann").'
        expect(page.seen.get_by_text(declined)).to_be_visible(timeout=ACTION_TIMEOUT)
        assert DONE == []


@pytest.mark.thorough
def test_what_a_tool_lets_a_person_change_is_a_form(visitor: Visitor) -> None:
    model = scripted((call("book", place="Rome"),), ("Booked.",))
    with page_with(visitor, agent(model, "book")) as page:
        ask(page, "Book it")
        page.cards.get_by_label("nights").fill("5")
        page.answer_card("Approve")
        assert DONE == [("book", "Rome", 5)]


def test_arguments_are_changed_before_they_are_approved(visitor: Visitor) -> None:
    with page_with(visitor, agent(scripted((PAY,), ("Paid.",)), "pay")) as page:
        ask(page, "Pay Ann")
        page.cards.get_by_text("Change the values").click()
        page.cards.get_by_label("amount").fill("7")
        page.answer_card("Approve")
        page.asks()
        page.speaks()
        assert DONE == [("pay", 7, "Ann")]
        changed = 'You approved the use of “pay” (amount: 7, to: "Ann"), which you had changed.'
        expect(page.seen.get_by_text(changed)).to_be_visible(timeout=ACTION_TIMEOUT)
        page.reload()
        expect(page.seen.get_by_text(changed)).to_be_visible(timeout=ACTION_TIMEOUT)


def test_a_choice_is_a_button(visitor: Visitor) -> None:
    model = scripted((call("get_user_choice", options=["red", "<b>blue</b>"]),), ("Blue.",))
    with page_with(visitor, agent(model, "get_user_choice")) as page:
        ask(page, "Which?")
        page.asks("The agent asks you to choose:", "red", "<b>blue</b>", "None of these")
        page.answer_card("<b>blue</b>")
        page.speaks()
        assert page.words() == [("user", "Which?"), ("model", "Blue.")]


def test_a_form_is_filled_in_by_keyboard_and_keeps_what_was_wrong(visitor: Visitor) -> None:
    with page_with(visitor, reviewer()) as page:
        ask(page, "cats")
        page.cards.get_by_label("Copies").fill("1.5")
        page.cards.get_by_label("To").fill("Zoe")
        page.cards.get_by_label("To").press("Enter")
        page.wait_idle()
        expect(page.seen.get_by_text("That is not what was asked for")).to_be_visible(
            timeout=ACTION_TIMEOUT
        )
        assert page.cards.get_by_label("To").input_value() == "Zoe"
        page.cards.get_by_label("Copies").fill("2")
        page.answer_card("Send")
        page.asks()
        page.speaks()
        assert page.words() == [("user", "cats"), ("model", "Sent to Zoe")]
        assert DONE == [("send", {"to": "Zoe", "copies": 2})]


def test_two_cards_are_sent_together(visitor: Visitor) -> None:
    calls = (PAY, call("pay", id="call-2", amount=2, to="Bob"))
    with page_with(visitor, agent(scripted(calls, ("Done.",)), "pay")) as page:
        ask(page, "Pay both")
        page.cards.get_by_role("button", name="Decline").nth(0).click()
        expect(page.cards.get_by_text("Noted.")).to_be_visible(timeout=ACTION_TIMEOUT)
        assert DONE == []
        page.cards.get_by_role("button", name="Approve").nth(1).click()
        page.asks()
        page.wait_idle()
        page.speaks()
        assert DONE == [("pay", 2, "Bob")]


def test_a_key_is_typed_unseen(visitor: Visitor) -> None:
    with page_with(visitor, forecaster()) as page:
        ask(page, "How is it?")
        box = page.cards.get_by_label("Your key")
        assert box.get_attribute("type") == "password"
        box.fill("my-key")
        page.answer_card("Send")
        page.asks()
        page.speaks()
        assert page.words() == [("user", "How is it?"), ("model", "Sunny")]
        assert DONE == [("weather", "my-key")]
        assert "my-key" not in page.tab.content()


def test_messages_to_an_agent_in_task_mode_stay_messages(visitor: Visitor) -> None:
    begins = call("orders", id="task-1", request="food")
    model = scripted((begins,), ("What would you like?",), ("How big?",), ("How thick?",))
    with page_with(visitor, waiter(model)) as page:
        first = [("user", "I am hungry"), ("model", "What would you like?")]
        ask(page, "I am hungry")
        ask(page, "soup")
        page.reload()
        page.speaks()
        assert page.words() == [*first, ("user", "soup"), ("model", "How big?")]
        page.undo()
        expect(page.box).to_have_value("soup", timeout=ACTION_TIMEOUT)
        assert page.words() == first
        ask(page, "stew")
        page.speaks()
        assert page.words() == [*first, ("user", "stew"), ("model", "How thick?")]
        page.reload()
        page.speaks()
        assert page.words() == [*first, ("user", "stew"), ("model", "How thick?")]


def test_a_sign_in_that_leads_back_to_the_app_goes_on_by_itself(visitor: Visitor) -> None:
    model = scripted((call("next_meeting"),), ("At ten.",))
    with page_with(visitor, agent(model, "next_meeting")) as page:
        ask(page, "When?")
        link = page.cards.get_by_role("link").get_attribute("href") or ""
        (state,) = parse_qs(urlsplit(link).query)["state"]
        back = page.tab.context.new_page()
        back.goto(f"{page.tab.url}signed-in?code=abc&state=another")
        page.cards.wait_for()
        assert DONE == []
        back.goto(f"{page.tab.url}signed-in?code=abc&state={state}")
        expect(back.get_by_text("You can close this tab")).to_be_visible()
        page.asks()
        page.speaks()
        assert page.words() == [("user", "When?"), ("model", "At ten.")]
        assert DONE == [("next_meeting",)]


@pytest.mark.thorough
def test_of_a_sign_in_the_page_has_the_link_alone(visitor: Visitor) -> None:
    model = scripted((call("next_meeting"),), ("Hello.",))
    with page_with(visitor, agent(model, "next_meeting")) as page:
        ask(page, "When?")
        link = page.cards.get_by_role("link").get_attribute("href")
        assert link
        assert link.startswith("https://login.example.com/authorize?")
        assert SECRET not in page.tab.content()
        page.answer_card("Do not sign in")
        page.asks()
        assert DONE == []


@pytest.mark.parametrize("act", ["Retry", "Undo"])
def test_before_an_approval_is_taken_back_the_visitor_is_asked(visitor: Visitor, act: str) -> None:
    model = scripted((PAY,), ("Paid.",), ("Hello.",))
    with page_with(visitor, agent(model, "pay")) as page:
        ask(page, "Pay Ann")
        page.answer_card("Approve")
        page.speaks()
        page.tab.get_by_role("button", name=act, exact=True).click()
        dialog = page.tab.get_by_role("dialog")
        expect(dialog).to_contain_text("it stays done", timeout=ACTION_TIMEOUT)
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0, timeout=ACTION_TIMEOUT)
        assert page.words() == [("user", "Pay Ann"), ("model", "Paid.")]
        page.tab.get_by_role("button", name=act, exact=True).click()
        dialog.get_by_role("button", name="Take it back").click()
        if act == "Undo":
            expect(page.box).to_have_value("Pay Ann", timeout=ACTION_TIMEOUT)
            page.send("Hi")
        expect(page.seen.get_by_text("Hello.")).to_be_visible(timeout=ACTION_TIMEOUT)
        assert DONE == [("pay", 1, "Ann")]
