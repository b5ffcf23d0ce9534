"""One agent of each kind that ADK takes: the files of its folder, by the folder's name."""

from tests.support.app_setup import GEMINI

PLAIN = f"""
    from google.adk.agents import Agent
    root_agent = Agent(name="helper", model="{GEMINI}", instruction="Help.")
"""

YAML = f"""
    name: helper
    model: {GEMINI}
    instruction: Help as a file says.
    sub_agents:
      - config_path: second.yaml
"""

SECOND_YAML = f"""
    name: second
    model: {GEMINI}
    description: Is asked second.
    instruction: Help second.
"""

APP = f"""
    from google.adk.agents import Agent
    from google.adk.apps import App
    from google.adk.plugins import BasePlugin
    from google.adk.plugins.global_instruction_plugin import GlobalInstructionPlugin

    class Temperature(BasePlugin):
        async def before_model_callback(self, *, callback_context, llm_request):
            llm_request.config.temperature = 0.25

    root = Agent(name="helper", model="{GEMINI}", instruction="Help.")
    app = App(
        name="loading_test_app",
        root_agent=root,
        plugins=[GlobalInstructionPlugin("Be kind."), Temperature(name="temperature")],
    )
"""

TREE = f"""
    from google.adk.agents import Agent
    from google.adk.tools.agent_tool import AgentTool

    def count(words: str) -> int:
        '''Count words.'''
        return len(words.split())

    second = Agent(name="second", model="{GEMINI}", description="Is asked second.", tools=[count])
    asked = Agent(name="asked", model="{GEMINI}", description="Is asked as a tool.")
    root_agent = Agent(
        name="helper", model="{GEMINI}", sub_agents=[second], tools=[AgentTool(asked), count]
    )
"""

SEQUENCE = f"""
    from google.adk.agents import Agent, LoopAgent, SequentialAgent

    first = Agent(name="first", model="{GEMINI}", instruction="Answer.")
    second = Agent(name="second", model="{GEMINI}", instruction="Make it short.")
    again = LoopAgent(name="again", sub_agents=[second], max_iterations=2)
    root_agent = SequentialAgent(name="helper", sub_agents=[first, again])
"""

OWN_CLASS = f"""
    from google.adk.agents import Agent, BaseAgent

    class Holder(BaseAgent):
        helper: Agent

        async def _run_async_impl(self, ctx):
            async for event in self.helper.run_async(ctx):
                yield event

    held = Agent(name="helper", model="{GEMINI}", instruction="Help.")
    root_agent = Holder(name="holder", helper=held)
"""

WORKFLOW = f"""
    from google.adk import Agent, Event, Workflow

    first = Agent(name="first", model="{GEMINI}", instruction="Answer.", output_key="said")
    second = Agent(name="second", model="{GEMINI}", instruction="Make it short: {{said}}")

    def end(node_input):
        yield Event(message="That was all.")

    root_agent = Workflow(name="helper", edges=[("START", first, second, end)])
"""

# Eighteen files of tools, each with a helper of the next one's, and two more.
MANY = {
    "__init__.py": "from .agent import root_agent",
    "agent.py": f"""
        from google.adk.agents import Agent
        from .tools.tool_0 import tool_0
        from loading_test_many.tools.tool_1 import tool_1
        root_agent = Agent(name="helper", model="{GEMINI}", tools=[tool_0, tool_1])
    """,
    **{
        f"tools/tool_{n}.py": f"""
            from .tool_{n + 1} import tool_{n + 1}

            def tool_{n}(word: str) -> str:
                '''The tool of file {n}.'''
                return tool_{n + 1}(word)
        """
        for n in range(17)
    },
    "tools/tool_17.py": "def tool_17(word: str) -> str:\n    return word",
}

FILES = f"""
    from pathlib import Path
    from google.adk.agents import Agent
    from loading_test_files.words import HELP

    here = Path(__file__).parent
    told = [(here / "prompts" / "role.txt").read_text(), (here / "more.md").read_text()]
    root_agent = Agent(name="helper", model="{GEMINI}", instruction=" ".join([HELP, *told]))
"""

KINDS: dict[str, dict[str, str]] = {
    "agent": {"__init__.py": "from . import agent", "agent.py": PLAIN},
    "app": {"agent.py": PLAIN},
    "tests": {"__init__.py": PLAIN},
    "loading_test_yaml": {"root_agent.yaml": YAML, "second.yaml": SECOND_YAML},
    "loading_test_app": {"agent.py": APP},
    "loading_test_tree": {"agent.py": TREE},
    "loading_test_sequence": {"agent.py": SEQUENCE},
    "loading_test_own_class": {"agent.py": OWN_CLASS},
    "loading_test_workflow": {"agent.py": WORKFLOW},
    "loading_test_many": MANY,
    "loading_test_files": {
        "agent.py": FILES,
        "words.py": "HELP = 'Help'",
        "prompts/role.txt": "as you can,",
        "more.md": "and more.",
    },
}
