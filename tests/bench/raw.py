"""google-genai, or ADK's Runner, with nothing around it, in a process of its own.

Each line on its standard input is a question, {"id", "chat", "message"}; each line of its output an
answer, {"id", "first", "lags"}.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Any

from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import Client, types

from tests.bench.agents.talker import root_agent
from tests.bench.stamps import Answer

# The pieces of the answer, in this chat, to this message.
Talk = Callable[[str, str], AsyncIterator[str]]


def genai() -> Talk:
    """google-genai; each of its chats is new."""
    client = Client()

    async def talk(_: str, message: str) -> AsyncIterator[str]:
        model = str(root_agent.model)
        async for piece in await client.aio.models.generate_content_stream(
            model=model, contents=message
        ):
            yield piece.text or ""

    return talk


def adk() -> Talk:
    """ADK's Runner, with sessions in memory."""
    sessions = InMemorySessionService()
    runner = Runner(app_name="raw", agent=root_agent, session_service=sessions)
    config = RunConfig(streaming_mode=StreamingMode.SSE)

    async def talk(chat: str, message: str) -> AsyncIterator[str]:
        if not await sessions.get_session(app_name="raw", user_id=chat, session_id=chat):
            await sessions.create_session(app_name="raw", user_id=chat, session_id=chat)
        asked = types.UserContent(message)
        async for event in runner.run_async(
            user_id=chat, session_id=chat, new_message=asked, run_config=config
        ):
            if event.partial and event.content and event.content.parts:
                yield event.content.parts[0].text or ""

    return talk


async def answer(talk: Talk, asked: dict[str, Any]) -> None:
    """Answer one question."""
    seen = Answer(asked["asked"])
    async for piece in talk(asked["chat"], asked["message"]):
        seen.see_more(piece)
    print(json.dumps({"id": asked["id"], **asdict(seen)}), flush=True)  # noqa: T201


async def serve(talk: Talk) -> None:
    """Answer each question as soon as it comes, until standard input ends."""
    print("Running on standard input", flush=True)  # noqa: T201
    async with asyncio.TaskGroup() as answers:
        while line := await asyncio.to_thread(sys.stdin.readline):
            answers.create_task(answer(talk, json.loads(line)))


if __name__ == "__main__":
    asyncio.run(serve({"genai": genai, "adk": adk}[sys.argv[1]]()))
