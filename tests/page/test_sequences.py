"""The same on the screen: random steps in Chromium, and what the model is told after them."""

import random
import threading
from collections.abc import Iterator

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import ErrorInStream, FakeGemini, Made, Step, Until
from tests.support.summaries import FOR_SUMMARY, compaction, summary, unfolded
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

STEPS = ["ask", "ask", "stop", "fail", "retry", "undo", "edit", "reload", "clear"]
WHILE_IT_ANSWERS = ["retry", "undo", "edit", "clear", "reload", "new chat"]


@pytest.fixture(scope="module", params=["whole", "compacted"])
def url(request: pytest.FixtureRequest, fake: FakeGemini) -> Iterator[str]:
    fake.reply_to(FOR_SUMMARY, Made(lambda: summary(fake.requests[-1].last_user_text)))
    after_two = compaction(compaction_interval=2, overlap_size=1)
    what = loaded(compaction=after_two if request.param == "compacted" else None)
    with launched(what, request_retries=0, leave_grace=600) as url:
        yield url


class Hand:
    """A visitor's, at one page."""

    def __init__(self, page: Page, gemini: FakeGemini, chance: random.Random) -> None:
        self._page, self._gemini, self._chance = page, gemini, chance
        self._said = 0
        self._may_end = threading.Event()

    def do(self, step: str) -> None:
        """One thing that a visitor can do; nothing, where it cannot."""
        number = sum(who == "user" for who, _ in self._page.words())
        match step:
            case "ask" | "stop" | "fail":
                self.say(step)
            case "retry" | "undo" | "edit" | "clear" if number:
                self.change(step, self._chance.randrange(number))
            case "reload":
                self._page.reload()
            case "while it answers":
                self.say("hang")
                self._page.speaks()
                self.turn_away(self._chance.choice(WHILE_IT_ANSWERS), number)
        self._page.wait_idle()

    def turn_away(self, step: str, number: int) -> None:
        """Do this while the answer to the last message, of this number, runs."""
        match step:
            case "reload":
                self._page.reload()
                self._page.speaks()
                self._page.stop()
            case "new chat":
                self._page.open_side_bar()
                self._page.press("New chat")
                self._page.shows()
                self._may_end.set()  # A reload shows that chat again.
            case _:
                self.change(step, number)

    def say(self, kind: str) -> None:
        """Send a message; Gemini answers it, breaks off, or stands still until it is stopped."""
        self._may_end = threading.Event()
        ends: dict[str, tuple[Step, ...]] = {
            **dict.fromkeys(("stop", "hang"), (Until(self._may_end),)),
            "fail": (ErrorInStream(503, "UNAVAILABLE"),),
        }
        self._gemini.enqueue("Answer ", f"{len(self._gemini.requests)}.", *ends.get(kind, ()))
        self._page.send(self._message())
        if kind == "stop":
            self._page.stop()

    def change(self, step: str, place: int) -> None:
        """Change what is on the page."""
        if step in ("retry", "edit"):
            self._gemini.enqueue(f"Another {len(self._gemini.requests)}.")
        more = (place, self._message()) if step == "edit" else ()
        texts = self._page.texts()
        getattr(self._page, step)(*more)
        if step in ("undo", "clear"):  # Else the next step begins before this one is done.
            asked = [index for index, (who, _) in enumerate(texts) if who == "user"]
            self._page.shows(*(texts[: asked[-1]] if step == "undo" else ()))

    def remembers_what_is_seen(self) -> None:
        """The model is told just what stands on the page."""
        self._gemini.enqueue("Noted.")
        self._page.send("And now?")
        self._page.wait_idle()
        lines = unfolded(self._told())
        told = [(role, " ".join(text.split())) for role, text in lines]
        assert told == self._page.words()[:-1]

    def _told(self) -> list[tuple[str, str]]:
        requests = [request for request in self._gemini.requests if request.streaming]
        return requests[-1].conversation

    def _message(self) -> str:
        self._said += 1
        return f"Message {self._said}"


@pytest.mark.parametrize("seed", sample(range(5), 5))
def test_what_is_on_the_screen_is_what_is_remembered(
    url: str, fake: FakeGemini, visitor: Visitor, seed: int
) -> None:
    fake.reset()
    chance = random.Random(seed)
    hand = Hand(visitor().open(url), fake, chance)
    for step in chance.choices([*STEPS, *["while it answers"] * 3], k=8):
        hand.do(step)
    hand.remembers_what_is_seen()
