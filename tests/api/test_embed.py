"""The script for pages of other sites, and who may show the page in a frame."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from agent.api.embed import NOT_HERE
from agent.render.look import Look
from tests.support.app_setup import launched, loaded

SHOP = "https://shop.example"


def ancestors(answer: httpx.Response) -> str:
    """Who may show it in a frame, as a browser is told."""
    [said] = re.findall("frame-ancestors ([^;]*)", answer.headers["content-security-policy"])
    return str(said)


@pytest.fixture(scope="module")
def shown() -> Iterator[httpx.Client]:
    """A page that is shown on two sites, of an agent with an accent of its own."""
    what = replace(loaded(), look=Look(accent=("#008059", "#00aa77")))
    sites = f"{SHOP}/, http://localhost:8000"
    with launched(what, embed_on=sites) as url, httpx.Client(base_url=url) as client:
        yield client


def test_without_a_site_there_is_no_script_and_the_host_reads_why() -> None:
    with launched(loaded()) as url:
        answer = httpx.get(f"{url}embed.js")
        assert (answer.status_code, answer.text) == (404, NOT_HERE)
        assert ancestors(httpx.get(url)) == "'self' https://huggingface.co https://*.hf.space"


def test_the_named_sites_alone_may_show_the_page(shown: httpx.Client) -> None:
    for path in ("/", "/chat/plain", "/embed.js", "/nowhere"):
        assert ancestors(shown.get(path)) == f"'self' {SHOP} http://localhost:8000"
    # What nobody shows in a frame stays so.
    assert ancestors(shown.get("/shared/x")) == "'none'"


def test_on_a_space_hugging_face_may_show_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/demo")
    with launched(loaded(), embed_on=SHOP) as url:
        sites = f"https://huggingface.co https://*.hf.space {SHOP}"
        assert ancestors(httpx.get(url)) == f"'self' {sites}"


def test_no_site_may_read_what_the_chat_answers(shown: httpx.Client) -> None:
    asked = {"Origin": SHOP, "Sec-Fetch-Site": "cross-site"}
    for path in ("/", "/config", "/embed.js"):
        answer = shown.get(path, headers=asked)
        assert "access-control-allow-origin" not in answer.headers
    refused = shown.post("/chat/stream", json={"query": "Hi"}, headers=asked)
    assert refused.status_code == 403


def test_the_script_is_in_the_readers_language_and_the_agents_accent(
    shown: httpx.Client,
) -> None:
    answer = shown.get("/embed.js", headers={"Accept-Language": "de"})
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"].startswith("Accept-Language, Cookie")
    [told] = re.findall(r"\n\}\)\((\{.*\})\);\n$", answer.text)
    told = json.loads(told)
    assert "--accent: #008059" in told.pop("style")
    assert told == {
        "title": "Helper",
        "language": "de",
        "direction": "ltr",
        "open": "Chat öffnen",
        "close": "Chat schließen",
    }


def test_an_agent_that_there_is_not_is_named_in_a_sentence(shown: httpx.Client) -> None:
    assert (shown.get("/embed.js?agent=helper")).status_code == 200
    answer = shown.get("/embed.js?agent=nobody")
    assert answer.status_code == 404
    assert "“nobody”" in answer.json()["detail"] or "'nobody'" in answer.json()["detail"]
