"""Whether an answer says something: as whole words, without thoughts."""

import pytest
from google.adk.evaluation.eval_case import Invocation, InvocationEvent, InvocationEvents
from google.genai import types

from agent.core.answer_metrics import must_say, said, says


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It arrives on **Friday**.", "friday"),
        ("It arrives\non  Fri.", "Friday | on fri"),
        ("It costs 1,000.50 €", "1,000.50"),
        ("See [the page](https://example.org/x).", "the page."),
        ("| day | time |\n|---|---|\n| Friday | 5 |", "friday 5"),
        ("„Freitag“ – ganz sicher", '"freitag"'),
        ("配送は金曜日になります", "金曜日"),
        ("配送はFridayです", "Friday"),
        ("ＦＲＩＤＡＹ", "Friday"),
        ("the 17th", "17"),
        ("Straße", "STRASSE"),
        ("C++ is it", "c++"),
    ],
)
def test_what_is_said(text: str, phrase: str) -> None:
    assert says(text, phrase)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Monday", "Friday"),
        ("130 days", "30"),
        ("30 days", "3"),
        ("3.5 days", "3"),
        ("3.5 days", "5"),
        ("at the party", "art"),
        ("anything", ""),
        ("anything | else", "|"),
    ],
)
def test_what_is_not(text: str, phrase: str) -> None:
    assert not says(text, phrase)


def test_a_thought_is_no_answer_and_words_before_a_tool_are() -> None:
    def content(*parts: types.Part) -> types.Content:
        return types.Content(role="model", parts=list(parts))

    thought, before = types.Part(text="Friday?", thought=True), types.Part(text="One moment.")
    events = [InvocationEvent(author="helper", content=content(thought, before))]
    invocation = Invocation(
        user_content=content(types.Part(text="When?")),
        intermediate_data=InvocationEvents(invocation_events=events),
        final_response=content(thought, types.Part(text="Soon.")),
    )
    assert said(invocation) == "One moment.\nSoon."


def test_without_a_conversation_there_is_nothing_to_compare_with() -> None:
    from google.adk.evaluation.eval_metrics import EvalMetric

    with pytest.raises(ValueError, match="needs a conversation"):
        must_say(EvalMetric(metric_name="must_say"), [], None)
