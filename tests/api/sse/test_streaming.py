"""Whether the model gives its answer in pieces or whole, as a client of `/chat/stream` wishes."""

import httpx
import pytest

from tests.support.fake_gemini import FakeGemini
from tests.support.sse_client import answer, events

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("wish", "is_streamed"),
    [({}, True), ({"streaming": True}, True), ({"streaming": False}, False)],
)
@pytest.mark.parametrize("way", ["json", "post", "get"])
def test_a_client_may_have_the_model_answer_at_once(
    url: str, gemini: FakeGemini, way: str, wish: dict[str, bool], is_streamed: bool
) -> None:
    gemini.enqueue("Hel", "lo.")
    asked: dict[str, str | bool] = {"query": "Hi", **wish}
    address = f"{url}chat/stream"
    if way == "json":
        response = httpx.post(address, json=asked, timeout=20)
    else:
        response = httpx.request(way, address, params=asked, timeout=20)
    assert answer(list(events(response))) == "Hello."
    assert gemini.requests[0].streaming is is_streamed


def test_a_wish_that_is_none_is_refused(url: str, gemini: FakeGemini) -> None:
    response = httpx.post(f"{url}chat/stream", json={"query": "Hi", "streaming": "perhaps"})
    assert response.status_code == 422
    assert gemini.requests == []
