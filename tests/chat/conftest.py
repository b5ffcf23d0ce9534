"""An agent's folder for one test, of which Python keeps nothing."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.agent_folder import FOLDER, Write


@pytest.fixture
def folder(tmp_path: Path, clean_imports: None) -> Write:
    """Writes an agent's folder; its files by name."""

    def write(files: dict[str, str], name: str = "") -> Path:
        path = tmp_path / (name or f"{FOLDER}_{abs(hash(tmp_path))}")
        path.mkdir()
        for file, text in files.items():
            (path / file).parent.mkdir(exist_ok=True)
            (path / file).write_text(dedent(text))
        return path

    return write
