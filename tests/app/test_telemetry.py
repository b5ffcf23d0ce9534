"""ADK's traces go where OpenTelemetry's own variables say, without what visitors say."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.app_process import ROOT

pytestmark = pytest.mark.slow

# By which ADK's spans are as before 2.13, where they hold the words if nobody says otherwise
# (adk/telemetry/_schema_version.py).
OLD_FORMAT = "ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN"

# A turn as the page runs it; what waits to be sent is sent at the end.
ONE_TURN = """
import asyncio
from opentelemetry import trace
from agent.chat.telemetry import export_telemetry
from agent.chat.warmup import one_turn
export_telemetry()
asyncio.run(one_turn())
getattr(trace.get_tracer_provider(), "force_flush", lambda: None)()
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A collector of OpenTelemetry's, and what it is sent, by the path."""
    sent: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent[self.path] = sent.get(self.path, b"") + body
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", sent
    server.shutdown()
    server.server_close()


def run(**environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ONE_TURN],
        cwd=ROOT,
        env={**os.environ, OLD_FORMAT: "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_turn_is_traced_without_its_words(collector: tuple[str, dict[str, bytes]]) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    url, sent = collector
    run(OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert b"invoke_agent warmup" in sent["/v1/traces"]
    assert b"adk-chat-page" in sent["/v1/traces"]
    assert b"Hello" not in b"".join(sent.values())


def test_a_host_may_ask_for_the_words_too(collector: tuple[str, dict[str, bytes]]) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    url, sent = collector
    run(OTEL_EXPORTER_OTLP_ENDPOINT=url, ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS="true")
    assert b"Hello" in sent["/v1/traces"]
