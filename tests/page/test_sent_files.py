"""Files that a visitor sends, on the page: added, seen, asked again with, and taken back."""

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import Route, expect

import app
from agent.chat.agents import Agents
from agent.core.settings import Settings
from tests.support.app_process import free_port
from tests.support.app_setup import UNLIMITED, launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini, Until
from tests.support.file_agents import PNG

pytestmark = pytest.mark.slow

CAT = {"name": "cat.png", "mimeType": "image/png", "buffer": PNG}
NOTES = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Buy milk"}

# Hands files to the page as they are dropped there or pasted.
HAND_OVER = """([kind, name, content, text]) => {
    const handed = new DataTransfer()
    const bytes = Uint8Array.from(atob(content), character => character.charCodeAt())
    handed.items.add(new File([bytes], name, {type: 'image/png'}))
    if (text) handed.setData('text/plain', text)
    const about = {bubbles: true, cancelable: true, dataTransfer: handed, clipboardData: handed}
    const event = kind === 'paste' ? new ClipboardEvent(kind, about) : new DragEvent(kind, about)
    document.querySelector('#message textarea').dispatchEvent(event)
}"""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(), request_retries=0) as url:
        yield url


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def add(page: Page, *files: Any) -> None:
    page.tab.locator("#message input[type=file]").set_input_files(list(files))


def has_added(page: Page, *names: str) -> None:
    """Wait until these stand above the text box, and are there."""
    listed = page.tab.locator("#files li")
    expect(listed).to_have_text([f"{name}×" for name in names], timeout=ACTION_TIMEOUT)


def hand_over(page: Page, kind: str, name: str, text: str = "") -> None:
    page.tab.evaluate(HAND_OVER, [kind, name, base64.b64encode(PNG).decode(), text])


def says(page: Page, sentence: str) -> None:
    expect(page.tab.locator("#said")).to_have_text(sentence, timeout=ACTION_TIMEOUT)


def told(gemini: FakeGemini) -> list[str]:
    """What the last request told the model: words, and of a picture whether it is whole."""
    parts = [part for c in gemini.requests[-1].body["contents"] for part in c["parts"]]
    return [
        part["text"]
        if "text" in part
        else str(base64.b64decode(part["inlineData"]["data"], altchars=b"-_") == PNG)
        for part in parts
    ]


def sees_pictures(page: Page, *names: str) -> None:
    """Wait until these are drawn, and no others."""
    pictures = page.tab.locator("#conversation .message img")
    expect(pictures).to_have_count(len(names), timeout=ACTION_TIMEOUT)
    assert [picture.get_attribute("alt") for picture in pictures.all()] == [*names]
    page.tab.wait_for_function(
        "() => [...document.querySelectorAll('#conversation .message img')].every("
        "picture => picture.complete && picture.naturalWidth > 0)"
    )


def test_what_is_added_goes_with_the_message_and_is_seen_again_after_a_reload(
    page: Page, gemini: FakeGemini
) -> None:
    add(page, CAT, NOTES)
    has_added(page, "cat.png", "notes.txt")
    talk(page, gemini, "What is this?", "A cat.")
    assert told(gemini) == ["What is this?", "True", "Buy milk"]
    has_added(page)
    for _ in range(2):
        sees_pictures(page, "cat.png")
        link = page.tab.get_by_role("link", name="notes.txt")
        expect(link).to_be_visible(timeout=ACTION_TIMEOUT)
        response = page.tab.request.get(str(link.evaluate("link => link.href")))
        assert response.body() == b"Buy milk"
        assert page.copy_answer() == "A cat."
        page.reload()
    assert page.complaints == []


def test_files_alone_are_a_message(page: Page, gemini: FakeGemini) -> None:
    add(page, CAT)
    has_added(page, "cat.png")
    talk(page, gemini, "", "A cat.")
    assert told(gemini) == ["True"]
    sees_pictures(page, "cat.png")
    page.open_side_bar()
    page.lists("cat.png")


def test_they_are_asked_with_again_and_in_other_words(page: Page, gemini: FakeGemini) -> None:
    add(page, CAT)
    has_added(page, "cat.png")
    talk(page, gemini, "What is this?", "A cat.")
    gemini.enqueue("A tiger.")
    page.retry()
    page.wait_idle()
    assert told(gemini) == ["What is this?", "True"]
    gemini.enqueue("Tom.")
    page.tab.get_by_role("button", name="Edit", exact=True).click()
    written = page.tab.locator("textarea.edit-textarea:visible")
    assert written.input_value() == "What is this?"
    written.fill("Who is this?")
    page.press("Submit")
    expect(page.seen.get_by_text("Tom.")).to_be_visible(timeout=ACTION_TIMEOUT)
    page.wait_idle()
    assert told(gemini) == ["Who is this?", "True"]
    sees_pictures(page, "cat.png")
    assert len(gemini.requests) == 3
    talk(page, gemini, "Sure?", "Yes.")
    assert told(gemini) == ["Who is this?", "True", "Tom.", "Sure?"]


def test_what_is_taken_back_is_in_the_box_again_with_its_files(
    page: Page, gemini: FakeGemini
) -> None:
    add(page, CAT, NOTES)
    has_added(page, "cat.png", "notes.txt")
    talk(page, gemini, "What is this?", "A cat.")
    page.undo()
    expect(page.box).to_have_value("What is this?", timeout=ACTION_TIMEOUT)
    has_added(page, "cat.png", "notes.txt")
    page.press("Remove notes.txt")
    has_added(page, "cat.png")
    talk(page, gemini, "And this?", "A cat.")
    assert told(gemini) == ["And this?", "True"]


def test_files_are_dropped_and_pasted_but_not_the_picture_of_a_text(
    page: Page, gemini: FakeGemini
) -> None:
    hand_over(page, "drop", "dropped.png")
    has_added(page, "dropped.png")
    hand_over(page, "paste", "a cell.png", text="12")
    hand_over(page, "paste", "pasted.png")
    has_added(page, "dropped.png", "pasted.png")
    talk(page, gemini, "Two?", "Yes.")
    assert told(gemini) == ["Two?", "True", "True"]


def test_a_message_waits_for_its_files(page: Page, gemini: FakeGemini) -> None:
    held: list[Route] = []
    page.tab.route("**/files?*", lambda route: held.append(route))
    add(page, CAT)
    expect(page.tab.locator("#files li")).to_contain_text("cat.png", timeout=ACTION_TIMEOUT)
    gemini.enqueue("A cat.")
    page.box.fill("What is this?")
    page.box.press("Enter")
    page.box.press("Enter")
    page.tab.wait_for_function("() => chat.state.isHeld")
    assert gemini.requests == []
    held[0].continue_()
    page.speaks()
    page.wait_idle()
    assert told(gemini) == ["What is this?", "True"]
    page.shows(("user", "What is this?"), ("user", "\u2063"), ("model", "A cat."))


def test_a_lost_connection_is_told_and_the_message_stays_in_the_box(
    page: Page, gemini: FakeGemini
) -> None:
    page.tab.route("**/files?*", lambda route: route.abort())
    add(page, CAT)
    lost = "The file could not be sent, because the connection was lost. Add it again."
    says(page, f"cat.png: {lost}")
    has_added(page)
    page.complaints.clear()  # Of the line.
    page.tab.unroute_all()
    add(page, CAT)
    has_added(page, "cat.png")
    says(page, "")


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (
            {**CAT, "name": "x.png", "buffer": b"MZ\x90\0" + bytes(99)},
            "x.png: This kind of file cannot be sent here. What can be sent: pictures (PNG, JPEG, "
            "WebP), PDF, sounds, videos, text, such as tables (CSV).",
        ),
        (
            {**CAT, "name": "big.png", "buffer": bytes(10_000_001)},
            "big.png: This file is too large: at most 10 MB can be sent here. A smaller picture, "
            "or a part of it, may do.",
        ),
    ],
)
def test_what_cannot_be_sent_is_told_beside_its_name_and_what_is_typed_stays(
    page: Page, gemini: FakeGemini, file: Any, sentence: str
) -> None:
    page.box.fill("What is this?")
    add(page, NOTES)
    has_added(page, "notes.txt")
    add(page, file)
    says(page, sentence)
    has_added(page, "notes.txt")
    expect(page.box).to_have_value("What is this?")
    page.complaints.clear()  # Of what was refused.


@pytest.mark.thorough
def test_each_of_several_that_cannot_be_sent_is_told(page: Page, gemini: FakeGemini) -> None:
    large = {**CAT, "buffer": bytes(10_000_001)}
    add(page, {**large, "name": "a.png"}, NOTES, {**large, "name": "b.png"})
    has_added(page, "notes.txt")
    said = page.tab.locator("#said")
    expect(said).to_contain_text("a.png: This file is too large")
    expect(said).to_contain_text("b.png: This file is too large")


def test_a_name_is_text(page: Page, gemini: FakeGemini) -> None:
    name = "<img src=x onerror=alert(1)> **b** ](x) $$ #.png"
    add(page, {**CAT, "name": name})
    has_added(page, name)
    talk(page, gemini, "Hi", "A cat.")
    sees_pictures(page, name)
    page.undo()
    has_added(page, name)


@pytest.mark.thorough
def test_files_stay_with_the_chat_that_they_were_added_in(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "Rome", "Sunny.")
    add(page, CAT)
    has_added(page, "cat.png")
    page.open_side_bar()
    page.press("New chat")
    page.shows()
    has_added(page)
    page.choose("Rome")
    has_added(page, "cat.png")


@pytest.mark.thorough
def test_while_an_answer_is_stopped_they_stay_with_their_message(
    page: Page, gemini: FakeGemini
) -> None:
    add(page, CAT)
    has_added(page, "cat.png")
    gemini.enqueue("A c", Until(threading.Event()))
    page.send("What is this?")
    page.speaks()
    page.stop()
    page.wait_idle()
    talk(page, gemini, "Go on", "at.")
    assert told(gemini) == ["What is this?", "True", "A c", "Go on"]


def test_they_are_in_saved_copies(page: Page, gemini: FakeGemini) -> None:
    add(page, CAT)
    has_added(page, "cat.png")
    talk(page, gemini, "What is this?", "A cat.")
    page.open_side_bar()
    encoded = base64.b64encode(PNG).decode()
    for label in ("Save as a web page", "Save for ADK (JSON)"):
        _, text = page.save(label)
        assert encoded in text.replace("-", "+").replace("_", "/")
    assert json.loads(text)["events"][0]["content"]["parts"][0] == {"text": "What is this?"}


def test_a_host_that_takes_none_shows_no_button_and_says_so(
    fake: FakeGemini, visitor: Visitor
) -> None:
    with launched(loaded(), file_types="none") as url:
        page = visitor().open(url)
        expect(page.tab.locator("#attach")).to_have_count(0)
        hand_over(page, "drop", "cat.png")
        says(page, "Files cannot be sent here. You can paste the text in them instead.")


def test_a_plain_chat_interface_of_gradio_hands_them_over_too(
    fake: FakeGemini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.reset()
    session = gr.State()
    demo = gr.ChatInterface(
        app.respond,
        multimodal=True,
        additional_inputs=[session],
        additional_outputs=[session],
        additional_inputs_accordion=gr.Accordion(visible=False, render=False),
    )
    monkeypatch.setattr(app, "agents", Agents(loaded(), Settings(**UNLIMITED)))
    _, url, _ = demo.launch(prevent_thread_lock=True, server_port=free_port(), quiet=True)
    try:
        fake.enqueue("A cat.")
        picture = tmp_path / "cat.png"
        picture.write_bytes(PNG)
        asked = {"text": "What is this?", "files": [handle_file(str(picture))]}
        said = Client(url, verbose=False).predict(asked, api_name="/respond")
        assert said[-1]["content"]["text"] == "A cat."
        assert told(fake) == ["What is this?", "True"]
    finally:
        demo.close()
