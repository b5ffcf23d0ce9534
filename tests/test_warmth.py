"""What is done before the first visitor asks."""

import asyncio

import pytest
from house import loaded, run
from scripted_model import ScriptedModel

from agent import warmth
from agent.offline import WHAT_I_AM
from agent.transcript import answer, notices
from agent.warmth import one_turn, open_clients_soon


def test_the_turn_that_nobody_asks_for_is_answered_like_a_visitors() -> None:
    transcript = asyncio.run(one_turn())
    assert answer(transcript).startswith(WHAT_I_AM)
    assert notices(transcript) == []


OPENED: asyncio.Queue[asyncio.AbstractEventLoop] = asyncio.Queue()


class WithClient(ScriptedModel):
    """A model that has a client for each event loop, as ADK's Gemini has."""

    @property
    def api_client(self) -> None:
        """Made when it is asked for."""
        OPENED.put_nowait(asyncio.get_running_loop())
        raise ValueError("There is no key.")


def test_a_models_client_is_made_in_the_servers_loop_and_may_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warmth, "SOON", 0)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        complaints: list[object] = []
        loop.set_exception_handler(lambda _, told: complaints.append(told))
        open_clients_soon(loaded(WithClient()))
        assert await OPENED.get() is loop
        assert complaints == []

    run(story())
