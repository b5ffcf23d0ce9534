"""What an answer rests on: pages of the web, documents, and searches, as the model names them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from google.adk.events import Event
from google.genai import types


@dataclass(frozen=True)
class Page:
    """One source: a page of the web, a document, or a place."""

    title: str
    # "" where it has none that a browser opens.
    address: str = ""


@dataclass(frozen=True)
class Sources:
    """The sources of one response."""

    pages: tuple[Page, ...]
    # Passages of the response, each with the numbers of its pages, from 1.
    passages: tuple[tuple[str, tuple[int, ...]], ...] = ()
    # What the model has searched the web for.
    searches: tuple[str, ...] = ()
    source: tuple[str, str | None] = ("", None)
    # ADK's id of the response.
    response_id: str = field(default="", compare=False)


def sources(event: Event) -> Sources | None:
    """The sources that an event names; None where it names none."""
    if not (event.grounding_metadata or event.citation_metadata):
        return None
    grounding = event.grounding_metadata or types.GroundingMetadata()
    cited = event.citation_metadata or types.CitationMetadata()
    # Gemini's places in a text are in bytes.
    said = _text(event).encode(errors="surrogatepass")
    found = [_page(chunk) for chunk in grounding.grounding_chunks or ()]
    passages = list(_supported(grounding, said, len(found)))
    for citation in cited.citations or ():
        if citation.uri or citation.title:
            found.append(Page(citation.title or citation.uri or "", _web(citation.uri)))
            passage = said[citation.start_index or 0 : citation.end_index or 0]
            passages.append((passage.decode(errors="ignore"), (len(found),)))
    searches = tuple(dict.fromkeys(grounding.web_search_queries or ()))
    if not (found or searches):
        return None
    pages, numbers = _without_repeats(found)
    known = [
        (text, tuple(sorted({numbers[number] for number in given})))
        for text, given in passages
        if text.strip()
    ]
    source = (event.author, event.branch)
    return Sources(pages, tuple(known), searches, source, event.id)


def _text(event: Event) -> str:
    parts = (event.content.parts or []) if event.content else []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _page(chunk: types.GroundingChunk) -> Page:
    found = chunk.web or chunk.maps or chunk.retrieved_context
    if found is None:
        return Page("A source without a name")
    return Page(found.title or found.uri or "A source without a name", _web(found.uri))


def _web(address: str | None) -> str:
    return address if address and address.startswith(("https://", "http://")) else ""


def _supported(
    grounding: types.GroundingMetadata, said: bytes, count: int
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for support in grounding.grounding_supports or ():
        segment = support.segment or types.Segment()
        passage = said[segment.start_index or 0 : segment.end_index or 0]
        numbers = [index + 1 for index in support.grounding_chunk_indices or ()]
        known = tuple(number for number in numbers if 1 <= number <= count)
        if known:
            yield segment.text or passage.decode(errors="ignore"), known


def _without_repeats(found: list[Page]) -> tuple[tuple[Page, ...], dict[int, int]]:
    """Each page once, and by the old numbers the new ones."""
    places: dict[Page, int] = {}
    numbers = {
        number: places.setdefault(page, len(places) + 1) for number, page in enumerate(found, 1)
    }
    return tuple(places), numbers
