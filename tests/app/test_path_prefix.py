"""The page behind a reverse proxy that shows it below a path of its own, such as /chat."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from gradio_client import Client
from pydantic import SecretStr

from agent.api.path_prefix import checked_root_path, prefix_in
from tests.support.app_setup import launched, loaded
from tests.support.browser import Visitor
from tests.support.fake_gemini import FakeGemini
from tests.support.mcp_client import call, tools_of
from tests.support.reverse_proxy import Proxy, address, reverse_proxy

pytestmark = pytest.mark.slow

HOST_TOKEN, API_TOKEN = "open-sesame-for-the-host", "open-sesame-for-programs"

TOKENS = {"host_token": SecretStr(HOST_TOKEN), "api_token": SecretStr(API_TOKEN)}

# What the host tells, whether the proxy takes its path off, and what the proxy says.
WAYS: dict[str, tuple[dict[str, Any], dict[str, str], bool, dict[str, str]]] = {
    "told, taken off": ({"root_path": "/chat"}, {}, True, {}),
    "told as an address, left": ({"root_path": "https://example.org/chat/"}, {}, False, {}),
    "said by the proxy, taken off": (
        {},
        {"FORWARDED_ALLOW_IPS": "127.0.0.1"},
        True,
        {"x_forwarded_prefix": "/chat/"},
    ),
    "said by the proxy, left": (
        {},
        {"FORWARDED_ALLOW_IPS": "127.0.0.1"},
        False,
        {"x_forwarded_prefix": "/chat"},
    ),
}


@pytest.fixture(scope="module", params=WAYS)
def proxy(request: pytest.FixtureRequest, fake: FakeGemini) -> Iterator[Proxy]:
    options, environment, strips, says = WAYS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with (
            launched(loaded(), options, **TOKENS) as url,
            reverse_proxy(url, "/chat", strips, **says) as proxy,
        ):
            yield proxy


def test_the_apis_are_below_it(proxy: Proxy, gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    with httpx.Client(base_url=f"{address(proxy)}/chat/") as client:
        assert client.get("healthz").json() == {"status": "ok"}
        # Whose own path begins like the proxy's.
        said = client.get("chat/stream", params={"query": "Hi"}).text
        assert '{"text": "Hello."}' in said
        question = {"model": "helper", "messages": [{"role": "user", "content": "Hi"}]}
        bearer = {"Authorization": f"Bearer {API_TOKEN}"}
        answer = client.post("v1/chat/completions", json=question, headers=bearer).json()
        assert answer["choices"][0]["message"]["content"] == "Hello."
        refused = client.post("v1/chat/completions", json=question)
        assert refused.json()["error"]["code"] == "invalid_api_key"
    gradio = Client(f"{address(proxy)}/chat/", verbose=False)
    assert gradio.predict("Hi", api_name="/chat") == "Hello."


async def test_an_mcp_client_finds_the_agent(proxy: Proxy, gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    async with tools_of(f"{address(proxy)}/chat/") as tools:
        assert await call(tools, "Hi") == "Hello."


def test_what_is_closed_is_closed(proxy: Proxy) -> None:
    with httpx.Client(base_url=f"{address(proxy)}/chat/") as client:
        for path in ("gradio_api/file=/etc/passwd", "monitoring", "gradio_api/upload", "login"):
            assert client.get(path).status_code == 404, path
        private = client.post("gradio_api/run/respond", json={"data": []})
        assert private.status_code == 404
        picture = {"Sec-Fetch-Dest": "image"}
        assert client.get("chat/stream?query=Hi", headers=picture).status_code == 404
        hostile = {"data": [{"path": "/etc/passwd"}]}
        assert client.post("gradio_api/run/chat", json=hostile).status_code == 400
        foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        assert client.get("chat/stream?query=Hi", headers=foreign).status_code == 403


def test_a_program_reads_where_the_page_is(proxy: Proxy) -> None:
    page = httpx.get(f"{address(proxy)}/chat/").text
    [shown] = re.findall(r'property="og:url" content="([^"]*)"', page)
    assert shown.endswith("/chat/")
    assert "/chat" in httpx.get(f"{address(proxy)}/chat/openapi.json").json()["servers"][0]["url"]


def test_the_host_signs_in_and_the_cookie_is_for_this_path_alone(proxy: Proxy) -> None:
    proxy.cookies.clear()
    with httpx.Client(base_url=f"{address(proxy)}/chat/", follow_redirects=True) as client:
        assert "Sign out" in client.post("host", data={"token": HOST_TOKEN}).text
        assert client.get("host/findings").status_code == 200
        assert "Sign out" not in client.post("host/sign-out").text
    assert [re.findall(r"[Pp]ath=([^;]*)", cookie) for _, cookie in proxy.cookies] == [
        ["/chat"]
    ] * 2


def test_what_the_page_is_made_of_and_what_installs_it_are_below_it(proxy: Proxy) -> None:
    for place in ("/chat/", "/chat/?agent=helper"):
        at = f"{address(proxy)}{place}"
        page = httpx.get(at).text
        parts = [part for part in re.findall(r'(?:href|src)="(\./[^"]+)"', page) if part != "./"]
        assert any("assets/" in part for part in parts)
        for part in parts:
            assert httpx.get(urljoin(at, part)).status_code == 200, part
    at = f"{address(proxy)}/chat/look/helper/manifest.json"
    manifest = httpx.get(at).json()
    assert urljoin(at, manifest["scope"]) == f"{address(proxy)}/chat/"
    assert urljoin(at, manifest["start_url"]) == f"{address(proxy)}/chat/"
    for icon in manifest["icons"]:
        assert httpx.get(urljoin(at, icon["src"])).status_code == 200


def test_who_leaves_the_slash_away_is_led_to_it(proxy: Proxy) -> None:
    led = httpx.get(f"{address(proxy)}/chat?agent=helper", follow_redirects=True)
    assert led.status_code == 200
    if not proxy.strips:  # Else only the browser knows (the next test).
        assert str(led.url) == f"{address(proxy)}/chat/?agent=helper"


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host has told of no proxy, whatever the module's last one says."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)


@pytest.mark.usefixtures("untold")
@pytest.mark.parametrize(("options", "strips"), [({}, True), ({"root_path": "/chat"}, False)])
def test_a_visitor_chats_shares_and_comes_back_whatever_is_told(
    gemini: FakeGemini, visitor: Visitor, options: dict[str, str], strips: bool
) -> None:
    gemini.enqueue("Hello.")
    with launched(loaded(), options) as url, reverse_proxy(url, "/chat", strips) as proxy:
        page = visitor().open(f"{address(proxy)}/chat")
        # What Chromium asks for in advance, before it runs a script.
        assert all(path.startswith("/assets/") for path in proxy.strays)
        proxy.strays.clear()
        page.complaints.clear()
        page.send("Hi")
        page.shows(("user", "Hi"), ("model", "Hello."))
        page.wait_idle()
        page.open_side_bar()
        link = page.share()
        assert link.startswith(f"{address(proxy)}/chat/shared/")
        assert "Hello." in httpx.get(link).text
        page.reload()
        assert page.tab.url == f"{address(proxy)}/chat/"
        page.shows(("user", "Hi"), ("model", "Hello."))
        page.wait_idle()
        assert proxy.strays == []


def test_a_root_path_that_is_none_is_refused_in_a_sentence() -> None:
    told = "chat/", "/", "https://example.org", "https://example.org/a/chat/"
    paths = [prefix_in(checked_root_path(root_path)) for root_path in told]
    assert paths == ["/chat", "", "", "/a/chat"]
    for wrong in ("/chat?x", "/a b", "//evil.example//x", "https://x/a b", "/" + "a" * 300):
        with pytest.raises(SystemExit, match="Write the path at which"):
            checked_root_path(wrong)


@pytest.mark.usefixtures("untold")
def test_nobody_but_a_proxy_that_is_told_of_says_where_the_page_is() -> None:
    with launched(loaded()) as url:
        said = {"X-Forwarded-Prefix": "/elsewhere"}
        assert "/elsewhere" not in httpx.get(url, headers=said).text
        assert httpx.get(f"{url}elsewhere/healthz", headers=said).status_code == 404
