"""`adk eval` itself, with all of `google-adk[eval]` (`make test-evals`)."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.adk_server import ADK
from tests.support.app_process import ROOT
from tests.support.rated_chat import rated_chat
from tests.support.terminal import ran

# To import Google Cloud's clients takes `adk eval` most of a minute on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# What an owner has: an agent that is mended by its environment.
AGENT = """
import os
from google.adk.agents import Agent
from tests.support.scripted_model import call, scripted, thought

def find_order(number: int) -> dict[str, str]:
    \"\"\"Look up an order.\"\"\"
    return {"arrives": "Friday" if number == 17 else "never"}

SCRIPTS = {
    "bad": [(call("find_order", number=71),), ("Order 17 arrives on Monday.",)],
    "mended": [(call("find_order", number=17),), (thought("Monday? No."), "On Friday.")],
}
root_agent = Agent(
    name="shop", model=scripted(*SCRIPTS[os.environ["SHOP"]]), tools=[find_order],
    instruction="{customer} asks.",
)
STATE = {"customer": "Ann"}
"""


def adk_eval(agent: str, path: Path, *options: str, **environment: str) -> tuple[int, str]:
    """The command's exit code, and what it says."""
    found = f"{path.parent}{os.pathsep}{environment.pop('PYTHONPATH', '')}".rstrip(os.pathsep)
    done = subprocess.run(
        [ADK, "eval", agent, str(path), *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPATH": found, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


async def test_this_projects_own_agent_is_evaluated(tmp_path: Path) -> None:
    uri = await rated_chat(tmp_path, "What is 12*7?", "up", passage="84")
    await rated_chat(tmp_path, "What is 12*8?", "up", passage="97")
    out = tmp_path / "sums.evalset.json"
    assert ran("evalset", "--out", str(out), SESSION_DB=uri).code == 0
    code, said = adk_eval("agent", out)
    assert (code, "Tests passed: 1\n  Tests failed: 1" in said) == (1, True), said


async def test_a_bad_answer_fails_and_the_mended_agent_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "agent.py").write_text(AGENT)
    (shop / "__init__.py").write_text("from . import agent\n")
    monkeypatch.setenv("SHOP", "bad")
    uri = await rated_chat(
        tmp_path, "When does 17 come?", "down", expected="It arrives on Friday.", agent=shop
    )
    out = tmp_path / "orders.evalset.json"
    ended = ran("evalset", "--agent", str(shop), "--out", str(out), SESSION_DB=uri)
    assert ended.code == 0, ended.err
    given = {"PYTHONPATH": str(ROOT)}
    code, said = adk_eval(str(shop), out, "--print_detailed_results", SHOP="bad", **given)
    assert (code, "Tests failed: 1" in said) == (1, True), said
    code, said = adk_eval(str(shop), out, SHOP="mended", **given)
    assert (code, "Tests passed: 1" in said) == (0, True), said
    case = json.loads(out.read_text())["eval_cases"][0]
    assert case["sessionInput"]["state"] == {"customer": "Ann"}
