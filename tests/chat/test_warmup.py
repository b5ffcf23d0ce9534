"""What is done before the first visitor asks."""

import asyncio
import gc
import sys

import httpx
import pytest

from agent.chat import warmup
from agent.chat.warmup import one_turn, open_clients_soon, warm_up
from agent.core.transcript import answer, notices
from agent.models.gemini_warmup import CannedTransport, warm_up_gemini
from agent.models.offline import WHAT_I_AM
from tests.support.app_setup import loaded
from tests.support.scripted_model import ScriptedModel


async def test_the_turn_that_nobody_asks_for_is_answered_like_a_visitors() -> None:
    transcript = await one_turn()
    assert answer(transcript).startswith(WHAT_I_AM)
    assert notices(transcript) == []


async def test_an_answer_of_geminis_is_read_without_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    responses: list[httpx.Response] = []

    async def kept(self: CannedTransport, request: httpx.Request) -> httpx.Response:
        responses.append(await real(self, request))
        return responses[-1]

    real = CannedTransport.handle_async_request
    monkeypatch.setattr(CannedTransport, "handle_async_request", kept)
    await warm_up_gemini()
    [response] = responses
    assert response.request.url.path.endswith(":streamGenerateContent")
    assert response.is_stream_consumed


def test_what_is_there_at_the_start_is_not_searched_for_garbage_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    gc.unfreeze()  # What the tests themselves have frozen.
    there = [object()]
    warm_up()
    new = [object()]
    searched = {id(tracked) for tracked in gc.get_objects()}
    assert (id(there) in searched, id(new) in searched) == (False, True)


OPENED: asyncio.Queue[asyncio.AbstractEventLoop] = asyncio.Queue()


class WithClient(ScriptedModel):
    """A model that has a client for each event loop, as ADK's Gemini has."""

    @property
    def api_client(self) -> None:
        """Made when it is asked for."""
        OPENED.put_nowait(asyncio.get_running_loop())
        raise ValueError("There is no key.")


async def test_a_models_client_is_made_in_the_servers_loop_and_may_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warmup, "CLIENTS_DELAY", 0)
    loop = asyncio.get_running_loop()
    complaints: list[object] = []
    loop.set_exception_handler(lambda _, told: complaints.append(told))
    open_clients_soon(loaded(WithClient()))
    assert await OPENED.get() is loop
    assert complaints == []
