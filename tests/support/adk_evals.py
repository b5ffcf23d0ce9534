"""`adk eval` without what the extra `google-adk[eval]` installs: ADK's own readers, its inference,
its trajectories and its way to metrics of others, as `adk eval` calls them.

`make test-evals` runs the command itself.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import BaseAgent
from google.adk.evaluation.custom_metric_evaluator import _CustomMetricEvaluator
from google.adk.evaluation.eval_case import EvalCase, Invocation
from google.adk.evaluation.eval_config import (
    get_eval_metrics_from_config,
    get_evaluation_criteria_or_default,
)
from google.adk.evaluation.evaluation_generator import EvaluationGenerator
from google.adk.evaluation.evaluator import EvalStatus, EvaluationResult
from google.adk.evaluation.local_eval_sets_manager import load_eval_set_from_file
from google.adk.evaluation.simulation.static_user_simulator import StaticUserSimulator
from google.adk.evaluation.trajectory_evaluator import TrajectoryEvaluator

from agent.render.evalset import CRITERIA_FILE, METRICS

# By cases, and there by criteria: whether it passes.
Results = dict[str, dict[str, bool]]


async def evaluated(files: Mapping[str, str], folder: Path, root: BaseAgent) -> Results:
    """What comes of an eval set and what lies beside it, where this agent answers."""
    for name, text in files.items():
        (folder / name).write_text(text)
    (name,) = (name for name in files if name.endswith(".evalset.json"))
    found = load_eval_set_from_file(str(folder / name), name)
    assert name == f"{found.eval_set_id}.evalset.json"
    results: Results = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADK_SUPPRESS_EXPERIMENTAL_FEATURE_WARNINGS", "1")
        patch.syspath_prepend(folder)
        patch.delitem(sys.modules, METRICS, raising=False)
        for case in found.eval_cases:
            actual = await _asked(case, root)
            results[case.eval_id] = await _judged(folder, actual, case.conversation or [])
        sys.modules.pop(METRICS, None)
    return results


async def _asked(case: EvalCase, root: BaseAgent) -> list[Invocation]:
    simulator = StaticUserSimulator(static_conversation=case.conversation or [])
    return await EvaluationGenerator._generate_inferences_from_root_agent(
        root_agent=root, user_simulator=simulator, initial_session=case.session_input
    )


async def _judged(
    folder: Path, actual: list[Invocation], expected: list[Invocation]
) -> dict[str, bool]:
    config = get_evaluation_criteria_or_default(str(folder / CRITERIA_FILE))
    said = {}
    for metric in get_eval_metrics_from_config(config):
        if metric.criterion is None:
            continue  # Those that only report a figure.
        evaluator: Any = TrajectoryEvaluator(eval_metric=metric)
        if path := metric.custom_function_path:
            evaluator = _CustomMetricEvaluator(metric, path)
        result = evaluator.evaluate_invocations(actual, expected)
        done = result if isinstance(result, EvaluationResult) else await result
        assert len(done.per_invocation_results) == len(expected)
        said[metric.metric_name] = done.overall_eval_status is EvalStatus.PASSED
    return said
