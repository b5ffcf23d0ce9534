"""A transcript as chat messages in Gradio's format."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from agent.core.adk_internals import TRANSFER
from agent.core.transcript import (
    CODE,
    Entry,
    Notice,
    Picture,
    Source,
    State,
    Text,
    Thought,
    ToolCall,
    Transcript,
)
from agent.render.messages import Message, to_messages

ANN: Source = ("ann", None)
BOB: Source = ("bob", None)


def message(text: str, **metadata: Any) -> Message:
    """A message with this text; a panel if there is metadata."""
    said = {"role": "assistant", "content": {"type": "text", "text": text}}
    return {**said, "metadata": metadata} if metadata else said


def tool(**more: Any) -> ToolCall:
    call = {"id": "1", "name": "get_time", "args": {"city": "Oslo"}, "source": ANN}
    return ToolCall(**{**call, **more})


def text(transcript: Transcript) -> str:
    """The text of its only message."""
    (only,) = to_messages(transcript)
    return str(only["content"]["text"])


def metadata(entry: Entry) -> dict[str, Any]:
    (only,) = to_messages((entry,))
    panel: dict[str, Any] = only["metadata"]
    return panel


ASKED = 'Arguments:\n```json\n{\n  "city": "Oslo"\n}\n```'


# Each kind of entry


def test_a_text_is_a_message() -> None:
    assert to_messages((Text("Hello", ANN),)) == [message("Hello")]


@pytest.mark.parametrize("state", ["open", "cut", "final"])
def test_a_text_looks_the_same_in_every_state(state: State) -> None:
    assert to_messages((Text("Hel", ANN, state),)) == [message("Hel")]


def test_a_thought_is_a_panel_open_while_it_grows() -> None:
    entries = Thought("h", ANN, "open"), Thought("hm", ANN, "cut"), Thought("hm", ANN)
    assert to_messages(entries) == [
        message("h", title="Thinking", status="pending"),
        message("hm", title="Thought", status="done"),
        message("hm", title="Thought", status="done"),
    ]


def test_a_tool_at_work_is_a_pending_panel_with_its_arguments() -> None:
    assert to_messages((tool(),)) == [
        message(ASKED, title="Tool get_time", log="city=Oslo", id="1", status="pending")
    ]


def test_a_tool_that_has_answered_is_a_done_panel_with_its_result() -> None:
    body = f'{ASKED}\n\nResult:\n```json\n{{\n  "time": "12:00"\n}}\n```'
    panel = {"title": "Tool get_time", "log": "city=Oslo", "id": "1"}
    assert to_messages((tool(result={"time": "12:00"}, seconds=1.2345),)) == [
        message(body, **panel, status="done", duration=1.23)
    ]


def test_a_tool_that_failed_says_so_on_its_folded_panel() -> None:
    body = f'{ASKED}\n\nError:\n```json\n{{\n  "error": "No such city."\n}}\n```'
    panel = {"title": "Tool get_time", "log": "city=Oslo; failed", "id": "1"}
    assert to_messages((tool(result={"error": "No such city."}, seconds=0.0),)) == [
        message(body, **panel, status="done", duration=0.0)
    ]


def test_a_tool_of_an_mcp_server_that_failed_says_so_too() -> None:
    result = {"content": [{"type": "text", "text": "no such book"}], "isError": True}
    [message] = to_messages((tool(result=result, seconds=0.1),))
    assert message["metadata"]["log"] == "city=Oslo; failed"


def test_a_hand_over_is_one_line() -> None:
    call = tool(name=TRANSFER, args={"agent_name": "bob"})
    done = tool(name=TRANSFER, args={"agent_name": "bob"}, result={"result": None}, seconds=0.001)
    assert to_messages((call, done)) == [
        message(GOES_ON, title="Handing over to bob", status="pending"),
        message(GOES_ON, title="Handing over to bob", status="done", duration=0.0),
    ]


def test_a_notice_is_a_panel() -> None:
    assert to_messages((Notice("Try again."),)) == [message("Try again.", title="Note")]


PICTURES = {
    "image/png": "[![Picture](files/NAME.png)](files/NAME.png)",
    "IMAGE/PNG": "[![Picture](files/NAME.png)](files/NAME.png)",
    "audio/wav": '<audio controls src="files/NAME.wav"></audio>',
    "video/mp4": '<video controls src="files/NAME.mp4"></video>',
    "application/pdf": "[Save this file](files/NAME.pdf)",
    "../../x": "[Save this file](files/NAME.bin)",
    'image/"><b>': "[![Picture](files/NAME.bin)](files/NAME.bin)",
    "": "[Save this file](files/NAME.bin)",
}
NAME = hashlib.sha256(b"P").hexdigest()[:32]


@pytest.mark.parametrize(("kind", "shown"), PICTURES.items())
def test_a_picture_is_shown_by_its_kind(kind: str, shown: str) -> None:
    messages = to_messages((Picture(kind, b"P", ANN),))
    assert messages == [message(shown.replace("NAME", NAME))]


def test_messages_stand_in_the_order_of_the_entries() -> None:
    transcript = Thought("hm", ANN), Text("Look:", ANN), tool(), Text("Noon.", ANN), Notice("End.")
    panels = [m.get("metadata", {}).get("title") for m in to_messages(transcript)]
    assert panels == ["Thought", None, "Tool get_time", None, "Note"]


# Waiting

GOES_ON = "Another agent goes on from here."

WAITING = message(
    "The next words have not come yet.", title="Waiting for an answer (3 s)", status="pending"
)


@pytest.mark.parametrize(
    "silent",
    [
        (),
        (Text("Hel", ANN, "cut"),),
        (Text("Hello", ANN),),
        (Thought("hm", ANN),),
        (tool(result={}, seconds=0.0),),
        (Text("Hel", ANN, "open"), Notice("A note.")),
    ],
    ids=str,
)
def test_silence_is_a_panel_that_counts_seconds(silent: Transcript) -> None:
    assert to_messages(silent, 3.4) == [*to_messages(silent), WAITING]


@pytest.mark.parametrize(
    "busy",
    [
        (Text("Hel", ANN, "open"),),
        (Thought("hm", ANN, "open"),),
        (tool(),),
        (tool(), tool(id="2", result={}, seconds=0.0)),
    ],
    ids=str,
)
def test_where_work_is_to_be_seen_there_is_no_panel_beside_it(busy: Transcript) -> None:
    assert to_messages(busy, 3.4) == to_messages(busy)


@pytest.mark.parametrize(
    ("transcript", "shown"), [((), []), ((Text("Hello", ANN),), [message("Hello")])], ids=str
)
def test_nothing_waits_once_the_turn_is_over(transcript: Transcript, shown: list[Any]) -> None:
    assert to_messages(transcript) == shown


# Several speakers


def test_a_second_speaker_is_named_and_so_is_the_first_when_it_returns() -> None:
    spoken = Text("A", ANN), Text("B", BOB), Text("b", BOB), Text("a", ANN)
    assert to_messages(spoken) == [
        message("A"),
        message(GOES_ON, title="bob answers", status="done"),
        message("B"),
        message("b"),
        message(GOES_ON, title="ann answers", status="done"),
        message("a"),
    ]


def test_the_root_agent_needs_no_line_but_any_other_one_does() -> None:
    spoken = Text("A", ANN), Text("B", BOB)
    line = message(GOES_ON, title="bob answers", status="done")
    assert to_messages(spoken, root_agent="ann") == [message("A"), line, message("B")]
    assert to_messages(spoken[1:], root_agent="ann") == [line, message("B")]


def test_who_was_handed_over_to_needs_no_second_line() -> None:
    call = tool(name=TRANSFER, args={"agent_name": "bob"}, result={}, seconds=0.0)
    panel = message(GOES_ON, title="Handing over to bob", status="done", duration=0.0)
    spoken = Text("A", ANN), call, Text("B", BOB)
    assert to_messages(spoken, root_agent="ann") == [message("A"), panel, message("B")]


def test_who_only_thinks_or_calls_a_tool_is_not_named() -> None:
    spoken = Text("A", ANN), Thought("hm", BOB), tool(source=BOB), Text("a", ANN)
    assert len(to_messages(spoken)) == 4


# Markdown and HTML


@pytest.mark.parametrize("ticks", ["`", "```", "``` ````` ```"])
def test_a_fence_is_longer_than_any_backticks_in_it(ticks: str) -> None:
    *_, fence = text((tool(result={"said": ticks}, seconds=0.0),)).splitlines()
    assert set(fence) == {"`"}
    assert len(fence) >= 3
    assert fence not in ticks


def test_arguments_are_fenced_too() -> None:
    assert text((tool(args={"code": "```"}),)).endswith('\n````json\n{\n  "code": "```"\n}\n````')


EVIL = "<img src=x onerror=alert(1)>"
NAMED = "&#60;img src&#61;x onerror&#61;alert&#40;1&#41;&#62;"


def test_a_tools_name_cannot_be_html() -> None:
    assert metadata(tool(name=EVIL))["title"] == f"Tool {NAMED}"


def test_arguments_beside_a_title_are_text_which_gradio_shows_as_it_is() -> None:
    assert metadata(tool(args={EVIL: 'it\'s <b> & "so"'}))["log"] == f'{EVIL}=it\'s <b> & "so"'


def test_an_agents_name_cannot_be_html() -> None:
    assert metadata(tool(name=TRANSFER, args={"agent_name": EVIL}))["title"] == (
        f"Handing over to {NAMED}"
    )
    _, panel, _ = to_messages((Text("A", ANN), Text("B", (EVIL, None))))
    assert panel["metadata"]["title"] == f"{NAMED} answers"


def test_a_name_stays_one_short_line() -> None:
    title = metadata(tool(name="a\n\n# b " + "c" * 1000))["title"]
    assert title == "Tool a &#35; b " + "c" * 74


def test_long_arguments_are_cut() -> None:
    log = metadata(tool(args={"q": "<" * 200}))["log"]
    assert log == "q=" + "<" * 78


def test_markdown_is_left_to_the_page() -> None:
    assert text((Text(f"**bold** {EVIL}", ANN),)) == f"**bold** {EVIL}"


# Characters


@pytest.mark.parametrize(
    "said",
    ["    indented\n\ttab\n", "trailing  \n\n\n", "\n  first", " ", "\r\n", "日本語 👩‍🚀 עברית"],
)
def test_a_text_keeps_its_very_characters(said: str) -> None:
    assert text((Text(said, ANN),)) == said


def test_no_message_holds_half_a_character() -> None:
    half = "\ud83d"
    transcript = (
        Text(half, ANN),
        Thought(half, ANN),
        tool(name=half, args={half: half}, result={half: half}, seconds=0.0),
        tool(name=TRANSFER, args={"agent_name": half}),
        tool(name=CODE, result=half, seconds=0.0),
        Notice(half),
        Text("B", (half, None)),
    )
    assert "\ufffd" in json.dumps(to_messages(transcript), ensure_ascii=False).encode().decode()


# Whatever tools may answer


def test_what_code_printed_is_shown_as_it_is() -> None:
    said = text((tool(name=CODE, args={"code": "1"}, result='"a"\n\tb', seconds=0.0),))
    assert said.endswith('\n"a"\n\tb\n```')


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        ("é\n", '"é\\n"'),
        ([1, float("nan")], '[\n    1,\n    "nan"\n  ]'),
        ({1}, '"{1}"'),
        (b"x", "\"b'x'\""),
        (Path("/tmp"), '"/tmp"'),
        ({(1, 2): 3}, '{\n    "(1, 2)": 3\n  }'),
    ],
    ids=str,
)
def test_any_result_can_be_shown(value: Any, shown: str) -> None:
    said = text((tool(result={"result": value}, seconds=0.0),))
    assert said.endswith(f'{{\n  "result": {shown}\n}}\n```')
