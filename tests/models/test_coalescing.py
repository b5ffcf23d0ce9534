"""A model's partials, coalesced: fewer, later by a moment at the most, and with the same text."""

from itertools import groupby
from typing import Any

import pytest
from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from agent.models.coalescing import CoalescingModel, coalesce, coalescing
from tests.support.scripted_model import USAGE, ScriptedModel, thought

CHUNKS = st.lists(st.tuples(st.booleans(), st.text(min_size=1)), max_size=30)


def partial(text: str, is_thought: bool | None = None, **more: Any) -> LlmResponse:
    content = types.ModelContent([types.Part(text=text, thought=is_thought)])
    return LlmResponse(content=content, partial=True, **more)


def whole(text: str) -> LlmResponse:
    return LlmResponse(content=types.ModelContent(text), usage_metadata=USAGE)


def said(response: LlmResponse) -> tuple[str | None, bool]:
    [part] = (response.content and response.content.parts) or [types.Part()]
    return part.text, bool(part.thought)


@given(CHUNKS)
def test_the_same_text_comes_in_the_same_order_and_thoughts_stay_apart(
    chunks: list[tuple[bool, str]],
) -> None:
    coalesced = coalesce(partial(text, is_thought) for is_thought, text in chunks)
    runs = groupby(chunks, key=lambda chunk: chunk[0])
    expected = [("".join(text for _, text in run), kind) for kind, run in runs]
    assert [said(response) for response in coalesced] == expected


@pytest.mark.parametrize(
    "other",
    [
        LlmResponse(content=types.ModelContent("x"), partial=False),
        partial("x", finish_reason=types.FinishReason.STOP),
        partial("x", grounding_metadata=types.GroundingMetadata()),
        partial("x", custom_metadata={"a": 1}),
        LlmResponse(error_code="SAFETY", partial=True),
        LlmResponse(
            content=types.ModelContent([types.Part(text="x", thought_signature=b"s")]), partial=True
        ),
        LlmResponse(
            content=types.ModelContent([types.Part(text="x"), types.Part(text="y")]), partial=True
        ),
        LlmResponse(content=types.ModelContent([types.Part(inline_data=types.Blob())])),
        LlmResponse(
            content=types.ModelContent([types.Part.from_function_call(name="f", args={})]),
            partial=True,
        ),
    ],
)
def test_whatever_is_more_than_text_stays_as_it_is_and_where_it_is(other: LlmResponse) -> None:
    coalesced = list(coalesce([partial("a"), partial("b"), other, partial("c"), partial("d")]))
    assert coalesced[1] is other
    assert [said(coalesced[0]), said(coalesced[2])] == [("ab", False), ("cd", False)]


def test_tokens_are_reported_as_by_the_latest_that_reports_them() -> None:
    [coalesced] = coalesce([partial("a"), partial("b", usage_metadata=USAGE), partial("c")])
    assert coalesced.usage_metadata == USAGE
    assert coalesced.partial


async def test_a_coalescing_model_is_still_of_its_class_and_as_it_was_made() -> None:
    model = ScriptedModel(model="mine")
    model.enqueue("One", " and", " two", thought("hm"))
    coalesced = coalescing(model)
    assert isinstance(coalesced, ScriptedModel)
    assert isinstance(coalesced, CoalescingModel)
    assert coalescing(coalesced) is coalesced
    assert (type(coalesced).__name__, coalesced.model) == ("ScriptedModel", "mine")
    assert isinstance(coalescing(Gemini(model="gemini-x")), Gemini)
    assert type(model) is ScriptedModel
    answer = coalesced.generate_content_async(LlmRequest(), stream=True)
    partials = [said(response) async for response in answer if response.partial]
    assert "".join(text or "" for text, is_thought in partials if not is_thought) == "One and two"
    assert partials[-1] == ("hm", True)


async def test_a_coalescing_model_gives_fewer_partials() -> None:
    async def partials(model: BaseLlm) -> list[str | None]:
        answer = model.generate_content_async(LlmRequest(), stream=True)
        return [said(response)[0] async for response in answer if response.partial]

    model = ScriptedModel()
    model.enqueue(*["x"] * 100)
    model.enqueue(*["x"] * 100)
    assert await partials(model) == ["x"] * 100
    fewer = await partials(coalescing(model))
    assert len(fewer) < 50
    assert "".join(map(str, fewer)) == "x" * 100


async def test_an_answer_in_one_piece_is_not_touched() -> None:
    model = ScriptedModel()
    model.enqueue("One", " two")
    [answer] = [said async for said in coalescing(model).generate_content_async(LlmRequest())]
    assert said(answer) == ("One two", False)
