"""What testers are asked to try, beside the chat, and how it went (static/tasks.js).

It is made only where a list is there (agent/chat/task_list.py). The browser draws it, and says what
is wanted; whichever chat it names, only the tester's own are found.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from agent.chat.report import tasks_report
from agent.chat.task_list import task_list
from agent.chat.verdicts import MAX_NAME, judge, rename, verdicts
from agent.core.feedback import BAD, GOOD, MAX_WORDS, UNSURE, Finding
from agent.core.language import N_, _
from agent.core.notices import Notice, PlainError
from agent.core.visitor import person_of
from agent.page.browser import js
from agent.page.controls import AT_ONCE, QUEUED, show_errors
from agent.page.page_state import PageState
from agent.page.protocol import address
from agent.page.sidebar import new_chat
from agent.page.states import States
from agent.stores.fallback import StoreUnavailable

LABELS = {
    "title": N_("Tasks for testers"),
    "done": N_("{done} of {all} done"),
    "task": N_("Task {number} of {all}"),
    "should": N_("What should happen"),
    "notSaid": N_("It is not said what should happen: judge for yourself."),
    "words": N_("Put into the box: {words}"),
    "verdict": N_("How did it go?"),
    GOOD: N_("Pass"),
    BAD: N_("Fail"),
    UNSURE: N_("Unsure"),
    "word": N_("In your own words"),
    "name": N_("Your name, if you like"),
    "save": N_("Save"),
    "next": N_("Next task"),
    "again": N_("Try it in a new chat"),
    "takeBack": N_("Take it back"),
    "list": N_("All tasks"),
    "begun": N_("A new chat has begun for this task."),
    "choose": N_("Please choose first how it went."),
    "allDone": N_("All tasks are done. Thank you."),
    "report": N_("Save my report (ZIP)"),
    "readBy": N_(
        "Whoever runs this page can read your verdicts, and the chats in which you tried the "
        "tasks. A verdict stays when you delete its chat; “Forget me” deletes all."
    ),
}


class TaskPanel:
    """Made inside the page.

    Args:
        states: The page's.
        opened: What changes when the page turns to a new conversation (`new_chat`).
        changes: After what it is looked up anew.
    """

    def __init__(
        self, states: States, opened: list[Any], changes: Sequence[Callable[..., Any]]
    ) -> None:
        self._states = states
        # What the browser sends, once `place.submit` is fired; the reply; a file to save.
        given, reply, file = (gr.JSON(visible=False) for _ in range(3))
        place = gr.HTML(visible="hidden", js_on_load="chatTasks.watch(trigger)")
        for change in changes:
            change(self.look, states.who, reply, **AT_ONCE)
        reply.change(None, reply, None, js=js("take", "chatTasks"), **AT_ONCE)
        begun = place.select(
            states.with_page_state(new_chat), states.who, opened, js=js("leaveChat"), **QUEUED
        )
        begun.then(None, None, None, js=js("begun", "chatTasks"), **AT_ONCE)
        states.session_id.change(
            None, states.session_id, None, js=js("moved", "chatTasks"), **AT_ONCE
        )
        every: dict[str, Any] = {**QUEUED, "trigger_mode": "multiple"}
        judged = place.submit(
            self.judge, [*states.who, given], reply, js=js("given", "chatTasks"), **every
        )
        judged.failure(None, None, None, js=js("lost", "chatTasks"), **AT_ONCE)
        # As those of the side bar, which take as much of the processor.
        few: dict[str, Any] = {**QUEUED, "concurrency_limit": 2, "concurrency_id": "exports"}
        made = place.download(states.with_page_state(report), states.who, file, **few)
        made.then(None, file, file, js=js("saveFile"), **AT_ONCE)

    async def look(
        self,
        page: PageState | None,
        visitor: object,
        session_id: object,
        agent: object,
        request: gr.Request,
    ) -> dict[str, Any]:
        """All that the panel shows."""
        page = await self._states.find(page, visitor, session_id, agent, request)
        listed = task_list(page.registry.loaded)
        person, said = person_of(request), ""
        found: dict[str, Finding] = {}
        try:
            found = await verdicts(page.registry, page.user_id)
        except StoreUnavailable as error:
            said = error.notice.text
        latest = max(found.values(), key=lambda finding: finding.at, default=None)
        return {
            "kind": "all",
            "time": time.time(),
            "intro": listed.intro,
            "tasks": [asdict(task) for task in listed.tasks],
            "verdicts": {id: _verdict(finding) for id, finding in found.items()},
            "name": latest.tester if latest else "",
            "person": person.name if person else "",
            "said": said,
            "labels": {name: _(label) for name, label in LABELS.items()},
            "lost": Notice("rating_lost").text,
            "tooLong": Notice("feedback_too_long", {"longest": MAX_WORDS}).text,
            "maxWords": MAX_WORDS,
            "maxName": MAX_NAME,
        }

    async def judge(
        self,
        page: PageState | None,
        visitor: object,
        session_id: object,
        agent: object,
        given: Any,
        request: gr.Request,
    ) -> dict[str, Any]:
        """Keep how a task went, or only a tester's name. The reply says what is kept then."""
        page = await self._states.find(page, visitor, session_id, agent, request)
        given = given if isinstance(given, dict) else {}
        person = person_of(request)
        name = person.name if person else str(given.get("name") or "")
        reply = {"kind": "one", "time": time.time(), "task": str(given.get("task") or "")}
        try:
            if not reply["task"]:
                await rename(page.registry, page.user_id, name, address(request))
                return reply
            finding = await judge(
                page.registry, page.user_id, given, name=name, address=address(request)
            )
        except PlainError as error:
            return {**reply, "error": error.notice.text}
        said = Notice("verdict_stored" if finding else "verdict_taken_back").text
        return {**reply, "verdict": _verdict(finding) if finding else None, "said": said}


def _verdict(finding: Finding) -> dict[str, str]:
    return {"verdict": finding.opinion.rating, "word": finding.opinion.comment}


async def report(page: PageState) -> dict[str, str]:
    """What the tester has found, as a file for the browser to save."""
    with show_errors():
        packed = await tasks_report(page.registry, page.user_id)
    return {"name": "test report.zip", "base64": b64encode(packed).decode()}
