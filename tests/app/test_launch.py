"""The page in one line, for an agent that a script has made."""

import ast
import sys
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from agent.chat.load_errors import LoadError
from agent.chat.loader import load_object
from tests.support.app_process import ROOT, free_port, served
from tests.support.sse_client import ask, said

pytestmark = pytest.mark.slow

DOUBLER = """
    from google.adk.agents import Agent
    from agent import launch

    EXAMPLES = ["Hello, doubler"]
    LOOK = {"accent": "navy", "logo": "missing.svg"}

    def double(number: int) -> int:
        '''Double a number.'''
        return 2 * number

    agent = Agent(name="doubler", model="gemini-3.5-flash", description="Doubles.", tools=[double])
"""


def script(folder: Path, *blocks: str) -> list[str]:
    """The command that runs a script of these lines."""
    (folder / "script.py").write_text("\n".join(map(dedent, blocks)))
    return ["env", "-C", str(folder), sys.executable, "script.py"]


def answer(url: str, query: str) -> str:
    """All words of an answer."""
    told = said(ask(url, query))
    return "".join(data["text"] for name, data in told if name == "message" and data != "[DONE]")


def test_a_script_of_a_few_lines_serves_its_agent_with_all_that_the_page_has(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("VISITOR_PER_MINUTE=1\n")
    port = free_port()
    command = script(tmp_path, DOUBLER, f"launch(agent, server_port={port})")
    url = f"http://127.0.0.1:{port}/"
    with served(command, PYTHONPATH=str(ROOT), SESSION_DB="") as lines:
        assert lines[-1] == f"Running on {url} (stop with Ctrl-C)\n"
        page = httpx.get(url).text
        assert 'content="Doubler"' in page
        assert "Hello, doubler" in page
        assert "--accent: #000080;" in httpx.get(f"{url}look/doubler/style.css").text
        assert any("names 'missing.svg' as its logo" in line for line in lines)
        assert "42" in answer(url, '/call double {"number": 21}')
        assert "built-in offline model" in answer(url, "Hello")
        assert httpx.get(f"{url}healthz").status_code == 200
    assert (tmp_path / ".adk").is_dir()


def test_in_a_notebook_the_cells_after_it_run_on(tmp_path: Path) -> None:
    port = free_port()
    begin = "import sys; sys.modules['ipykernel'] = sys"
    first = f"page = launch(agent, server_port={port})"
    then = "open('next', 'w').close(); page.block_thread()"
    command = script(tmp_path, begin, DOUBLER, first, then)
    with served(command, PYTHONPATH=str(ROOT)) as lines:
        assert lines[-1].startswith("Running on ")
        assert "You said" in answer(f"http://127.0.0.1:{port}/", "xyz")
        assert (tmp_path / "next").exists()


def test_what_is_no_agent_is_told() -> None:
    with pytest.raises(LoadError, match="This is no agent, workflow or App of ADK's, but str"):
        load_object("agent")  # type: ignore[arg-type]


def respond_in(file: str) -> tuple[str, str, list[str]]:
    """The parameters, the type returned and the statements of the only `respond` in a file of the
    project, each as source text; its docstring is left out."""
    tree = ast.parse((ROOT / file).read_text())
    [respond] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "respond"
    ]
    statements = respond.body[1:] if ast.get_docstring(respond) else respond.body
    assert respond.returns
    return (
        ast.unparse(respond.args),
        ast.unparse(respond.returns),
        [ast.unparse(statement) for statement in statements],
    )


def test_launch_answers_as_app_py_does() -> None:
    """A page of `launch` has no app.py to import, so its `respond` stands in a second file."""
    assert respond_in("agent/page/answering.py") == respond_in("app.py")
