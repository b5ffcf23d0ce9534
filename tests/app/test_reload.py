"""`gradio app.py`, and a Space's hot reload: a changed file is taken up while the page is open."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import expect

from tests.support.app_process import ROOT, free_port
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import FakeGemini, Until

pytestmark = pytest.mark.slow

Serve = Callable[..., "Project"]

GRADIO = Path(sys.executable).with_name("gradio")

# Seconds that a reload may take on a slow, busy machine, and between two looks for it.
RELOAD_TIMEOUT, POLL_INTERVAL = 60, 0.05

AGENT = "agent/agent.py"
# What one of its tools answers.
WRITTEN = "_written(_value(_parsed(expression)))"
RESULT = f'"result": {WRITTEN}'

# What may not be printed. Warnings may: while two threads import, libraries that silence one of
# their own for a moment may fail to.
COMPLAINT = "Traceback|[Ee]rror"


class Project:
    """A copy of this project that is served by a command, and can be edited meanwhile."""

    def __init__(self, folder: Path, command: list[str], **environment: str) -> None:
        left_out = shutil.ignore_patterns("__pycache__", ".adk", ".env")
        shutil.copytree(ROOT / "agent", folder / "agent", ignore=left_out)
        shutil.copy(ROOT / "app.py", folder)
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}/"
        self._folder, self._said = folder, folder / "said.txt"
        environment |= {"GRADIO_SERVER_PORT": port, "PYTHONUNBUFFERED": "1", "SESSION_DB": ""}
        with self._said.open("w") as said:
            self._program = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.until("Running on", lambda: self.said)

    @property
    def said(self) -> str:
        """All that it has printed."""
        return self._said.read_text()

    def read(self, file: str) -> str:
        return (self._folder / file).read_text()

    def edit(self, file: str, old: str, new: str) -> None:
        """Write something else into a file."""
        text = self.read(file)
        assert old in text
        (self._folder / file).write_text(text.replace(old, new))

    def get(self, path: str = "") -> str:
        return httpx.get(f"{self.url}{path}", timeout=20).text

    def status(self, path: str) -> int:
        return httpx.get(f"{self.url}{path}", timeout=20).status_code

    def until(self, text: str, read: Callable[[], str]) -> None:
        """Read again and again, until that text is there."""
        end = monotonic() + RELOAD_TIMEOUT
        while text not in read():
            assert self._program.poll() is None, self.said
            assert monotonic() < end, self.said
            sleep(POLL_INTERVAL)

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait until nothing is served any more."""
        os.killpg(self._program.pid, signal.SIGINT)
        with suppress(httpx.TransportError):
            while self.get():
                sleep(POLL_INTERVAL)

    def end(self) -> None:
        """End the command and what it has started."""
        if self._program.returncode is None:  # Else its number may be another's by now.
            os.killpg(self._program.pid, signal.SIGKILL)
            self._program.wait(20)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Serve]:
    """Serves a copy of the project by this command."""
    projects: list[Project] = []

    def serve(*command: str | Path, **environment: str) -> Project:
        projects.append(Project(tmp_path, [str(part) for part in command], **environment))
        return projects[-1]

    yield serve
    for project in projects:
        project.end()


def ask(page: Page, question: str) -> str:
    """A whole turn; its answer."""
    page.send(question)
    page.wait_idle()
    return page.words()[-1][1]


@contextmanager
def reloaded(page: Page) -> Iterator[None]:
    """Inside, something happens after which the page loads itself anew, with what was said."""
    said = page.words()
    page.tab.evaluate("window.isOld = true")
    yield
    page.tab.wait_for_function("!window.isOld", timeout=RELOAD_TIMEOUT * 1000)
    page.wait_idle()
    assert page.words() == said


def test_a_change_of_the_agent_is_taken_up_by_an_open_page_whose_chat_goes_on(
    project: Serve,
    visitor: Visitor,
) -> None:
    app = project(GRADIO, "app.py")
    page = visitor().open(app.url)
    assert "result: 84" in ask(page, "What is 12*7?")
    with reloaded(page):
        app.edit(AGENT, RESULT, f'"result": "new " + {WRITTEN}')
    assert "result: new 84" in ask(page, "What is 12*7?")
    with reloaded(page):
        app.edit(AGENT, '"new "', '"newer "')
    assert "result: newer 84" in ask(page, "What is 12*7?")
    assert len(page.words()) == 6
    page.tab.context.close()
    app.interrupt()
    assert not re.search(COMPLAINT, app.said)


@pytest.mark.thorough
def test_a_change_of_any_file_is_taken_up_by_page_and_apis_together(
    project: Serve,
    visitor: Visitor,
) -> None:
    app = project(GRADIO, "app.py")
    page = visitor().open(app.url)
    assert "result: 84" in ask(page, "What is 12*7?")
    with reloaded(page):
        app.edit("agent/page/controls.py", "Type a message...", "Say something.")
    assert page.box.get_attribute("placeholder") == "Say something."
    with reloaded(page):
        app.edit("agent/api/health.py", '"/healthz"', '"/health"')
    assert [app.status(path) for path in ("health", "healthz")] == [200, 404]
    with reloaded(page):
        app.edit(AGENT, "A friendly assistant", "A friendlier assistant")
    assert "A friendlier assistant" in app.get()
    assert "A friendlier assistant" in app.get("openapi.json")
    with reloaded(page):
        app.edit("app.py", "\nif __name__", "\ndemo.title = 'Another title'\n\nif __name__")
    assert page.tab.title() == "Another title"


def test_a_mistake_in_a_change_is_reported_and_the_next_change_is_taken_up(
    project: Serve,
    visitor: Visitor,
) -> None:
    app = project(GRADIO, "app.py")
    page = visitor().open(app.url)
    app.edit("agent/page/controls.py", "PLACEHOLDER = ", "PLACEHOLDER: ")
    app.until("Reloading app failed", lambda: app.said)
    assert "result: 84" in ask(page, "What is 12*7?")
    with reloaded(page):
        app.edit("agent/page/controls.py", "PLACEHOLDER: ", "PLACEHOLDER = ")
    assert "result: 84" in ask(page, "What is 12*7?")


WEATHER = """
from google.adk.agents import Agent
from . import words
root_agent = Agent(name="weather", model="offline", description="Tells.", tools=[words.tell])
"""

WORDS = """
def tell(city: str) -> str:
    'Tell the weather.'
    return f"Sun in {city}"
"""

QUESTION = '/call tell {"city": "Oslo"}'


@pytest.mark.thorough
def test_an_agent_elsewhere_that_fails_has_a_page_which_comes_alive_when_it_is_mended(
    project: Serve, visitor: Visitor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere") / "weather_agent"
    folder.mkdir()
    (folder / "agent.py").write_text(WEATHER)
    (folder / "words.py").write_text(WORDS.replace("def", "fed"))
    app = project(GRADIO, "app.py", "--", folder)
    page = visitor().open(app.url)
    about = page.tab.locator(".about")
    expect(about).to_contain_text("words.py, line 2:\n\n    fed tell(city: str) -> str:")
    page.send(QUESTION)
    expect(page.box).to_have_value(QUESTION)
    page.wait_idle()
    with reloaded(page):
        (folder / "words.py").write_text(WORDS)
    expect(about).to_contain_text("Tells.")
    expect(page.box).to_have_value(QUESTION)
    assert "Sun in Oslo" in ask(page, QUESTION)
    with reloaded(page):
        (folder / "words.py").write_text(WORDS.replace("Sun", "Rain"))
    assert "Rain in Oslo" in ask(page, QUESTION)
    with reloaded(page):
        (folder / "agent.py").write_text("1 / 0")
    expect(about).to_contain_text("ZeroDivisionError: division by zero")
    assert app.status("readyz") == 503
    with reloaded(page):
        (folder / "agent.py").write_text(WEATHER)
    assert app.status("readyz") == 200
    assert app.said.count("fed tell") == 1
    assert "Traceback" not in app.said


@pytest.mark.thorough
def test_a_change_of_one_of_several_agents_is_taken_up_by_its_page(
    project: Serve, visitor: Visitor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("several")
    for name in ("ann", "bob"):
        (path / name).mkdir()
        (path / name / "agent.py").write_text(WEATHER)
        (path / name / "words.py").write_text(WORDS)
    app = project(GRADIO, "app.py", "--", path)
    page = visitor().open(f"{app.url}?agent=bob")
    assert "Sun in Oslo" in ask(page, QUESTION)
    with reloaded(page):
        (path / "bob" / "words.py").write_text(WORDS.replace("Sun", "Rain"))
    assert "Rain in Oslo" in ask(page, QUESTION)
    with reloaded(page):
        (path / "ann" / "words.py").write_text("1 / 0")
    assert "Rain in Oslo" in ask(page, QUESTION)
    picker = page.tab.get_by_role("combobox", name="Agent")
    picker.click()
    with page.tab.expect_navigation():
        page.tab.get_by_role("option", name="Ann (could not be loaded)").click()
    expect(page.tab.locator(".about")).to_contain_text("ZeroDivisionError: division by zero")
    with reloaded(page):
        (path / "ann" / "words.py").write_text(WORDS.replace("Sun", "Snow"))
    assert "Snow in Oslo" in ask(page, QUESTION)
    assert "Traceback" not in app.said


@pytest.mark.thorough
def test_an_answer_that_is_running_goes_on_to_its_end(
    project: Serve,
    visitor: Visitor,
    gemini: FakeGemini,
) -> None:
    rest = threading.Event()
    gemini.enqueue("Once upon ", Until(rest), "a time.")
    app = project(GRADIO, "app.py")
    page = visitor().open(app.url)
    page.send("A story")
    page.shows(("user", "A story"), ("model", "Once upon"))
    app.edit(AGENT, "A friendly assistant", "A friendlier assistant")
    app.until("A friendlier assistant", app.get)
    page.tab.evaluate("window.isOld = true")
    rest.set()
    page.tab.wait_for_function("!window.isOld", timeout=RELOAD_TIMEOUT * 1000)
    page.shows(("user", "A story"), ("model", "Once upon a time."))
    page.wait_idle()
    gemini.enqueue("The end.")
    assert ask(page, "Go on") == "The end."
    assert [text for _, text in gemini.requests[-1].conversation] == [
        *("A story", "Once upon a time.", "Go on")
    ]
    assert not re.search(COMPLAINT, app.said)


def test_a_space_takes_a_change_up_while_it_runs(project: Serve) -> None:
    """As Hugging Face's page has it done, by the package `spaces` (spaces/reloading/server.py)."""
    pytest.importorskip("spaces")
    app = project(sys.executable, "app.py", SYSTEM="spaces", SPACE_ID="somebody/something")
    client = Client(app.url, verbose=False)
    assert "result: 84" in client.predict("What is 12*7?", api_name="/chat")
    changed = app.read(AGENT).replace(RESULT, f'"result": "new " + {WRITTEN}')
    server = "http://127.0.0.1:7887"
    with httpx.Client(base_url=server, transport=httpx.HTTPTransport(retries=5)) as space:
        change = {"filepath": AGENT, "contents": changed, "reloadId": "one"}
        assert space.post("/create-reload", json=change).status_code == 200
        assert '"kind":"update"' in space.post("/get-reload", json={"reloadId": "one"}).text
    assert "result: new 84" in client.predict("What is 12*7?", api_name="/chat")
    client.close()
