"""GitHub's workflows and Dependabot: the files are valid, and run only what a developer can run."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

from tests.support.app_process import ROOT

WORKFLOWS = sorted(ROOT.glob(".github/workflows/*"))

# What the workflows may run: CI's script, with or without a target of the Makefile.
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
COMMANDS = {".ci/run", *(f".ci/run {target}" for target in TARGETS)}


def jobs(workflow: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load(workflow)["jobs"].values())


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", [ROOT / ".github/dependabot.yml"]),
    ],
)
def test_a_file_for_github_is_what_its_schema_says(schema: str, files: list[Path]) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_what_a_developer_can_run(workflow: Path) -> None:
    commands = [step["run"] for job in jobs(workflow) for step in job["steps"] if "run" in step]
    assert commands
    assert set(commands) <= COMMANDS


def test_the_oldest_versions_are_tested_with_the_oldest_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = [
        f">={job['container']['image'].removeprefix('python:')}"
        for workflow in WORKFLOWS
        for job in jobs(workflow)
        if job["steps"][-1]["run"] == ".ci/run test-oldest"
    ]
    assert oldest == [project["requires-python"]]


@pytest.mark.parametrize("line", (ROOT / "requirements.txt").read_text().splitlines())
def test_a_requirement_has_a_lowest_version_to_test_with(line: str) -> None:
    if not line.startswith("#"):
        operators = [specifier.operator for specifier in Requirement(line).specifier]
        assert ">=" in operators
