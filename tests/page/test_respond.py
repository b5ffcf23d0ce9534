"""`respond` in a plain ChatInterface of anybody's: by gradio_client, and in Chromium."""

import threading
from collections.abc import Callable, Iterator

import gradio as gr
import pytest
from gradio_client import Client

import app
from agent.chat.agents import Agents
from agent.core.settings import Settings
from tests.support.app_process import free_port
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.browser import Page, talk
from tests.support.fake_gemini import Call, FakeGemini, Finish, Until


def sky(city: str) -> dict[str, str]:
    """Tell the colour of the sky."""
    return {"colour": f"blue over {city}"}


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    settings = {**UNLIMITED, "request_retries": 0, "leave_grace": 600}
    session = gr.State()
    demo = gr.ChatInterface(
        app.respond,
        textbox=gr.Textbox(elem_id="message", submit_btn="Send", stop_btn="Stop"),
        additional_inputs=[session],
        additional_outputs=[session],
        additional_inputs_accordion=gr.Accordion(visible=False, render=False),
        editable=True,
        concurrency_limit=None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "agents", Agents(loaded(tools=[sky]), Settings(**settings)))
        _, url, _ = demo.launch(prevent_thread_lock=True, server_port=free_port(), quiet=True)
        yield url
        demo.close()


def test_a_program_has_each_turn_remembered(url: str, fake: FakeGemini) -> None:
    fake.reset()
    fake.enqueue(Call("sky", {"city": "Oslo"}))
    fake.enqueue("It is ", "blue.")
    fake.enqueue("I said: blue.")
    client = Client(url, verbose=False)
    first = client.predict("How is the sky?", api_name="/respond")
    assert [message["metadata"]["title"] for message in first[:1]] == ["Tool sky"]
    assert first[-1]["content"]["text"] == "It is blue."
    client.predict("What did you say?", api_name="/respond")
    told = [text for _, text in fake.requests[-1].conversation]
    assert told[0] == "How is the sky?"
    assert told[-2:] == ["It is blue.", "What did you say?"]


def test_what_is_on_a_plain_page_is_what_is_remembered(
    url: str, fake: FakeGemini, visitor: Callable[..., Page]
) -> None:
    fake.reset()
    page = visitor().open(url)
    talk(page, fake, "One", "First.")
    fake.enqueue("Half an ", Until(threading.Event()))
    page.send("Two")
    page.shows(("user", "One"), ("model", "First."), ("user", "Two"), ("model", "Half an"))
    page.stop()
    page.wait_idle()
    remembered(page, fake)
    fake.enqueue("Another.")
    page.retry()
    page.wait_idle()
    remembered(page, fake)
    page.undo()
    page.wait_idle()
    remembered(page, fake)
    fake.enqueue("Edited.")
    page.tab.get_by_role("button", name="Edit", exact=True).nth(1).click()
    page.tab.locator("textarea.edit-textarea").fill("Two, edited")
    page.tab.get_by_role("button", name="Submit", exact=True).click()
    page.shows(*FIRST, ("user", "Two, edited"), ("model", "Edited."))
    page.wait_idle()
    remembered(page, fake)
    page.press("Clear")
    page.shows()
    remembered(page, fake)
    # Gradio's own events complain of a stream that Stop has broken off.
    page.complaints[:] = [said for said in page.complaints if "AbortError" not in said]


FIRST = ("user", "One"), ("model", "First.")


def remembered(page: Page, gemini: FakeGemini) -> None:
    """The model is told just what stands on the page."""
    talk(page, gemini, "And now?", "Noted.")
    told = [(role, text.strip()) for role, text in gemini.requests[-1].conversation]
    assert told == page.words()[:-1]


def test_a_cut_answer_goes_on_by_a_button_there_too(
    url: str, gemini: FakeGemini, visitor: Callable[..., Page]
) -> None:
    page = visitor().open(url)
    talk(page, gemini, "Count", "1, 2", Finish("MAX_TOKENS"))
    gemini.enqueue("3, 4")
    page.offers_to_go_on()
    page.press("Continue")
    page.seen.get_by_text("3, 4", exact=True).wait_for()
    page.offers_to_go_on(False)
    asked = ("user", "Please continue where you stopped.")
    assert gemini.requests[1].conversation == [("user", "Count"), ("model", "1, 2"), asked]
