"""What an answer rests on, by the events that name it."""

from typing import Any

import pytest
from google.genai import types

from agent.core.sources import Page, Sources
from tests.support.events import HELPER, chunk, last, text, whole


def grounded(*supports: tuple[int, int, str | None, list[int]], **more: Any) -> Any:
    """Two pages of the web; of passages the ends, the text, the pages from 0."""
    chunks = [
        types.GroundingChunk(web=types.GroundingChunkWeb(uri=f"https://{name}/a", title=name))
        for name in ("one.example", "two.example")
    ]
    segments = [
        types.GroundingSupport(
            segment=types.Segment(start_index=start, end_index=end, text=said),
            grounding_chunk_indices=indices,
        )
        for start, end, said, indices in supports
    ]
    return types.GroundingMetadata(grounding_chunks=chunks, grounding_supports=segments, **more)


ONE, TWO = (
    Page("one.example", "https://one.example/a"),
    Page("two.example", "https://two.example/a"),
)


def test_pages_and_passages_follow_the_words_that_rest_on_them() -> None:
    metadata = grounded((0, 20, "Spain won Euro 2024.", [0, 1]), web_search_queries=["euro 2024"])
    assert last(chunk("Spain won"), whole("Spain won Euro 2024.", grounding_metadata=metadata)) == (
        text("Spain won Euro 2024."),
        Sources((ONE, TWO), (("Spain won Euro 2024.", (1, 2)),), ("euro 2024",), HELPER),
    )


def test_a_passage_without_its_text_is_found_by_its_bytes() -> None:
    said = "Größe zählt. Ja."
    metadata = grounded((0, len("Größe zählt.".encode()), None, [1]))
    (_, found) = last(whole(said, grounding_metadata=metadata))
    assert isinstance(found, Sources)
    assert found.passages == (("Größe zählt.", (2,)),)


def test_a_page_that_is_named_twice_is_one() -> None:
    web = types.GroundingChunkWeb(uri="https://one.example/a", title="one.example")
    twice = types.GroundingMetadata(
        grounding_chunks=[types.GroundingChunk(web=web)] * 2,
        grounding_supports=[
            types.GroundingSupport(
                segment=types.Segment(text="Yes."), grounding_chunk_indices=[0, 1]
            )
        ],
    )
    assert last(whole("Yes.", grounding_metadata=twice))[1] == Sources(
        (ONE,), (("Yes.", (1,)),), source=HELPER
    )


def test_citations_are_sources_too() -> None:
    cited = types.CitationMetadata(
        citations=[
            types.Citation(start_index=0, end_index=8, uri="https://one.example/a", title="A book"),
            types.Citation(start_index=0, end_index=8),
        ]
    )
    assert last(whole("A quoted passage.", citation_metadata=cited))[1] == Sources(
        (Page("A book", "https://one.example/a"),), (("A quoted", (1,)),), source=HELPER
    )


@pytest.mark.parametrize(
    "chunk",
    [
        types.GroundingChunk(),
        types.GroundingChunk(
            retrieved_context=types.GroundingChunkRetrievedContext(
                uri="gs://bucket/a", title="A source without a name"
            )
        ),
        types.GroundingChunk(
            web=types.GroundingChunkWeb(uri="javascript:alert(1)", title="A source without a name")
        ),
    ],
)
def test_what_no_browser_opens_has_no_address(chunk: types.GroundingChunk) -> None:
    metadata = types.GroundingMetadata(grounding_chunks=[chunk])
    assert last(whole("Hm.", grounding_metadata=metadata))[1] == Sources(
        (Page("A source without a name"),), source=HELPER
    )


@pytest.mark.parametrize("indices", [[-1], [2], [99], []])
def test_a_number_that_no_page_has_is_none(indices: list[int]) -> None:
    found = last(whole("Yes.", grounding_metadata=grounded((0, 4, "Yes.", indices))))[1]
    assert isinstance(found, Sources)
    assert found.passages == ()


def test_an_answer_that_rests_on_nothing_names_nothing() -> None:
    assert last(whole("Hi", grounding_metadata=types.GroundingMetadata())) == (text("Hi"),)
