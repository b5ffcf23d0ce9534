"""Agents that wait for a person: each asks in another way, and notes in DONE what it has done."""

from typing import Any

from fastapi.openapi.models import (
    APIKey,
    APIKeyIn,
    OAuth2,
    OAuthFlowAuthorizationCode,
    OAuthFlows,
)
from google.adk import Event, Workflow
from google.adk.agents import Agent
from google.adk.auth import AuthConfig, AuthCredential, AuthCredentialTypes, OAuth2Auth
from google.adk.events.request_input import RequestInput
from google.adk.models import BaseLlm
from google.adk.tools import (
    BaseTool,
    FunctionTool,
    LongRunningFunctionTool,
    ToolContext,
    get_user_choice,
)
from google.adk.workflow import node
from google.genai import types
from pydantic import BaseModel

from tests.support.fake_gemini import Call
from tests.support.scripted_model import call

# What the tools have done: (name, values …).
DONE: list[tuple[Any, ...]] = []

# By which the boss's program answers `ask_boss`.
TICKET: dict[str, str] = {}

# What no visitor may ever see.
SECRET = "SECRET-canary-7f3a91"


def pay(amount: int, to: str) -> dict[str, str]:
    """Pay an amount to somebody."""
    DONE.append(("pay", amount, to))
    return {"status": f"paid {amount} to {to}"}


def book(place: str, tool_context: ToolContext) -> dict[str, Any]:
    """Book a room; a person may change for how many nights."""
    if not (answer := tool_context.tool_confirmation):
        tool_context.request_confirmation(hint="Shall it be booked?", payload={"nights": 2})
        tool_context.actions.skip_summarization = True
        return {"status": "waiting"}
    payload: Any = answer.payload  # Looked into also where it is declined.
    nights = payload["nights"]
    if not answer.confirmed:
        return {"status": "not booked"}
    DONE.append(("book", place, nights))
    return {"status": "booked", "nights": nights}


def spend(amount: int, tool_context: ToolContext) -> dict[str, Any]:
    """Spend an amount; more than 1,000 has to be approved by `require_confirmation`, too."""
    if not tool_context.tool_confirmation:
        tool_context.request_confirmation(hint="Shall it be spent?")
        tool_context.actions.skip_summarization = True
        return {"status": "waiting"}
    DONE.append(("spend", amount))
    return {"status": f"spent {amount}"}


def ask_boss(amount: int, tool_context: ToolContext) -> dict[str, str]:
    """Ask the boss for approval."""
    DONE.append(("ask_boss", amount))
    TICKET.update(
        user_id=tool_context.user_id,
        session_id=tool_context.session.id,
        call_id=tool_context.function_call_id or "",
    )
    return {"status": "pending", "ticket": "T-1"}


class Wipe(BaseTool):
    """A tool of a class of its own, which has to be approved."""

    def __init__(self) -> None:
        super().__init__(name="wipe", description="Delete a disk.")

    def _get_declaration(self) -> types.FunctionDeclaration:
        return types.FunctionDeclaration(name=self.name, description=self.description)

    async def check_require_confirmation(self, args: dict[str, Any], tool_context: Any) -> bool:
        return True

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> Any:
        DONE.append(("wipe",))
        return {"status": "gone"}


SIGN_IN = AuthConfig(
    auth_scheme=OAuth2(
        flows=OAuthFlows(
            authorizationCode=OAuthFlowAuthorizationCode(
                authorizationUrl="https://login.example.com/authorize",
                tokenUrl="https://login.example.com/token",
                scopes={"calendar.read": "read the calendar"},
            )
        )
    ),
    credential_key="calendar",
    raw_auth_credential=AuthCredential(
        auth_type=AuthCredentialTypes.OAUTH2,
        oauth2=OAuth2Auth(
            client_id="demo-client",
            client_secret=SECRET,
            access_token=SECRET,
            redirect_uri="http://127.0.0.1/back",
        ),
    ),
)


def next_meeting(tool_context: ToolContext) -> dict[str, Any]:
    """Look up the next meeting in the visitor's calendar."""
    if not tool_context.get_auth_response(SIGN_IN):
        tool_context.request_credential(SIGN_IN)
        return {"status": "waiting"}
    DONE.append(("next_meeting",))
    return {"meeting": "Stand-up at ten"}


# What a model says that wants to pay: a scripted one, and Gemini.
PAY = call("pay", amount=1, to="Ann")
GEMINI_PAYS = Call("pay", {"amount": 1, "to": "Ann"}, "call-1")

TOOLS: dict[str, Any] = {
    "pay": FunctionTool(pay, require_confirmation=True),
    "book": book,
    "spend": FunctionTool(spend, require_confirmation=lambda amount, **_: amount > 1_000),
    "wipe": Wipe(),
    "ask_boss": LongRunningFunctionTool(ask_boss),
    "get_user_choice": get_user_choice,
    "next_meeting": next_meeting,
}


def agent(model: str | BaseLlm, *tools: str) -> Agent:
    """An agent with these of the tools above."""
    return Agent(name="helper", model=model, tools=[TOOLS[name] for name in tools])


class Letter(BaseModel):
    """What a person says of a draft."""

    to: str
    copies: int = 1


def draft(node_input: str) -> str:
    return f"Draft about {node_input}"


def ask(node_input: str) -> Any:
    yield RequestInput(message=f"Who shall get «{node_input}»?", response_schema=Letter)


def send(node_input: Any) -> Any:
    DONE.append(("send", dict(node_input)))
    yield Event(message=f"Sent to {node_input['to']}")  # type: ignore[call-arg]


def reviewer() -> Workflow:
    """A workflow that stops to ask a person, and goes on with the reply."""
    return Workflow(name="reviewer", edges=[("START", draft, ask, send)])


KEY = AuthConfig(
    auth_scheme=APIKey.model_validate({"in": APIKeyIn.header, "name": "X-Api-Key"}),
    raw_auth_credential=AuthCredential(auth_type=AuthCredentialTypes.API_KEY, api_key=SECRET),
    credential_key="weather",
)


def _weather(ctx: Any) -> str:
    key = ctx.get_auth_response(KEY).api_key
    DONE.append(("weather", key))
    return "Sunny"


def forecaster() -> Workflow:
    """A workflow that needs a key of the visitor's."""
    weather = node(_weather, name="weather", auth_config=KEY, rerun_on_resume=True)
    return Workflow(name="forecaster", edges=[("START", weather)])
