"""The examples of the READMEs, run as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client

from tests.support.app_process import ROOT, free_port, served

FILES = "README.md", "agent/README.md", "agent/api/README.md"
README = "".join((ROOT / path).read_text() for path in FILES)
SHOWN = {"python": sys.executable, "bash": "bash"}
EXAMPLES = [
    (language, code)
    for language, code in re.findall(r"^```(python|bash)\n(.*?)^```", README, re.M | re.S)
    if not code.startswith("make ")  # CI runs these,
    and "-m agent record" not in code  # and tests/cli/test_record.py these.
]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    with served(
        [sys.executable, "app.py"],
        GRADIO_SERVER_PORT=str(port),
        API_TOKEN="the API_TOKEN that you set",
    ):
        yield port


def test_there_is_an_example_for_each_way_in() -> None:
    languages = [language for language, _ in EXAMPLES]
    assert languages == [
        *("python", "bash", "bash", "python"),
        *("python", "python", "python", "bash", "python"),
    ]


@pytest.mark.slow
def test_an_agent_of_ones_own_answers_on_a_page_of_its_own(tmp_path: Path) -> None:
    _, code = EXAMPLES[0]
    port = str(free_port())
    environment = {"GRADIO_SERVER_PORT": port, "PYTHONPATH": str(ROOT), "SESSION_DB": "memory://"}
    with served(["env", "-C", str(tmp_path), sys.executable, "-c", code], **environment):
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        assert "built-in offline model" in client.predict("Hello", api_name="/chat")


@pytest.mark.slow
def test_an_app_of_ones_own_answers(tmp_path: Path) -> None:
    _, code = EXAMPLES[3]
    port = str(free_port())
    with served([sys.executable, "-c", code], GRADIO_SERVER_PORT=port):
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        answer = client.predict("What is 12*7?", api_name="/respond")
    assert "84" in answer[-1]["content"]["text"]


@pytest.mark.slow
@pytest.mark.parametrize(("language", "code"), [*EXAMPLES[1:3], *EXAMPLES[4:]])
def test_an_example_answers(language: str, code: str, port: int, tmp_path: Path) -> None:
    code = code.replace("7860", str(port)).replace(".venv/bin/python", sys.executable)
    said = run_example(SHOWN[language], code, tmp_path)
    assert re.search(r"\b84\b", said)


@pytest.mark.slow
def test_the_library_keeps_what_was_said_until_the_time_was_over(tmp_path: Path) -> None:
    said = run_example(sys.executable, EXAMPLES[-1][1], tmp_path)
    assert "Paragraph 1 of 20" in said
    assert "The answer took longer than 5 seconds" in said
    assert "- `What is 12*7?`" in (tmp_path / "answer.md").read_text()


def run_example(program: str, code: str, folder: Path) -> str:
    """The example's output, run in a folder of its own with the project on the path."""
    done = subprocess.run(
        [program, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
