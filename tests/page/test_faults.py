"""One page that meets every fault, one after the other, and answers well after each."""

from collections.abc import Iterator
from typing import Any

import pytest

from agent.core.titles import CALM, FAILED
from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import FakeGemini
from tests.support.faults import FAULTS, LIMITS, TOOLS, Fault
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

# Long enough for a good answer on a busy machine.
PATIENT: dict[str, Any] = {"first_token_timeout": 6, "gap_timeout": 6, "turn_timeout": 15}


@pytest.fixture
def page(gemini: FakeGemini, visitor: Visitor) -> Iterator[Page]:
    with launched(loaded(tools=TOOLS), **LIMITS, **PATIENT) as url:
        yield visitor().open(url)


def script(gemini: FakeGemini, fault: Fault) -> None:
    gemini.reply_to(f"Try {fault.name}", *fault.script)
    gemini.reply_to('{"result": "and again"}', *fault.script)
    gemini.reply_to('{"error": "RuntimeError', *fault.script)
    gemini.reply_to(f"Well, after {fault.name}?", "Well.")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", sample(range(3)))
def test_a_page_survives_every_fault_without_a_reload(
    page: Page, gemini: FakeGemini, part: int
) -> None:
    assert len(FAULTS) >= 24
    for fault in FAULTS[part::3]:
        script(gemini, fault)
        page.send(f"Try {fault.name}")
        page.wait_idle()
        who, notice = page.texts()[-1]
        assert who in {*FAILED, *CALM}, fault.name
        assert notice.startswith(fault.notice[:20])
        page.send(f"Well, after {fault.name}?")
        page.wait_idle()
        assert page.texts()[-2:] == [("user", f"Well, after {fault.name}?"), ("model", "Well.")]
