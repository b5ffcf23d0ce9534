"""A conversation as a file: whole documents, and what hostile words become in them."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from google.adk.events import Event, EventActions
from google.adk.sessions import Session
from google.genai import types

from agent.core.files import File
from agent.core.history import TurnRecord, name_event, notices_event, turn_records
from agent.core.transcript import Entry, Notice, Text, Thought, ToolCall
from agent.render import export
from agent.render.export import DOCUMENT_POLICY, file_name, to_adk, to_html, to_markdown
from tests.support.hostile_texts import ASKS, CALLS_OUT, COVERS

ROOT = ("helper", None)
CALL = ToolCall("1", "look", {"city": "<b>'"}, ROOT, result={"seen": "`"}, seconds=0.25)
TURNS = [
    TurnRecord(
        "one",
        "How is\n<Oslo>?",
        (
            Thought("Hm.", ROOT),
            CALL,
            Text("Sun, **there**.", ROOT),
            Text("```py\nx = 1", ("coder", None)),
            Notice("You stopped this answer."),
        ),
        asked_at=1_000_000_000,
    ),
    TurnRecord("two", "And?", (File("image/png", b"abc", ROOT),)),
]

MARKDOWN = """\
# Oslo \\*in\\* Norway

## Question (2001-09-09 01:46 UTC)

How is
&lt;Oslo>?

## Answer

> **Thought**
>
> Hm.

> **Tool look**
>
> Arguments:
> ```json
> {
>   "city": "<b>'"
> }
> ```
>
> Result:
> ```json
> {
>   "seen": "`"
> }
> ```

Sun, **there**.

> **coder answers**
>
> Another agent goes on from here.

```py
x = 1
```

> **Note**
>
> You stopped this answer.

## Question

And?

## Answer

![Picture](data:image/png;base64,YWJj)
"""

BODY = """\
<body>
<main>
<h1 dir="auto" lang="">Oslo *in* Norway</h1>
<p><small>A copy of a conversation with an agent, which may be wrong.</small></p>
<h2>Question <time>2001-09-09 01:46 UTC</time></h2>
<div class="asked" dir="auto" lang="">How is
&lt;Oslo&gt;?</div>
<h2>Answer</h2>
<details><summary><strong>Thought</strong></summary>
<div dir="auto"><p>Hm.</p>
</div>
</details>
<details><summary><strong>Tool look</strong> <small>LOG (0.25 s)</small></summary>
<div dir="auto"><p>Arguments:</p>
<pre tabindex="0"><code class="language-json">{
  &quot;city&quot;: &quot;&lt;b&gt;'&quot;
}
</code></pre>
<p>Result:</p>
<pre tabindex="0"><code class="language-json">{
  &quot;seen&quot;: &quot;`&quot;
}
</code></pre>
</div>
</details>
<div dir="auto"><p>Sun, <strong>there</strong>.</p>
</div>
<details><summary><strong>coder answers</strong></summary>
<div dir="auto"><p>Another agent goes on from here.</p>
</div>
</details>
<div dir="auto"><pre tabindex="0"><code class="language-py">x = 1</code></pre>
</div>
<div role="note" class="note"><strong>Note</strong><div dir="auto"><p>You stopped this answer.</p>
</div>
</div>
<h2>Question</h2>
<div class="asked" dir="auto" lang="">And?</div>
<h2>Answer</h2>
<p><img src="data:image/png;base64,YWJj" alt="Picture"></p>
</main>
</body>
</html>
""".replace("LOG", "city=&quot;&lt;b&gt;&#x27;&quot;")

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "div", "p", "time"),
    *(
        "details",
        "summary",
        "strong",
        "small",
        "em",
        "s",
        "main",
        "pre",
        "code",
        "a",
        "img",
        "audio",
    ),
    *("table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "blockquote", "hr", "br"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "dir", "class", "href", "src", "alt"),
    *("target", "rel", "title", "download", "controls", "role", "tabindex"),
}

MORE = [
    "[x](javascript:window.xss=1)",
    "[x](JaVaScRiPt&colon;window.xss=1)",
    "[x](data:text/html,<script>window.xss=1</script>)",
    "<javascript:window.xss=1>",
    "[x](//evil/protocol)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    '![x" onerror=window.xss=1](data:image/png;base64,AAAA"onerror=window.xss=1)',
    '[x](http://evil/ "title\' onclick=window.xss=1 x=")',
    '```"><script>window.xss=1</script>\nx\n```',
    "</title></style></div></summary></details><script>window.xss=1</script>",
    '"><img src=x onerror=window.xss=1>',
    "<!-- --!><script>window.xss=1</script>",
    "&lt;script&gt;window.xss=1&lt;/script&gt;",
]


class Reader(HTMLParser):
    """What a browser makes of a page: its tags, and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def all(self, name: str) -> list[str]:
        """The values of all attributes of this name."""
        return [value for known, value in self.attributes if known == name]


def everywhere(words: str) -> list[TurnRecord]:
    """Asked, thought, given to a tool and answered by it, said, drawn, and noted."""
    entries: list[Entry] = [
        Thought(words, (words, None)),
        ToolCall("1", words, {words: words}, ROOT, result={words: words}, seconds=0.1),
        Text(words, (words, None)),
        File(words, b"abc", ROOT, words),
        File("image/png", b"abc", ROOT, words),
        File("text/csv", b"abc", ROOT, words),
        File(f"audio/{words}", b"abc", ROOT, words),
        File("audio/wav", b"abc", ROOT, words),
        File(words, source=ROOT, name=words, address=words),
        Notice(words),
    ]
    return [TurnRecord("one", words, tuple(entries))]


def test_markdown_holds_the_whole_conversation() -> None:
    assert to_markdown(TURNS, "Oslo *in* Norway", "helper") == MARKDOWN


def test_a_page_holds_the_whole_conversation() -> None:
    page = to_html(TURNS, "Oslo *in* Norway", "helper")
    assert page[page.index("<body>") :] == BODY


def test_a_page_tells_browsers_to_run_and_to_fetch_nothing() -> None:
    page = to_html(TURNS, "Oslo", "helper")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{DOCUMENT_POLICY}">'
    assert page.index(policy) < page.index("<title>")
    assert "default-src 'none'" in DOCUMENT_POLICY


@pytest.mark.parametrize("payload", [*CALLS_OUT, *COVERS, *ASKS, *MORE])
def test_hostile_words_stay_words(payload: str) -> None:
    page = Reader(to_html(everywhere(payload.replace("EVIL", "http://evil")), payload))
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    source = r"data:(image/(png|jpeg|gif|webp)|audio/wav);base64,"
    assert page.all("src")
    assert all(re.match(source, at) for at in page.all("src"))
    harmless = ("http://", "https://", "data:application/octet-stream;base64,")
    assert all(at.startswith(harmless) for at in page.all("href"))
    assert page.tags.count("style") == page.tags.count("title") == page.tags.count("body") == 1


def test_a_link_tells_nobody_from_where_it_was_followed() -> None:
    page = Reader(to_html([TurnRecord("one", "", (Text("[x](https://there)", ROOT),))], ""))
    assert page.all("href") == ["https://there"]
    assert page.all("rel") == ["noopener noreferrer nofollow"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("image/svg+xml", ""), ("text/html", ""), ("", ""), ("text/csv", "x.html")),
        ("text/plain", "x.csv.exe"),
    ],
)
def test_a_file_that_may_hold_a_script_is_left_out_and_said_to_be(kind: str, name: str) -> None:
    turns = [TurnRecord("one", "", (File(kind, b"abc", ROOT, name),))]
    for text in (to_html(turns, ""), to_markdown(turns, "")):
        assert "YWJj" not in text
        assert "not part of this copy" in text


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        ("```py\nx", "```"),
        ("```", "```"),
        ("~~~~\n```\nx", "~~~~"),
        ("```\nx\n```", ""),
        ("```\nx\n```\n\nEnd", ""),
        ("Plain", ""),
        # Tags in code open nothing.
        ("`<details>` folds, as in `<pre>` and `<!--`.", ""),
        ("```html\n<details>\n```", ""),
    ],
)
def test_an_answer_that_has_left_something_open_does_not_swallow_what_follows(
    answer: str, ending: str
) -> None:
    turns = [TurnRecord("one", "", (Text(answer, ROOT),))]
    whole = f"{answer}\n{ending}" if ending else answer
    assert to_markdown(turns, "x", "helper").endswith(f"## Answer\n\n{whole}\n")


@pytest.mark.parametrize("words", ["\ud800", "\0"])
def test_what_no_file_can_hold_is_left_out(words: str) -> None:
    for text in (to_html(everywhere(words), words), to_markdown(everywhere(words), words)):
        assert words not in text
        text.encode()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("How is Oslo?", "How is Oslo"),
        ("../../etc/passwd", "etc passwd"),
        ('a\r\nb: "c"; d\u202egnp', "a b c d gnp"),
        ("Wie ist Köln — heute", "Wie ist Köln heute"),
        ("…", "chat"),
        ("x" * 100, "x" * 60),
    ],
)
def test_a_file_has_a_harmless_name(title: str, name: str) -> None:
    assert file_name(title) == name


def event(invocation: str, author: str, *parts: Any, **more: Any) -> Event:
    content = types.Content(role="user" if author == "user" else "model", parts=list(parts))
    return Event(invocation_id=invocation, author=author, content=content, **more)


def call(name: str) -> types.Part:
    return types.Part(function_call=types.FunctionCall(id="1", name=name, args={"city": "Oslo"}))


def session(*events: Event) -> Session:
    state = {"app:key": "of the owner", "user:key": "of the agent", "key": "of the agent"}
    return Session(
        id="secret-id", app_name="test", user_id="secret-user", state=state, events=list(events)
    )


def exported(*events: Event) -> Session:
    return Session.model_validate_json(to_adk(session(*events), "Oslo"))


def test_adk_is_given_every_turn_that_is_left() -> None:
    asked = event("one", "user", types.Part(text="Hi"))
    called = event("one", "helper", types.Part(text="Hm", thought=True), call("look"))
    noted = notices_event("one", "helper", [Notice("Cut short.")])
    rewind = EventActions(rewind_before_invocation_id="two")
    given = exported(
        *(asked, called, noted),
        event("two", "user", types.Part(text="Taken back")),
        Event(invocation_id="three", author="user", actions=rewind),
    )
    assert given.events == [asked, called, noted]
    assert turn_records(given.events) == turn_records([asked, called, noted])


def test_adk_is_given_neither_the_visitors_id_nor_what_is_the_owners() -> None:
    failed = event("one", "helper", types.Part(text="x"), error_message="of the owner")
    export = to_adk(session(failed), "Oslo")
    assert not re.search("secret|of the owner|of the agent", export)
    assert json.loads(export)["state"] == {"__session_metadata__": {"displayName": "Oslo"}}


def test_adk_is_given_nothing_that_it_does_not_import() -> None:
    changed = EventActions(state_delta={"x": "y"})
    asked = event("one", "user", types.Part(text="Hi"), actions=changed)
    waits = event("one", "helper", call("wait"), long_running_tool_ids={"1"})
    permit = event("one", "helper", call("adk_request_confirmation"))
    first, second, third = exported(asked, waits, permit, name_event("one", "Rome")).events
    assert first.actions == EventActions()
    assert second.long_running_tool_ids is None
    assert second.content == waits.content
    assert third.content is None


def test_adk_is_given_what_json_does_not_know_as_text() -> None:
    answer = types.FunctionResponse(name="look", response={"at": set})
    export = to_adk(session(event("one", "helper", types.Part(function_response=answer))), "\ud800")
    assert "<class 'set'>" in export
    export.encode()


# What would reach into what follows, or take long

REACHES: dict[str, tuple[str, str]] = {
    "a fold": ("<details><summary>x", "&lt;details>&lt;summary>x"),
    "a comment": ("a\n<!-- b", "a\n&lt;!-- b"),
    "a script": ("<SCRIPT>", "&lt;SCRIPT>"),
    "an end": ("</details>", "&lt;/details>"),
    "a declaration": ("<!DOCTYPE x> <?x <![CDATA[", "&lt;!DOCTYPE x> &lt;?x &lt;![CDATA["),
    "in a list": ("- a\n- <details>", "- a\n- &lt;details>"),
    "in a quotation": ("> <b>", "> &lt;b>"),
    "in a table": (
        "| a | b |\n|---|---|\n| <b> | `<i>` |",
        "| a | b |\n|---|---|\n| &lt;b> | `<i>` |",
    ),
    "after an escape": ("\\\\<b>", "\\\\&lt;b>"),
    "between single backticks": ("` <b>\n\n<i> `", "` &lt;b>\n\n&lt;i> `"),
    "between unequal backticks": ("`` <b> `", "`` &lt;b> `"),
    "after a code": ("`<a>` <b> ``<c> ` <d>`` <e>", "`<a>` &lt;b> ``<c> ` <d>`` &lt;e>"),
    "in a block of code": ("```html\n<b>\n```\n<i>", "```html\n<b>\n```\n&lt;i>"),
    "in an indented block": ("    <b>\n\n<i>", "    <b>\n\n&lt;i>"),
    "an address": ("<https://a.b/c> <a@b.c>", "<https://a.b/c> &lt;a@b.c>"),
    "a comparison": ("1 < 2 <3 and a<-b", "1 < 2 <3 and a<-b"),
}


@pytest.mark.parametrize(("said", "written"), REACHES.values(), ids=REACHES.keys())
def test_html_is_text_in_saved_markdown_but_for_code(said: str, written: str) -> None:
    for turn in (
        TurnRecord("1", said, (Text("Yes.", ROOT),)),
        TurnRecord("1", "Hi", (Text(said, ROOT),)),
    ):
        assert f"\n\n{written}\n" in to_markdown([turn], "Title", "helper")


HOSTILE = "[" * 4_000 + "*a_" * 4_000


@pytest.mark.parametrize("to_file", [to_markdown, to_html])
def test_a_hostile_chat_takes_no_longer_than_it_may(
    to_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PARSING_TIME", 0.0)
    turn = TurnRecord("1", "````\nHi", (Text(HOSTILE + "<b>", ROOT), Text("**x**", ROOT)))
    file = to_file([turn] * 50, "Title", "helper")
    assert "**x**" in file
    assert "<strong>x" not in file
    if to_file is to_markdown:
        assert "\n`````text\n````\nHi\n`````\n" in file
