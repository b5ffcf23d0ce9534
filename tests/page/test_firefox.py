"""What every visitor does, in Firefox."""

from collections.abc import Iterator

import pytest

from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded, loaded_root
from tests.support.branching_agents import guide
from tests.support.browser import IS_IDLE
from tests.support.firefox import ENTER, Firefox, run_firefox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore:.*Agent is deprecated:DeprecationWarning"),
]

BOX = "#message textarea"

IS_BUSY = "document.querySelector('.stop-button')"
IDLE = f"(({IS_IDLE.replace('isBusy()', IS_BUSY)})())"

SAID = "[...document.querySelectorAll('[role=log] .message-content')].map(said => said.innerText)"

STOPPED = "document.querySelector('[role=log]').innerText.includes('Stopped')"

NOTE_ERRORS = """(() => {
    window.errors = []
    addEventListener('error', ({message}) => window.errors.push(message))
    addEventListener('unhandledrejection', ({reason}) => window.errors.push(String(reason)))
})()"""


@pytest.fixture
def firefox() -> Iterator[Firefox]:
    with run_firefox() as firefox:
        yield firefox


def came(firefox: Firefox, url: str) -> None:
    firefox.open(url)
    firefox.wait(IDLE)
    firefox.run(NOTE_ERRORS)


def asked(firefox: Firefox, text: str) -> None:
    firefox.type(BOX, text + ENTER)
    firefox.wait("document.querySelector('[data-testid=bot]')")
    firefox.wait(IDLE)


def test_one_asks_stops_reloads_and_turns_to_the_side_bar(firefox: Firefox) -> None:
    with launched(loaded(OfflineModel(delay=0.05))) as url:
        came(firefox, url)
        asked(firefox, "Hi")
        assert "offline model" in " ".join(firefox.run(SAID))
        firefox.type(BOX, f"/think{ENTER}")
        firefox.wait(IS_BUSY)
        firefox.wait(
            "getComputedStyle(document.querySelector('.stop-button')).pointerEvents == 'auto'"
        )
        firefox.click(".stop-button")
        firefox.wait(
            f"{IDLE} && document.querySelector('[role=log]').innerText.includes('Stopped')"
        )
        assert firefox.run("window.errors") == []
        firefox.reload()
        firefox.wait(f"{IDLE} && document.querySelectorAll('[data-testid=user]').length == 2")
        firefox.wait(STOPPED)
        firefox.run(NOTE_ERRORS)
        firefox.run("document.querySelector('[title=\"Your chats\"], .toggle-button').click()")
        firefox.wait("document.querySelector('#chats li [aria-current=true]')?.innerText == 'Hi'")
        firefox.resize(500, 800)
        assert firefox.wait("document.documentElement.scrollWidth <= innerWidth")
        assert firefox.run("window.errors") == []


def test_branches_stand_side_by_side(firefox: Firefox) -> None:
    with launched(loaded_root(guide())) as url:
        came(firefox, url)
        firefox.resize(1280, 800)
        asked(firefox, "Hi")
        firefox.wait("document.querySelector('[data-branches=beside]')")
        tops = firefox.run(
            "[...document.querySelectorAll('[data-branch~=first]')]"
            ".map(branch => branch.getBoundingClientRect().top)"
        )
        assert len(tops) == 2
        assert abs(tops[0] - tops[1]) < 2
        assert firefox.run("window.errors") == []
