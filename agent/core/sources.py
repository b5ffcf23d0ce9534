"""What an answer rests on: pages of the web, documents, and searches, as the model names them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from google.adk.events import Event
from google.genai import types

# Under which name an event's `custom_metadata` holds the pages that Gemini has read by its
# `url_context` tool (agent/models/pages_read.py).
PAGES_READ = "adk_chat_page_pages_read"

# Why a page was not read: in some other way than that it is not free, or not safe.
Failure: TypeAlias = Literal["failed", "paywall", "unsafe"]

# As Gemini names it (google/genai/types.py, UrlRetrievalStatus).
FAILURES: dict[str, Failure] = {
    "URL_RETRIEVAL_STATUS_ERROR": "failed",
    "URL_RETRIEVAL_STATUS_PAYWALL": "paywall",
    "URL_RETRIEVAL_STATUS_UNSAFE": "unsafe",
}

# More of Google's search suggestions are not Google's.
MAX_SUGGESTIONS = 50_000


@dataclass(frozen=True)
class Page:
    """One source: a page of the web, a document, or a place."""

    title: str
    # "" where it has none that a browser opens.
    address: str = ""
    # None of one that was read.
    failure: Failure | None = None


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
    # What Google gives to show in place of the searches, as HTML; it may be anything.
    suggestions: str = ""


def sources(event: Event) -> Sources | None:
    """The sources that an event names; None where it names none."""
    read = list(_read(event))
    if not (event.grounding_metadata or event.citation_metadata or read):
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
    known_addresses = {page.address for page in found}
    found += [page for page in read if page.address not in known_addresses]
    searches = tuple(dict.fromkeys(grounding.web_search_queries or ()))
    entry_point = grounding.search_entry_point
    suggestions = (entry_point and entry_point.rendered_content) or ""
    if not (found or searches or suggestions):
        return None
    pages, numbers = _without_repeats(found)
    known = [
        (text, tuple(sorted({numbers[number] for number in given})))
        for text, given in passages
        if text.strip()
    ]
    source = (event.author, event.branch)
    shown = suggestions if len(suggestions) <= MAX_SUGGESTIONS else ""
    return Sources(pages, tuple(known), searches, source, event.id, shown)


def _read(event: Event) -> Iterator[Page]:
    """The pages that the model itself has read, or could not."""
    stored = (event.custom_metadata or {}).get(PAGES_READ)
    for page in stored if isinstance(stored, list) else ():
        match page:
            case {"address": str(address), "status": str(status)} if _web(address):
                yield Page(address, address, FAILURES.get(status))


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
