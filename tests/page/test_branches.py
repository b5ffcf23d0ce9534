"""Agents that answer at the same time: side by side, and never mixed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from agent.render.formulas import MARK
from tests.support.app_setup import launched, loaded_root
from tests.support.branching_agents import LONG, guide
from tests.support.browser import ACTION_TIMEOUT, Bubble, Page, Visitor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Agent is deprecated:DeprecationWarning"),
]

# What is loaded only when an answer needs it.
LOADED_LATER = """performance.getEntriesByType("resource").map(({name}) => name)
    .filter((name) => name.includes("/later/"))"""


@pytest.fixture
def url() -> Iterator[str]:
    with launched(loaded_root(guide())) as url:
        yield url


# The marks, which nobody sees, are around the branches.
SHOWN: list[Bubble] = [
    ("user", "Hi"),
    (f"{MARK}rome answers", ""),
    ("Thought", ""),
    ("model", "".join(LONG).strip()),
    (f"{MARK}oslo answers", ""),
    ("model", "Oslo:\n\ncold"),
    (f"summary goes on{MARK}", ""),
    ("model", "Both are capitals."),
]


def places(page: Page) -> list[tuple[float, float]]:
    """Where both branches begin."""
    found = []
    for name in ("rome", "oslo"):
        box = page.tab.get_by_role("button", name=f"{name} answers").bounding_box()
        assert box
        found.append((box["x"], box["y"]))
    return found


def test_they_stand_side_by_side_in_the_order_in_which_they_began(
    url: str, visitor: Visitor
) -> None:
    page = visitor().open(url)
    assert page.tab.evaluate(LOADED_LATER) == []
    page.send("Hi")
    page.wait_idle()
    for _ in range(2):
        expect(page.tab.locator("[data-branches=beside]")).to_be_visible(timeout=ACTION_TIMEOUT)
        page.shows(*SHOWN)
        (rome_x, rome_y), (oslo_x, oslo_y) = places(page)
        assert oslo_x > rome_x + 200
        assert abs(oslo_y - rome_y) < 2
        page.reload()
    page.tab.set_viewport_size({"width": 390, "height": 844})
    expect(page.tab.locator("[data-branches=below]")).to_be_visible(timeout=ACTION_TIMEOUT)
    (rome_x, rome_y), (oslo_x, oslo_y) = places(page)
    assert abs(oslo_x - rome_x) < 2
    assert oslo_y > rome_y + 50
    assert not page.complaints
