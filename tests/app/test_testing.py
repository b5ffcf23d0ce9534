"""A whole session of a tester: from the host's list of tasks to the eval set."""

import csv
import io
import json
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import Locator, expect

from agent.models.offline import OfflineModel
from tests.support.accessibility import violations
from tests.support.app_process import App
from tests.support.app_setup import launched, loaded
from tests.support.archives import unpacked
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.task_lists import TASKS, with_tasks
from tests.support.terminal import ran

pytestmark = pytest.mark.slow

TOKEN = "open-sesame-and-more"

SHOP = dedent("""
    from google.adk.agents import Agent

    def find_order(number: int) -> dict:
        '''Look up an order.'''
        return {"arrives": "Friday"}

    root_agent = Agent(name="shop", model="gemini-3.5-flash", tools=[find_order])
""")

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An agent's, with a list of tasks."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "agent.py").write_text(SHOP)
    (folder / "tester_tasks.md").write_text(f"{TASKS}\n| a |\n|---|\n| b |\n", encoding="utf-8")
    return folder


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chats.db"


@pytest.fixture
def app(gemini: FakeGemini, folder: Path, db: str) -> Iterator[App]:
    app = App(str(folder), SESSION_DB=db, HOST_TOKEN=TOKEN)
    yield app
    app.end(signal.SIGKILL)


def panel(page: Page) -> Locator:
    return page.tab.locator("#tasks")


def says(page: Page, *texts: str) -> None:
    """Wait until the panel, or its line, says all of this."""
    for text in texts:
        expect(panel(page)).to_contain_text(text, timeout=ACTION_TIMEOUT)


def press(page: Page, name: str) -> None:
    panel(page).get_by_role("button", name=name).click()


def judge(page: Page, verdict: str, words: str) -> None:
    panel(page).get_by_label(verdict, exact=True).check()
    panel(page).get_by_label("In your own words").fill(words)


def report_of(page: Page) -> str:
    """What a tester's own report says, which is saved from the list of tasks."""
    with page.tab.expect_download() as saved:
        press(page, "All tasks")
        press(page, "Save my report (ZIP)")
    return unpacked(saved.value.path().read_bytes())["report.md"]


def test_from_the_list_of_tasks_to_the_eval_set(
    app: App, gemini: FakeGemini, visitor: Visitor, folder: Path, db: str, tmp_path: Path
) -> None:
    assert any("Line 9 is a table, and no task. Write each" in line for line in app.said)
    # A task begins in a new chat, with the words to send, which are not sent.
    page = visitor(viewport={"width": 1280, "height": 800}).open(app.url)
    talk(page, gemini, "Hello", "Hi.")
    says(page, "0 of 3 done", "Thank you for your help.", "Play around for a minute.")
    assert violations(page) == []
    press(page, "When does 17 come?")
    says(page, "Task 1 of 3", "It should say Friday.", "A new chat has begun for this task.")
    expect(page.box).to_have_value("When does 17 come?")
    page.shows()
    assert len(gemini.requests) == 1
    gemini.enqueue(Call("find_order", {"number": 71}))
    gemini.enqueue("On Monday.")
    page.send(page.box.input_value())
    page.wait_idle()
    # The answer is bad, and so the task has failed.
    page.press("Bad answer")
    form = page.tab.locator("#feedback")
    form.get_by_label("Reason").select_option("Wrong facts")
    form.get_by_label("What should it have said?").fill("It arrives on Friday.")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0, timeout=ACTION_TIMEOUT)
    press(page, "Save")
    says(page, "Please choose first how it went.")
    judge(page, "Fail", "The wrong day. <b>")
    panel(page).get_by_label("Your name, if you like").fill("=Ann()")
    assert violations(page) == []
    press(page, "Save")
    says(page, "Your verdict is stored. Thank you. 1 of 3 done")
    # The next one, by keys alone.
    panel(page).get_by_role("button", name="Next task").press("Enter")
    says(page, "Task 2 of 3")
    expect(page.box).to_be_focused(timeout=ACTION_TIMEOUT)
    talk(page, gemini, "I want my money back", "Which order?")
    panel(page).get_by_label("Pass", exact=True).focus()
    page.tab.keyboard.press("Space")
    panel(page).get_by_role("button", name="Next task").press("Enter")
    says(page, "Task 3 of 3", "It is not said what should happen")
    # The server is started again, and the page loaded anew.
    assert app.end(signal.SIGTERM) == 0
    app.start()
    page.reload()
    says(page, "Task 3 of 3", "2 of 3 done")
    page.shows()  # Still the new chat.
    page.complaints.clear()  # Gradio's, of the time without a server.
    judge(page, "Unsure", "I did not play.")
    press(page, "Next task")
    says(page, "3 of 3 done", "All tasks are done. Thank you.", "Fail", "Pass", "Unsure")
    # A verdict is changed, and stays about the chat in which the task was tried.
    press(page, "When does 17 come?")
    expect(panel(page).get_by_label("Fail", exact=True)).to_be_checked()
    panel(page).get_by_label("In your own words").fill("The wrong order.")
    press(page, "All tasks")
    says(page, "Your verdict is stored.")
    with page.tab.expect_download() as saved:
        press(page, "Save my report (ZIP)")
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    for part in (
        *("Tested by `=Ann()`.", "pass: 1, fail: 1, unsure: 1, not tried: 0.", "On Monday."),
        *("The wrong order.", "Which order?", "I did not play.", "gemini-3.5-flash"),
    ):
        assert part in files["report.md"]
    assert sum(name.endswith("chat.html") for name in files) == 2
    chat = next(name for name in files if name.endswith("chat.md") and "On Monday." in files[name])
    told = json.loads(files[chat.replace("chat.md", "feedback.json")])
    assert {finding["kind"]: finding["expected"] for finding in told} == {
        "answer": "It arrives on Friday.",
        "task": "It should say Friday.",
    }
    look_as_host(visitor().come(f"{app.url}host"))
    # What has gone badly, and well, is what the agent is tested by from now on.
    out = tmp_path / "found.evalset.json"
    ended = ran("evalset", f"--agent={folder}", "--out", str(out), SESSION_DB=db)
    assert ended.code == 0
    assert "Left out: “Play around for a minute.” (a task: unsure)" in ended.out
    cases = json.loads(out.read_text())["eval_cases"]
    assert sorted((case.get("task", ""), case["rating"]) for case in cases) == [
        *(("", "bad"), ("Ask for a refund without an order number", "good")),
        ("Ask “When does 17 come?”", "bad"),
    ]
    (failed,) = [case for case in cases if case.get("should") == "It should say Friday."]
    assert failed["conversation"][-1]["rubrics"][0]["rubricContent"]["textProperty"] == "Friday"
    # Whoever wants to be forgotten is.
    page.open_side_bar()
    page.forget()
    says(page, "0 of 3 done")
    ended = ran("evalset", f"--agent={folder}", "--out", str(out), SESSION_DB=db)
    assert "no visitor has said anything" in ended.out


def look_as_host(host: Page) -> None:
    """What testers have found, by tasks, as a list and as a table for a spreadsheet."""
    host.tab.get_by_label("HOST_TOKEN").fill(TOKEN)
    host.press("Sign in")
    host.tab.get_by_role("link", name="What visitors said of answers").click()
    rows = host.tab.locator("h2:has-text('Tasks') + table tr")
    expect(rows).to_have_text(
        [
            *("TaskPassFailUnsure", "Ask for a refund without an order number100"),
            *("Ask “When does 17 come?”010", "Play around for a minute.001"),
        ]
    )
    host.tab.get_by_label("Task").select_option("Ask “When does 17 come?”")
    host.press("Show")
    found = host.tab.locator(".findings li")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("=Ann()")
    with host.tab.expect_download() as saved:
        host.tab.get_by_role("link", name="Save as CSV").click()
    (row,) = csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig")))
    assert (row["verdict"], row["tester"], row["comment"]) == (
        *("fail", "'=Ann()", "The wrong order."),
    )
    found.get_by_role("link").click()
    for text in ("On Monday.", "It should say Friday.", "The wrong order.", "find_order"):
        expect(host.tab.locator("main")).to_contain_text(text)
    expect(host.tab.get_by_label("It must say")).to_have_value("Friday")
    assert host.complaints == []


@pytest.fixture
def url(gemini: FakeGemini, tmp_path: Path) -> Iterator[str]:
    with launched(with_tasks(loaded(), tmp_path)) as url:
        yield url


def test_on_a_phone_the_task_is_a_line_that_opens(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor(**PHONE, color_scheme="dark").open(url)
    line = panel(page).locator("summary")
    expect(line).to_have_text("Tasks for testers: 0 of 3 done", timeout=ACTION_TIMEOUT)
    line.tap()
    for button in panel(page).get_by_role("button").all():
        box = button.bounding_box()
        assert box
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["viewport"]["width"]  # type: ignore[index]
    panel(page).get_by_role("button", name="When does 17 come?").tap()
    # The line says which task it is, and leaves the chat its room.
    says(page, "Task 1 of 3: \u2068Ask “When does 17 come?”")
    expect(panel(page).get_by_text("What should happen")).to_be_hidden()
    expect(page.box).to_have_value("When does 17 come?", timeout=ACTION_TIMEOUT)
    line.tap()
    panel(page).get_by_label("Pass", exact=True).tap()
    panel(page).get_by_role("button", name="Save").tap()
    says(page, "Nothing has been asked in this chat yet.", "0 of 3 done")
    # It keeps nobody from the list, and waits there.
    press(page, "All tasks")
    expect(panel(page).get_by_label("Pass", exact=True)).to_have_count(0, timeout=ACTION_TIMEOUT)
    panel(page).get_by_role("button", name="When does 17 come?").tap()
    expect(panel(page).get_by_label("Pass", exact=True)).to_be_checked()
    line.tap()
    talk(page, gemini, page.box.input_value(), "On Friday.")
    line.tap()
    assert violations(page) == []
    panel(page).get_by_label("Pass", exact=True).tap()
    save = panel(page).get_by_role("button", name="Save")
    save.tap()
    says(page, "1 of 3 done")
    expect(page.tab.get_by_test_id("textbox")).to_be_in_viewport(ratio=1)
    page.reload()
    says(page, "Task 1 of 3")
    expect(panel(page).get_by_label("Pass", exact=True)).to_be_checked(timeout=ACTION_TIMEOUT)
    press(page, "Take it back")
    says(page, "0 of 3 done", "taken back")
    press(page, "All tasks")
    expect(panel(page).get_by_role("button", name="When does 17 come?")).not_to_contain_text("Pass")


def test_a_new_tab_goes_on_with_the_task_in_its_chat(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor(viewport={"width": 1280, "height": 800}).open(url)
    talk(page, gemini, "Hello", "Hi.")
    press(page, "When does 17 come?")
    says(page, "A new chat has begun for this task.")
    # Nothing has been asked yet: the last chat is not taken for the task's.
    second = Page(page.tab.context.new_page()).open(url)
    says(second, "Task 1 of 3")
    second.shows()
    talk(page, gemini, "When does 17 come?", "On Friday.")
    page.tab.close()
    third = Page(second.tab.context.new_page()).open(url)
    says(third, "Task 1 of 3")
    third.shows(("user", "When does 17 come?"), ("model", "On Friday."))
    judge(third, "Pass", "")
    press(third, "Save")
    says(third, "1 of 3 done")
    assert "On Friday." in report_of(third)


def test_who_has_signed_in_is_named_so(visitor: Visitor, tmp_path: Path) -> None:
    agent = with_tasks(loaded(OfflineModel(delay=0)), tmp_path, "- Sing → a song\n- Dance\n")
    with launched(agent, {"auth": [("ann", "sesame")]}) as url:
        page = visitor().come(url)
        page.sign_in("ann", "sesame")
        press(page, "Sing")
        says(page, "Task 1 of 2", "a song")
        expect(panel(page).get_by_label("Your name")).to_have_count(0)
        judge(page, "Fail", "Silence.")
        press(page, "Save")
        says(page, "Your verdict is stored.")
        assert "Tested by `ann`." in report_of(page)
