"""`python -m agent evalset` as a developer uses it."""

import json
from pathlib import Path

import pytest

from agent.chat.loader import OUR_AGENT
from agent.cli.command import is_command
from agent.cli.evalset import run_evalset
from tests.support.agent_folder import write_agents
from tests.support.rated_chat import rated_chat
from tests.support.terminal import ran


def test_it_is_told_from_a_question_that_begins_with_its_word() -> None:
    assert is_command("evalset", ["evalset"])
    assert is_command("evalset", ["evalset", "--out", "x.evalset.json"])
    assert not is_command("evalset", ["evalset", "of", "what?"])
    assert not is_command("evalset", ["check"])


@pytest.mark.slow
async def test_what_was_said_is_written_with_all_that_adk_needs(tmp_path: Path) -> None:
    uri = await rated_chat(tmp_path, "What is 12*7?", "up", passage="84")
    (tmp_path / "test_config.json").write_text("the owner's own")
    out = tmp_path / "sums.evalset.json"
    ended = ran("evalset", "--out", str(out), "--judge", "gemini-3.5-flash", SESSION_DB=uri)
    assert (ended.err, ended.code) == ("", 0)
    (case,) = json.loads(out.read_text())["eval_cases"]
    assert ended.out.splitlines() == [
        f"Written: {out}",
        f"Left as it is: {tmp_path}/test_config.json. For this set: adk eval --config_file_path "
        f"{tmp_path}/sums.test_config.json",
        f"Written: {tmp_path}/sums.test_config.json",
        f"Written: {tmp_path}/answer_metrics.py",
        f"Written: {tmp_path}/sums.md",
        f"In it: `{case['evalId']}`: “What is 12*7?” (good): must say “84”; must call "
        "`calculate`; must mean the same, as a model judges.",
    ]
    assert (tmp_path / "test_config.json").read_text() == "the owner's own"
    assert json.loads(out.read_text())["eval_set_id"] == "sums"


@pytest.mark.usefixtures("clean_imports")
def test_where_there_is_nothing_to_write_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SESSION_DB", "memory://")
    assert run_evalset([], OUR_AGENT) == 2
    assert 'take "Save as ADK eval set" there' in capsys.readouterr().err
    monkeypatch.setenv("SESSION_DB", f"sqlite:///{tmp_path}/empty.db")
    assert run_evalset([], OUR_AGENT) == 1
    assert "no visitor has said anything of an answer yet" in capsys.readouterr().out
    assert run_evalset([f"--agent={tmp_path}/none"], OUR_AGENT) == 2
    assert "There is no folder" in capsys.readouterr().err
    for name in ("one", "two"):
        write_agents(tmp_path / "agents", name)
    assert run_evalset([f"--agent={tmp_path}/agents"], OUR_AGENT) == 2
    assert f"Name it, as in --agent {tmp_path}/agents/one" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_evalset(["--out", "x.json"], OUR_AGENT)
    assert "x.json should end with .evalset.json" in capsys.readouterr().err
