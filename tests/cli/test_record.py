"""`python -m agent record` and what plays it: the commands of agent/README.md word by word."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.__main__ import DEMO
from agent.agent import EXAMPLES
from agent.models.replay import Recording
from tests.support.app_process import ROOT
from tests.support.fake_gemini import FakeGemini, Status
from tests.support.terminal import ran, timeless

pytestmark = pytest.mark.slow

RECORD, PLAY = re.findall(
    r"^(\S*.*-m agent record .*)\n(REPLAY=.*)\n```", (ROOT / "agent/README.md").read_text(), re.M
)[0]

AT = "[14:23:15]"


def run(command: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        ["bash", "-c", command.replace(".venv/bin/python", sys.executable)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, timeless(done.stdout), done.stderr


def test_the_demonstration_is_recorded_by_one_command_and_played_by_another(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    for number, text in enumerate(EXAMPLES):
        gemini.reply_to(text, f"Answer {number}, ", "and the rest.")
    code, out, err = run(RECORD, tmp_path)
    assert code == 0
    # Each example alone, and the four of the demonstration in one chat.
    asked = [text for text in EXAMPLES if text != DEMO[0]] + list(DEMO)
    answers = {text: f"Answer {number}, and the rest." for number, text in enumerate(EXAMPLES)}
    assert out == "".join(f"{AT} User: {text}\n{AT} Agent: {answers[text]}\n" for text in asked)
    assert err == f"{len(asked)} answers of the model were added to demo.jsonl.\n"
    recording = Recording(tmp_path / "demo.jsonl")
    assert set(recording.openings) == set(EXAMPLES)

    no_network = {"GOOGLE_API_KEY": "", "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9"}
    code, out, err = run(PLAY, tmp_path, **no_network)
    assert code == 0
    assert out == "".join(f"{AT} User: {text}\n{AT} Agent: {answers[text]}\n" for text in DEMO)
    date = recording.dates
    said = f"(This answer is a recording of {recording.models}, made on {date}.)\n"
    assert err == said * len(DEMO)
    assert len(gemini.requests) == len(asked)


def test_a_question_that_got_no_answer_is_told(gemini: FakeGemini, tmp_path: Path) -> None:
    gemini.always("Yes.")
    gemini.reply_to(EXAMPLES[2], Status(400, "INVALID_ARGUMENT"))
    code, _, err = run(RECORD, tmp_path)
    assert code == 1
    assert "1 questions got no whole answer, as said above." in err


def test_without_a_key_there_is_nothing_to_record(tmp_path: Path) -> None:
    file = tmp_path / "demo.jsonl"
    code, out, err = ran("record", "--to", str(file), GOOGLE_API_KEY="")
    assert (code, out) == (2, "")
    assert "`GOOGLE_API_KEY`" in err


def test_a_wrong_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    ended = ran("record", "--to", str(tmp_path), GOOGLE_API_KEY="no-key-at-all")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"RECORD={tmp_path} cannot be written: Is a directory.\n"
