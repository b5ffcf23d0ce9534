"""What clients of `/chat/stream` send, and the question that it is here."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, Field, StrictBool

from agent.api.body_filter import filter_body
from agent.api.uploads import SentFile
from agent.core.choices import Choices, demanded
from agent.core.notices import PlainError
from agent.core.pauses import Reply
from agent.core.question import Options, Question
from agent.core.settings import Settings
from agent.limits.rate_limits import LimitExceeded

NO_QUERY = "query: Field required."

QUERY_OR_REPLIES = "Send either query, a message, or replies to what the agent asks, not both."

NO_SESSION = "session_id: Replies need the session in which the agent asks."

UNREADABLE_REPLIES = "replies: There is something in them that cannot be taken here."

AGENT = (
    "Which agent to ask in a new session, by its name, where there are several; without one the "
    "first."
)

STREAMING = (
    "Whether the model gives its answer in pieces, or whole (ADK's StreamingMode); without it, as "
    "the host has set it."
)


OPTIONS = "How it is to be answered, as far as the host lets that be chosen."


class AskRequest(BaseModel):
    """What to ask, and in which session."""

    query: str = Field(description="What to ask the agent.")
    session_id: str | None = Field(
        None, description="The session to go on with; without one, a new session begins."
    )
    agent: str | None = Field(None, description=AGENT, max_length=200)
    streaming: bool | None = Field(None, description=STREAMING)


class GivenReply(BaseModel):
    """What a person answers to one pause."""

    approved: StrictBool = Field(description="Whether it is approved, or answered at all.")
    value: Any = Field(None, description="What is put in, chosen or changed.")
    args: dict[str, Any] | None = Field(
        None, description="The arguments for the tool that is approved, if they are changed."
    )


class PostRequest(BaseModel):
    """A message; or in its place the replies to what the agent asks."""

    query: str | None = Field(None, description="What to ask the agent.")
    session_id: str | None = Field(
        None, description="The session to go on with; without one, a new session begins."
    )
    agent: str | None = Field(None, description=AGENT, max_length=200)
    replies: dict[str, GivenReply] | None = Field(
        None, description="What a person answers, by the ids of the open pauses."
    )
    files: list[SentFile] = Field(
        [], max_length=20, description="What is sent with it: each is what `POST /files` answers."
    )
    streaming: bool | None = Field(None, description=STREAMING)
    options: Choices | None = Field(None, description=OPTIONS)


def parse_request(asked: AskRequest | PostRequest, settings: Settings) -> Question:
    """What is asked, or replied.

    Raises:
        HTTPException: 422, if it is neither or both, or cannot be read.
        LimitExceeded: if replies are too long.
    """
    longest, options = settings.max_message_length, _options(asked, settings)
    given = asked.replies if isinstance(asked, PostRequest) else None
    if given is None and asked.query is None and not getattr(asked, "files", ()):
        raise HTTPException(422, NO_QUERY)
    if given is None:
        files = getattr(asked, "files", ())
        return Question(asked.query or "", files=files, options=options)
    if asked.query is not None:
        raise HTTPException(422, QUERY_OR_REPLIES)
    if not asked.session_id:
        raise HTTPException(422, NO_SESSION)
    return Question(replies=to_replies(given, longest), options=options)


def _options(asked: AskRequest | PostRequest, settings: Settings) -> Options:
    """How it is to be answered. Whether it is streamed any program may say.

    Raises:
        HTTPException: 422, for what may not be chosen.
    """
    given = asked.options if isinstance(asked, PostRequest) else None
    chosen = given or Choices.model_validate({})
    streaming = asked.streaming if chosen.streaming is None else chosen.streaming
    try:
        options = demanded(chosen.model_copy(update={"streaming": None}), settings)
    except PlainError as error:
        raise HTTPException(422, f"options: {error.notice.text}") from None
    return replace(options, streaming=streaming)


def to_replies(given: Mapping[str, GivenReply], longest: int) -> dict[str, Reply]:
    """The replies, without what cannot be stored; all together as long as a message at the most.

    Raises:
        HTTPException: 422, if they cannot be read.
        LimitExceeded: if they are too long.
    """
    try:
        sent = json.dumps({id: reply.model_dump() for id, reply in given.items()})
        replies = json.loads(filter_body(sent.encode(), lambda _: False))
    except (ValueError, RecursionError):
        replies = {}
    if not replies:
        raise HTTPException(422, UNREADABLE_REPLIES)
    length = len(json.dumps(replies, ensure_ascii=False))
    if longest and length > longest:
        raise LimitExceeded("message_too_long", length=length, longest=longest)
    return {
        id: Reply(reply["approved"], reply["value"], args=reply["args"])
        for id, reply in replies.items()
    }
