"""Talks on the page: a real browser's microphone, the real google-genai client, a fake Live API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, expect

from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded
from tests.support.browser import (
    ACTION_TIMEOUT,
    CHROMIUM,
    CHROMIUM_ARGUMENTS,
    Bubble,
    Page,
    run_chromium,
)
from tests.support.chat_page import open_settings
from tests.support.fake_live import FakeLive, Hang, Heard, Spoken
from tests.support.microphone import (
    FAKE_DEVICE,
    MICROPHONE_TONE,
    TAP,
    VOICE_TONE,
    hertz_of,
    tapped,
    tone,
    wait_for,
    write_tone,
)
from tests.support.talks import GEMINI_3

pytestmark = pytest.mark.slow

# WCAG 2.2, levels A and AA.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

# A tenth of a second of the agent's voice.
PIECE = tone(VOICE_TONE, 0.1, 24_000)

OVER = ("Note", "The talk is over, and is kept here as text. Undo takes back all of it.")

# Milliseconds in which a voice must be silent that is interrupted.
INTERRUPTION = 300

# When the page is told of it, and when somebody presses Enter, in milliseconds.
INTERRUPTED = "told.find(([, event]) => event.interrupted)?.[0]"
NOTE_ENTER = """document.querySelector('#message textarea').addEventListener(
    'keypress', () => window.stoppedAt = performance.now(), true)"""

OWN_KEY = "own-key-of-the-visitor-" + "x" * 16

# With this Chromium asks nobody; "=deny" is a no.
LENDS = "--use-fake-ui-for-media-stream"

Come = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with a microphone, which it lends every page."""
    sound = write_tone(tmp_path_factory.mktemp("microphone") / "tone.wav")
    file = f"--use-file-for-fake-audio-capture={sound}"
    with run_chromium(CHROMIUM, FAKE_DEVICE, file, LENDS) as browser:
        yield browser


@pytest.fixture
def refusing(chromium: Browser) -> Iterator[Browser]:
    """Chromium whose user lends it to nobody."""
    arguments = [*CHROMIUM_ARGUMENTS, FAKE_DEVICE, f"{LENDS}=deny"]
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def come(chromium: Browser) -> Iterator[Come]:
    """Each call is a visitor who opens the page; none may end with a complaint."""
    pages: list[Page] = []

    def come(url: str, browser: Browser = chromium, path: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        pages.append(Page(context.new_page()))
        pages[-1].tab.add_init_script(TAP)
        return pages[-1].come(url + path) if path else pages[-1].open(url)

    yield come
    for page in pages:
        page.tab.context.close()
    assert not [page.complaints for page in pages if page.complaints]


@pytest.fixture(scope="module")
def live() -> Iterator[FakeLive]:
    with FakeLive() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOOGLE_API_KEY", "k" * 39)
        environment.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        environment.setenv("SSL_CERT_FILE", server.certificate)
        yield server


@pytest.fixture(scope="module")
def url(live: FakeLive) -> Iterator[str]:
    with launched(loaded(GEMINI_3), talk_silence=0, visitor_keys=True) as address:
        yield address


@pytest.fixture(scope="module")
def typed_url() -> Iterator[str]:
    """A page whose model hears nobody."""
    with launched(loaded(OfflineModel(delay=0.005))) as address:
        yield address


def button(page: Page, name: str) -> Locator:
    return page.tab.get_by_role("button", name=name, exact=True)


def strip(page: Page) -> Locator:
    return page.tab.get_by_role("region", name="Talk")


def begin(page: Page, says: str) -> None:
    """Press Talk, and wait until the strip says so."""
    button(page, "Talk").click()
    expect(strip(page)).to_contain_text(says, timeout=ACTION_TIMEOUT)


def say(page: Page, text: str) -> None:
    """Type in a talk."""
    page.box.fill(text)
    page.box.press("Enter")
    expect(page.box).to_have_value("")


def shows_words(page: Page, wanted: list[Bubble]) -> None:
    """Wait until just this is to be seen of what was said by either side."""
    said = "bubbles().filter(([who]) => who === 'user' || who === 'model')"
    same = f"wanted => JSON.stringify({said}) === JSON.stringify(wanted)"
    wait_for(page, same, [list(bubble) for bubble in wanted])


HEARS = "The agent hears you. Speak, or type."


def test_a_voice_passes_both_ways_byte_for_byte_and_is_found_again_as_text(
    live: FakeLive, url: str, come: Come
) -> None:
    page, before = come(url), len(live.connections)
    begin(page, HEARS)
    connection = live.arrived(before + 1)
    live.until(lambda: len(connection.sound) >= 32_000)
    live.enqueue(Heard("What time is it?"), *[Spoken("Noon. ", PIECE)] * 10)
    live.notice()
    wait_for(page, "told.some(([, event]) => event.turnComplete)")
    assert tapped(page, "came") == tapped(page, "given") == PIECE * 10
    button(page, "End talk").click()
    talk = ("user", "What time is it?"), ("model", ("Noon. " * 10).strip()), OVER
    page.shows(*talk)
    assert connection.is_closed.wait(20)
    sent = tapped(page, "sent")
    assert connection.sound == sent[: len(connection.sound)]
    # Nothing that was sent before the end is lost; and it is what the microphone has heard.
    assert len(sent) - len(connection.sound) <= 3200
    assert hertz_of(sent[6400:], 16_000) == pytest.approx(MICROPHONE_TONE, rel=0.02)
    page.reload()
    page.shows(*talk)


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_interrupted_voice_is_silent_at_once(
    live: FakeLive, url: str, come: Come, by_hand: bool
) -> None:
    page = come(url)
    before = len(live.connections)
    begin(page, HEARS)
    live.arrived(before + 1)
    live.enqueue(Heard("Tell me a story."), *[Spoken("Once ", PIECE)] * 40, Hang())
    live.notice()
    wait_for(page, "loudAt > 0 && came.length === 40")  # Four seconds, of which most is to come.
    live.enqueue(Heard("Stop."), "Well.")
    if by_hand:
        page.box.fill("Stop.")
        page.tab.evaluate(NOTE_ENTER)
        page.box.press("Enter")
    else:
        live.notice()
        wait_for(page, f"stoppedAt = {INTERRUPTED}")
    wait_for(page, "performance.now() - stoppedAt > 800")
    silent_after = page.tab.evaluate("loudAt - stoppedAt")
    assert -100 < silent_after < INTERRUPTION
    button(page, "End talk").click()
    expect(strip(page)).to_have_count(0)


def test_the_microphone_is_open_as_long_as_a_key_is_held(
    live: FakeLive, url: str, come: Come
) -> None:
    page = come(url)
    before = len(live.connections)
    begin(page, HEARS)
    connection = live.arrived(before + 1)
    live.enqueue("You are muted.")
    button(page, "Mute").click()
    expect(strip(page)).to_contain_text("Your microphone is off.")
    page.shows(("user", "…"), ("model", "You are muted."))
    count = page.tab.evaluate("sent.length")
    page.tab.wait_for_timeout(400)  # As long as several pieces of sound, none of which is sent.
    assert page.tab.evaluate("sent.length") == count
    live.enqueue(Heard("Now?"), "Now.")
    page.tab.get_by_role("log").click()  # Where the space bar does nothing else.
    page.tab.keyboard.down(" ")
    wait_for(page, "count => sent.length > count + 2", count)
    page.tab.keyboard.up(" ")
    page.shows(("user", "Now?"), ("model", "You are muted."), ("model", "Now."))
    ends = [f for f in connection.frames if f.get("realtime_input", {}).get("audio_stream_end")]
    assert len(ends) == 2
    page.tab.keyboard.press("Escape")
    expect(strip(page)).to_have_count(0)
    assert connection.is_closed.wait(20)


def test_without_the_microphone_a_talk_is_typed_and_on_the_visitors_own_key(
    live: FakeLive, url: str, come: Come, refusing: Browser
) -> None:
    page, before = come(url, refusing), len(live.connections)
    panel = open_settings(page)
    panel.get_by_label("Your own key for Gemini").fill(OWN_KEY)
    button(page, "Use this key").click()
    begin(page, "This page may not use the microphone. Allow it in your browser, and try again.")
    expect(button(page, "Use the microphone")).to_be_visible()
    keys = {name.lower(): value for name, value in live.arrived(before + 1).headers.items()}
    assert keys["x-goog-api-key"] == OWN_KEY
    live.enqueue("I read you.")
    say(page, "Can you read me?")
    page.shows(("user", "Can you read me?"), ("model", "I read you."))
    # The line to this page's server is lost.
    page.tab.evaluate("socket.close()")
    expect(page.tab.locator("#said")).to_contain_text("press Talk to go on")
    page.shows(("user", "Can you read me?"), ("model", "I read you."), OVER)


def test_a_typed_talk_goes_on_in_its_chat_and_is_taken_back_as_a_whole(
    typed_url: str, come: Come
) -> None:
    page = come(typed_url, viewport={"width": 360, "height": 740})
    page.send("My name is Ann.")
    page.wait_idle()
    before = page.words()
    begin(page, "Your voice is not heard in this talk: please type.")
    assert not Axe().run(page.tab, options=RULES).response["violations"]
    assert page.tab.evaluate("sent.length") == 0
    say(page, "/long")
    wait_for(page, "bubbles().length > 3")
    say(page, "What did I say?")  # Which interrupts.
    said = "document.querySelector('[role=log]').innerText"
    wait_for(page, f"{said}.includes('`/long`') || {said}.includes('/long\\n')")
    button(page, "End talk").click()
    expect(button(page, "Talk")).to_be_focused()
    wait_for(page, "bubbles().at(-1)[0] === 'Note'")
    page.send("What did I say?")
    wait_for(page, "bubbles().at(-1)[1].includes('My name is Ann.')")
    page.wait_idle()
    page.undo()
    expect(page.box).to_have_value("What did I say?")
    page.undo()
    expect(page.tab.get_by_text("This takes back all of the talk.")).to_be_visible()
    button(page, "Take it back").click()
    shows_words(page, before)
    page.reload()
    shows_words(page, before)


def test_a_visitor_holds_one_talk_and_none_in_a_tab_that_is_closed(
    live: FakeLive, url: str, come: Come
) -> None:
    page = come(url)
    before = len(live.connections)
    begin(page, HEARS)
    connection = live.arrived(before + 1)
    live.enqueue("Hello.")
    say(page, "Hi")
    page.shows(("user", "Hi"), ("model", "Hello."))
    other = page.another()
    expect(other.box).to_be_visible()
    other.tab.get_by_role("button", name="Talk", exact=True).click()
    expect(other.tab.locator("#said")).to_have_text(
        "You are talking to this agent at the moment. End that talk first.", timeout=ACTION_TIMEOUT
    )
    expect(strip(other)).to_have_count(0)
    page.tab.close()
    assert connection.is_closed.wait(20)
    other.shows(("user", "Hi"), ("model", "Hello."), OVER)


def test_who_has_signed_in_talks_below_a_proxys_own_path(come: Come) -> None:
    options = {"root_path": "/chat", "auth": [("ann", "sesame")]}
    with launched(loaded(OfflineModel(delay=0)), options) as address:
        page = come(address, path="chat/")
        page.sign_in("ann", "sesame")
        expect(page.box).to_be_editable(timeout=ACTION_TIMEOUT)
        begin(page, "Your voice is not heard")
        say(page, "/help")
        wait_for(page, "bubbles().length === 2 && bubbles()[1][1]")
        page.tab.keyboard.press("Escape")
        wait_for(page, "bubbles().at(-1)[0] === 'Note'")
        page.tab.context.close()


def test_where_the_host_allows_no_talks_there_is_no_button(come: Come) -> None:
    with launched(loaded(OfflineModel(delay=0)), live=False) as address:
        page = come(address)
        expect(button(page, "Send")).to_be_visible()
        expect(button(page, "Talk")).to_have_count(0)
        page.tab.context.close()
