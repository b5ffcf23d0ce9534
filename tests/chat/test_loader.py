"""From a folder to a Runner: every form that `adk web` accepts, and its model."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.adk.agents import LlmAgent
from google.adk.cli.utils import envs
from google.adk.models import BaseLlm

from agent.agent import EXAMPLES
from agent.chat.conversation import Conversation
from agent.chat.load_errors import LoadError
from agent.chat.loader import OUR_AGENT, LoadedAgent, load
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.models.coalescing import CoalescingModel
from agent.models.offline import WHAT_I_AM, OfflineModel
from tests.support.agent_folder import HELPER, Write
from tests.support.app_setup import say

pytestmark = pytest.mark.usefixtures("clean_imports")


def models(loaded: LoadedAgent) -> dict[str, str | BaseLlm]:
    """The model of each agent, by name."""
    return dict(_models(loaded.runner.app.root_agent if loaded.runner.app else None))


def _models(node: object) -> Iterator[tuple[str, str | BaseLlm]]:
    if isinstance(node, LlmAgent):
        yield node.name, node.model
    tools = [getattr(tool, "agent", None) for tool in getattr(node, "tools", [])]
    nodes = getattr(getattr(node, "graph", None), "nodes", [])
    for child in (*getattr(node, "sub_agents", []), *tools, *nodes):
        yield from _models(child)


def talk(loaded: LoadedAgent) -> Conversation:
    """A conversation with what was loaded, without the offline model's pauses."""
    for model in models(loaded).values():
        if isinstance(model, OfflineModel):
            model.delay = 0
    return Conversation(loaded.runner, Settings())


def offline(loaded: LoadedAgent) -> dict[str, bool]:
    return {name: isinstance(model, OfflineModel) for name, model in models(loaded).items()}


# Old forms of an agent, which ADK still accepts.
deprecated = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")


# The forms

FORMS = {
    "agent.py": {"agent.py": HELPER},
    "agent.py in a package": {"__init__.py": "from . import agent", "agent.py": HELPER},
    "__init__.py": {"__init__.py": HELPER},
    "App": {
        "agent.py": HELPER + "    from google.adk.apps import App\n"
        "    app = App(name='another_name', root_agent=root_agent)\n"
    },
    "root_agent.yaml": {
        "root_agent.yaml": """
            name: kind_helper
            model: gemini-3.5-flash
            description: Helps.
            instruction: Help.
        """
    },
}


@deprecated
@pytest.mark.parametrize("files", FORMS.values(), ids=FORMS)
def test_an_agent_is_found_in_every_form(files: dict[str, str], folder: Write) -> None:
    path = folder(files)
    loaded = load(path)
    assert (loaded.title, loaded.description, loaded.examples) == ("Kind helper", "Helps.", ())
    assert loaded.runner.app_name == path.name
    assert (offline(loaded), loaded.is_offline) == ({"kind_helper": True}, True)


@deprecated
@pytest.mark.parametrize("files", FORMS.values(), ids=FORMS)
async def test_an_agent_of_every_form_answers(files: dict[str, str], folder: Write) -> None:
    told = await say(talk(load(folder(files))), "/think")
    assert answer(told) == f"{WHAT_I_AM}I have thought about it."


def test_an_app_keeps_what_its_owner_set(folder: Write) -> None:
    loaded = load(folder(FORMS["App"]))
    assert loaded.runner.app
    assert loaded.runner.app.name == "another_name"


def test_the_agent_on_show_is_the_default() -> None:
    loaded = load()
    assert (loaded.title, loaded.examples) == ("Chat assistant", EXAMPLES)
    assert loaded.runner.app_name == OUR_AGENT.name == "agent"
    assert offline(loaded) == {"chat_assistant": True, "tutor": True}


def test_examples_are_found_beside_the_agent(folder: Write) -> None:
    files = {"agent.py": HELPER + "    EXAMPLES = ['Hello', 'What time is it?']\n"}
    assert load(folder(files)).examples == ("Hello", "What time is it?")


def test_examples_are_found_in_the_package(folder: Write) -> None:
    files = {"__init__.py": HELPER + "    EXAMPLES = ('Hello',)\n"}
    assert load(folder(files)).examples == ("Hello",)


def test_an_agent_may_have_no_description(folder: Write) -> None:
    plain = "from google.adk.agents import Agent\nroot_agent = Agent(name='_a_')\n"
    loaded = load(folder({"agent.py": plain}))
    assert (loaded.title, loaded.description) == ("A", "")


# Its models

TREES = {
    "sub-agents": """
        from google.adk.agents import Agent
        inner = Agent(name="inner", model="gemini-2.5-pro")
        root_agent = Agent(name="outer", model="gemini-3.5-flash", sub_agents=[inner])
    """,
    "AgentTool": """
        from google.adk.agents import Agent
        from google.adk.tools.agent_tool import AgentTool
        inner = Agent(name="inner", model="gemini-2.5-pro")
        root_agent = Agent(name="outer", model="gemini-3.5-flash", tools=[AgentTool(inner)])
    """,
    "SequentialAgent": """
        from google.adk.agents import Agent, ParallelAgent, SequentialAgent
        inner = Agent(name="inner", model="gemini-2.5-pro")
        outer = Agent(name="outer", model="gemini-3.5-flash")
        both = ParallelAgent(name="both", sub_agents=[inner, outer])
        root_agent = SequentialAgent(name="steps", sub_agents=[both])
    """,
    "Workflow": """
        from google.adk.agents import Agent
        from google.adk.workflow import START, Workflow
        inner = Agent(name="inner", model="gemini-2.5-pro")
        outer = Agent(name="outer", model="gemini-3.5-flash")
        root_agent = Workflow(name="steps", edges=[(START, outer, inner)])
    """,
    "Workflow in a Workflow": """
        from google.adk.agents import Agent
        from google.adk.workflow import START, Workflow
        inner = Agent(name="inner", model="gemini-2.5-pro")
        outer = Agent(name="outer", model="gemini-3.5-flash")
        nested = Workflow(name="nested", edges=[(START, inner)])
        root_agent = Workflow(name="steps", edges=[(START, outer, nested)])
    """,
}


@deprecated
@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_every_gemini_of_a_tree_without_credentials_goes_offline(tree: str, folder: Write) -> None:
    loaded = load(folder({"agent.py": tree}))
    assert offline(loaded) == {"inner": True, "outer": True}
    assert loaded.is_offline


@deprecated
@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_with_a_key_every_model_stays(
    tree: str, folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    loaded = load(folder({"agent.py": tree}))
    assert models(loaded) == {"inner": "gemini-2.5-pro", "outer": "gemini-3.5-flash"}
    assert not loaded.is_offline


@deprecated
@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_a_server_has_every_models_answer_merged(
    tree: str, folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    merged = models(load(folder({"agent.py": tree}), coalesce=True))
    kinds = [
        (type(model).__name__, isinstance(model, CoalescingModel)) for model in merged.values()
    ]
    assert kinds == [("Gemini", True)] * 2


@deprecated
@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
async def test_every_tree_answers(tree: str, folder: Write) -> None:
    loaded = load(folder({"agent.py": tree}))
    assert "I have thought about it." in answer(await say(talk(loaded), "/think"))


def test_an_inherited_model_is_the_parents(folder: Write) -> None:
    tree = """
        from google.adk.agents import Agent
        inner = Agent(name="inner")
        root_agent = Agent(name="outer", model="gemini-3.5-flash", sub_agents=[inner])
    """
    loaded = load(path := folder({"agent.py": tree}))
    inner = sys.modules[f"{path.name}.agent"].inner
    assert isinstance(inner.canonical_model, OfflineModel)
    assert (loaded.is_offline, loaded.costs) == (True, False)


def test_so_is_one_that_nobody_knows(folder: Write, caplog: pytest.LogCaptureFixture) -> None:
    tree = """
        from google.adk.agents import Agent
        inner = Agent(name="inner")
        root_agent = Agent(name="outer", model="no-such-model", sub_agents=[inner])
    """
    assert not load(folder({"agent.py": tree})).is_offline
    assert "its model 'no-such-model' (agent.py, line 4) is not available here." in caplog.text


async def test_a_model_of_the_owners_own_stays(folder: Write) -> None:
    own = """
        from google.adk.agents import Agent
        from google.adk.models import BaseLlm, LlmResponse
        from google.genai import types

        class Parrot(BaseLlm):
            async def generate_content_async(self, llm_request, stream=False):
                yield LlmResponse(content=types.ModelContent("Polly!"))

        root_agent = Agent(name="parrot", model=Parrot(model="parrot"))
    """
    loaded = load(folder({"agent.py": own}))
    assert answer(await say(talk(loaded), "Hi")) == "Polly!"
    assert not loaded.is_offline


@pytest.mark.parametrize("model", ['"offline"', "OfflineModel()"])
def test_an_agent_that_is_offline_by_choice_says_so(model: str, folder: Write) -> None:
    chosen = f"""
        from google.adk.agents import Agent
        from agent.offline import OfflineModel
        root_agent = Agent(name="a", model={model})
    """
    assert load(folder({"agent.py": chosen})).is_offline


def test_a_gemini_with_a_key_of_its_own_stays(folder: Write) -> None:
    keyed = """
        from google.adk.agents import Agent
        from google.adk.models import Gemini
        root_agent = Agent(name="a", model=Gemini(client_kwargs={"api_key": "k"}))
    """
    assert not load(folder({"agent.py": keyed})).is_offline


# Its environment


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let ADK read `.env`, and put the environment back afterwards."""
    before = dict(os.environ)
    monkeypatch.delenv("ADK_DISABLE_LOAD_DOTENV")
    envs._get_explicit_env_keys.cache_clear()  # What is set now is what was set at the start.
    yield
    envs._get_explicit_env_keys.cache_clear()
    for name in set(os.environ) - set(before):
        del os.environ[name]


READS = """
    import os
    from google.adk.agents import Agent
    root_agent = Agent(name="a", model="gemini-3.5-flash", description=os.environ["LOADING_TEST"])
"""


@pytest.mark.usefixtures("variables")
def test_the_env_file_beside_the_agent_is_read_before_it(folder: Write) -> None:
    env = "LOADING_TEST=from the file\nGOOGLE_API_KEY=a-key\n"
    loaded = load(folder({"agent.py": READS, ".env": env}))
    assert (loaded.description, loaded.is_offline) == ("from the file", False)


@pytest.mark.usefixtures("variables")
def test_the_apps_own_env_file_is_read_for_any_agent(
    folder: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own := tmp_path / "app" / "agent").mkdir(parents=True)
    (tmp_path / "app" / ".env").write_text("LOADING_TEST=from the app\nGOOGLE_API_KEY=a-key\n")
    monkeypatch.setattr("agent.chat.loader.OUR_AGENT", own)
    loaded = load(folder({"agent.py": READS}))
    assert (loaded.description, loaded.is_offline) == ("from the app", False)
    mine = {"agent.py": READS, ".env": "LOADING_TEST=from the agent\n"}
    loaded = load(folder(mine, "loading_test_with_an_env_file"))
    assert (loaded.description, loaded.is_offline) == ("from the agent", False)


@pytest.mark.usefixtures("variables")
def test_an_env_file_above_the_agent_is_read_too(folder: Write, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOADING_TEST=from above\n")
    assert load(folder({"agent.py": READS})).description == "from above"


@pytest.mark.usefixtures("variables")
def test_the_environment_wins_over_the_file(folder: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADING_TEST", "from outside")
    path = folder({"agent.py": READS, ".env": "LOADING_TEST=from the file\n"})
    assert load(path).description == "from outside"


# Where there is no agent


def complaint(path: Path) -> str:
    with pytest.raises(LoadError) as caught:
        load(path)
    return str(caught.value)


# Names that Python knows something else by: of this app, of its tests, of Python, of a package that
# is imported, and of one that is not yet.
TAKEN = ["agent", "app", "tests", "email", "limits", "wheel"]

AT_HOME = {
    "agent.py": """
        import os
        from pathlib import Path
        from google.adk.agents import Agent
        from .words import HELPS
        text = (Path(__file__).parent / "about.txt").read_text()
        description = f"{HELPS} {text} {os.environ['LOADING_TEST_PLACE']}"
        root_agent = Agent(name="kind_helper", model="gemini-3.5-flash", description=description)
        EXAMPLES = ["Hello"]
    """,
    "words.py": "HELPS = 'Helps'",
    "about.txt": "with",
    ".env": "LOADING_TEST_PLACE=everything",
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_folder_may_be_called_like_something_that_python_knows(
    folder: Write, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADK_DISABLE_LOAD_DOTENV", "0")
    known = dict(sys.modules)
    loaded = load(folder({**AT_HOME, "__init__.py": ""}, name))
    assert (loaded.description, loaded.examples) == ("Helps with everything", ("Hello",))
    assert loaded.runner.app_name == name
    assert all(sys.modules[known_name] is module for known_name, module in known.items())
    monkeypatch.delenv("LOADING_TEST_PLACE")


@deprecated
def test_so_may_one_with_a_yaml_file(folder: Write) -> None:
    yaml = "name: kind_helper\nmodel: gemini-3.5-flash\ndescription: Helps.\ninstruction: Help.\n"
    assert load(folder({"root_agent.yaml": yaml}, "agent")).description == "Helps."


def test_what_fails_in_such_a_folder_is_told_by_its_own_place(folder: Write) -> None:
    said = complaint(path := folder({"agent.py": "import os\n1 / 0\n"}, "tests"))
    assert said.startswith(f"The agent in {path} could not be loaded. ")
    assert "agent.py, line 2:\n\n    1 / 0" in said


def test_such_a_folder_that_imports_itself_by_its_name_is_told_of_the_dot(folder: Write) -> None:
    said = complaint(
        folder({"agent.py": "from agent.words import HELPS\n", "words.py": ""}, "agent")
    )
    assert "Python knows something else by the name agent here" in said
    assert "write `from .words import …`" in said


@deprecated
@pytest.mark.parametrize("file", ["agent.py", "__init__.py", "root_agent.yaml"])
def test_the_file_itself_may_be_named(folder: Write, file: str) -> None:
    yaml = "name: kind_helper\nmodel: gemini-3.5-flash\ndescription: Helps.\ninstruction: Help.\n"
    path = folder({file: yaml if file.endswith("yaml") else HELPER})
    assert load(path / file).description == "Helps."


def test_an_agents_files_find_each_other_without_a_dot(folder: Write) -> None:
    """As under `adk run` and `adk web FOLDER`."""
    files = {
        "agent.py": "from loading_test_parts.first import root_agent",
        "loading_test_parts/first.py": HELPER + "    from loading_test_second import HELPS\n",
        "loading_test_second.py": "HELPS = 'Helps.'",
    }
    assert load(folder(files)).description == "Helps."


@pytest.mark.parametrize("name", ["loading_test_alone", "email"])
def test_a_file_of_another_name_may_hold_a_whole_agent(folder: Write, name: str) -> None:
    path = folder({f"{name}.py": HELPER + "    EXAMPLES = ['Hello']\n"}) / f"{name}.py"
    loaded = load(path)
    assert (loaded.description, loaded.examples) == ("Helps.", ("Hello",))
    assert loaded.runner.app_name == name


def test_of_a_folder_of_agents_each_is_named(folder: Write, tmp_path: Path) -> None:
    folder({"agent.py": HELPER}, "one")
    folder({"root_agent.yaml": ""}, "other")
    folder({"readme.txt": ""}, "third")
    assert complaint(tmp_path) == (
        f"{tmp_path} holds no agent itself, but folders with one each. Name one of them: "
        f"{tmp_path}/one, {tmp_path}/other"
    )


def test_an_agent_as_adk_create_makes_it_is_called_as_its_folder(folder: Write) -> None:
    path = folder({"agent.py": HELPER.replace("kind_helper", "root_agent")}, "loading_test_sky")
    assert load(path).title == "Loading test sky"


def test_the_page_takes_the_agent_that_a_variable_names(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:

    from agent.page.loading import load_agents  # Here, because it imports Gradio.

    monkeypatch.setenv("AGENT", f" {folder({'agent.py': HELPER})} ")
    assert load_agents([]).first.loaded.description == "Helps."
    assert load_agents([str(OUR_AGENT)]).first.loaded.title == "Chat assistant"
    with pytest.raises(SystemExit, match=r"here are one and two\. To show several agents, name"):
        load_agents(["one", "two"])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    assert complaint(path) == (f"There is no folder {path}. Name the folder that holds agent.py.")


def test_another_file_is_no_folder(folder: Write) -> None:
    path = folder({"agent.py": HELPER, "readme.txt": ""}) / "readme.txt"
    assert complaint(path).endswith("Name the folder that holds agent.py.")


AGENT = """
    from google.adk.agents import Agent
    from google.adk.apps import App
    agent = Agent(name="helper", model="gemini-3.5-flash")
"""

WHOLE = """

    from google.adk.agents import Agent

    root_agent = Agent(name="helper", model="gemini-3.5-flash")"""

NO_AGENTS = {
    "nothing": (
        {},
        f"It has no agent.py. Name a folder that has one, or write one there, such as:{WHOLE}",
    ),
    "another file": (
        {"main.py": HELPER},
        "It has no agent.py. Name the file that the agent is in: {path}/main.py",
    ),
    "an empty file": ({"agent.py": ""}, f"agent.py makes no agent. Write one there:{WHOLE}"),
    "another name": (
        {"agent.py": AGENT, "__init__.py": "from . import agent\n"},
        "agent.py has an agent by the name agent (agent.py, line 4), and ADK looks for root_agent. "
        "Rename it, or add a line at the end of agent.py:\n\n    root_agent = agent",
    ),
    "an App by another name": (
        {"agent.py": f'{AGENT}    mine = App(name="mine", root_agent=agent)\n'},
        "agent.py has an App by the name mine (agent.py, line 5), and ADK looks for app. "
        "Rename it, or add a line at the end of agent.py:\n\n    app = mine",
    ),
    "an App by an agent's name": (
        {"agent.py": f'{AGENT}    root_agent = App(name="mine", root_agent=agent)\n'},
        "root_agent in agent.py, line 5 is an App, by ADK's rules to be called app. Rename it.",
    ),
    "no agent by that name": (
        {"agent.py": "root_agent = 'me'"},
        f"root_agent in agent.py, line 1 is no agent, but of the kind str. Write one:{WHOLE}",
    ),
}


@pytest.mark.parametrize(("files", "said"), NO_AGENTS.values(), ids=NO_AGENTS)
@pytest.mark.filterwarnings("error")
def test_where_no_agent_is_found_its_host_is_told_what_to_write(
    files: dict[str, str],
    said: str,
    folder: Write,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # By which other tests run without ADK's warnings of its own parts.
    monkeypatch.delenv("ADK_SUPPRESS_EXPERIMENTAL_FEATURE_WARNINGS")
    path = folder(files)
    told = f"The agent in {path} could not be loaded. {said.replace('{path}', str(path))}"
    assert complaint(path) == told
    assert caplog.messages == []  # Nor does ADK say anything.


def test_a_syntax_error_is_told_with_its_place(folder: Write) -> None:
    said = complaint(folder({"agent.py": "x = 1\nroot_agent = = 1"}))
    assert re.search(r"invalid syntax \(agent\.py, line 2\)", said)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("1 / 0", "division by zero"),
        ("import os; os.environ['NOT_SET_AT_ALL']", "NOT_SET_AT_ALL"),
        ("raise RuntimeError", "RuntimeError"),
    ],
)
def test_an_agent_that_fails_on_import_is_told_why(text: str, reason: str, folder: Write) -> None:
    path = folder({"agent.py": text})
    said = complaint(path)
    assert said.startswith(f"The agent in {path} could not be loaded. ")
    assert reason in said


def test_where_no_links_can_be_made_such_a_folder_is_to_be_renamed(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError  # As Windows does for most users.

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert "Rename it" in complaint(folder({"agent.py": HELPER}, "json"))


@pytest.mark.parametrize("name", ["loading-test", "loading test", "loading_test.x"])
def test_a_name_that_is_no_identifier_is_told_what_may_be_in_it(name: str, folder: Write) -> None:
    said = complaint(folder({"agent.py": HELPER}, name))
    assert "letters, digits, and underscores only" in said
