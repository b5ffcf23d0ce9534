"""What clients of `/chat/stream` send, made into a `Question`."""

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


def parse_request(body: AskRequest | PostRequest, settings: Settings) -> Question:
    """The question or the replies of a request.

    Raises:
        HTTPException: 422, if the request has neither or both, or cannot be read.
        LimitExceeded: if replies are too long.
    """
    longest, options = settings.max_message_length, _options(body, settings)
    given = body.replies if isinstance(body, PostRequest) else None
    if given is None and body.query is None and not getattr(body, "files", ()):
        raise HTTPException(422, NO_QUERY)
    if given is None:
        files = getattr(body, "files", ())
        return Question(body.query or "", files=files, options=options)
    if body.query is not None:
        raise HTTPException(422, QUERY_OR_REPLIES)
    if not body.session_id:
        raise HTTPException(422, NO_SESSION)
    return Question(replies=to_replies(given, longest), options=options)


def _options(body: AskRequest | PostRequest, settings: Settings) -> Options:
    """How the question is to be answered. Any program may say whether the model streams.

    Raises:
        HTTPException: 422, for an option that may not be chosen.
    """
    given = body.options if isinstance(body, PostRequest) else None
    chosen = given or Choices.model_validate({})
    streaming = body.streaming if chosen.streaming is None else chosen.streaming
    try:
        options = demanded(chosen.model_copy(update={"streaming": None}), settings)
    except PlainError as error:
        raise HTTPException(422, f"options: {error.notice.text}") from None
    return replace(options, streaming=streaming)


def to_replies(given: Mapping[str, GivenReply], longest: int) -> dict[str, Reply]:
    """The replies without characters that cannot be stored.

    Args:
        given: The replies, by the ids of the pauses.
        longest: Characters that all of them may have as JSON; 0 for any number.

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
