"""Metrics for `adk eval`: whether an answer says what it must, and nothing that it must not.

`tool_trajectory_avg_score` is ADK's own, for tools. For words ADK has `response_match_score`, which
counts words: an answer with a wrong day passes it, a right short one fails, and thoughts count as
answers. So these look for what is written beside each turn of an eval set, in its `rubrics`:

    {"rubric_id": "must_say_1", "type": "MUST_SAY", "rubric_content": {"text_property": "Friday"}}

Another way to say the same stands behind a "|": `Friday|Fri`. Small and large letters, and signs of
Markdown, make no difference; thoughts are no part of an answer; a turn without such rubrics passes.

This file stands alone: it is copied beside the eval set, and ADK finds it by PYTHONPATH.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from google.genai import types

if TYPE_CHECKING:
    from google.adk.evaluation.conversation_scenarios import ConversationScenario
    from google.adk.evaluation.eval_case import Invocation
    from google.adk.evaluation.eval_metrics import EvalMetric
    from google.adk.evaluation.evaluator import EvaluationResult

# The types of rubrics that are read here. ADK's own judges look for other types.
MUST_SAY, MUST_NOT_SAY = "MUST_SAY", "MUST_NOT_SAY"

# Signs of Markdown, which may stand anywhere in what is looked for; and signs that are written in
# several ways.
MARKUP = re.compile(r"[*_`~#>]+|\[|\]\([^)]*\)")
SAME = str.maketrans({**dict.fromkeys("‘’ʼ", "'"), **dict.fromkeys("“”„«»", '"'), "‑": "-"})

# Scripts that put no blanks between words, by how the names of their letters begin.
WITHOUT_BLANKS = "CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"

# An invocation of ADK's, as the agent has answered it, and what is expected of it: a score.
Judge: TypeAlias = Callable[["Invocation", "Invocation"], float]


def must_say(
    eval_metric: "EvalMetric",
    actual_invocations: "list[Invocation]",
    expected_invocations: "list[Invocation] | None",
    conversation_scenario: "ConversationScenario | None" = None,
) -> "EvaluationResult":
    """Whether each answer says all that it must: 1 or 0 for each turn, and the lowest for all."""

    def judge(actual: "Invocation", expected: "Invocation") -> float:
        return float(all(says(said(actual), phrase) for phrase in phrases(expected, MUST_SAY)))

    return _judged(eval_metric, actual_invocations, expected_invocations, judge)


def must_not_say(
    eval_metric: "EvalMetric",
    actual_invocations: "list[Invocation]",
    expected_invocations: "list[Invocation] | None",
    conversation_scenario: "ConversationScenario | None" = None,
) -> "EvaluationResult":
    """Whether no answer says what it must not, such as what a tester has called wrong."""

    def judge(actual: "Invocation", expected: "Invocation") -> float:
        return float(
            not any(says(said(actual), phrase) for phrase in phrases(expected, MUST_NOT_SAY))
        )

    return _judged(eval_metric, actual_invocations, expected_invocations, judge)


async def same_meaning(
    eval_metric: "EvalMetric",
    actual_invocations: "list[Invocation]",
    expected_invocations: "list[Invocation] | None",
    conversation_scenario: "ConversationScenario | None" = None,
) -> "EvaluationResult":
    """Whether a model finds each answer to mean the same as its reference. It is ADK's own judge
    (`final_response_match_v2`, with its `judge_model_options`), asked of the turns alone that have
    a reference, and without thoughts. That model needs its key, and is paid for."""
    from google.adk.evaluation.final_response_match_v2 import FinalResponseMatchV2Evaluator

    scores: dict[int, float] = {}
    threshold = _threshold(eval_metric)
    pairs = [
        (actual, expected)
        for actual, expected in _pairs(actual_invocations, expected_invocations)
        if _words(expected.final_response)
    ]
    if pairs:
        judge = FinalResponseMatchV2Evaluator(
            eval_metric.model_copy(update={"threshold": threshold})
        )
        without_thoughts = [_without_thoughts(actual) for actual, _ in pairs]
        result = await judge.evaluate_invocations(without_thoughts, [pair[1] for pair in pairs])
        found = result.per_invocation_results
        for (actual, _), rated in zip(pairs, found, strict=True):
            if rated.score is None:
                raise ValueError("The judge has not answered: has its model a key?")
            scores[id(actual)] = rated.score

    def judged(actual: "Invocation", expected: "Invocation") -> float:
        return scores.get(id(actual), 1.0)

    return _judged(eval_metric, actual_invocations, expected_invocations, judged)


def says(text: str, phrase: str) -> bool:
    """Whether a text has one of the ways to say something, as whole words."""
    plain = _plain(text)
    return any(
        _is_whole(plain, found)
        for way in map(_plain, phrase.split("|"))
        if way
        for found in re.finditer(re.escape(way), plain)
    )


def said(invocation: "Invocation") -> str:
    """All that was said in a turn of an agent's, without thoughts."""
    events = getattr(invocation.intermediate_data, "invocation_events", None) or []
    contents = [*(event.content for event in events), invocation.final_response]
    return "\n".join(filter(None, map(_words, contents)))


def phrases(invocation: "Invocation", kind: str) -> Iterator[str]:
    """What is written to be said in this turn, or not to be."""
    for rubric in invocation.rubrics or []:
        if rubric.type == kind and rubric.rubric_content.text_property:
            yield rubric.rubric_content.text_property


def _words(content: types.Content | None) -> str:
    parts = (content.parts or []) if content else []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _without_thoughts(invocation: "Invocation") -> "Invocation":
    content = types.Content(role="model", parts=[types.Part(text=said(invocation))])
    return invocation.model_copy(update={"final_response": content})


def _plain(text: str) -> str:
    text = MARKUP.sub("", unicodedata.normalize("NFKC", text).translate(SAME)).replace("|", " ")
    return " ".join(text.casefold().split())


def _is_whole(text: str, found: re.Match[str]) -> bool:
    """Whether it was found as whole words: "3" is not in "30" or "3.5", nor "art" in "party"."""
    before, way, after = text[: found.start()][::-1], found[0], text[found.end() :]
    return not (_goes_on(way[0], before) or _goes_on(way[-1], after))


def _goes_on(edge: str, beside: str) -> bool:
    """Whether a word or a number that ends with this sign goes on beside it."""
    if edge.isdigit():
        return re.match(r"[.,]?\d", beside) is not None
    return _is_letter(edge) and (_is_letter(beside[:1]) or beside[:1].isdigit())


def _is_letter(sign: str) -> bool:
    """Whether it is one of a script that has blanks between words."""
    return sign.isalpha() and not unicodedata.name(sign, "").startswith(WITHOUT_BLANKS)


def _threshold(eval_metric: "EvalMetric") -> float:
    """ADK takes the metric's own away (adk/evaluation/custom_metric_evaluator.py)."""
    threshold = getattr(eval_metric.criterion, "threshold", None)
    return 1.0 if threshold is None else float(threshold)


def _pairs(
    actual: "Sequence[Invocation]", expected: "Sequence[Invocation] | None"
) -> "list[tuple[Invocation, Invocation]]":
    if expected is None:
        raise ValueError("This metric needs a conversation to compare with.")
    return list(zip(actual, expected, strict=True))


def _judged(
    eval_metric: "EvalMetric",
    actual: "Sequence[Invocation]",
    expected: "Sequence[Invocation] | None",
    judge: Judge,
) -> "EvaluationResult":
    from google.adk.evaluation.evaluator import EvalStatus, EvaluationResult, PerInvocationResult

    threshold = _threshold(eval_metric)

    def status(score: float) -> EvalStatus:
        return EvalStatus.PASSED if score >= threshold else EvalStatus.FAILED

    results = []
    for one, other in _pairs(actual, expected):
        score = judge(one, other)
        results.append(
            PerInvocationResult(
                actual_invocation=one,
                expected_invocation=other,
                score=score,
                eval_status=status(score),
            )
        )
    lowest = min((result.score or 0.0 for result in results), default=1.0)
    return EvaluationResult(
        overall_score=lowest,
        overall_eval_status=status(lowest),
        per_invocation_results=results,
    )
