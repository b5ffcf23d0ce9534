"""A transcript as chat messages in Gradio's format."""

import hashlib
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from agent.core.adk_internals import TRANSFER
from agent.core.files import File
from agent.core.pauses import Pause
from agent.core.silence import Silence
from agent.core.text import to_json
from agent.core.transcript import (
    CODE,
    Entry,
    Notice,
    Source,
    State,
    Text,
    Thought,
    ToolCall,
    Transcript,
)
from agent.render.markdown import MARK
from agent.render.media import path_of
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
        message(ASKED, title="Tool get_time", log='city="Oslo"', id="1", status="pending")
    ]


def test_a_tool_that_has_answered_is_a_done_panel_with_its_result() -> None:
    body = f'{ASKED}\n\nResult:\n```json\n{{\n  "time": "12:00"\n}}\n```'
    panel = {"title": "Tool get_time", "log": 'city="Oslo"', "id": "1"}
    assert to_messages((tool(result={"time": "12:00"}, seconds=1.2345),)) == [
        message(body, **panel, status="done", duration=1.23)
    ]


def test_a_tool_that_failed_says_so_on_its_folded_panel() -> None:
    body = f'{ASKED}\n\nError:\n```json\n{{\n  "error": "No such city."\n}}\n```'
    panel = {"title": "Tool get_time", "log": 'city="Oslo"; failed', "id": "1"}
    assert to_messages((tool(result={"error": "No such city."}, seconds=0.0),)) == [
        message(body, **panel, status="done", duration=0.0)
    ]


def test_a_tool_of_an_mcp_server_that_failed_says_so_too() -> None:
    result = {"content": [{"type": "text", "text": "no such book"}], "isError": True}
    [message] = to_messages((tool(result=result, seconds=0.1),))
    assert message["metadata"]["log"] == 'city="Oslo"; failed'


def test_a_hand_over_is_one_line() -> None:
    call = tool(name=TRANSFER, args={"agent_name": "bob"})
    done = tool(name=TRANSFER, args={"agent_name": "bob"}, result={"result": None}, seconds=0.001)
    assert to_messages((call, done)) == [
        message(GOES_ON, title="Handing over to bob", status="pending"),
        message(GOES_ON, title="Handing over to bob", status="done", duration=0.0),
    ]


def test_a_notice_is_a_panel() -> None:
    assert to_messages((Notice("Try again."),)) == [message("Try again.", title="**Note**")]


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
    messages = to_messages((File(kind, b"P", ANN),))
    assert messages == [message(shown.replace("NAME", NAME), id="aside")]


def test_messages_stand_in_the_order_of_the_entries() -> None:
    transcript = Thought("hm", ANN), Text("Look:", ANN), tool(), Text("Noon.", ANN), Notice("End.")
    panels = [m.get("metadata", {}).get("title") for m in to_messages(transcript)]
    assert panels == ["Thought", None, "Tool get_time", None, "**Note**"]


# Waiting

GOES_ON = "Another agent goes on from here."

# Asked 3.4 seconds ago; the last words have just come.
MOMENT = Silence(elapsed=3.4, lasts=0.3, now=103.4)


def waiting(title: str) -> Message:
    return message("", title=title, status="pending", id="silence")


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
    line = waiting("Waiting for an answer (3 s)")
    assert to_messages(silent, MOMENT) == [*to_messages(silent), line]


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
    now = replace(MOMENT, now=0.9)  # A tool has just begun.
    assert to_messages(busy, now) == to_messages(busy)


@pytest.mark.parametrize("kind", [Text, Thought])
def test_words_that_stop_coming_are_told(kind: type[Text | Thought]) -> None:
    stalled = (kind("Hel", ANN, "open"),)
    line = waiting("Waiting for the next words (7 s)")
    assert to_messages(stalled, Silence(20.0, 7.0, 100.0)) == [*to_messages(stalled), line]


def test_a_tool_at_work_tells_for_how_long() -> None:
    calls = replace(tool(), began=100.0), replace(tool(id="2", result={}, seconds=1.0), began=90.0)
    slow, done = to_messages(calls, Silence(20.0, 5.0, 105.0))
    assert slow["metadata"]["log"] == 'city="Oslo"; at work for 5 s'
    assert done["metadata"]["log"] == 'city="Oslo"'


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
    assert (
        metadata(tool(args={EVIL: 'it\'s <b> & "so"'}))["log"] == EVIL + r'''="it's <b> & \"so\""'''
    )


@pytest.mark.parametrize("name", ["**a**", "__a__", "_a_", "a__b__"])
def test_a_name_is_never_bold_as_the_apps_own_title_is(name: str) -> None:
    for title in (metadata(tool(name=name))["title"], f"Handing over to {name}"):
        assert not re.search(r"\*|\b_|__", title.removeprefix(f"Handing over to {name}"))


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
    assert log == 'q="' + "<" * 76 + "…"


def test_markdown_is_left_to_the_page() -> None:
    assert text((Text("**bold** <b>bold</b>", ANN),)) == "**bold** <b>bold</b>"


def test_html_is_text_in_an_answer_and_in_a_thought() -> None:
    said = [text((kind(EVIL, ANN),)) for kind in (Text, Thought)]
    assert said == [EVIL.replace("<", "&#0060;")] * 2


def test_a_file_has_the_models_very_characters() -> None:
    transcript = Text(EVIL, ANN), Thought("$$\\def\\a{}$$", ANN)
    messages = to_messages(transcript, file_content=lambda _: {})
    assert [m["content"]["text"] for m in messages] == [EVIL, "$$\\def\\a{}$$"]


def test_the_texts_of_an_answer_share_the_room_for_formulas() -> None:
    formulas = Text("$$x$$ " * 400, ANN), Thought("$$x$$ " * 400, ANN)
    shown = "".join(m["content"]["text"] for m in to_messages(formulas))
    assert shown.count("$$\u2063x\u2063$$") < 500
    assert shown.count("x") == 800


def test_only_a_growing_text_is_held_back() -> None:
    states: list[State] = ["open", "cut", "final"]
    assert [text((Text("a <b", ANN, state),)) for state in states] == ["a ", *["a &#0060;b"] * 2]


# Bounds


def test_an_answer_has_so_many_panels_and_one_that_counts_the_others() -> None:
    calls = tuple(tool(id=str(number), result={}, seconds=0.0) for number in range(1500))
    messages = to_messages((*calls, Text("Done.", ANN)))
    assert len(messages) == 102
    assert messages[-2:] == [
        message("Done."),
        message(
            "There are too many to show here. What you save of this chat has all of them.",
            title="More thoughts and tool calls: 1,400",
            status="done",
        ),
    ]


def test_the_answer_is_whole_whatever_is_left_out_of_it() -> None:
    spoken: list[Entry] = []
    for number in range(1500):
        spoken += [Thought("hm", ANN), Text(str(number), ANN)]
    shown = [m["content"]["text"] for m in to_messages(tuple(spoken)) if "metadata" not in m]
    assert "\n\n".join(shown).split() == [str(number) for number in range(1500)]
    assert len(shown) == 100


def test_a_tool_at_work_that_is_left_out_is_seen_to_be() -> None:
    calls = tuple(tool(id=str(number)) for number in range(101))
    assert to_messages(calls)[-1]["metadata"]["status"] == "pending"


ROWS = {"rows": [{"id": number, "note": "x" * 60} for number in range(2000)]}


def test_a_large_result_is_its_beginning_and_a_link_to_all_of_it() -> None:
    said = text((tool(result=ROWS, seconds=0.0),))
    assert len(said) < 6000
    whole = to_json(ROWS, indent=2, ensure_ascii=False)
    link = re.search(r"\[Save all ([\d,]+) characters\]\(files/(\w+\.json)\)$", said)
    assert link
    assert link[1] == f"{len(whole):,}"
    path = path_of(link[2])
    assert path
    assert path.read_text("utf-8") == whole


def test_so_is_a_large_text_or_argument_of_one_line() -> None:
    said = text((tool(args={"text": "y" * 9000}, result="z" * 9000, seconds=0.0),))
    assert len(said) < 11_000
    assert said.count("[Save all ") == 2


def test_a_file_has_a_large_result_as_a_whole() -> None:
    done = tool(result=ROWS, seconds=0.0)
    [saved] = to_messages((done,), file_content=lambda _: {})
    assert saved["content"]["text"].count('"note"') == 2000


def test_a_result_that_has_changed_is_shown_anew() -> None:
    results = [{"n": number} for number in range(100)]
    said = [text((tool(result=result, seconds=0.0),)) for result in results]
    assert [f'"n": {number}' in said[number] for number in range(100)] == [True] * 100


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


def test_what_an_agent_asks_is_text_in_the_note_of_it() -> None:
    words = "---\n# Big ![x](http://evil) <b>bold</b> [link](javascript:alert(1)) $x$ `code`"
    asked = Pause("1", "adk_request_input", "input", message=words)
    (note,) = to_messages((asked,))
    page = MarkdownIt("js-default", {"html": True}).render(note["content"]["text"])
    assert set(re.findall(r"<(\w+)", page)) == {"p"}
    assert html.unescape(re.sub("</?p>", "", page)).strip() == f"The agent asks: “{words}”."


@pytest.mark.parametrize(
    "said",
    [
        '{"a": "<b>*x*</b> $y$ \\\\n", "b": [1, 2]}',
        '[{"a": 1}]',
        ' {\n  "a": "```"\n}\n',
        '{"a": ',
    ],
)
def test_an_answer_that_is_json_is_shown_to_the_letter(said: str) -> None:
    state: State = "open" if said.endswith(": ") else "final"
    (shown,) = to_messages((Text(said, state=state),))
    (code,) = MarkdownIt().parse(shown["content"]["text"].removesuffix(f"\n{MARK}"))
    assert (code.type, code.info, code.content) == ("fence", "json", f"{said}\n")


@pytest.mark.parametrize("said", ["[a](https://b)", "{x} is a set", "[1] A book", '{"a": 1} or so'])
def test_what_only_begins_like_json_is_prose(said: str) -> None:
    (shown,) = to_messages((Text(said),))
    assert shown["content"]["text"] == said


def test_a_tools_line_has_the_arguments_that_a_person_has_changed() -> None:
    result = {"time": "noon", "arguments_changed_by_person": {"city": "Rome"}}
    (shown,) = to_messages((tool(result=result, seconds=0.1),))
    assert shown["metadata"]["log"] == 'city="Rome"'
    assert '"city": "Rome"' in shown["content"]["text"].partition("Result")[0]


# An answer that was cut


def test_a_cut_answer_offers_to_go_on_below_all_that_it_shows() -> None:
    cut = Text("Once upon", ANN, "cut"), Notice("stopped")
    offered = [{"value": "Please continue where you stopped.", "label": "Continue"}]
    for messages in (to_messages(cut), to_messages(cut, foot="Took 2 s")):
        assert [message.get("options") for message in messages] == [
            *[None] * (len(messages) - 1),
            offered,
        ]


def test_a_whole_answer_offers_nothing() -> None:
    assert "options" not in to_messages((Text("All.", ANN),), foot="Took 2 s")[-1]
