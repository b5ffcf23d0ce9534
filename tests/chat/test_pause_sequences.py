"""Whatever is asked, approved, declined and taken back in whatever order: what the model is told is
what the page shows, and a tool does once what was approved, and nothing else."""

import asyncio
import random
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.sessions import BaseSessionService, InMemorySessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types
from pydantic import Field

from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.notices import PlainError
from agent.core.pauses import Reply
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer
from agent.core.waiting import executed, open_pauses
from agent.page.page_state import PageState, open_last
from tests.support.app_setup import UNLIMITED, loaded_root
from tests.support.scripted_model import USAGE, call, contents
from tests.support.waiting_agents import DONE, agent

pytestmark = pytest.mark.usefixtures("nothing_done")

SEQUENCES, STEPS = 30, 10

OFTEN = ["ask", "pay", "pay", "both", "approve", "approve", "approve", "decline", "change"]
SELDOM = ["retry", "undo", "edit", "reload", "restart", "stop", "approve_and_stop"]


class Payer(BaseLlm):
    """Pays where it is told to; else says again what it was told, or what a tool has given. Where
    it `hangs`, it begins to speak and does not end."""

    model: str = "payer"
    requests: list[LlmRequest] = Field(default_factory=list)
    hangs: bool = False
    speaks: Any = Field(default_factory=asyncio.Event)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.requests.append(llm_request.model_copy(deep=True))
        if self.hangs:
            self.hangs = False
            yield LlmResponse(
                content=types.ModelContent(f"Half of {len(self.requests)}"), partial=True
            )
            self.speaks.set()
            await asyncio.Event().wait()
        assert not unanswered(llm_request)
        latest = (llm_request.contents[-1].parts or [])[-1]
        number = len(self.requests)
        said = [types.Part(text=f"{latest.text}, indeed.")]
        if latest.function_response:
            said = [types.Part(text=f"Result of {number}.")]
        elif (latest.text or "").startswith(("pay", "both")):
            said = [call("pay", id=f"call-{number}", amount=number, to="Ann")]
        if (latest.text or "").startswith("both"):
            said.append(call("get_user_choice", id=f"choice-{number}", options=["red", "blue"]))
        yield LlmResponse(content=types.ModelContent(said), usage_metadata=USAGE)


def unanswered(request: LlmRequest) -> set[str | None]:
    """The calls without a response, for which Gemini refuses a request."""
    parts = [part for content in request.contents for part in content.parts or []]
    called = {part.function_call.id for part in parts if part.function_call}
    return called - {part.function_response.id for part in parts if part.function_response}


class Visitor:
    """One visitor, and the page: pairs of a message and what came of it."""

    def __init__(self, store: BaseSessionService, chance: random.Random) -> None:
        self._store, self._chance, self.model = store, chance, Payer()
        self._registry = self._start()
        self._page_state = PageState(self._registry)
        self.page: list[tuple[str, Transcript]] = []
        self._said = 0
        # The amounts that were approved, in order.
        self.approved: list[int] = []
        # How many of them in chats that are no more.
        self.deleted = 0

    def _start(self) -> Registry:
        what = loaded_root(agent(self.model, "pay", "get_user_choice"))
        what.runner.session_service = self._store
        return Registry(what, Settings(**UNLIMITED))

    async def do(self, step: str) -> None:
        """One thing that a visitor can do; nothing, where it cannot."""
        match step:
            case "ask" | "pay" | "both" | "stop":
                self.model.hangs = step == "stop"
                self._said += 1
                await self._say(f"{step} {self._said}", len(self.page))
            case "approve" | "decline" | "change" | "approve_and_stop":
                await self._reply(step)
            case "retry" | "undo" | "edit":
                await self._take_back(step) if self.page else None
            case "reload":
                await self._reload()
            case "restart":
                await self._registry.close()
                self._registry = self._start()
                await self._reload()

    async def _take_back(self, step: str) -> None:
        match step:
            case "retry":
                await self._say(self.page[-1][0], len(self.page) - 1)
            case "edit":
                self._said += 1
                await self._say(f"ask {self._said}", self._chance.randrange(len(self.page)))
            case "undo":
                await self._page_state.undo()
                self.page.pop()
                if not self.page:  # A chat without messages is deleted.
                    self.deleted = len(self.approved)

    async def _say(self, message: str, count: int) -> None:
        said = await self._finish(self._page_state.ask(message, count, ""))
        above = self.page[:count]
        if above and open_pauses(above[-1][1]):  # Closed by the message.
            await self._look()
        else:
            self.page = [*above, (message, said)]

    async def _reply(self, step: str) -> None:
        asked = open_pauses(self.page[-1][1]) if self.page else []
        if not asked:
            return
        (pause,) = (pause for pause in asked if pause.kind == "approval")
        self.model.hangs = step == "approve_and_stop"
        amount = int((pause.args or {})["amount"])
        reply = Reply(is_approved=step != "decline")
        if step == "change":
            amount += 1_000
            reply = Reply(args={"amount": amount, "to": "Ann"})
        if reply.is_approved:
            self.approved.append(amount)
        chosen = Reply(value="red") if reply.is_approved else reply
        replies = {
            "replies": {
                open_pause.id: reply if open_pause is pause else chosen for open_pause in asked
            }
        }
        said = await self._finish(self._page_state.ask(replies, len(self.page) - 1, ""))
        self.page[-1] = (self.page[-1][0], said)

    async def _finish(self, turn: Turn) -> Transcript:
        is_stopped, self.model.speaks = self.model.hangs, asyncio.Event()
        if is_stopped:
            await self.model.speaks.wait()
            await self._page_state.stop()
        said = await turn.finish()
        assert isinstance(turn.failure, PlainError) if is_stopped else turn.failure is None
        return said

    async def _reload(self) -> None:
        shown = [(message, answer(said)) for message, said in self.page]
        self._page_state = await open_last(self._registry, self._page_state.user_id)
        await self._look()
        assert [(message, answer(said)) for message, said in self.page] == shown

    async def _look(self) -> None:
        async for records, _ in self._page_state.replay():
            self.page = [(record.question, record.transcript) for record in records]

    def remembered(self) -> list[tuple[str, str]]:
        """What stands on the page, as a model is told it."""
        lines = []
        for message, said in self.page:
            lines += [("user", message), ("model", answer(said))]
        return [line for line in lines if line[1]]


@pytest.mark.parametrize("number", range(SEQUENCES))
async def test_the_model_is_told_what_the_page_shows_and_nothing_runs_twice(
    number: int, tmp_path: Path
) -> None:
    chance = random.Random(number)
    store: BaseSessionService = InMemorySessionService()
    if number % 4 == 0:
        store = SqliteSessionService(f"{tmp_path}/chats.db")
    visitor = Visitor(store, chance)
    steps = [chance.choice([*OFTEN, *SELDOM]) for _ in range(STEPS)]
    for step in [*steps, "ask"]:
        await visitor.do(step)
        done = [entry[1] for entry in DONE]
        assert done == visitor.approved, steps
    told = [(role, text) for role, text in contents(visitor.model.requests[-1]) if text]
    assert told == visitor.remembered()[:-1], steps
    shown = [text for _, said in visitor.page for text in executed(said).values()]
    taken_back = str(visitor.model.requests[-1].config.system_instruction)
    for amount in visitor.approved[visitor.deleted :]:
        call_text = f'“pay” (amount: {amount}, to: "Ann")'
        assert (call_text in shown) != (call_text in taken_back), steps
