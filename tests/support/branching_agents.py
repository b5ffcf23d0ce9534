"""Agents that answer at the same time, and one after them."""

from google.adk.agents import Agent, ParallelAgent, SequentialAgent

from tests.support.scripted_model import scripted, thought

LONG = [f"{number} " for number in range(30)]


def guide() -> SequentialAgent:
    """Rome begins first and ends last."""
    rome = Agent(name="rome", model=scripted((thought("Hm."), *LONG)))
    oslo = Agent(name="oslo", model=scripted(("Oslo:\n\n    cold",)))
    cities = ParallelAgent(name="cities", sub_agents=[rome, oslo])
    end = Agent(name="summary", model=scripted(("Both are capitals.",)))
    return SequentialAgent(name="guide", sub_agents=[cities, end])
