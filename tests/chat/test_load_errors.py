"""An agent that cannot be loaded: its host is told the line, and a command for what is missing."""

import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from agent.chat.load_errors import LoadError, how_to_install
from agent.chat.loader import load
from agent.chat.setup_check import check_agent
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


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_no_command_changes_what_this_app_works_by(folder: Write, name: str) -> None:
    wanted = ["google-adk<2", "pillow<1", "not-installed-here-quotes>=1"]
    text = "\n".join(wanted) if name.endswith("txt") else f"[project]\ndependencies = {wanted}"
    path = folder({"agent.py": "import not_installed_here_quotes", name: text})
    assert complaint(path).endswith(" -m pip install 'not-installed-here-quotes>=1'")
    (path / "agent.py").write_text("import not_named_there")
    assert complaint(path).endswith(" -m pip install not-named-there")


def test_a_part_that_this_adk_does_not_have_is_no_package(folder: Write) -> None:
    said = complaint(folder({"agent.py": "from google.adk.not_there.deep import x"}))
    assert f"google-adk {version('google-adk')}, which is installed, has no such part" in said
    assert "pip install" not in said


PYPROJECT = """
    [project]
    name = "quotes"
    dependencies = [
        "pytest>=1",
        "not-installed-here-quotes[all]>=1",
        "not-installed-here-either",
        "not-for-this-machine; sys_platform == 'amiga'",
    ]
"""


def test_what_a_pyproject_asks_for_and_is_not_there_is_one_command(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"agent.py": "import not_installed_here_quotes", "pyproject.toml": PYPROJECT}
    path = folder(files)
    assert complaint(path).endswith(
        " -m pip install 'not-installed-here-quotes[all]>=1' not-installed-here-either"
    )
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    assert complaint(path).endswith("\n\n    not-installed-here-quotes[all]>=1")


def test_of_poetry_the_names_are_known(folder: Write) -> None:
    named = 'python = "^3.11"\nnot-installed-here-quotes = "^1"\nnot-installed-either = "^2"\n'
    text = f"[tool.poetry.dependencies]\n{named}"
    path = folder({"agent.py": "import not_installed_here_quotes", "pyproject.toml": text})
    assert complaint(path).endswith(
        " -m pip install not-installed-here-quotes not-installed-either"
    )


@pytest.mark.parametrize(
    "text", ["[project", "project = 1", "project.dependencies = 1", "project.dependencies = [1]"]
)
def test_a_pyproject_that_says_nothing_of_use_is_passed_over(folder: Write, text: str) -> None:
    files = {"agent.py": "import not_installed_here_quotes", "pyproject.toml": text}
    assert complaint(folder(files)).endswith(" -m pip install not-installed-here-quotes")


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
        ("litellm", "litellm>=1.84,<1.106"),
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

CLAUDE = """
    from google.adk.models import Claude
"""


@pytest.mark.parametrize(
    ("source", "hidden", "package"),
    [
        (MCP, "mcp", "google-adk[mcp]"),
        (LITELLM, "litellm", "litellm>=1.84,<1.106"),
        (CLAUDE, "anthropic", "anthropic>=0.78"),
    ],
    ids=["mcp", "litellm", "anthropic"],
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


@pytest.mark.parametrize("file", ["email.py", "email/__init__.py"])
def test_a_file_called_like_something_that_python_knows_is_found_by_a_dot(
    file: str, folder: Write
) -> None:
    said = complaint(folder({"agent.py": "from email import help_me\n", file: ""}))
    assert "Python knows something else by the name email here" in said
    assert said.endswith("write `from .email import …`. Or rename it.")


def test_what_is_not_in_a_file_of_the_agents_own_is_no_package_to_install(folder: Write) -> None:
    files = {
        "agent.py": "import loading_test_helpers.more\n",
        "loading_test_helpers/__init__.py": "",
    }
    said = complaint(folder(files))
    assert "No module named 'loading_test_helpers.more'" in said
    assert "pip" not in said


def test_what_an_agent_is_a_part_of_is_no_package_to_install(folder: Write) -> None:
    path = folder(
        {"loading_test_part/agent.py": "import loading_test_whole.loading_test_part.x\n"},
        "loading_test_whole",
    )
    said = complaint(path / "loading_test_part")
    assert said.endswith(
        f"whole is the folder {path}, of which this one is a part: start with that one."
    )


def test_a_part_of_a_package_that_others_have_parts_of_is_named(folder: Write) -> None:
    said = complaint(folder({"agent.py": "from google.cloud import no_such_service\n"}))
    assert said.endswith("pip install google-cloud-no-such-service")


@pytest.mark.parametrize("read", ["os.getenv('NOT_SET_HERE')", 'os.environ.get("NOT_SET_HERE")'])
def test_variables_without_a_default_are_told_where_the_agent_fails_by_them(
    read: str, folder: Write
) -> None:
    text = f"import os\nplace = {read}, os.getenv('SET_HERE', '')\n"
    failing = text + "if not place[0]:\n    raise ValueError('Where is it?')\n"
    said = complaint(folder({"agent.py": failing}))
    assert said.endswith(
        "agent.py reads from the environment what is not set: NOT_SET_HERE. If that is why: set it "
        "in .env, and start again."
    )


@pytest.mark.parametrize("place", ["", ".."])
def test_a_file_that_is_looked_for_elsewhere_is_told_with_where_it_is(
    place: str, folder: Write
) -> None:
    path = folder({"agent.py": "open('loading_test_words.txt')\n"})
    (there := (path / place).resolve()).joinpath("loading_test_words.txt").touch()
    said = complaint(path)
    assert f"loading_test_words.txt is in {there}, and is looked for in {Path.cwd()}" in said


def test_an_agent_that_asks_for_a_key_while_it_is_loaded_is_told_of_it(folder: Write) -> None:
    said = complaint(folder({"agent.py": "from google import genai\nclient = genai.Client()\n"}))
    assert said.endswith("needs a key: set GOOGLE_API_KEY in .env, and start again.")


def test_so_is_one_that_asks_for_a_login(folder: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # Nor is this a machine of Google's.
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    said = complaint(folder({"agent.py": "import google.auth\ngoogle.auth.default()\n"}))
    assert "Log in by `gcloud auth application-default login`" in said


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


def test_where_a_models_package_is_missing_the_offline_model_answers_and_the_host_reads_how(
    folder: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)  # As if it were not installed.
    loaded = load(folder({"agent.py": HELPER.replace("gemini-3.5-flash", "openai/gpt-4o-mini")}))
    assert (loaded.is_offline, loaded.costs, caplog.messages) == (True, False, [])
    assert loaded.no_ai.startswith(
        "Kind helper: no AI is connected, so the built-in offline model answers. A package is "
        "missing by which the agent's own AI is asked. Install it, and start again:\n\n    "
    )
    assert loaded.no_ai.endswith(" -m pip install 'litellm>=1.84,<1.106'")


def test_on_a_space_it_is_a_line_for_its_requirements(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    monkeypatch.setitem(sys.modules, "anthropic", None)
    loaded = load(folder({"agent.py": HELPER.replace("gemini-3.5-flash", "claude-sonnet-4")}))
    assert loaded.no_ai.endswith(
        "Add it to requirements.txt, as a line of its own:\n\n    anthropic>=0.78"
    )


def test_a_name_that_nobody_knows_is_told_too(
    folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    load(folder({"agent.py": HELPER.replace("gemini-3.5-flash", "gemni")}))
    assert "its model 'gemni' (agent.py, line 3) is not available here." in caplog.messages[0]


def test_that_an_agent_does_not_go_by_the_hosts_model_is_told(
    folder: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    monkeypatch.setenv("MODEL", "offline")
    load(path := folder({"agent.py": HELPER}))
    assert caplog.messages == [
        "MODEL is set, and changes nothing here: it is for the agent that comes with this project, "
        "and this one names its model itself. Name the model you want in the agent's own file; or "
        'write model=os.environ["MODEL"] there.'
    ]
    caplog.clear()
    (path / "settings.py").write_text('import os\nMODEL = os.getenv("MODEL")\n')
    load(path)
    load()  # The one that comes with it.
    monkeypatch.setenv("MODEL", "gemini-3.5-flash")
    (path / "settings.py").unlink()
    load(path)
    assert caplog.messages == []


def test_what_stands_there_by_almost_the_name_that_counts_is_told(
    folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    nearly = "EXAMPLE = ['Hi']\n    examples = 'Hi'\n    EXAMPELS = ['Hi']\n    State = {}\n"
    path = folder({"agent.py": f"{HELPER}    {nearly}    LOOKS = {{'accent': 'navy'}}\n"})
    asked = "is a name that nothing reads. Did you mean"
    told = [
        f"EXAMPLE (agent.py, line 4) {asked} EXAMPLES?",
        f"examples (agent.py, line 5) {asked} EXAMPLES?",
        f"EXAMPELS (agent.py, line 6) {asked} EXAMPLES?",
        f"State (agent.py, line 7) {asked} STATE?",
        f"LOOKS (agent.py, line 8) {asked} LOOK?",
    ]
    loaded = load(path)
    assert (caplog.messages, list(loaded.misspelled)) == (told, told)
    check = check_agent(loaded)
    assert (check.verdict, check.cure) == ("wrong", "Did you mean EXAMPLES?")


OWN_NAMES = {
    "used in the same file": {"agent.py": f"{HELPER}    EXAMPLE = 'x'\n    print(EXAMPLE)\n"},
    "used in another": {
        "agent.py": f"{HELPER}    VARIANT = 'x'\n    from . import tools\n",
        "tools.py": "def tell():\n    from .agent import VARIANT\n",
    },
    "beside the right one": {"agent.py": f"{HELPER}    LOOK = {{}}\n    LOOKS = ['a']\n"},
    "not so near": {
        "agent.py": f"{HELPER}    BOOK = STATUS = WINNER = SEASONS = LOCK = REASONING = 'x'\n"
    },
    "no value": {"agent.py": f"{HELPER}    def look():\n        'A tool.'\n    REASON = 7\n"},
}


@pytest.mark.parametrize("files", OWN_NAMES.values(), ids=OWN_NAMES)
def test_what_an_owner_has_for_the_agent_itself_is_not(
    files: dict[str, str], folder: Write, caplog: pytest.LogCaptureFixture
) -> None:
    load(folder(files))
    assert caplog.messages == []
