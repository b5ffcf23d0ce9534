"""The browser's own voice: an answer is read aloud, and a message is dictated.

Chromium without windows has neither voices nor a service that writes down speech: both are played
here by scripts in their places, in the form of the Web Speech API.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

# `spoken` is what the browser has been given to say and has not said, `recognition` what listens.
BROWSER_VOICE = """
window.spoken = []
window.SpeechSynthesisUtterance = function (text) { this.text = text }
const voice = {
    getVoices: () => [{ lang: 'en-US' }],
    speak: (utterance) => spoken.push(utterance),
    cancel: () => spoken.splice(0).forEach((left) => setTimeout(() => left.onerror?.({}))),
}
Object.defineProperty(window, 'speechSynthesis', { value: voice })
window.webkitSpeechRecognition = class {
    start() { window.recognition = this }
    stop() { this.onend({}) }
    abort() { this.onerror({ error: 'aborted' }); this.onend({}) }
}
window.SpeechRecognition = webkitSpeechRecognition
window.say = (...texts) =>
    recognition.onresult({ results: texts.map((transcript) => [{ transcript }]) })
"""

NO_VOICE = """
Object.defineProperty(window, 'speechSynthesis', { value: undefined })
delete window.SpeechRecognition
delete window.webkitSpeechRecognition
"""

ANSWER = "It rains. Take **this** with you:\n\n```python\nprint(1)\n```\n\n- an umbrella\n- boots"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded()) as address:
        yield address


def come(visitor: Visitor, url: str, script: str) -> Page:
    page = visitor(viewport={"width": 390, "height": 844})
    page.tab.add_init_script(script)
    return page.open(url)


def button(page: Page, name: str, number: int = 0) -> Locator:
    return page.tab.get_by_role("button", name=name, exact=True).nth(number)


def spoken(page: Page) -> list[str]:
    texts: list[str] = page.tab.evaluate("spoken.map(({ text }) => text)")
    return texts


def box_holds(page: Page, text: str) -> None:
    expect(page.box).to_have_value(text, timeout=ACTION_TIMEOUT)


def test_an_answer_is_read_sentence_by_sentence_without_its_code(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = come(visitor, url, BROWSER_VOICE)
    talk(page, gemini, "What now?", ANSWER)
    talk(page, gemini, "And then?", "Go out.")
    expect(button(page, "Read aloud", 1)).to_be_visible(timeout=ACTION_TIMEOUT)
    button(page, "Read aloud", 0).click()
    assert spoken(page) == ["It rains.", "Take this with you:", "an umbrella", "boots"]
    assert page.tab.evaluate("spoken.map(({ lang }) => lang)") == ["en"] * 4
    # One at a time.
    button(page, "Read aloud", 0).click()
    assert spoken(page) == ["Go out."]
    page.tab.evaluate("spoken.pop().onend({})")
    expect(button(page, "Read aloud", 1)).to_be_visible(timeout=ACTION_TIMEOUT)
    # It ends when it is told to, and when one goes on.
    button(page, "Read aloud", 1).click()
    button(page, "Stop reading").click()
    assert spoken(page) == []
    button(page, "Read aloud", 1).click()
    talk(page, gemini, "Thanks", "You are welcome.")
    assert spoken(page) == []
    expect(button(page, "Stop reading")).to_have_count(0)


def test_a_message_is_dictated_after_what_was_typed_and_ends_with_typing(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = come(visitor, url, BROWSER_VOICE)
    page.box.fill("Tell me:")
    button(page, "Dictate").click()
    expect(page.seen.get_by_text("Your browser is listening.")).to_be_visible()
    page.tab.evaluate("say('what is')")
    box_holds(page, "Tell me: what is")
    page.tab.evaluate("say('what is the time', ' in Rome')")
    box_holds(page, "Tell me: what is the time in Rome")
    page.box.press("End")
    page.box.press_sequentially("?")
    button(page, "Dictate").click()
    page.tab.evaluate("say('Please')")
    gemini.enqueue("Noon.")
    page.box.press("Enter")
    page.shows(("user", "Tell me: what is the time in Rome? Please"), ("model", "Noon."))
    page.tab.evaluate("say('Please do')")
    box_holds(page, "")
    expect(button(page, "Dictate")).to_be_visible()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "not-allowed",
            "This page may not use the microphone. Allow it in your browser, and try again.",
        ),
        ("no-speech", "Nothing was heard. Try again, or type."),
        ("language-not-supported", "Your browser cannot write down speech now. Please type."),
    ],
)
def test_why_nothing_is_written_down_is_said(
    url: str, gemini: FakeGemini, visitor: Visitor, code: str, sentence: str
) -> None:
    page = come(visitor, url, BROWSER_VOICE)
    page.box.fill("Hi")
    button(page, "Dictate").click()
    page.tab.evaluate(f"recognition.onerror({{ error: '{code}' }}); recognition.onend({{}})")
    expect(page.tab.locator("#said")).to_have_text(sentence)
    expect(button(page, "Dictate")).to_be_visible()
    box_holds(page, "Hi")


def test_where_the_browser_offers_no_voice_there_are_no_buttons(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = come(visitor, url, NO_VOICE)
    talk(page, gemini, "Hi", "Hello.")
    for name in ("Read aloud", "Dictate"):
        expect(button(page, name)).to_have_count(0)


def test_the_page_may_ask_for_the_microphone_and_no_other_may(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = come(visitor, url, BROWSER_VOICE)
    allowed = "document.featurePolicy.getAllowlistForFeature('microphone')"
    assert page.tab.evaluate(allowed) == [url.rstrip("/")]
