"""The page of plain JavaScript in real Chromium, whose EventSource takes a broken stream up."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TypeAlias

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, expect
from playwright.sync_api import Page as Tab

from agent.api.sse import RETRY_INTERVAL
from tests.support.app_setup import GEMINI, launched, loaded, loaded_root
from tests.support.browser import ACTION_TIMEOUT
from tests.support.fake_gemini import Call, Cut, FakeGemini, Hang, Status, Until
from tests.support.hard_texts import HARD_STREAM_TEXTS
from tests.support.waiting_agents import DONE, TOOLS, agent

pytestmark = pytest.mark.slow

Seen: TypeAlias = tuple[str, str]

STOPPED = ("failure", "Stopped.")

SEEN = (
    "[...document.querySelector('#conversation').children].map(e => [e.className, e.textContent])"
)

# Not Playwright's own `wait_for_function`, as the page's policy lets nobody evaluate strings.
WAIT = f"""([wanted, patience]) => new Promise(resolve => {{
    const look = () => JSON.stringify({SEEN}) === JSON.stringify(wanted) && resolve()
    const all = {{subtree: true, childList: true, characterData: true, attributes: true}}
    new MutationObserver(look).observe(document.body, all)
    setTimeout(resolve, patience)
    look()
}})"""

FILM = f"""
window.film = []
addEventListener('DOMContentLoaded', () => new MutationObserver(() => film.push({SEEN})).observe(
    document.body, {{subtree: true, childList: true, characterData: true}}))
"""


class Page:
    """One tab. What it complains of, and what it opens, is kept in `complaints`."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab = tab
        self.complaints: list[str] = []
        self.requests: list[str] = []
        tab.set_default_timeout(ACTION_TIMEOUT)
        tab.add_init_script(FILM)
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("console", lambda said: self.complaints.append(said.text))
        tab.on("dialog", self._close)
        tab.goto(f"{url}chat/plain")

    def send(self, text: str) -> None:
        """Type a message and press Enter."""
        self.tab.get_by_label("Your message").fill(text)
        self.tab.keyboard.press("Enter")

    def stop(self) -> None:
        self.tab.get_by_role("button", name="Stop").click()

    def shows(self, *expected: Seen) -> None:
        """Wait until exactly this is to be seen: each piece with its kind."""
        self.tab.evaluate(WAIT, [expected, ACTION_TIMEOUT])
        assert self.seen() == list(expected)

    def seen(self) -> list[Seen]:
        return [(kind, text) for kind, text in self.tab.evaluate(SEEN)]

    def film(self) -> list[list[Seen]]:
        """All that was ever to be seen, state by state."""
        return [[(kind, text) for kind, text in frame] for frame in self.tab.evaluate("film")]

    def streams(self) -> list[str]:
        """Where it asked for an answer, or for the rest of one."""
        return [url for url in self.requests if "/chat/stream" in url]

    def _close(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    # So long a grace that nothing here ends only because nobody looks any more.
    with launched(loaded(tools=[sky]), request_retries=0, leave_grace=600) as address:
        yield address


def sky(city: str) -> dict[str, str]:
    """Tell the colour of the sky."""
    return {"colour": f"blue over {city}"}


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """Each call opens a tab of its own."""
    with ExitStack() as contexts:

        def come(url: str) -> Page:
            return Page(contexts.enter_context(chromium.new_context()).new_page(), url)

        yield come


@pytest.fixture
def page(url: str, gemini: FakeGemini, visit: Callable[[str], Page]) -> Iterator[Page]:
    page = visit(url)
    yield page
    assert page.complaints == []


# An answer


def test_an_answer_grows_on_the_page(page: Page, gemini: FakeGemini) -> None:
    more, rest = threading.Event(), threading.Event()
    gemini.enqueue("Hel", Until(more), "lo", Until(rest), ", you.")
    page.send("Hi")
    page.shows(("question", "Hi"), ("answer running", "Hel"))
    more.set()
    page.shows(("question", "Hi"), ("answer running", "Hello"))
    rest.set()
    page.shows(("question", "Hi"), ("answer", "Hello, you."))
    assert gemini.requests[0].conversation == [("user", "Hi")]


@pytest.mark.parametrize("text", HARD_STREAM_TEXTS.values(), ids=HARD_STREAM_TEXTS.keys())
def test_the_page_holds_the_very_text(page: Page, gemini: FakeGemini, text: str) -> None:
    gemini.enqueue(*text[:9], text[9:])
    page.send("Hi")
    page.shows(("question", "Hi"), ("answer", text))


def test_the_same_session_goes_on(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Ann.")
    page.send("I am Ann")
    page.shows(("question", "I am Ann"), ("answer", "Hello, Ann."))
    page.send("Who am I?")
    page.shows(
        ("question", "I am Ann"),
        ("answer", "Hello, Ann."),
        ("question", "Who am I?"),
        ("answer", "Ann."),
    )
    assert gemini.requests[1].conversation == [
        ("user", "I am Ann"),
        ("model", "Hello, Ann."),
        ("user", "Who am I?"),
    ]


def test_tools_stand_between_what_was_said_before_and_after(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Let me see. ", Call("sky", {"city": "Oslo"}))
    gemini.enqueue("It is blue.")
    page.send("Sky?")
    page.shows(
        ("question", "Sky?"),
        ("answer", "Let me see. "),
        ("aside", 'Tool sky {"city":"Oslo"}'),
        ("aside", 'sky: {"colour":"blue over Oslo"}'),
        ("answer", "It is blue."),
    )


HOSTILE = (
    '<img src="https://evil.example/x.png" onerror="alert(1)"><script>alert(2)</script>'
    '<style>@import "https://evil.example/x.css"</style><iframe src="https://evil.example/">'
    '</iframe><svg onload="alert(3)"></svg><b>bold</b> <a href="javascript:alert(4)">x</a> &lt;'
)


def test_markup_stays_text(page: Page, gemini: FakeGemini, url: str) -> None:
    gemini.enqueue(HOSTILE, Call("sky", {"city": HOSTILE}))
    gemini.enqueue(HOSTILE)
    page.send(HOSTILE)
    quoted = HOSTILE.replace('"', '\\"')
    page.shows(
        ("question", HOSTILE),
        ("answer", HOSTILE),
        ("aside", f'Tool sky {{"city":"{quoted}"}}'),
        ("aside", f'sky: {{"colour":"blue over {quoted}"}}'),
        ("answer", HOSTILE),
    )
    expect(page.tab.locator("#conversation > * *")).to_have_count(0)
    expect(page.tab.locator("img, iframe, svg, a")).to_have_count(0)
    assert [request for request in page.requests if not request.startswith(url)] == []


def test_nothing_is_asked_once_the_answer_is_over(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    page.send("Hi")
    page.shows(("question", "Hi"), ("answer", "Hello."))
    page.tab.wait_for_timeout(1.5 * RETRY_INTERVAL)  # So that an EventSource would reconnect.
    assert len(page.streams()) == len(gemini.requests) == 1


def test_a_message_waits_in_its_box_for_the_end_of_the_answer_before(
    page: Page, gemini: FakeGemini
) -> None:
    rest = threading.Event()
    gemini.enqueue("Half", Until(rest), " and half")
    page.send("Hi")
    page.shows(("question", "Hi"), ("answer running", "Half"))
    page.send("And now?")
    rest.set()
    page.shows(("question", "Hi"), ("answer", "Half and half"))
    expect(page.tab.get_by_label("Your message")).to_have_value("And now?")
    assert len(page.streams()) == 1


# Stop, and failures


def test_stop_ends_the_answer_and_what_was_said_is_remembered(
    page: Page, gemini: FakeGemini
) -> None:
    gemini.enqueue("Half", Hang())
    gemini.enqueue("Noted.")
    page.send("Hi")
    page.shows(("question", "Hi"), ("answer running", "Half"))
    page.stop()
    page.shows(("question", "Hi"), ("answer", "Half"), STOPPED)
    assert gemini.requests[0].left.wait(20)
    expect(page.tab.get_by_role("button")).to_have_text(["Send"])
    page.send("And now?")
    page.shows(
        ("question", "Hi"),
        ("answer", "Half"),
        STOPPED,
        ("question", "And now?"),
        ("answer", "Noted."),
    )
    assert gemini.requests[1].conversation == [
        ("user", "Hi"),
        ("model", "Half"),
        ("user", "And now?"),
    ]


def test_a_failing_turn_is_shown_and_the_next_one_works(page: Page, gemini: FakeGemini) -> None:
    failure = (
        "failure",
        "The AI service has a problem at its end. Nothing is wrong with your message: try again "
        "in a moment.",
    )
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    gemini.enqueue("Hello.")
    page.send("Hi")
    page.shows(("question", "Hi"), failure)
    page.send("Hi again")
    page.shows(("question", "Hi"), failure, ("question", "Hi again"), ("answer", "Hello."))


def test_a_model_that_breaks_off_leaves_what_it_said(page: Page, gemini: FakeGemini) -> None:
    half_shown = threading.Event()
    gemini.enqueue("Half", Until(half_shown), Cut())
    page.send("Hi")
    page.shows(("question", "Hi"), ("answer running", "Half"))
    half_shown.set()
    page.shows(
        ("question", "Hi"),
        ("answer", "Half"),
        (
            "failure",
            "The connection to the AI service broke off. Try again for a full answer.",
        ),
    )


# A person who answers


def test_what_the_agent_asks_is_approved_on_the_page(
    gemini: FakeGemini, visit: Callable[[str], Page]
) -> None:
    DONE.clear()
    with launched(loaded_root(agent(GEMINI, *TOOLS))) as url:
        page = visit(url)
        pays = [Call("pay", {"amount": n, "to": "Ann"}, f"call-{n}") for n in (1, 2)]
        gemini.enqueue("I shall pay.", *pays)
        gemini.enqueue("Paid ", "one.")
        page.send("Pay Ann")
        asks = [
            f'The agent asks for approval to use “pay” (amount: {n}, to: "Ann").' for n in (1, 2)
        ]
        before = [
            ("question", "Pay Ann"),
            ("answer", "I shall pay."),
            *(("aside", f'Tool pay {{"amount":{n},"to":"Ann"}}') for n in (1, 2)),
        ]
        page.shows(*before, *(("pause", f"{text} Approve Decline") for text in asks))
        page.tab.get_by_role("button", name="Approve").first.click()
        page.tab.get_by_role("button", name="Decline").click()
        page.shows(
            *before,
            *(("pause", f"{text}  ") for text in asks),
            ("aside", 'You approved the use of “pay” (amount: 1, to: "Ann").'),
            ("aside", 'You declined the use of “pay” (amount: 2, to: "Ann").'),
            ("aside", 'pay: {"status":"paid 1 to Ann"}'),
            ("aside", 'pay: {"error":"This tool call is rejected."}'),
            ("answer", "Paid one."),
        )
        assert (page.complaints, DONE) == ([], [("pay", 1, "Ann")])


def test_what_the_page_cannot_answer_is_said_and_the_next_message_declines_it(
    gemini: FakeGemini, visit: Callable[[str], Page]
) -> None:
    with launched(loaded_root(agent(GEMINI, *TOOLS))) as url:
        page = visit(url)
        gemini.enqueue(Call("get_user_choice", {"options": ["red", "blue"]}, "call-1"))
        gemini.enqueue("Hello.")
        page.send("Which?")
        asked = [
            ("question", "Which?"),
            ("pause", "The agent asks to choose one of these: red, blue."),
        ]
        page.shows(*asked)
        page.send("Hi")
        page.shows(*asked, ("question", "Hi"), ("answer", "Hello."))


# A broken connection


class Proxy(ThreadingTCPServer):
    """A way to the server, which breaks once."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Link)
        self.port = port
        self.asked: list[str] = []
        """The requests for a stream."""
        self.bytes_left: int | None = None
        """After how many more bytes of an answer it breaks; None for never."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def let_through(self, data: bytes) -> bytes:
        """As much of it as comes through before the break."""
        if self.bytes_left is None:
            return data
        data = data[: self.bytes_left]
        self.bytes_left -= len(data)
        return data


class Link(BaseRequestHandler):
    """One connection through the proxy."""

    server: Proxy
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as far:
            asking = threading.Thread(target=self._pass_questions_on, args=(far,))
            asking.start()
            with suppress(OSError):
                self._pass_answers_on(far)
            for end in (far, self.request):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            asking.join()

    def _pass_questions_on(self, far: socket.socket) -> None:
        with suppress(OSError):
            while data := self.request.recv(65536):
                if b" /chat/stream" in data:
                    self.server.asked.append(data.decode())
                far.sendall(data)

    def _pass_answers_on(self, far: socket.socket) -> None:
        while data := far.recv(65536):
            self.request.sendall(self.server.let_through(data))
            if self.server.bytes_left == 0:
                self.server.bytes_left = None
                return


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    with Proxy(httpx.URL(url).port or 80) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


WORDS = [f"{number} {'word ' * 20}" for number in range(12)]


@pytest.mark.parametrize("after", [0, 1, 100, 333, 1000])
def test_a_broken_connection_is_taken_up_with_nothing_lost_or_doubled(
    url: str, gemini: FakeGemini, visit: Callable[[str], Page], after: int
) -> None:
    rest = threading.Event()
    gemini.enqueue(WORDS[0], Until(rest), *WORDS[1:])
    with proxy_to(url) as proxy:
        page = visit(proxy.url)
        page.send("Hi")
        page.shows(("question", "Hi"), ("answer running", WORDS[0]))
        proxy.bytes_left = after
        rest.set()
        page.shows(("question", "Hi"), ("answer", "".join(WORDS)))
        assert ["last-event-id" in asked.lower() for asked in proxy.asked] == [False, True]
    answers = [text for frame in page.film() for kind, text in frame if kind != "question"]
    assert answers[-1] == "".join(WORDS)
    assert all(new.startswith(old) for old, new in pairwise(answers))
    assert len(gemini.requests) == 1
