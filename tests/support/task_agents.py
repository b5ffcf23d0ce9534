"""Agents whose work goes over several messages, or stops within a tool: ADK's task mode, and a node
that is called as a tool. They note in `waiting_agents.DONE` what they have done."""

from typing import Any

from google.adk.agents import Agent
from google.adk.events.request_input import RequestInput
from google.adk.models import BaseLlm
from google.adk.tools import FunctionTool
from google.adk.workflow import node
from pydantic import BaseModel

from tests.support import waiting_agents


class Order(BaseModel):
    """What is ordered."""

    food: str


def waiter(model: str | BaseLlm) -> Agent:
    """An agent that has another one ask for an order, which may have to be approved."""
    orders = Agent(
        name="orders",
        description="Takes an order.",
        model=model,
        mode="task",
        output_schema=Order,
        tools=[FunctionTool(waiting_agents.pay, require_confirmation=True)],
    )
    return Agent(name="waiter", model=model, sub_agents=[orders])


def _discount(tier: str, ctx: Any) -> Any:
    """Work out a discount, for which somebody is asked."""
    if not (said := ctx.resume_inputs.get("discount")):
        yield RequestInput(
            interrupt_id="discount", message=f"A discount for {tier}?", response_schema=None
        )
        return
    waiting_agents.DONE.append(("discount", tier, said))
    yield f"discount: {said}"


discount: Any = node(_discount, name="discount", rerun_on_resume=True)


def seller(model: str | BaseLlm) -> Agent:
    """An agent with that node as its tool."""
    return Agent(name="seller", model=model, tools=[discount])
