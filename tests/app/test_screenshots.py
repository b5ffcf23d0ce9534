"""The command that makes pictures of the page."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from tests.support.app_process import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]


def test_a_command_makes_a_picture_of_each_state(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.screenshots", str(tmp_path), "phone", "readme"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(Path(line).name for line in done.stdout.splitlines())
    assert {"phone-empty.png", "phone-tool.png", "phone-shared-page.png"} <= set(made)
    for path in tmp_path.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG"), path
    with Image.open(tmp_path / "recording.webp") as recording:
        assert len(list(ImageSequence.Iterator(recording))) > 10
