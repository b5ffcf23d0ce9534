"""The page that the tests of `/chat/stream` ask."""

from collections.abc import Iterator

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini


def sky(city: str) -> dict[str, str]:
    """Tell the colour of the sky."""
    return {"colour": f"blue over {city}"}


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    # So much patience that nothing here ends by itself.
    with launched(
        loaded(tools=[sky]), request_retries=0, leave_grace=600, gap_timeout=100
    ) as address:
        yield address
