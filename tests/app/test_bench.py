"""The bench measures all it should, and tells which goals are missed."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.bench.goals import ROWS
from tests.bench.gradio_page import GradioPage
from tests.bench.stamps import stamp
from tests.bench.table import Results, table
from tests.support.app_process import ROOT
from tests.support.app_setup import launched, loaded
from tests.support.browser import CHROMIUM, Page
from tests.support.fake_gemini import FakeGemini, Made, Pause

BY_MAKE = ["make", "bench", "SIZE=tiny"]
BY_HAND = [sys.executable, "-m", "tests.bench", "tiny"]

# Rows for which a tiny run is too small.
LEFT_OUT = r"(30|50|100) visitors|turn (50|200|1,000) "


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.browser
@pytest.mark.skipif(not os.path.exists(CHROMIUM), reason=f"There is no {CHROMIUM}")
def test_a_tiny_run_measures_everything() -> None:
    told = subprocess.run(
        BY_MAKE if (ROOT / ".venv").exists() else BY_HAND,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    for row in ROWS:
        is_told = f"\n{row.title}  " in told
        assert is_told != bool(re.match(LEFT_OUT, row.title)), row.title


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


@pytest.mark.slow
def test_a_page_without_a_browser_asks_for_what_chromium_asks_for(
    fake: FakeGemini, visitor: Callable[..., Page]
) -> None:
    fake.always(Made(stamp), Pause(0.1), Made(stamp))
    with launched(loaded()) as url:
        page, taken = visitor(), list[tuple[str, int]]()
        page.tab.on("request", lambda request: note(taken, request.url, request.post_data))
        page.open(url)
        for _ in range(2):
            page.send("Hi")
            page.wait_idle()
        page.tab.wait_for_timeout(500)  # Gradio still saves what was said.
        with ThreadPoolExecutor() as thread:  # as Playwright's loop is in the way here
            assert sorted(thread.submit(asyncio.run, steps(url)).result()) == sorted(taken)


async def steps(url: str) -> list[tuple[str, int]]:
    """What the same visitor asks for without a browser."""
    taken: list[tuple[str, int]] = []

    async def hear(request: httpx.Request) -> None:
        note(taken, str(request.url), request.content.decode() if request.method == "POST" else "")

    async with httpx.AsyncClient(base_url=url, event_hooks={"request": [hear]}) as http:
        page = GradioPage(http, (await http.get("config")).json())
        await page.open()
        for _ in range(2):
            await page.ask("Hi")
        await page.leave()
    return taken


def note(taken: list[tuple[str, int]], url: str, body: str | None) -> None:
    """Note a request that has a step taken: where, and which."""
    if body:
        taken.append((url.rpartition("/")[2].rstrip("?"), json.loads(body)["fn_index"]))
