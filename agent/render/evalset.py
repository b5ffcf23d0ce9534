"""Findings as an eval set of ADK's: what visitors said of answers becomes cases for `adk eval`.

Each finding is a case. The questions above the rated answer are asked again, since the agent
answers in their light, but their answers are not checked. agent/core/expectation.py says what is
looked for in the rated answer.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.genai import types

from agent.core import answer_metrics
from agent.core.answer_metrics import MUST_NOT_SAY, MUST_SAY
from agent.core.expectation import Expectation, called, expectation_of
from agent.core.feedback import BAD, CHAT, TASK, UNSURE, WHY_NOT, Finding
from agent.core.secrets import redacted
from agent.core.text import clean
from agent.render.findings import VERDICTS

if TYPE_CHECKING:
    from google.adk.evaluation.eval_case import EvalCase, Invocation

# The module with the metrics, which is copied beside the set; and the user of every case.
METRICS, USER_ID = "answer_metrics", "user"

# The file of criteria that ADK looks for beside an eval set.
CRITERIA_FILE = "test_config.json"

# Characters of a question in a case's id, and in a line about it.
MAX_ID, MAX_TITLE = 40, 70

HOW_TO_RUN = """\
Run it where these files are, with ADK's own `adk eval` (`pip install "google-adk[eval]"`):

    PYTHONPATH=. adk eval PATH/TO/{app_name} {set_file}

ADK asks your agent all of it anew. Its exit code is 0 if every case passes, and
`--print_detailed_results` says what was said. `adk web` lists the set where it lies beside
`agent.py`. ADK needs an `__init__.py` there with the line `from . import agent`.

`{criteria_file}` says what is looked for: tools by ADK's `tool_trajectory_avg_score`, where other
calls may come between; words by `must_say` and `must_not_say` of `{metrics}.py`. Change what is
looked for in the set, at the turn: `rubrics` for words, `intermediateData` for tools."""

JUDGED = """\
A model ({judge}) also judges whether an answer means the same as what the visitor wanted: it needs
its key, and is paid for."""


@dataclass(frozen=True)
class Exported:
    """An eval set with the files that it needs."""

    set_id: str
    # The texts of the files, by their names.
    files: Mapping[str, str]
    # A line for each finding: what the set looks for, or why the finding is not in the set.
    included: tuple[str, ...]
    left_out: tuple[str, ...]


def export_evalset(
    found: Mapping[str, Finding], app_name: str, set_id: str = "", judge: str = ""
) -> Exported:
    """The findings about one agent's answers as an eval set.

    Args:
        found: The findings, by their ids.
        app_name: What ADK calls the agent: the name of its folder.
        set_id: The name of the set and of its file; "" for one made of the agent's name.
        judge: The model that is to judge answers, too; "" for none.
    """
    set_id = set_id or f"{_name(app_name)}_findings"
    cases, included, left_out = [], [], []
    for id, finding in found.items():
        title = _title(finding)
        if reason := _why_left_out(finding):
            left_out.append(f"{title}: {reason}.")
            continue
        cases.append(_case(id, finding, app_name))
        looked_for = _looked_for(expectations(finding), finding if judge else None)
        included.append(f"`{cases[-1].eval_id}`: {title}: {looked_for}.")
    set_file = f"{set_id}.evalset.json"
    files = {
        set_file: _json(_evalset(set_id, cases)),
        CRITERIA_FILE: _json(criteria(judge)),
        f"{METRICS}.py": Path(answer_metrics.__file__).read_text(encoding="utf-8"),
    }
    files[f"{set_id}.md"] = _read_me(set_file, app_name, judge, included, left_out)
    return Exported(set_id, files, tuple(included), tuple(left_out))


def expectations(finding: Finding) -> list[Expectation]:
    """What is looked for in the answers to each question of a case."""
    last = expectation_of(finding)
    if finding.kind != CHAT:
        return [*(Expectation() for _ in finding.before), last]
    return [*(Expectation(tools=called(turn["tools"])) for turn in finding.before), last]


def criteria(judge: str = "") -> dict[str, Any]:
    """The content of `test_config.json`: the criteria, and the modules of our own metrics."""
    wanted: dict[str, Any] = {
        "tool_trajectory_avg_score": {"threshold": 1.0, "match_type": "IN_ORDER"},
        "must_say": 1.0,
        "must_not_say": 1.0,
    }
    if judge:
        options = {"judge_model": judge, "num_samples": 3}
        wanted["same_meaning"] = {"threshold": 1.0, "judge_model_options": options}
    own = [name for name in wanted if hasattr(answer_metrics, name)]
    code = {name: {"code_config": {"name": f"{METRICS}.{name}"}} for name in own}
    return {"criteria": wanted, "custom_metrics": code}


def _evalset(set_id: str, cases: "list[EvalCase]") -> Any:
    from google.adk.evaluation.eval_set import EvalSet

    description = "What visitors said of answers on the chat page."
    evalset = EvalSet(eval_set_id=set_id, description=description, eval_cases=cases)
    return evalset.model_dump(mode="json", by_alias=True, exclude_none=True)


def _case(id: str, finding: Finding, app_name: str) -> "EvalCase":
    # Imported here, as that takes most of a second.
    from google.adk.evaluation.eval_case import EvalCase, SessionInput

    turns = [*finding.before, {"question": finding.question, "answer": finding.answer}]
    conversation = [
        _invocation(number, turn["question"], _reference(finding, number), wanted)
        for number, (turn, wanted) in enumerate(
            zip(turns, expectations(finding), strict=True), start=1
        )
    ]
    opinion = finding.opinion
    # Keys of our own, which ADK leaves as they are.
    about: dict[str, Any] = {
        "finding": id,
        "rating": "bad" if opinion.rating == BAD else "good",
        "task": finding.task.get("text", ""),
        "should": finding.task.get("should", ""),
        "reason": opinion.reason,
        "comment": opinion.comment,
        "answered": finding.answer,
        "agent_version": finding.agent_version,
        "models": list(finding.models),
    }
    # Such names `adk web` takes. It shows the question, and no other case has it.
    eval_id = f"{_name(finding.question)[:MAX_ID].strip('_') or 'case'}_{id[:8]}"
    return EvalCase(
        eval_id=eval_id,
        conversation=conversation,
        session_input=SessionInput(app_name=app_name, user_id=USER_ID, state=dict(finding.state)),
        creation_timestamp=finding.at,
        **{name: value for name, value in about.items() if value},
    )


def _reference(finding: Finding, number: int) -> str:
    """The wanted answer to the question of this number, from 1; "" where nobody has given one."""
    if number <= len(finding.before):
        return str(finding.before[number - 1].get("answer", ""))
    return finding.opinion.expected if finding.opinion.rating == BAD else finding.answer


def _invocation(number: int, question: str, reference: str, wanted: Expectation) -> "Invocation":
    from google.adk.evaluation.eval_case import IntermediateData, Invocation
    from google.adk.evaluation.eval_rubrics import Rubric, RubricContent

    looked_for = [(MUST_SAY, phrase) for phrase in wanted.must_say]
    looked_for += [(MUST_NOT_SAY, phrase) for phrase in wanted.must_not_say]
    rubrics = [
        Rubric(
            rubric_id=f"{kind.lower()}_{place}",
            type=kind,
            rubric_content=RubricContent(text_property=phrase),
        )
        for place, (kind, phrase) in enumerate(looked_for, start=1)
    ]
    calls = [
        types.FunctionCall(name=tool["name"], args=dict(tool["args"])) for tool in wanted.tools
    ]
    return Invocation(
        invocation_id=f"turn-{number}",
        user_content=types.Content(role="user", parts=[types.Part(text=question)]),
        final_response=(
            types.Content(role="model", parts=[types.Part(text=reference)]) if reference else None
        ),
        intermediate_data=IntermediateData(tool_uses=calls) if calls else None,
        rubrics=rubrics or None,
    )


def _why_left_out(finding: Finding) -> str:
    """Why a finding cannot be a case; "" where it can."""
    if finding.opinion.rating == UNSURE:
        return "its tester was unsure whether that is right"
    if finding.kind == TASK and not finding.turn_id:
        return "its tester has tried it in no chat, or has deleted that chat"
    turns = [*(turn.get("why_not", "") for turn in finding.before), finding.why_not]
    for number, reason in enumerate(turns, start=1):
        if reason:
            what = WHY_NOT.get(reason, reason)
            return f"`adk eval` cannot ask question {number} of {len(turns)}, because {what}"
    return ""


def _looked_for(wanted: Iterable[Expectation], judged: Finding | None) -> str:
    """What is looked for in a case's answers, in words; `judged` is its finding where a model
    judges."""
    demands = []
    for expectation in wanted:
        demands += [f"must say “{phrase}”" for phrase in expectation.must_say]
        demands += [f"must not say “{_short(phrase)}”" for phrase in expectation.must_not_say]
        demands += [f"must call `{tool['name']}`" for tool in expectation.tools]
    if judged and (judged.opinion.expected or judged.opinion.rating != BAD):
        demands.append("must mean the same, as a model judges")
    nothing = "**nothing is looked for**: whatever is answered passes, until you say what must be"
    return "; ".join(demands) or nothing


def _read_me(
    set_file: str, app_name: str, judge: str, included: list[str], left_out: list[str]
) -> str:
    names = {"set_file": set_file, "app_name": app_name, "metrics": METRICS}
    parts = ["# What visitors said of answers, as an eval set"]
    parts.append(HOW_TO_RUN.format(criteria_file=CRITERIA_FILE, **names))
    parts += [JUDGED.format(judge=judge)] if judge else []
    parts.append(f"## In it: {len(included)}")
    parts += ["\n".join(f"- {line}" for line in included)] if included else []
    parts.append(f"## Not in it: {len(left_out)}")
    parts += ["\n".join(f"- {line}" for line in left_out)] if left_out else []
    return redacted(clean("\n\n".join(parts) + "\n"))


def _title(finding: Finding) -> str:
    kind = "a chat that is to go like this" if finding.kind == CHAT else ""
    kind = kind or ("bad" if finding.opinion.rating == BAD else "good")
    if finding.kind == TASK:
        verdict = VERDICTS.get(finding.opinion.rating, "")
        return f"“{_short(finding.task['text'])}” (a task: {verdict})"
    question = finding.before[0]["question"] if finding.kind == CHAT and finding.before else ""
    return f"“{_short(question or finding.question)}” ({kind})"


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1] + "…"


def _json(value: Any) -> str:
    """A value as JSON. Its texts are redacted one by one, so that the whole stays JSON."""
    return json.dumps(_redacted(value), indent=2, ensure_ascii=False) + "\n"


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redacted(clean(value))
        case dict():
            return {key: _redacted(item) for key, item in value.items()}
        case list():
            return [_redacted(item) for item in value]
    return value
