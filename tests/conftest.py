"""What every test stands on: no network but loopback, no credentials, no `.env` of a developer."""

import faulthandler
import gc
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
from playwright.sync_api import Browser
from pytest_socket import socket_allow_hosts

from tests.support.agent_folder import FOLDER
from tests.support.app_process import free_port
from tests.support.browser import Page, Visitor, run_chromium
from tests.support.clock import Clock
from tests.support.fake_gemini import FakeGemini
from tests.support.fake_live import FakeLive
from tests.support.postgres import Postgres, run_postgres
from tests.support.redis_server import SERVER as REDIS_SERVER
from tests.support.second_origin import SecondOrigin

# What stands between a test and an answer in a minute, by the fixture that the test uses.
MARKS_BY_FIXTURE = {
    "chromium": pytest.mark.browser,
    "postgres": pytest.mark.postgres,
    "redis_port": pytest.mark.redis,
}

# How often a test of the browser is run again until it passes; no other is. Chromium, Gradio's
# server and the test share the machine with other such tests: on two busy cores an animation or a
# click now and then takes longer than Playwright waits.
RERUNS = 2

# Files that take more than half a minute begin first, the longest at the head: else one worker
# would be left alone with one at the end, for minutes. Paths from here.
LONGEST = (
    *("page/test_renamed_gradio.py", "page/test_memory.py", "cli/test_terminal.py"),
    *("app/test_restart.py", "app/test_reload.py", "page/test_agents.py", "page/test_faults.py"),
    *("page/test_lasting.py", "api/test_limits.py", "page/test_limits.py", "app/test_bench.py"),
    *("app/test_readme.py", "app/test_pauses.py", "chat/test_sequences.py"),
    *("page/test_sequences.py", "page/test_text.py", "app/test_server_end.py"),
    *("chat/test_isolation.py", "app/test_shutdown.py", "page/test_links.py", "app/test_adk.py"),
    *("app/test_start.py", "page/test_cards.py", "app/test_earlier_version.py"),
    *("app/test_container.py", "app/test_path_prefix.py"),
)

# Seconds that a test, and what is cleared away after it, may take (`pytest.mark.timeout(seconds)`
# for one that needs more). A wait that is broken off by an exception inside Playwright's loop would
# never end, so what hangs ends its process, which says where, and pytest-xdist goes on in another.
TIMEOUT = 200

# In CI, which installs every program: the tests that may be skipped for want of one. None yet.
MAY_BE_SKIPPED: set[str] = set()

# In CI: so many reruns are a busy machine, and more are a fault that hides behind them: two in a
# hundred of the 550 tests that may be run again.
MAX_RERUNS = 11

# LiteLLM has a virtual environment to itself (`make test-models`).
collect_ignore = [] if find_spec("litellm") else ["models/test_litellm.py"]
# So has ADK's `adk eval`, of which this is a part (`make test-evals`).
collect_ignore += [] if find_spec("agentplatform") else ["app/test_adk_eval.py"]
collect_ignore += [] if find_spec("anthropic") else ["models/test_anthropic.py"]

# Where a process says why it ends: what a test writes to its own is kept by pytest.
STDERR = pytest.StashKey[int]()

IN_CI = os.environ.get("CI") == "true"

# Gradio and ADK read these when they are imported, which is after this.
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "ADK_DISABLE_LOAD_DOTENV": "1"}
os.environ |= {"SESSION_DB": "memory://"}  # Nothing of a test's is left in agent/.adk.
os.environ |= {"SHOW_FIGURES": "0"}  # No line below an answer, but in the tests about it.
for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "MODEL"):
    os.environ.pop(name, None)
for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
    os.environ.pop(name, None)

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("busy", deadline=None)
hypothesis.settings.load_profile("busy")


@pytest.fixture(autouse=True)
def network_off() -> None:
    """Make every connection to another machine an error."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time by which limits are counted, in place of the real one."""
    clock = Clock()
    monkeypatch.setattr("limits.aio.storage.memory.time", SimpleNamespace(time=clock.read))
    monkeypatch.setattr("agent.limits.counters.time", clock.read)
    return clock


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLive]:
    """A fake Live API, with which google-genai talks."""
    with FakeLive() as server:
        monkeypatch.setenv("GOOGLE_API_KEY", "k" * 39)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("SSL_CERT_FILE", server.certificate)
        yield server


@pytest.fixture
def nothing_done() -> Iterator[None]:
    """The waiting agents' tools have done nothing yet, and nothing of it is left."""
    from tests.support.waiting_agents import DONE  # Here, for it imports much of ADK.

    DONE.clear()
    yield
    DONE.clear()


@pytest.fixture
def clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """ADK puts each agent's parent folder on `sys.path`, and Python keeps what it imports."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("ADK_SUPPRESS_EXPERIMENTAL_FEATURE_WARNINGS", "1")
    yield
    for name in set(sys.modules) - modules:
        if FOLDER in name:
            del sys.modules[name]


# What may be left out, run again, or skipped


@pytest.hookimpl(tryfirst=True)  # Before `-m` chooses among them.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by what it needs, and begin with the longest files."""
    folder = Path(__file__).parent
    ranks = {folder / path: rank for rank, path in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKS_BY_FIXTURE:
                item.add_marker(MARKS_BY_FIXTURE[fixture])
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


def pytest_collection_finish() -> None:
    """What is imported by now stays: Python need not look through it for garbage in each test."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Begin to count, also when a test is run again."""
    end_what_hangs(item)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Count again: pytest itself stops it when a test has failed."""
    end_what_hangs(item)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def end_what_hangs(item: pytest.Item) -> None:
    marker = item.get_closest_marker("timeout")
    seconds: float = marker.args[0] if marker else TIMEOUT
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[STDERR])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test has failed: what it needs is missing there."""
    report = yield
    is_missing = report.skipped and not hasattr(report, "wasxfail")
    if IN_CI and is_missing and item.nodeid not in MAY_BE_SKIPPED:
        report.outcome, report.longrepr = "failed", f"Skipped in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a module that skips itself has failed."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome, report.longrepr = "failed", f"Skipped in CI: {report.longrepr}"
    return report


class Reruns:
    """Tells why tests are run again, by xdist's workers too; in CI they have a bound, and what has
    failed is told at once, for CI may end before the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self.reasons = config, list[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome: str = report.outcome  # "rerun" is pytest-rerunfailures' own.
        if outcome == "rerun":
            self.reasons.append(f"{report.nodeid}\n{report.longreprtext[-1500:]}\n")
        if IN_CI and outcome in ("failed", "rerun"):
            reporter = self._config.pluginmanager.getplugin("terminalreporter")
            reporter.write_line(f"\n{outcome}: {report.nodeid}\n{report.longreprtext[-1500:]}")

    @property
    def are_too_many(self) -> bool:
        return IN_CI and len(self.reasons) > MAX_RERUNS

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.are_too_many and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.reasons:
            return
        terminalreporter.section("Why tests were run again")
        terminalreporter.write_line("\n".join(self.reasons))
        terminalreporter.write_line(
            f"{len(self.reasons)} tests were run again, and {MAX_RERUNS} may be in CI"
            " (tests/conftest.py).",
            red=self.are_too_many,
        )


def pytest_configure(config: pytest.Config) -> None:
    """Count the tests that are run again where all of them are reported."""
    config.stash[STDERR] = os.dup(2)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reruns(config))


# Who answers


@contextmanager
def found() -> Iterator[FakeGemini]:
    """A fake Gemini that the real google-genai client finds by itself."""
    with FakeGemini() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        environment.setenv("GOOGLE_API_KEY", "test-key-of-nobody")
        yield server


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeGemini]:
    """A fake Gemini for a module whose tests share one page."""
    with found() as server:
        yield server


@pytest.fixture
def gemini(request: pytest.FixtureRequest) -> Iterator[FakeGemini]:
    """A fake Gemini for one test: `fake`, as if new, where the test has that, else its own."""
    if "fake" in request.fixturenames:
        shared: FakeGemini = request.getfixturevalue("fake")
        shared.reset()
        yield shared
    else:
        with found() as server:
            yield server


# Who looks at the page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium itself. Playwright keeps a loop running, so no async test can run meanwhile."""
    with run_chromium() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Each call is a visitor of its own; none may end with a complaint."""
    pages: list[Page] = []

    def come(**options: Any) -> Page:
        context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        pages.append(Page(context.new_page()))
        return pages[-1]

    yield come
    for page in pages:
        page.tab.context.close()
    complaints = [page.complaints for page in pages if page.complaints]
    assert not complaints, complaints


@pytest.fixture(scope="module")
def second_origin_server() -> Iterator[SecondOrigin]:
    """Another origin than the page's, for all tests of a module."""
    server = SecondOrigin()
    yield server
    server.close()


@pytest.fixture
def second_origin(second_origin_server: SecondOrigin) -> SecondOrigin:
    """The same, as if nobody had come yet."""
    second_origin_server.forget()
    return second_origin_server


# Where it is kept


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of a module."""
    with run_postgres() as server:
        yield server


@pytest.fixture
def postgres_uri(postgres: Postgres) -> str:
    """The URI of an empty database."""
    return postgres.new_database()


@pytest.fixture
def redis_port() -> int:
    """A port on which a test runs a Redis."""
    if not os.path.exists(REDIS_SERVER):
        pytest.skip("There is no redis-server: install Debian's package of that name")
    return free_port()
