"""Talks with the agent in tests: how they are begun, spoken in, and watched."""

import asyncio
from collections.abc import Callable
from typing import Any

from google.adk.agents.live_request_queue import LiveRequest
from google.genai import types

from agent.chat.conversation import Conversation
from agent.chat.live import LiveTurn, TalkOptions
from agent.core.notices import Notice
from agent.core.said import Said
from agent.core.transcript import Text, Transcript
from agent.core.visitor import Visitor
from tests.support.app_setup import outline

GEMINI_3, GEMINI_2 = "gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio"

VOICE = TalkOptions(has_voice=True, push_to_talk=True)

TYPED = TalkOptions()

OVER = Notice("talk_over")


def get_time(city: str) -> dict[str, str]:
    """The time of day."""
    return {"time": f"noon in {city}"}


def begin(chat: Conversation, options: TalkOptions) -> LiveTurn:
    return chat.talk(options, Visitor())


def speak(turn: LiveTurn, sound: bytes = b"\0\1" * 1600) -> None:
    """What a page with a button for that sends of a voice."""
    turn.send(LiveRequest(activity_start=types.ActivityStart()))
    turn.send(LiveRequest(blob=types.Blob(data=sound, mime_type="audio/pcm;rate=16000")))
    turn.send(LiveRequest(activity_end=types.ActivityEnd()))


async def until(turn: LiveTurn, *last: Any) -> None:
    """Wait until the talk ends so, as far as it has come."""
    async with asyncio.timeout(20):
        async for latest in turn.watch():
            if shown(latest)[-len(last) :] == list(last):
                return
    raise AssertionError(f"It has ended otherwise: {shown(turn.transcript)}")


def shown(transcript: Transcript) -> list[object]:
    """What a person has said in brackets, and all else as it is outlined."""
    return [f"({e.text})" if isinstance(e, Said) else outline(e) for e in transcript]


def whole(text: str) -> Callable[[Transcript], bool]:
    """Whether the latest answer is this, and all of it."""

    def is_so(transcript: Transcript) -> bool:
        last = transcript[-1] if transcript else None
        return isinstance(last, Text) and (last.text, last.state) == (text, "final")

    return is_so


async def wait_until(turn: LiveTurn, is_so: Callable[[Transcript], bool]) -> None:
    """Wait until this is so of what has been said in the talk."""
    async with asyncio.timeout(20):
        async for latest in turn.watch():
            if is_so(latest):
                return
    raise AssertionError(f"It has ended otherwise: {shown(turn.transcript)}")
