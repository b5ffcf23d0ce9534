"""What the browser runs and how the page looks there: static/*.js and static/chat.css."""

import json
import re
from pathlib import Path
from typing import Any

from agent.core.notices import SENTENCES
from agent.page.controls import BUSY, IDLE
from agent.render.markdown import MARK
from agent.render.messages import ASIDE, JOINER, STAYS_DONE

STATIC = Path(__file__).with_name("static")

SCRIPTS = ("storage.js", "text.js", "box.js", "scroll.js", "cards.js", "chat.js")


def js(method: str) -> str:
    """A listener's `js=`: this method of chat.js, from its inputs to its outputs."""
    return f"(...args) => chat.{method}(...args)"


def head() -> str:
    """The scripts, and the constants of chat.js, for the page's <head>.

    Gradio runs what is in there before it makes any component, and so before any listener's `js`
    (6.31: `mount_custom_css`, then the head, then Blocks, then `load`). A file of its own would be
    one more request, on which all listeners would have to wait.
    """
    constants = {
        "idle": IDLE,
        "busy": BUSY,
        "noMessage": SENTENCES["no_message"],
        "notSent": SENTENCES["not_sent"],
        "notReplied": SENTENCES["not_replied"],
        "lineLost": SENTENCES["line_lost"],
        "mayStayDone": SENTENCES["may_stay_done"],
        "staysDone": STAYS_DONE,
        "aside": ASIDE,
        "noFiles": SENTENCES["no_files"],
        "storesNothing": SENTENCES["stores_nothing"],
        "wordJoiner": JOINER,
        "mark": MARK,
    }
    given = json.dumps(constants).replace("<", "\\u003c")  # No text may end the script.
    script = "".join((STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = re.sub(r"^ *//.*\n", "", script, flags=re.MULTILINE)  # A third of what is sent.
    return f"<script>\n{script}\nchat.start({given});\n</script>"


# For the head of the page in Gradio's reload mode.
RELOAD_HEAD = f"<script>\n{(STATIC / 'reload.js').read_text(encoding='utf-8')}</script>"

# For `launch`, or for `gr.mount_gradio_app` where the page is a part of another app.
ASSETS: dict[str, Any] = {
    "head": head(),
    "css_paths": [STATIC / "chat.css"],
}
