"""What testers find of tasks: what is kept of it, for how long, and for whom."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.chat.agents import Agents
from agent.chat.agents_folder import open_folder
from agent.chat.registry import Registry
from agent.chat.report import report, tasks_report
from agent.chat.task_list import FILE, MAX_BYTES, has_file, task_list
from agent.chat.verdicts import judge, rename, verdicts
from agent.core.feedback import MAX_WORDS, Finding
from agent.core.notices import PlainError
from agent.core.settings import Settings
from agent.core.tester_tasks import Task
from agent.render.report import CONTENTS
from tests.support.agent_folder import FOLDER, write_agents
from tests.support.app_setup import UNLIMITED
from tests.support.archives import unpacked
from tests.support.scripted_model import call
from tests.support.task_lists import TASKS, with_tasks
from tests.support.testers import PageTester

HOSTILE = '=HYPERLINK("http://evil")</p><script>alert(1)</script>'


def find_order(number: int) -> dict[str, str]:
    """Look up an order."""
    return {"arrives": "Friday"}


class TaskTester(PageTester):
    """With a list of tasks."""

    def __init__(self, path: Path, markdown: str = TASKS) -> None:
        super().__init__(tools=[find_order])
        self.registry.loaded = with_tasks(self.registry.loaded, path, markdown)

    @property
    def tasks(self) -> tuple[Task, ...]:
        return task_list(self.registry.loaded).tasks

    async def judges(self, number: int, verdict: str, word: str = "", **given: Any) -> None:
        """A verdict on the task of that number, tried in the chat on the page."""
        task = given.pop("task", None) or self.tasks[number].id
        about = {"chat": self.page.session_id, **given}
        about |= {"task": task, "verdict": verdict, "word": word}
        await judge(self.registry, self.page.user_id, about, given.get("name", "Ann"), "1.2.3.4")

    async def has_found(self) -> dict[str, Finding]:
        """By what was to be tried."""
        kept = await verdicts(self.registry, self.page.user_id)
        return {finding.task["text"]: finding for finding in kept.values()}


@pytest.fixture
def tester(tmp_path: Path) -> TaskTester:
    return TaskTester(tmp_path)


ASK, REFUND, PLAY = (
    *("Ask “When does 17 come?”", "Ask for a refund without an order number"),
    "Play around for a minute.",
)


async def test_a_verdict_is_kept_with_what_was_asked_and_seen_and_can_be_changed(
    tester: TaskTester,
) -> None:
    await tester.ask("When does 17 come?", call("find_order", number=71), "On Monday.")
    await tester.judges(0, "down", "Wrong day.")
    found = (await tester.has_found())[ASK]
    assert (found.question, found.answer, found.tester) == (
        *("When does 17 come?", "On Monday.", "Ann"),
    )
    assert (found.opinion.rating, found.opinion.comment, found.opinion.expected) == (
        *("down", "Wrong day.", "It should say Friday."),
    )
    assert found.agent_version
    assert [tool["name"] for tool in found.tools] == ["find_order"]
    # In another chat it goes well; what was said there is what is kept then.
    tester.page.turn_to(None)
    await tester.ask("When does 17 come?", "On Friday.")
    await tester.judges(0, "up")
    await tester.judges(2, "unsure", "Where?", chat="")
    kept = await tester.has_found()
    assert {text: finding.opinion.rating for text, finding in kept.items()} == {
        ASK: "up",
        PLAY: "unsure",
    }
    assert (kept[ASK].answer, kept[PLAY].question) == ("On Friday.", "")
    # It is changed later, from another chat's page, and stays about its own.
    await tester.judges(0, "unsure", "After all…", chat="")
    assert (await tester.has_found())[ASK].answer == "On Friday."
    await rename(tester.registry, tester.page.user_id, "Bob", None)
    assert {finding.tester for finding in (await tester.has_found()).values()} == {"Bob"}
    await tester.judges(0, "")
    assert list(await tester.has_found()) == [PLAY]


async def test_where_nothing_was_asked_a_verdict_needs_words_and_is_told_as_that(
    tester: TaskTester,
) -> None:
    for chat in ("", "gone", None):
        with pytest.raises(PlainError, match="Nothing has been asked in this chat yet"):
            await tester.judges(0, "up", chat=chat)
    assert await tester.has_found() == {}
    await tester.judges(0, "down", "There is no shop here.")
    files = unpacked(await tasks_report(tester.registry, tester.page.user_id))
    assert ", there is no chat with it" in files["report.md"]
    # Nothing is named that is not there.
    assert "chats/" not in files["report.md"]


async def test_it_outlasts_an_undo_and_its_chat_but_not_what_was_said_there(
    tester: TaskTester,
) -> None:
    await tester.ask("Money!", "Here you are: canary-words.")
    await tester.judges(1, "down", "It just paid.")
    await tester.judges(0, "up", "No 17.", chat="")
    await tester.page.undo()
    assert (await tester.has_found())[REFUND].question == "Money!"
    await tester.ask("Money!", "Here you are: canary-words.", kept=0)
    await tester.judges(1, "down", "It just paid.")
    await tester.page.forget()
    kept = await tester.has_found()
    assert (kept[REFUND].opinion.comment, kept[REFUND].question) == ("It just paid.", "")
    assert "canary-words" not in await everything(tester.registry)
    assert kept[ASK].opinion.rating == "up"
    left_out = (await tester.evalset()).left_out
    assert any("has deleted that chat" in line for line in left_out)
    # Also of a chat that is gone because all of it was taken back.
    await tester.ask("Money!", "Here you are: canary-words.")
    await tester.judges(1, "down", "It just paid.")
    await tester.judges(0, "")
    await tester.page.undo()
    assert "canary-words" in await everything(tester.registry)
    await tester.page.forget_visitor()
    left = await everything(tester.registry)
    assert not {word for word in ("canary-words", "It just paid.") if word in left}


async def everything(registry: Registry) -> str:
    """All that is in the store, with all events."""
    store = registry.loaded.runner.session_service
    listed = (await store.list_sessions(app_name="test")).sessions
    whole = [
        await store.get_session(app_name="test", user_id=session.user_id, session_id=session.id)
        for session in listed
    ]
    return repr(whole)


async def test_two_replicas_know_the_same(tester: TaskTester) -> None:
    other = Registry(tester.registry.loaded, Settings(**UNLIMITED))
    await tester.ask("When does 17 come?", "On Friday.")
    await tester.judges(0, "up")
    given = {"task": tester.tasks[1].id, "verdict": "down", "chat": tester.page.session_id}
    await judge(other, tester.page.user_id, given, "Ann", None)
    await tester.judges(2, "unsure")
    assert {finding.opinion.rating for finding in (await tester.has_found()).values()} == {
        *("up", "down", "unsure"),
    }
    assert (await verdicts(other, tester.page.user_id)).keys() == {task.id for task in tester.tasks}


async def test_a_hostile_tester_harms_nobody(tester: TaskTester, tmp_path: Path) -> None:
    await tester.ask("Whose?", "Mine.")
    await tester.judges(0, "up")
    eve = PageTester()
    eve.registry, eve.page.registry = tester.registry, tester.registry

    async def tries(**given: Any) -> None:
        about = {"task": tester.tasks[0].id, "verdict": "down", **given}
        await judge(tester.registry, eve.page.user_id, about, HOSTILE * 100, None)

    # Another one's chat is as one that does not exist.
    await tries(chat=tester.page.session_id, word=HOSTILE)
    (hers,) = (await verdicts(tester.registry, eve.page.user_id)).values()
    assert (hers.session_id, hers.question, len(hers.tester)) == ("", "", 100)
    assert (await tester.has_found())[ASK].opinion.rating == "up"
    for word, code in (("x" * 1_000_000, "feedback_too_long"), ("x" * (MAX_WORDS + 1), "")):
        with pytest.raises(PlainError) as refused:
            await tries(word=word)
        assert refused.value.notice.code == (code or "feedback_too_long")
    unknown: tuple[Any, ...] = ("nothing", None, {}, "x" * 10_000)
    for task in unknown:
        with pytest.raises(PlainError, match="not on the list"):
            await tries(task=task)
        await tries(task=task, verdict="")
    await tries(verdict=["up"], task=tester.tasks[0].id)  # Which takes it back.
    assert await verdicts(tester.registry, eve.page.user_id) == {}


async def test_a_testers_report_says_what_was_asked_seen_and_judged(tester: TaskTester) -> None:
    empty = unpacked(await tasks_report(tester.registry, tester.page.user_id))
    assert "pass: 0, fail: 0, unsure: 0, not tried: 3." in empty["report.md"]
    await tester.ask("When does 17 come?", call("find_order", number=71), "On Monday.")
    await tester.rate("down", expected="Friday")
    await tester.judges(0, "down", HOSTILE, name="Ann `x`")
    tester.page.turn_to(None)
    await tester.ask("Money!", "Which order?")
    await tester.judges(1, "up")
    files = unpacked(await tasks_report(tester.registry, tester.page.user_id))
    assert sorted(files) == sorted(
        [
            *("report.md", "verdicts.json", "verdicts.csv", "versions.json"),
            *(f"chats/{number}/{name}" for number in (1, 2) for name in CONTENTS),
        ]
    )
    summary = files["report.md"]
    parts = [
        *("`Ann 'x', Ann`", "pass: 1, fail: 1, unsure: 0, not tried: 1.", "## 1. fail"),
        *("When does 17", "It should say Friday.", f"```text\n{HOSTILE}\n```", "On Monday."),
        *("## 2. pass", "## Not tried", f"`{PLAY}`", "| app |"),
    ]
    places = [summary.index(part) for part in parts]
    assert places == sorted(places)
    assert "in `chats/1/chat.html`" in summary
    assert "- `chats/…`: each chat" in summary
    assert "On Monday." in files["chats/1/chat.md"]
    told = json.loads(files["chats/1/feedback.json"])
    assert sorted(finding["kind"] for finding in told) == ["answer", "task"]
    rows = list(csv.DictReader(io.StringIO(files["verdicts.csv"].removeprefix("\ufeff"))))
    assert [row["verdict"] for row in rows] == ["fail", "pass"]
    assert rows[0]["comment"] == f"'{HOSTILE}"
    for secret in (tester.page.user_id, str(tester.page.session_id)):
        assert secret not in repr(files)
    # The host's report of one of them.
    (fail,) = [
        finding
        for finding in (await tester.has_found()).values()
        if finding.opinion.rating == "down"
    ]
    active = await tester.registry.find(fail.user_id, fail.session_id)
    assert active
    hosts = await report(tester.registry, active.conversation, fail)
    assert hosts
    assert unpacked(hosts)["issue.md"].startswith("# A task: fail\n\n**Task**\n\n```text\nAsk “W")
    # The report of one chat has what was found there alone.
    report_file = await report(tester.registry, await tester.page.conversation())
    assert report_file
    assert [finding["task"] for finding in json.loads(unpacked(report_file)["feedback.json"])] == [
        REFUND
    ]


async def test_a_failed_task_becomes_a_case_that_looks_for_what_should_happen(
    tester: TaskTester,
) -> None:
    await tester.ask("Hello", "Hi.")
    await tester.ask("When does 17 come?", "On Monday.")
    await tester.judges(0, "down", "Wrong day.")
    await tester.judges(2, "unsure")
    exported = await tester.evalset()
    (case,) = json.loads(exported.files["helper_findings.evalset.json"])["eval_cases"]
    assert [turn["userContent"]["parts"][0]["text"] for turn in case["conversation"]] == [
        *("Hello", "When does 17 come?"),
    ]
    asked = case["conversation"][1]
    assert asked["finalResponse"]["parts"][0]["text"] == "It should say Friday."
    assert [
        (rubric["type"], rubric["rubricContent"]["textProperty"]) for rubric in asked["rubrics"]
    ] == [
        *(("MUST_SAY", "Friday"), ("MUST_NOT_SAY", "On Monday.")),
    ]
    assert (case["task"], case["should"]) == (ASK, "It should say Friday.")
    assert exported.left_out == (
        f"“{PLAY}” (a task: unsure): its tester was unsure whether that is right.",
    )
    # What has gone well once is to go so again.
    await tester.ask("And when?", "On Friday.")
    await tester.judges(0, "up")
    (case,) = json.loads((await tester.evalset()).files["helper_findings.evalset.json"])[
        "eval_cases"
    ]
    looked_for = case["conversation"][2]["rubrics"]
    assert [rubric["rubricContent"]["textProperty"] for rubric in looked_for] == ["Friday"]


def test_the_list_is_read_anew_when_it_has_changed(tester: TaskTester, tmp_path: Path) -> None:
    loaded = tester.registry.loaded
    assert has_file(loaded, ["other", "test"])
    file = tmp_path / "test" / FILE
    file.write_text("- Sing → a song, longer than before\n")
    assert [task.text for task in tester.tasks] == ["Sing"]
    wrong: dict[Callable[[], Any], str] = {
        lambda: file.write_bytes(b"- \xff\xfe"): "Save it as text in UTF-8.",
        lambda: file.write_bytes(b"x" * (MAX_BYTES + 1)): "Make it shorter.",
        lambda: file.write_text("words"): f"{file}: It has no task.",
    }
    for write, said in wrong.items():
        write()
        assert said in task_list(loaded).faults[0]
    file.unlink()
    assert (tester.tasks, has_file(loaded, ["test"])) == ((), False)


@pytest.mark.usefixtures("clean_imports")
async def test_each_agent_of_a_folder_has_its_own_list(tmp_path: Path) -> None:
    ann, bill = (f"{FOLDER}_{name}" for name in ("ann", "bill"))
    folder = open_folder(write_agents(tmp_path, ann, bill), (ann, bill))
    agents = Agents(folder.load(ann), Settings(**UNLIMITED), folder)
    assert not agents.have_tasks
    (tmp_path / bill / FILE).write_text("- Sing → a song\n")
    assert agents.have_tasks
    found = [task_list((await agents.get(name)).loaded) for name in (ann, bill)]
    assert [[task.text for task in loaded.tasks] for loaded in found] == [[], ["Sing"]]
