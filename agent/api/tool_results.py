"""What a long-running tool has given in the end, from another program of the host's.

    POST /chat/result    Authorization: Bearer API_TOKEN
    {"user_id": "…", "session_id": "…", "call_id": "…", "result": {…}}

The tool knows the three ids from its context: `tool_context.user_id`, `tool_context.session.id` and
`tool_context.function_call_id`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, SecretStr

from agent.api.errors import PlainErrorRoute
from agent.api.openai import has_token
from agent.chat.agents import Agents
from agent.core.question import Question
from agent.core.text import clean
from agent.core.transcript import answer, notices
from agent.core.visitor import MAX_USER_ID
from agent.limits.rate_limits import LimitExceeded

NOTHING_WAITS = "No tool of this conversation waits for a result under this call."

IS_BUSY = "The conversation is being answered. Send this again when that is over."


class ToolResult(BaseModel):
    """The result, and of which call."""

    user_id: str = Field(description="The ADK user of the conversation.", max_length=MAX_USER_ID)
    session_id: str = Field(description="The ADK session.", max_length=100)
    call_id: str = Field(description="The call of the long-running tool.", max_length=200)
    result: dict[str, Any] = Field(description="What the tool has given in the end.")


class Told(BaseModel):  # Its name stands in /openapi.json.
    """What the agent has said to it."""

    text: str
    notices: list[str]


def router(agents: Agents, token: SecretStr) -> APIRouter:
    """`/chat/result`, for programs that show the host's token."""
    routes = APIRouter(prefix="/chat", tags=["chat"], route_class=PlainErrorRoute)
    # It puts the token into /openapi.json.
    described = HTTPBearer(auto_error=False)

    @routes.post("/result")
    async def result(
        given: ToolResult,
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Depends(described)],
    ) -> Told:
        """Give the result; the turn that has waited for it goes on, and its answer is returned."""
        if not has_token(request.scope, token):
            raise HTTPException(401, "This needs the token that the host of this agent has set.")
        active = await agents.find(given.user_id, given.session_id)
        if active is None:
            raise HTTPException(404, NOTHING_WAITS)
        if active.is_running:
            raise HTTPException(409, IS_BUSY, {"Retry-After": "5"})
        turn = active.conversation.ask(Question(results={given.call_id: given.result}))
        transcript = await turn.finish()
        if isinstance(turn.failure, LimitExceeded):
            raise turn.failure
        code = getattr(getattr(turn.failure, "notice", None), "code", "")
        if code == "answered_already":
            raise HTTPException(404, NOTHING_WAITS)
        if code in ("busy", "elsewhere"):
            raise HTTPException(409, IS_BUSY, {"Retry-After": "5"})
        return Told(text=clean(answer(transcript)), notices=notices(transcript))

    return routes
