"""What a host sees: the page comes up by one command, and mistakes are sentences."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from agent import server
from agent.models.offline import OfflineModel
from tests.support.app_process import ROOT, free_port, served
from tests.support.app_setup import launched, loaded

pytestmark = pytest.mark.slow


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def ask(port: int, message: str) -> str:
    page = Client(f"http://127.0.0.1:{port}", verbose=False)
    return str(page.predict(message, api_name="/chat"))


def test_one_command_serves_a_page_that_answers_without_a_key() -> None:
    port = free_port()
    with served([sys.executable, "app.py"], GRADIO_SERVER_PORT=str(port)):
        assert "- result: 84" in ask(port, "What is 12*7?")


# As in `make test-oldest`.
@pytest.mark.xfail(not (ROOT / ".venv").exists(), reason="`make` has made no .venv", run=False)
def test_make_run_does_the_same() -> None:
    port = free_port()
    with served(["make", "run"], GRADIO_SERVER_PORT=str(port)):
        assert "offline model" in ask(port, "Hello")


def test_any_agent_folder_can_be_named(tmp_path: Path) -> None:
    folder, port = tmp_path / "weather_agent", free_port()
    folder.mkdir()
    (folder / "agent.py").write_text(
        "from google.adk.agents import Agent\n"
        "def get_weather(city: str) -> str:\n"
        "    'Tell the weather.'\n"
        "    return f'Sun in {city}'\n"
        "root_agent = Agent(name='weather', model='gemini-3.5-flash', tools=[get_weather])\n"
    )
    with served([sys.executable, "app.py", str(folder)], GRADIO_SERVER_PORT=str(port)):
        assert "Sun in Oslo" in ask(port, "How is the weather in Oslo?")


def test_a_wrong_setting_is_named_in_a_sentence() -> None:
    ended = start(GAP_TIMEOUT="soon", TOOL_THREADS="0")
    assert ended.returncode == 1
    assert re.findall(r"^[A-Z_]+='\w+'", ended.stderr, re.MULTILINE) == [
        "GAP_TIMEOUT='soon'",
        "TOOL_THREADS='0'",
    ]
    assert "Traceback" not in ended.stderr


@pytest.mark.thorough
def test_a_misspelt_setting_and_a_port_in_use_are_told_before_the_address() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with served([sys.executable, "app.py"], GRADIO_SERVER_PORT=port, TURNS_TIMEOUT="2") as said:
            assert "Did you mean TURN_TIMEOUT?" in "".join(said)
            told = re.search(
                rf"Port {port} is in use, .*: the page is at port (\d+) instead\.", "".join(said)
            )
            assert told
            assert f"Running on http://127.0.0.1:{told[1]}/" in "".join(said)


@pytest.mark.thorough
def test_a_folder_without_an_agent_is_told_in_a_sentence(tmp_path: Path) -> None:
    ended = start(str(tmp_path / "nowhere"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("There is no folder ")


def test_the_command_tells_its_usage_and_serves_nothing_with_wrong_arguments() -> None:
    helped = start("--help")
    assert helped.returncode == 0
    assert helped.stdout.startswith("usage: python app.py [FOLDER]\n")
    assert ".env.example" in helped.stdout
    wrong, two = start("--port", "8000"), start("one", "other")
    assert wrong.stderr.endswith("unrecognized arguments: --port\n")
    assert two.stderr.startswith("One folder can be named, and here are one and other. To show")


def test_a_page_that_is_too_busy_to_answer_itself_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)
    with launched(loaded(OfflineModel(delay=0))) as url:
        assert httpx.get(f"{url}healthz").status_code == 200


def test_agent_runs_without_gradio() -> None:
    imports = "import sys, agent.chat.conversation, agent.chat.loader, agent.render.messages"
    code = f"{imports}; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert b"agent.chat.turn" in told.stdout.split()
    assert b"gradio" not in told.stdout.split()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_end_that_comes_during_the_warm_up_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, signum: signal.Signals
) -> None:
    def swallow() -> None:
        with suppress(BaseException):
            os.kill(os.getpid(), signum)

    monkeypatch.setattr(server, "warm_up", swallow)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("It serves on."))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        server.wait_for_signal()
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
