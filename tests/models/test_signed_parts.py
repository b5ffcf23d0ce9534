"""Conversations with Gemini 3, which signs what it says: each signature comes back as it was."""

from base64 import b64decode, urlsafe_b64decode
from typing import Any

import pytest
from google.adk.models import Gemini
from google.genai import models, types

from agent.chat.conversation import Conversation
from agent.core.question import Options
from agent.core.settings import Settings
from agent.core.transcript import ToolCall, answer
from agent.models.coalescing import coalescing
from tests.support.app_setup import below, conversation, notices
from tests.support.fake_gemini import Call, FakeGemini, Request, Script, Signed, Think


def sky(city: str) -> dict[str, str]:
    """Tell how the sky is."""
    return {"city": city, "sky": "blue"}


def look(city: str) -> Call:
    return Call("sky", {"city": city})


TURNS: dict[str, list[Script]] = {
    "One call": [(Think("Hm."), look("Oslo")), ("It ", "is ", "blue.", Signed(""))],
    "Two at once": [
        ("Let me see. ", look("Rome"), look("Bonn")),
        ("Both ", "are ", Signed("blue.")),
    ],
    "One after the other": [(look("Lima"),), (Think("Hm."), look("Lima")), ("Still ", "blue.")],
    "No call": [("Hello", Signed(" "), "you")],
}


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many contents google-genai was given with each request: one, where it goes fast."""
    numbers: list[int] = []

    def note(name: str) -> None:
        generate = getattr(models.AsyncModels, name)

        def noting(self: Any, *, contents: list[types.Content], **options: Any) -> Any:
            numbers.append(len(contents))
            return generate(self, contents=contents, **options)

        monkeypatch.setattr(models.AsyncModels, name, noting)

    note("generate_content")
    note("generate_content_stream")
    return numbers


def signatures(request: Request) -> list[bytes]:
    """Those with which a request comes."""
    parts = [part for content in request.body["contents"] for part in content["parts"]]
    given = [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]
    return [urlsafe_b64decode(signature) for signature in given]


class Chat:
    """A conversation, and the replies that have made each of its turns."""

    def __init__(self, gemini: FakeGemini, streaming: bool) -> None:
        model = coalescing(Gemini(model="gemini-3"))
        runner = conversation(model, agent={"tools": [sky]}).runner
        self.conversation = Conversation(runner, Settings())
        self.options = Options(streaming=streaming)
        self.gemini, self.turns = gemini, list[list[Request]]()

    async def ask(self, message: str, kept: int | None = None) -> None:
        """One turn, in which all is well."""
        steps = [step for script in TURNS[message] for step in script]
        for script in TURNS[message]:
            self.gemini.enqueue(*script)
        before = len(self.gemini.requests)
        question = below(self.conversation, kept, message, options=self.options)
        transcript = await self.conversation.ask(question).finish()
        assert notices(transcript) == []
        calls = [entry.args for entry in transcript if isinstance(entry, ToolCall)]
        assert calls == [step.args for step in steps if isinstance(step, Call)]
        assert answer(transcript).endswith(("blue.", "you"))
        self.turns = [*self.turns[:kept], self.gemini.requests[before:]]

    async def undo(self) -> None:
        """Take the latest turn back."""
        await self.conversation.undo(self.conversation.turns[-1].id)
        self.turns.pop()

    def check(self) -> None:
        """Each signature that was given came back in the last request, in its place."""
        *earlier, last = [request for turn in self.turns for request in turn]
        given = [signature for request in earlier for signature in request.signed]
        assert signatures(last) == list(map(b64decode, given))


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_conversation_goes_on_turn_after_turn_and_after_undo(
    gemini: FakeGemini, handed_over: list[int], streaming: bool
) -> None:
    chat = Chat(gemini, streaming)
    for message in TURNS:
        await chat.ask(message)
        chat.check()
    await chat.undo()
    await chat.undo()
    for message, kept in (("One after the other", 2), ("No call", 1), ("One call", 2)):
        await chat.ask(message, kept)
        chat.check()
    assert sum(len(request.signed) for request in gemini.requests) > 10
    assert handed_over == [1] * len(gemini.requests)
