"""The files among what an event brings."""

import base64
from typing import Any

import pytest
from google.adk.events import EventActions
from google.genai import types

from agent.core.files import File
from tests.support.events import HELPER, bare, last, result, text, whole
from tests.support.scripted_model import call


def at(uri: str, **about: Any) -> types.Part:
    return types.Part(file_data=types.FileData(file_uri=uri, **about))


def test_a_file_that_is_elsewhere_has_its_address_and_a_name() -> None:
    parts = at("https://there/a%20b.pdf?x=1", mime_type="application/pdf"), at("gs://bucket/c.txt")
    assert last(whole("See:", *parts)) == (
        text("See:"),
        File(
            "application/pdf", source=HELPER, name="a b.pdf", address="https://there/a%20b.pdf?x=1"
        ),
        File("", source=HELPER, name="c.txt", address="gs://bucket/c.txt"),
    )


def test_what_is_saved_stands_below_the_tool_that_answered_and_above_later_words() -> None:
    saves = EventActions(artifact_delta={"a.png": 0, "b.csv": 3})
    assert last(
        whole(call("get_time", "1")),
        whole("Meanwhile.", source=("other", None)),
        whole(result("1", time="noon"), actions=saves),
    )[1:] == (
        File("", source=HELPER, name="a.png", version=0),
        File("", source=HELPER, name="b.csv", version=3),
        text("Meanwhile.", source=("other", None)),
    )


def test_what_a_callback_saves_without_words_stands_at_the_end() -> None:
    saves = EventActions(artifact_delta={"user:a.png": 0})
    said = last(whole("Hi"), bare(actions=saves))
    assert said == (text("Hi"), File("", source=HELPER, name="user:a.png", version=0))
    assert isinstance(said[1], File)
    assert said[1].shown_name == "a.png"


def test_what_a_person_has_sent_is_not_part_of_the_answer() -> None:
    saves = EventActions(artifact_delta={"mine.png": 0})
    assert last(whole("Hi", source=("user", None), actions=saves)) == ()


@pytest.mark.parametrize(
    "content",
    [
        None,
        "text",
        [None, "x", {"type": "image"}],
        [{"type": "image", "data": "no base64!", "mimeType": "image/png"}],
        [{"type": "image", "data": 7, "mimeType": "image/png"}],
    ],
)
def test_what_only_looks_like_a_picture_of_mcp_is_none(content: Any) -> None:
    said = last(whole(call("get_time", "1")), whole(result("1", content=content)))
    assert not any(isinstance(entry, File) for entry in said)


def test_a_sound_of_mcp_is_a_file() -> None:
    sound = {"type": "audio", "data": base64.b64encode(b"S").decode(), "mimeType": "audio/wav"}
    said = last(whole(call("get_time", "1")), whole(result("1", content=[sound])))
    assert said[1] == File("audio/wav", b"S", HELPER)
