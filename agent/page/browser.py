"""What the browser runs and how the page looks there: static/*.js and static/*.css."""

import json
import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from agent.core.continuing import TRY_AGAIN
from agent.core.feedback import MAX_WORDS
from agent.core.language import (
    COOKIE,
    ENGLISH,
    N_,
    _,
    direction,
    language,
    speaking,
    words_of_scripts,
)
from agent.core.notices import Notice
from agent.page.controls import PLACEHOLDER, SEND, busy, idle
from agent.render.formulas import MARK
from agent.render.messages import BESIDE, JOINER, STAYS_DONE

STATIC = Path(__file__).with_name("static")

# What files.js calls what it puts on the page.
LABELS = {
    "addFiles": N_("Add pictures or other files"),
    "filesOfMessage": N_("Files of your message"),
    "removeFile": N_("Remove {name}"),
}

# What scheme.js calls its button.
SCHEME_LABEL = N_("Light or dark")

# What early.js says of a message that is sent before the page is there.
WAITS = N_("Your message is sent as soon as the page has loaded.")

# Who shows a Space in a frame.
SPACES_PAGE = "https://huggingface.co"

SCRIPTS = (
    "constants.js",
    *("words.js", "frames.js", "storage.js", "messages.js", "agents.js", "text.js", "copying.js"),
    *("times.js", "box.js", "scroll.js", "dialog.js", "cards.js", "feedback.js", "files.js"),
    *("menu.js", "share.js", "account.js", "chats.js", "stream.js", "settings.js"),
    *("voice.js", "accessibility.js", "embedded.js", "arrival.js", "chat.js", "start.js"),
)

STYLES = (
    *("looks.css", "sidebar.css", "messages.css", "text.css", "chat.css", "stream.css"),
    "settings.css",
    "phone.css",
    "language.css",
)


def js(method: str, script: str = "chat") -> str:
    """A listener's `js=`: this method of chat.js, or of the object of another script, from its
    inputs to its outputs."""
    return f"(...args) => {script}.{method}(...args)"


@cache
def part(name: str) -> str:
    """Script and style of what only some pages have, such as "tasks", for the page's <head>."""
    return f"<style>\n{_style(f'{name}.css')}</style><script>\n{_script(f'{name}.js')}</script>"


def constants(tag: str, parts: Iterable[str] = ()) -> str:
    """The element from which static/constants.js reads what the server hands to the scripts.

    Args:
        tag: The language of all that is said.
        parts: What only some pages have (`part`), whose words are among the others then.
    """
    with speaking(tag):
        values: dict[str, Any] = {
            "language": tag,
            "direction": direction(),
            "cookie": COOKIE,
            "idle": idle(),
            "busy": busy(),
            "noMessage": Notice("no_message").text,
            "notSent": Notice("not_sent").text,
            "notReplied": Notice("not_replied").text,
            "lineLost": Notice("line_lost").text,
            "rating": {
                "lost": Notice("rating_lost").text,
                "tooLong": Notice("feedback_too_long", {"longest": MAX_WORDS}).text,
                "maxWords": MAX_WORDS,
            },
            "mayStayDone": Notice("may_stay_done").text,
            "staysDone": STAYS_DONE,
            "beside": BESIDE,
            "tryAgain": TRY_AGAIN,
            "files": {
                "noFiles": Notice("no_files").text,
                "notUploaded": Notice("not_uploaded").text,
                **{name: _(label) for name, label in LABELS.items()},
            },
            "storesNothing": Notice("stores_nothing").text,
            "ofText": {"wrongDiagram": Notice("wrong_diagram").text},
            "spoken": {"answering": Notice("answering").text, "scheme": _(SCHEME_LABEL)},
            "outside": SPACES_PAGE if os.environ.get("SYSTEM") == "spaces" else "",
            "wordJoiner": JOINER,
            "mark": MARK,
        }
    translations = dict(words_of_scripts(tag))
    for name in parts:
        translations |= words_of_scripts(tag, f"{name}.js")
    text = json.dumps({**values, "words": translations}, ensure_ascii=False)
    text = text.replace("<", "\\u003c")  # No text may end the element.
    return f'<script type="application/json" id="chat-constants">{text}</script>'


def head() -> str:
    """The scripts for the page's <head>, in English.

    Gradio runs what is in there before it makes any component, and so before any listener's `js`
    (6.31: `mount_custom_css`, then the head, then Blocks, then `load`). A file of its own would be
    one more request, on which all listeners would have to wait.
    """
    script = "".join(map(_script, SCRIPTS))
    return f"{constants(ENGLISH)}<script>\n{script}</script>"


def in_language(head: str, parts: Iterable[str]) -> str:
    """The page's <head> in the reader's language, and with these parts.

    Args:
        head: That of `ASSETS`, perhaps with more of the host's own.
        parts: What only some pages have.
    """
    tag = language()
    if tag != ENGLISH:
        head = head.replace(constants(ENGLISH), constants(tag, parts))
    return "".join((head, *map(part, parts)))


def template_head() -> str:
    """The part of Gradio's template that says what the page is, and where, and shows it light or
    dark and in its language before anything else is loaded."""
    head = (STATIC / "head.html").read_text(encoding="utf-8")
    script = "".join(map(_script, ("place.js", "scheme.js", "language.js")))
    return f"{head}<script>{{% raw %}}\n{script}{{% endraw %}}</script>"


def template_box() -> str:
    """The part of Gradio's template in which one types until the page is there."""
    box = (STATIC / "early.html").read_text(encoding="utf-8")
    script = f"<script>{{% raw %}}\n{_script('early.js')}{{% endraw %}}</script>"
    return f"{{% set early = own['early'] %}}{{% if early %}}{box}{script}{{% endif %}}"


def early_words() -> dict[str, str]:
    """What stands in and beside that box, in the reader's language."""
    return {
        "label": _("Message"),
        "placeholder": _(PLACEHOLDER),
        "send": _(SEND),
        "waits": _(WAITS),
    }


def _script(name: str) -> str:
    """A script without its comments and blanks at the beginning of lines: half of it."""
    text = (STATIC / name).read_text(encoding="utf-8")
    text = re.sub(r"^ *(//.*\n)?", "", text, flags=re.MULTILINE)
    return re.sub(r"(?<=[;,{(\[]) // .*", "", text)


def _style(name: str) -> str:
    """A style sheet without the same, and without blanks around its signs."""
    text = (STATIC / name).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/|^ +", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\s*([{};])\s*", r"\1", text)


# For the head of the page in Gradio's reload mode.
RELOAD_HEAD = f"<script>\n{(STATIC / 'reload.js').read_text(encoding='utf-8')}</script>"

# For `launch`, or for `gr.mount_gradio_app` where the page is a part of another app.
ASSETS: dict[str, Any] = {
    "head": head(),
    "css": "".join(map(_style, STYLES)),
}
