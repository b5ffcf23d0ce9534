"""What the browser is given: the script's own tests, and how it gets to the page."""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import expect

import app
from agent.api.later import FOLDER, TRANSLATIONS
from agent.chat.agents import Agents
from agent.chat.agents_folder import open_folder
from agent.core.language import words_of_scripts
from agent.core.settings import Settings
from agent.models.offline import OfflineModel
from agent.page.browser import ASSETS, STATIC, head
from agent.page.chat_interface import ChatPage
from agent.page.gradio_internals import RewiredInterface
from tests.support.app_process import ROOT
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page

FILES = [
    *("words.js", "frames.js", "messages.js", "dialog.js", "times.js", "menu.js", "chats.js"),
    "agents.js",
    *("stream.js", "settings.js", "sides.js", "cards.js", "feedback.js", "voice.js", "arrival.js"),
    "chat.js",
]

# What other scripts use of these objects, or elements of the page.
BY_SCRIPTS = {
    *(
        "chat.state",
        "chat.start",
        "chat.pageUrl",
        "chatAgents.start",
        "chatAgents.named",
        "chatStream.watch",
        "chatSettings.watch",
        "chatSettings.rows",
        "chatSides.watch",
    ),
    *("chatArrival.start", "chatArrival.firstBox", "chatArrival.beside"),
    *("chatList.watch", "chatList.deletesThis"),
    *("chatVoice.watch", "chatVoice.hush", "chatVoice.offerTalk"),
    *("chatFeedback.watch", "chatFeedback.begin", "chatFeedback.add", "chatFeedback.cut"),
    *("chatFeedback.refuse", "chatFeedback.close", "chatFeedback.leave", "chatFeedback.isOn"),
    *("chatTimes.watch", "chatTimes.look", "chatTimes.asked", "chatTimes.answered"),
}

# The methods of the scripts whose objects listeners may call.
METHODS = """
process.argv.slice(1).forEach(require)
const scripts = {chat, chatArrival, chatStream, chatSettings, chatSides, chatVoice}
Object.assign(scripts, {chatAgents, chatFeedback, chatList, chatTimes})
const methods = Object.entries(scripts).flatMap(
    ([script, has]) => Object.keys(has).map(method => `${script}.${method}`))
console.log(JSON.stringify(methods))
"""


def node(*arguments: str) -> str:
    """What Node.js prints then; it must end well."""
    if not shutil.which("node"):
        pytest.skip("There is no node: install Debian's package `nodejs`")
    done = subprocess.run(["node", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["agents", "chat", "settings", "stream", "talk_sound", "window"])
def test_the_scripts_pass_their_own_tests(name: str) -> None:
    tests = f"tests/page/static/{name}.test.js"
    assert "# fail 0" in node("--test", "--test-reporter=tap", tests)


@pytest.mark.slow
def test_every_listener_calls_a_method_that_the_script_has(tmp_path: Path) -> None:
    methods = set(json.loads(node("-e", METHODS, *(str(STATIC / name) for name in FILES))))
    folder = open_folder(tmp_path, ("helper", "another"))
    demo = ChatPage(app.respond, Agents(loaded(), Settings(side_by_side=True), folder))
    scripts = [step["js"] for step in demo.config["dependencies"] if step["js"]]
    calls = [re.fullmatch(r"\(\.\.\.args\) => (\w+\.\w+)\(\.\.\.args\)", js) for js in scripts]
    assert all(calls), scripts
    called = {call[1] for call in calls if call}
    assert called == methods - BY_SCRIPTS


# What in a string of Python is JavaScript, or CSS.
SCRIPT_OR_STYLE = re.compile(
    r"=>|\b(?:globalThis|Object)\b|\b(?:document|window|console)\.(?!(?:css|html)\b)\w"
    r"|\bfunction\b[\w ]*\(|\bchat\w*\??\.\w+\(|\{[^{}]*[\w-]+\s*:[^{}]*;\s*\}|\bstyle\s*="
)

# Where a component of Gradio's takes JavaScript as a string alone, it is one call by name.
ONE_CALL = re.compile(r"chat\w+\.\w+\((?:element, )?trigger\)")

# What else there is, with "…" for values: each says above itself why.
OTHER_SCRIPTS = {
    ("browser.py", "(...args) => "),  # One call by name, which `js` makes for all listeners.
    ("browser.py", "(...args) => ….…(...args)"),
    ("gradio_internals.py", "chatPlace.rooted({{ own | toorjson }})"),  # In Gradio's template.
    ("side_by_side.py", "globalThis.chatSides?.watch(element, trigger)"),  # Of a part of the page.
}


def strings(tree: ast.Module) -> Iterator[str]:
    """All strings of a module but its docstrings; of an f-string also the whole."""
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    owners = (node for node in ast.walk(tree) if isinstance(node, kinds))
    docstrings = {ast.get_docstring(owner, clean=False) for owner in owners}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if text not in docstrings:
                yield text
            case ast.JoinedStr(values=pieces):
                texts = (getattr(piece, "value", "…") for piece in pieces)
                yield "".join(text if isinstance(text, str) else "…" for text in texts)


def test_python_holds_no_other_script() -> None:
    found = set()
    for file in (ROOT / "app.py", *ROOT.glob("agent/**/*.py")):
        for text in strings(ast.parse(file.read_text("utf-8"))):
            if SCRIPT_OR_STYLE.search(text) and not ONE_CALL.fullmatch(text):
                found.add((file.name, text))
    assert found == OTHER_SCRIPTS


def test_a_script_that_comes_later_takes_its_translations() -> None:
    scripts = {file.name: file.read_text("utf-8") for file in FOLDER.glob("*.js")}
    with_words = {name for name in scripts if words_of_scripts("de", f"later/{name}")}
    assert {name for name, text in scripts.items() if TRANSLATIONS in text} == with_words


def test_nothing_in_the_script_ends_it() -> None:
    pattern = '<script type="application/json" id="chat-constants">(.*)</script><script>(.*)'
    elements = re.fullmatch(f"{pattern}</script>", ASSETS["head"], re.DOTALL)
    assert elements
    for script in elements.groups():
        assert "</script" not in script
        assert "<!--" not in script


def test_a_space_alone_speaks_to_the_page_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert '"outside": ""' in head()
    monkeypatch.setenv("SYSTEM", "spaces")
    assert '"outside": "https://huggingface.co"' in head()


def test_a_host_may_add_to_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {}
    monkeypatch.setattr(gr.Blocks, "launch", lambda _, **given: options.update(given))
    ChatPage(app.respond, Agents(loaded(), Settings())).launch(head="<meta name=host>", share=False)
    assert options == {**ASSETS, "head": ASSETS["head"] + "<meta name=host>", "share": False}


# Counts the text boxes that there are when the script runs.
TEXT_BOXES_BEFORE = """
Object.defineProperty(window, 'chat', {configurable: true, get: () => undefined, set: value => {
    window.textBoxesBefore = document.querySelectorAll('#message textarea').length
    Object.defineProperty(window, 'chat', {value})
}})
"""


@pytest.mark.slow
def test_the_script_is_there_before_any_component(visitor: Callable[..., Page]) -> None:
    page = visitor()
    page.tab.add_init_script(TEXT_BOXES_BEFORE)
    with launched(loaded()) as url:
        page.open(url)
        assert page.tab.evaluate("textBoxesBefore") == 0
        assert page.tab.evaluate("document.querySelectorAll('#message textarea').length") == 1
        page.tab.context.close()


@pytest.mark.slow
def test_where_gradio_wires_its_own_events_the_page_is_plainer_and_answers(
    visitor: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(RewiredInterface, "_setup_events")
    with launched(loaded(OfflineModel(delay=0))) as url:
        page = visitor().open(url)
        page.send("/markdown")
        expect(page.seen.get_by_text("greet")).to_be_visible(timeout=ACTION_TIMEOUT)
        page.tab.context.close()
