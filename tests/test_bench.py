"""The bench measures all it should, and tells which goals are missed."""

import os
import re
import subprocess
import sys
from collections import defaultdict

import pytest
from bench.goals import ROWS
from bench.table import Results, table
from browser import CHROMIUM
from house import ROOT

BY_MAKE = ["make", "bench", "SIZE=tiny"]
BY_HAND = [sys.executable, "-m", "bench", "tiny"]

LEFT_OUT = r"(30|50|100) visitors|turn (50|200|1,000) "
"""Rows for which a tiny run is too small."""


@pytest.mark.timeout(300)
@pytest.mark.skipif(not os.path.exists(CHROMIUM), reason=f"There is no {CHROMIUM}")
def test_a_tiny_run_measures_everything() -> None:
    told = subprocess.run(
        BY_MAKE if (ROOT / ".venv").exists() else BY_HAND,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    for row in ROWS:
        line = re.search(rf"^{re.escape(row.title)}  +(.*)", told, re.M)
        assert line, row.title
        *_, page, _ = re.split("  +", f"{line[1]}   ")[:7]
        assert (page == "-") == bool(re.match(LEFT_OUT, row.title)), line[0]


def test_a_missed_goal_is_told() -> None:
    results: Results = defaultdict(list)
    results["burst", "adk"] = [{"CPU": 100, "end": 90}] * 3
    results["burst", "page"] = [{"CPU": 61, "end": 20}, {"CPU": 59, "end": 55}, {"CPU": 61}]
    lines = list(table(results))
    cpu, last = (re.split("  +", line) for line in lines[1:3])
    assert cpu == [
        "CPU, burst of 2,000 chunks",
        *("100 ms", "-", "-", "-", "x0.61", "61.0 ms"),
        *("<= x0.6", "MISSED"),
    ]
    assert last[5:] == ["x0.42", "37.5 ms", "<= x0.6", "ok"]
    assert "MISSED: CPU, burst of 2,000 chunks" in lines
    assert any(line.startswith("not measured: question to first text") for line in lines)
