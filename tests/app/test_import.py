"""Importing `app` loads the agent and makes `demo`, and does nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.app_process import ROOT

pytestmark = pytest.mark.slow

LEFT = """
import asyncio, gc, json, os, signal, socket, threading

def is_of_a_network(fd):
    try:
        with socket.socket(fileno=os.dup(fd)) as copy:
            return copy.family in (socket.AF_INET, socket.AF_INET6)
    except OSError:
        return False

def files(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)

frozen = gc.get_freeze_count()  # Python 3.12 begins with some.
before = files("."), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
import app
print(json.dumps({
    "same files and signals": before
        == (files("."), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),
    "threads": [thread.name for thread in threading.enumerate()],
    # Those of the loops that Gradio makes for its locks are of another family.
    "sockets": [fd for fd in map(int, os.listdir("/proc/self/fd")) if is_of_a_network(fd)],
    "tasks": [repr(task) for task in gc.get_objects() if isinstance(task, asyncio.Task)],
    "demo": type(app.demo).__name__,
    "agent": app.agents.first.loaded.runner.agent.name,
    "collects garbage": gc.isenabled() and gc.get_freeze_count() == frozen,
}))
"""


@pytest.mark.slow
def test_importing_the_app_leaves_nothing_but_the_page(tmp_path: Path) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    shutil.copytree(
        ROOT / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns(".adk", "__pycache__")
    )
    environment = {name: os.environ[name] for name in os.environ if name != "SESSION_DB"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", LEFT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "same files and signals": True,
        "threads": ["MainThread"],
        "sockets": [],
        "tasks": [],
        "demo": "ChatPage",
        "agent": "chat_assistant",
        "collects garbage": True,
    }


def test_no_test_module_imports_another() -> None:
    # What two of them need stands in tests/support.
    imports = re.compile(r"^(?:from|import) tests[.\w]*\.test_\w+", re.MULTILINE)
    modules = {
        path: imports.findall(path.read_text("utf-8")) for path in ROOT.rglob("tests/**/*.py")
    }
    assert {str(path): found for path, found in modules.items() if found} == {}
