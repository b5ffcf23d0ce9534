"""What a browser has to fetch before the page is there."""

import re
from collections.abc import Iterator

import httpx
import pytest

from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with launched(loaded(OfflineModel(delay=0)), side_by_side=True) as address:
        yield address


def test_the_page_goes_out_compressed_and_whole(url: str) -> None:
    sent = httpx.get(url)
    assert sent.headers["content-encoding"] == "gzip"
    assert int(sent.headers["content-length"]) < 55_000 < len(sent.content)
    assert "content-security-policy" in sent.headers
    plain = httpx.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text.strip().endswith("</html>")
    assert "chatTasks" not in plain.text  # Which is for pages with a list of tasks alone.


def test_its_parts_are_fetched_once_and_the_page_and_what_is_not_there_each_time(url: str) -> None:
    parts = re.findall(r"assets/[\w-]+\.(?:js|css)", httpx.get(url).text)
    for part in parts[:3]:
        assert "immutable" in httpx.get(url + part).headers["cache-control"]
    for other in ("", "theme.css", "assets/nothing.js"):
        assert "immutable" not in httpx.get(url + other).headers.get("cache-control", "")


def test_an_answer_that_streams_is_not_held_up_to_be_compressed(url: str) -> None:
    asked = {"query": "What is 12*7?"}
    with httpx.stream("POST", f"{url}chat/stream", json=asked) as answer:
        assert "content-encoding" not in answer.headers


def test_what_only_some_answers_need_is_there_by_its_name_alone(url: str) -> None:
    script = httpx.get(url + "later/branches.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "export const watch" in script.text
    for name in ("none.js", "..%2Fchat.js", "%2e%2e/chat.js"):
        assert httpx.get(f"{url}later/{name}").status_code == 404
