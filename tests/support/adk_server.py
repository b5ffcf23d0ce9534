"""ADK's own servers, each a process of its own, and what they are asked over HTTP."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.app_process import ROOT, free_port, served

ADK = Path(sys.executable).with_name("adk")


def post(url: str, body: Any) -> str:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return str(urllib.request.urlopen(request, timeout=60).read().decode())


def get(url: str) -> Any:
    return json.load(urllib.request.urlopen(url, timeout=60))


@contextmanager
def server(command: str, *options: str, folder: Path = ROOT) -> Iterator[str]:
    port = free_port()
    with served([str(ADK), command, *options, "--port", str(port), str(folder)]):
        yield f"http://127.0.0.1:{port}"
