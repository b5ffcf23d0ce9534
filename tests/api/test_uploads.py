"""Files that visitors and programs send: taken, refused, limited, and used in a message."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from openai import OpenAI

from agent.render import media
from tests.support.app_setup import launched, loaded
from tests.support.clock import Clock
from tests.support.fake_gemini import FakeGemini
from tests.support.file_agents import PNG

pytestmark = pytest.mark.slow

TOKEN = "the-token-of-this-host"

WRONG_KIND = (
    "This kind of file cannot be sent here. What can be sent: pictures (PNG, JPEG, WebP), PDF, "
    "sounds, videos, text, such as tables (CSV)."
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are put for the page."""
    monkeypatch.setattr(media, "FOLDER", tmp_path / "pages")
    (tmp_path / "pages").mkdir()
    return tmp_path / "pages"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(), request_retries=0, api_token=TOKEN) as address:
        yield address


def send(url: str, content: bytes, name: str = "", **options: Any) -> httpx.Response:
    return httpx.post(f"{url}files", params={"name": name}, content=content, **options)


def ask(url: str, query: str, *files: str, session_id: str | None = None) -> httpx.Response:
    asked = {"query": query, "files": files, "session_id": session_id}
    return httpx.post(f"{url}chat/stream", json=asked, timeout=30)


def pictures(gemini: FakeGemini) -> list[bytes]:
    """Those that the last request has shown the model."""
    contents = gemini.requests[-1].body["contents"]
    blobs = [part["inlineData"] for content in contents for part in content["parts"][1:]]
    return [base64.b64decode(blob["data"], altchars=b"-_") for blob in blobs]


def test_a_file_is_told_by_its_content_and_found_by_whoever_is_told_its_address(url: str) -> None:
    answer = send(url, PNG, "my cat.png")
    assert answer.status_code == 201
    told = answer.json()
    shown = "[![my cat.png]({0})]({0})".format(told["file"])
    assert told == {
        "file": told["file"],
        "name": "my cat.png",
        "type": "image/png",
        "size": len(PNG),
        "shown": shown,
    }
    assert httpx.get(url + told["file"]).content == PNG


@pytest.mark.parametrize(
    ("name", "content", "called"),
    [
        ("../../etc/passwd", b"x", "passwd"),
        (r"C:\Users\ann\cat.png", PNG, "cat.png"),
        ("user:cat.png", PNG, "user cat.png"),
        ("cat\u202egnp.exe\n\0", b"x", "catgnp.exe"),
        ("photo.jpg", PNG, "photo.jpg.png"),
        ("drawing.svg", b"<svg onload=alert(1)>", "drawing.svg.txt"),
        ("page.html", b"<script>alert(1)</script>", "page.html"),
        ("n" * 500, b"x", "n" * 100),
        ("Katze 🐈.txt", b"x", "Katze 🐈.txt"),
    ],
)
def test_a_name_is_no_path_and_no_lie(url: str, name: str, content: bytes, called: str) -> None:
    told = send(url, content, name).json()
    assert told["name"] == called
    response = httpx.get(url + told["file"])
    assert response.content == content
    kind, shown = response.headers["content-type"], response.headers["content-disposition"]
    if content == PNG:
        assert (kind, shown.partition(";")[0]) == ("image/png", "inline")
    else:
        assert (kind.partition(";")[0], shown.partition(";")[0]) == ("text/plain", "attachment")


@pytest.mark.parametrize("name", ["", "..", "/", " . ", ":"])
def test_a_file_without_a_name_gets_one(url: str, name: str) -> None:
    told = send(url, b"x", name).json()
    assert told["file"] == f"files/{told['name']}/{told['name']}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This file is empty."),
        (b"MZ\x90\0" + bytes(200), WRONG_KIND),
        (b"PK\3\4" + bytes(200), WRONG_KIND),
        (PNG[:12], "This picture cannot be opened: it is damaged, or is none."),
    ],
)
def test_what_cannot_be_sent_is_refused_in_a_sentence_and_nothing_of_it_is_kept(
    url: str, folder: Path, content: bytes, sentence: str
) -> None:
    answer = send(url, content, "cat.png")
    assert (answer.status_code, answer.json()) == (415, {"detail": sentence})
    assert list(folder.iterdir()) == []


def test_a_file_that_is_too_large_is_refused_while_it_comes(fake: FakeGemini, folder: Path) -> None:
    def chunks() -> Iterator[bytes]:
        while True:
            yield bytes(10_000)

    with launched(loaded(), max_file_size=0.1) as url:
        assert send(url, bytes(100_001)).status_code == 413
        assert send(url, b"x" * 100_000).status_code == 201
        with httpx.stream("POST", f"{url}files", content=chunks()) as endless:
            assert (endless.status_code, endless.headers["Connection"]) == (413, "close")
        assert len(list(folder.iterdir())) == 1


def test_a_gigabyte_that_is_announced_is_refused_before_it_comes(url: str) -> None:
    place = urlsplit(url)
    head = f"POST /files HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 1000000000\r\n\r\n"
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=20) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_host_may_take_no_files(fake: FakeGemini, folder: Path) -> None:
    with launched(loaded(), file_types="none") as url:
        answer = send(url, PNG)
    assert (answer.status_code, answer.json()["detail"]) == (
        415,
        "Files cannot be sent here. You can paste the text in them instead.",
    )
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("address_uploads_per_day", "That was a lot of files: 2 MB a day can be sent here."),
        ("daily_uploads", "Today's room for files is used up. There is new room in 24 hours;"),
    ],
)
def test_the_megabytes_of_a_day_are_counted(
    fake: FakeGemini, clock: Clock, folder: Path, limit: str, sentence: str
) -> None:
    limits: dict[str, Any] = {limit: 2}
    with launched(loaded(), **limits) as url:
        assert send(url, b"a" * 1_000_001).status_code == 201
        refused = send(url, b"b")
        assert refused.status_code == 429
        assert refused.json()["detail"].startswith(sentence)
        assert refused.headers["retry-after"] == "86400"
        assert len(list(folder.iterdir())) == 1
        clock.move(86_400)
        assert send(url, b"b").status_code == 201


def test_each_visitor_has_megabytes_of_their_own(fake: FakeGemini) -> None:
    ann, ben = (f"visitor-{letter * 36}" for letter in "ab")
    with launched(loaded(), visitor_uploads_per_day=1) as url:

        def by(visitor: str) -> int:
            about = {"name": "x", "visitor": visitor}
            return httpx.post(f"{url}files", params=about, content=b"x").status_code

        assert [by(ann), by(ann), by(ben), by("nobody"), by("nobody")] == [201, 429, 201, 201, 201]


def test_pages_of_other_sites_send_no_files(url: str, folder: Path) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert send(url, PNG, headers=headers).status_code == 403
    assert list(folder.iterdir()) == []


def test_a_message_has_files_that_were_sent_before(url: str, gemini: FakeGemini) -> None:
    cat = send(url, PNG, "cat.png").json()["file"]
    gemini.enqueue("A cat.")
    answer = ask(url, "What is this?", cat)
    assert '"text": "A cat."' in answer.text
    assert pictures(gemini) == [PNG]
    session = answer.text.partition('"session_id": "')[2].partition('"')[0]
    gemini.enqueue("Two.")
    assert '"text": "Two."' in ask(url, "And now?", cat, session_id=session).text
    assert pictures(gemini) == [PNG, PNG]


def test_files_alone_are_a_message(url: str, gemini: FakeGemini) -> None:
    cat = send(url, PNG, "cat.png").json()["file"]
    gemini.enqueue("A cat.")
    answer = httpx.post(f"{url}chat/stream", json={"files": [cat]}, timeout=30)
    assert '"text": "A cat."' in answer.text


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("cat.png", "files.0: each is the `file` that `POST /files` has answered."),
        ("files/../x.png/x.png", "files.0: each is the `file` that `POST /files` has answered."),
        (f"files/{'0' * 32}.png/x.png", "The file “x.png” is not here any more."),
    ],
)
def test_a_file_that_is_not_here_is_told(
    url: str, gemini: FakeGemini, file: str, sentence: str
) -> None:
    refused = ask(url, "What is this?", file)
    assert refused.status_code == 422
    assert sentence in refused.json()["detail"]
    assert gemini.requests == []


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,{}"}},
        {"type": "file", "file": {"file_data": "data:image/png;base64,{}", "filename": "a.png"}},
        {"type": "input_audio", "input_audio": {"data": "{}", "format": "wav"}},
    ],
)
def test_openais_clients_send_files_in_the_message_and_in_earlier_ones(
    url: str, gemini: FakeGemini, folder: Path, part: dict[str, Any]
) -> None:
    client = OpenAI(base_url=f"{url}v1", api_key=TOKEN, max_retries=0)
    encoded = base64.b64encode(PNG).decode()

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        return value.replace("{}", encoded)

    content = [{"type": "text", "text": "What is this?"}, filled(part)]
    asked: Any = [{"role": "user", "content": content}]
    gemini.enqueue("A cat.")
    client.chat.completions.create(model="helper", messages=asked)
    assert pictures(gemini) == [PNG]
    more: Any = [*asked, {"role": "assistant", "content": "A cat."}]
    gemini.enqueue("Yes.")
    client.chat.completions.create(
        model="helper", messages=[*more, {"role": "user", "content": "Sure?"}]
    )
    assert pictures(gemini) == [PNG]
    assert list(folder.iterdir()) == []


def test_openais_newer_api_takes_them_too(url: str, gemini: FakeGemini) -> None:
    client = OpenAI(base_url=f"{url}v1", api_key=TOKEN, max_retries=0)
    address = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": address, "detail": "auto"},
        {"type": "input_file", "file_data": address, "filename": "cat.png"},
    ]
    asked: Any = [{"role": "user", "content": content}]
    gemini.enqueue("A cat.")
    assert client.responses.create(model="helper", input=asked).output_text == "A cat."
    assert pictures(gemini) == [PNG, PNG]
