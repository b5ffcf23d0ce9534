"""The agent that all who are measured serve: nothing but a model."""

from google.adk.agents import Agent

root_agent = Agent(name="talker", description="Talks.", model="gemini-3.5-flash")
