"""An agent that cannot be loaded: its host is told the line, and a command for what is missing."""

import re
import sys
from pathlib import Path

import pytest

from agent.chat.load_errors import how_to_install
from agent.chat.loader import LoadError, load
from tests.support.agent_folder import HELPER, Write

PIP = rf"{re.escape(sys.executable)}|\S+/python\S*"


def complaint(path: Path) -> str:
    with pytest.raises(LoadError) as caught:
        load(path)
    return str(caught.value)


def test_a_missing_package_is_told_with_its_line_and_the_command(folder: Write) -> None:
    path = folder({"agent.py": "import os\nimport not_installed_here\n" + "x = 1"})
    said = complaint(path)
    assert said.startswith(
        f"The agent in {path} could not be loaded. No module named 'not_installed_here'\n\n"
        "agent.py, line 2:\n\n    import not_installed_here\n\n"
        "Install it, and start again:\n\n    "
    )
    assert re.search(rf"({PIP}) -m pip install not-installed-here$", said)
    assert "Traceback" not in said


def test_the_agents_own_requirements_are_named(folder: Write) -> None:
    files = {
        "agent.py": "import not_installed_here_quotes",
        "requirements.txt": "# What it needs\nnot-installed-here-quotes>=1\n",
    }
    said = complaint(path := folder(files))
    assert re.search(rf"({PIP}) -m pip install -r {re.escape(str(path))}/requirements\.txt$", said)


def test_where_they_may_be_above_the_agent_or_do_not_name_it(folder: Write) -> None:
    path = folder({"agent.py": "import not_installed_here_quotes"})
    (path.parent / "requirements.txt").write_text("not-installed-here-quotes>=1\n")
    assert complaint(path).endswith(f" -m pip install -r {path.parent}/requirements.txt")
    (path / "requirements.txt").write_text("python-quotes\n")
    (path.parent / "requirements.txt").unlink()
    said = complaint(path)
    assert f" -m pip install -r {path}/requirements.txt\n\nIf that does not help: " in said
    assert said.endswith(" -m pip install not-installed-here-quotes")


def test_on_a_space_the_line_for_its_requirements_is_told(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    files = {
        "agent.py": "import not_installed_here_quotes",
        "requirements.txt": "not-installed-here-quotes>=1\n",
    }
    said = complaint(folder(files))
    assert said.endswith(
        "Add it to requirements.txt, as a line of its own:\n\n    not-installed-here-quotes>=1"
    )
    assert "pip install" not in said


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("yaml", "pyyaml"),
        ("PIL.Image", "pillow"),
        ("google.cloud.bigquery.client", "google-cloud-bigquery"),
        ("mcp", "google-adk[mcp]"),
        ("litellm", "google-adk[extensions]"),
        ("some_thing.else_", "some-thing"),
    ],
)
def test_a_package_is_named_as_it_is_called_where_it_comes_from(
    module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    assert how_to_install(module, tmp_path).endswith(f"\n\n    {package}")


def test_what_is_quoted_in_a_terminal_is_quoted(tmp_path: Path) -> None:
    assert how_to_install("mcp", tmp_path).endswith(" -m pip install 'google-adk[mcp]'")


MCP = """
    from google.adk.tools.mcp_tool import McpToolset
    from google.adk.agents import Agent
"""

LITELLM = """
    from google.adk.models.lite_llm import LiteLlm
"""


@pytest.mark.parametrize(
    ("source", "hidden", "package"),
    [(MCP, "mcp", "google-adk[mcp]"), (LITELLM, "litellm", "google-adk[extensions]")],
    ids=["mcp", "litellm"],
)
def test_what_adk_needs_for_a_part_of_its_own_is_told(
    source: str, hidden: str, package: str, folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if f".{hidden}_tool" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, hidden, None)  # As if it were not installed.
    said = complaint(folder({"agent.py": source}))
    assert "agent.py, line 2:\n\n    from google.adk." in said
    assert said.endswith(f" -m pip install '{package}'")


def test_a_failure_in_a_second_file_is_told_with_its_place_there(folder: Write) -> None:
    files = {
        "__init__.py": "",
        "agent.py": "from . import prices\n",
        "prices.py": "TABLE = {}\nFIRST = TABLE['apple']\n",
    }
    said = complaint(folder(files))
    assert "could not be loaded. KeyError: apple\n\n" in said
    assert "prices.py, line 2:\n\n    FIRST = TABLE['apple']" in said


def test_a_failure_in_a_library_is_told_from_the_agents_line_on(folder: Write) -> None:
    said = complaint(folder({"agent.py": "import json\njson.loads('{')\n"}))
    assert "agent.py, line 2:\n\n    json.loads('{')" in said
    assert re.search(r"json/__init__\.py\", line \d+, in loads", said)
    assert "importlib" not in said


@pytest.mark.parametrize("file", ["helpers.py", "helpers/__init__.py"])
def test_a_file_of_the_agents_own_is_no_package_to_install(file: str, folder: Write) -> None:
    said = complaint(folder({"agent.py": "from helpers import help_me\n", file: ""}))
    assert said.endswith("write `from .helpers import …`, or `from . import helpers`.")
    assert "pip" not in said


def test_a_variable_that_is_not_set_is_told(folder: Write) -> None:
    said = complaint(folder({"agent.py": "import os\nKEY = os.environ['NOT_SET_AT_ALL']\n"}))
    assert "could not be loaded. KeyError: NOT_SET_AT_ALL\n\nagent.py, line 2:" in said
    assert said.endswith(
        "The agent reads this from the environment: set it in .env, and start again."
    )


def test_an_agent_that_ends_the_program_is_told(folder: Write) -> None:
    said = complaint(folder({"agent.py": "import sys\nsys.exit('No database')\n"}))
    assert "could not be loaded. SystemExit: No database\n\nagent.py, line 2:" in said


def test_a_syntax_error_is_shown(folder: Write) -> None:
    said = complaint(folder({"agent.py": "x = 1\nroot_agent = = 1"}))
    assert "agent.py, line 2:\n\n    root_agent = = 1" in said


def test_an_agent_that_cannot_be_built_is_shown(folder: Write) -> None:
    source = "from google.adk.agents import Agent\nroot_agent = Agent(name='not a name')\n"
    said = complaint(folder({"agent.py": source}))
    assert "agent.py, line 2:\n\n    root_agent = Agent(name='not a name')" in said


# What loads, and will not answer


def test_a_model_that_is_not_available_is_told_at_the_start_with_its_line_and_the_command(
    folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    load(folder({"agent.py": HELPER.replace("gemini-3.5-flash", "openai/gpt-4o-mini")}))
    (said,) = caplog.messages
    assert said.startswith(
        "The agent kind_helper cannot answer: its model 'openai/gpt-4o-mini' (agent.py, line 3) is "
        "not available here. Install it, and start again:\n\n    "
    )
    assert said.endswith(" -m pip install 'google-adk[extensions]'")


def test_on_a_space_it_is_a_line_for_its_requirements(
    folder: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    load(folder({"agent.py": HELPER.replace("gemini-3.5-flash", "claude-sonnet-4")}))
    assert caplog.messages[0].endswith(
        "Add it to requirements.txt, as a line of its own:\n\n    google-adk[extensions]"
    )


def test_a_name_that_nobody_knows_is_told_too(
    folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    load(folder({"agent.py": HELPER.replace("gemini-3.5-flash", "gemni")}))
    assert "its model 'gemni' (agent.py, line 3) is not available here." in caplog.messages[0]
