"""Files that an agent makes, through the APIs for programs."""

import base64
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from agent.render import media
from tests.support.app_setup import GEMINI, launched, loaded_root
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.file_agents import CSV, PNG, agent
from tests.support.mcp_client import tools_of
from tests.support.sse_client import ask, said
from tests.support.terminal import ran

pytestmark = pytest.mark.slow


TOKEN = "the-token-of-this-host"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded_root(agent(GEMINI)), request_retries=0, api_token=TOKEN) as address:
        yield address


@pytest.fixture(autouse=True)
def paints(gemini: FakeGemini) -> None:
    """The model has a cat painted, and says a word before and after."""
    gemini.enqueue("I shall paint.", Call("paint", {"subject": "cat"}, "call-1"))
    gemini.enqueue("There it is.")


def test_a_stream_tells_each_file_where_it_came_and_where_it_is(url: str) -> None:
    stream = said(ask(url, "Paint a cat"))
    assert [name for name, _ in stream] == [
        *("session", "message", "tool_call", "tool_result", "file", "file", "message", "message"),
    ]
    picture, table = (data for name, data in stream if name == "file")
    assert {name: picture[name] for name in ("name", "version", "mime_type", "size")} == {
        "name": "cat.png",
        "version": 0,
        "mime_type": "image/png",
        "size": len(PNG),
    }
    assert httpx.get(url + picture["url"]).content == PNG
    assert httpx.get(url + table["url"]).text == CSV


@pytest.mark.parametrize("stream", [False, True])
def test_openais_clients_get_links_that_outlast_the_answer(url: str, stream: bool) -> None:
    client = OpenAI(base_url=f"{url}v1", api_key=TOKEN, max_retries=0)
    [model] = client.models.list().data
    question: Any = [{"role": "user", "content": "Paint a cat"}]
    create = partial(client.chat.completions.create, model=model.id, messages=question)
    if stream:
        chunks: Any = create(stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    else:
        text = str(create().choices[0].message.content)
    links = re.findall(r"(!?)\[([\w.]+)\]\((http[^)]+)\)", text)
    assert [link[:2] for link in links] == [("!", "cat.png"), ("", "colours.csv")]
    assert [httpx.get(link[2]).content for link in links] == [PNG, CSV.encode()]
    words = re.sub(r"!?\[[^)]+\)", "", text).split()
    assert " ".join(words) == "I shall paint. There it is."


async def test_an_mcp_client_gets_the_files_themselves(url: str) -> None:
    async with tools_of(url) as tools:
        content = (await tools.call_tool("ask", {"message": "Paint a cat"})).content
    told = [block.model_dump(mode="json", exclude_none=True) for block in content[1:3]]
    assert told == [
        {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"},
        {
            "type": "resource",
            "resource": {
                "uri": "file:///answer/colours.csv",
                "mimeType": "text/csv",
                "blob": base64.b64encode(CSV.encode()).decode(),
            },
        },
    ]


def test_at_a_terminal_it_is_said_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "painter").mkdir()
    (tmp_path / "painter" / "agent.py").write_text(
        f"from tests.support.file_agents import agent\nroot_agent = agent({GEMINI!r})\n"
    )
    out = tmp_path / "out.md"
    ended = ran("--agent", str(tmp_path / "painter"), "--out", str(out), "Paint a cat")
    assert (ended.code, ended.out) == (0, "I shall paint.There it is.\n")
    for told in (ended.err, out.read_text()):
        paths = re.findall(rf"file ([\w.]+): ({re.escape(str(media.FOLDER))}/[\w.]+)", told)
        assert [(name, Path(path).read_bytes()) for name, path in paths] == [
            ("cat.png", PNG),
            ("colours.csv", CSV.encode()),
        ]


def test_a_name_cannot_reach_out_of_the_folder(url: str) -> None:
    for path in ("../x", "%2e%2e/x", "a" * 32 + ".png/../../x", "%00"):
        assert httpx.get(f"{url}files/{path}").status_code in (400, 404)
    assert json.dumps(said(ask(url, "Paint a cat"))).count("/tmp/") == 0
