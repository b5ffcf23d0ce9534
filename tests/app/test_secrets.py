"""The host's key and token leave the process only for where they belong."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Browser

from tests.support.app_process import free_port, served
from tests.support.browser import Page
from tests.support.fake_gemini import FakeGemini, Status
from tests.support.raw_queue_client import RawQueueClient

pytestmark = pytest.mark.slow

KEY, TOKEN = "AIzaSyD-sentinel-key-of-the-host", "sentinel-token-of-the-host"

PATHS = ["/", "/config", "/gradio_api/info", "/openapi.json", "/theme.css", "/chat/plain"]
PATHS += [
    "/gradio_api/info?all_endpoints=true",
    "/gradio_api/openapi.json",
    "/look/chat_assistant/manifest.json",
]
PATHS += ["/healthz", "/readyz", "/nowhere", "/gradio_api/app_id", "/gradio_api/startup-events"]

VERBOSE = """
import logging, runpy
logging.basicConfig(level=logging.DEBUG)
runpy.run_path("app.py", run_name="__main__")
"""

PRINTING = """
: > "$TMPDIR/printed"
"$0" -c "$1" >> "$TMPDIR/printed" 2>&1 & tail -n +1 -f "$TMPDIR/printed"
"""


@pytest.fixture
def url(gemini: FakeGemini, tmp_path: Path) -> Iterator[str]:
    """A page whose every log is wide open; what it prints and stores is all in `tmp_path`."""
    port = free_port()
    environment = {"GOOGLE_API_KEY": KEY, "API_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
    environment |= {"GRADIO_SERVER_PORT": str(port), "REQUEST_RETRIES": "0"}
    environment |= {"VISITOR_KEYS": "1", "SESSION_DB": f"sqlite:///{tmp_path}/chats.db"}
    with served(["bash", "-c", PRINTING, sys.executable, VERBOSE], **environment):
        yield f"http://127.0.0.1:{port}"


def test_no_secret_is_ever_told(url: str, gemini: FakeGemini, tmp_path: Path) -> None:
    told = [talk(url, gemini), *(httpx.get(url + path).text for path in PATHS)]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    written = [path.read_text(errors="replace") for path in files]
    assert [text for text in (*told, *written) if KEY in text or TOKEN in text] == []
    assert {request.key for request in gemini.requests} == {KEY}
    assert "DEBUG" in (tmp_path / "printed").read_text()


def test_twenty_visitors_have_twenty_keys_and_none_is_ever_told(
    url: str, gemini: FakeGemini, tmp_path: Path
) -> None:
    keys = [f"AQ.sentinel-key-of-visitor-{number:02}" for number in range(20)]
    for number in range(20):
        gemini.reply_to(f"I am {number:02}.", f"You are {number:02}.")
    wrong = f"API key {keys[19]} is not valid."
    gemini.reply_to("I am 19.", Status(400, "INVALID_ARGUMENT", wrong, reason="API_KEY_INVALID"))
    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(lambda number: ask_with(f"{url}/", number, keys[number]), range(20)))
    assert {request.last_user_text: request.key for request in gemini.requests} == {
        f"I am {number:02}.": key for number, key in enumerate(keys)
    }
    for number, said in enumerate(told[:19]):
        assert f"You are {number:02}." in said
    assert "Your API key was not accepted" in told[19]
    told += [httpx.get(url + path).text for path in PATHS]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    written = [path.read_bytes().decode(errors="replace") for path in files]
    assert any("You are 07." in text for text in written)  # The chats are among them.
    assert [text for text in (*told, *written) if "sentinel-key" in text] == []


def ask_with(url: str, number: int, key: str) -> str:
    """Ask on a key of one's own, by the page's queue or by `/chat/stream`; all that is told."""
    text = f"I am {number:02}."
    if number % 2:
        headers = {"X-Gemini-Api-Key": key}
        asked = {"query": text}
        return httpx.post(f"{url}chat/stream", json=asked, headers=headers, timeout=60).text
    client = RawQueueClient(url)
    client.ask(text, key=key)
    told = client.told()
    client.close()
    return str(told)


def test_no_secret_comes_into_a_browser(url: str, gemini: FakeGemini, chromium: Browser) -> None:
    gemini.always(Status(400, "INVALID_ARGUMENT", f"API key {KEY} is not valid"))
    tab = chromium.new_page()
    exposed: list[str] = []
    tab.on("console", lambda said: exposed.append(said.text))
    page = Page(tab).open(url)
    page.send("Hello")
    page.wait_idle()
    exposed += [tab.content(), tab.evaluate("JSON.stringify([localStorage, sessionStorage])")]
    exposed += [str(tab.context.cookies()), tab.evaluate("JSON.stringify(window.gradio_config)")]
    assert [text for text in exposed if KEY in text or TOKEN in text] == []
    assert {request.key for request in gemini.requests} == {KEY}
    tab.close()


def talk(url: str, gemini: FakeGemini) -> str:
    """Good and failing turns through every API; what came of them."""
    gemini.always(Status(400, "INVALID_ARGUMENT", f"API key {KEY} is not valid"))
    gemini.enqueue("Fine.")
    client = Client(url, verbose=False)
    said = [client.predict("Hello", api_name="/chat"), client.predict("Hello", api_name="/chat")]
    said.append(httpx.get(f"{url}/chat/stream", params={"query": "Hello"}).text)
    for token in (TOKEN, "wrong"):
        head = {"Authorization": f"Bearer {token}"}
        asked = {"model": "chat_assistant", "messages": [{"role": "user", "content": "Hello"}]}
        said.append(httpx.post(f"{url}/v1/chat/completions", headers=head, json=asked).text)
        said.append(httpx.get(f"{url}/v1/models", headers=head).text)
    assert said[0] == "Fine."
    return "\n".join(said)
