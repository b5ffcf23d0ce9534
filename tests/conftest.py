"""What every test stands on: no network but loopback, no credentials, no `.env` of a developer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_socket import socket_allow_hosts

from tests.support.fake_gemini import FakeGemini

# Gradio and ADK read these when they are imported, which is after this.
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "ADK_DISABLE_LOAD_DOTENV": "1"}
os.environ |= {"SESSION_DB": "memory://"}  # Nothing of a test's is left in agent/.adk.
for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "MODEL"):
    os.environ.pop(name, None)
for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def network_off() -> None:
    """Make every connection to another machine an error."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@contextmanager
def found() -> Iterator[FakeGemini]:
    """A fake Gemini that the real google-genai client finds by itself."""
    with FakeGemini() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        environment.setenv("GOOGLE_API_KEY", "test-key-of-nobody")
        yield server


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    """A fake Gemini for one test."""
    with found() as server:
        yield server


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeGemini]:
    """A fake Gemini for a module whose tests share one page."""
    with found() as server:
        yield server
