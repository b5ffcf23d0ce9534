"""The same answers on the page: without a model's words, and of several speakers."""

from collections.abc import Iterator

import pytest

from tests.support.app_setup import launched, loaded_root
from tests.support.browser import Visitor
from tests.support.fake_gemini import FakeGemini
from tests.support.thorough import sample
from tests.support.wordless import CASES, Case, enqueue

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Agent is deprecated:DeprecationWarning"),
]


@pytest.fixture(scope="module", params=sample(CASES))
def served(request: pytest.FixtureRequest, fake: FakeGemini) -> Iterator[tuple[Case, str]]:
    case = CASES[request.param]
    with launched(loaded_root(case.root()), leave_grace=600) as url:
        yield case, url


def test_the_page_shows_the_answer_also_after_a_reload(
    served: tuple[Case, str], gemini: FakeGemini, visitor: Visitor
) -> None:
    case, url = served
    enqueue(gemini, case)
    page = visitor().open(url)
    page.send("Hi")
    page.wait_idle()
    page.speaks()
    seen = page.words()
    said = " ".join(text for who, text in seen if who == "model")
    assert said.split() == case.answer.split()
    page.reload()
    page.wait_idle()
    page.speaks()
    assert page.words() == seen
