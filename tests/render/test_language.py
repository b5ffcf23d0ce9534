"""A stored chat, in the language of whoever reads it."""

from google.adk.events import Event
from google.genai import types

from agent.core.history import NOTICES, turn_records
from agent.core.language import speaking
from agent.core.notices import Notice, to_stored
from agent.render.export import to_html, to_markdown
from agent.render.messages import to_page

EARLIER = "A sentence that an earlier version has stored."


def stored(author: str, text: str, *notices: object) -> Event:
    """An event as the session store keeps it."""
    content = types.Content(role=author, parts=[types.Part(text=text)])
    metadata = {NOTICES: list(notices)} if notices else None
    return Event(invocation_id="i1", author=author, content=content, custom_metadata=metadata)


TURNS = turn_records(
    [stored("user", "Hi"), stored("helper", "Hel", to_stored(Notice("stopped")), EARLIER)]
)


def texts(tag: str) -> list[str]:
    """What the page shows, its panels with their titles, and the button to go on."""
    with speaking(tag):
        shown = to_page(TURNS, "helper")
    told = []
    for message in shown:
        title = (message.get("metadata") or {}).get("title", "")
        told.append(f"{title} {message['content']['text']}".strip())
        told += [option["label"] for option in message.get("options") or ()]
    return told


def test_notices_are_worded_anew_and_what_was_said_stays() -> None:
    earlier = f"**Note** {EARLIER}"
    assert texts("en") == ["Hi", "Hel", "**Stopped** Stopped.", earlier, "Continue"]
    note = f"**Hinweis** {EARLIER}"
    assert texts("de") == ["Hi", "Hel", "**Angehalten** Angehalten.", note, "Weiter"]


def test_copies_say_in_which_language_they_are() -> None:
    with speaking("ar"):
        page, text = to_html(TURNS, "Hi", "helper"), to_markdown(TURNS, "Hi", "helper")
    assert '<html lang="ar" dir="rtl">' in page
    assert '<div class="asked" dir="auto" lang="">Hi</div>' in page
    assert all("تم الإيقاف" in copy and "سؤال" in copy for copy in (page, text))
