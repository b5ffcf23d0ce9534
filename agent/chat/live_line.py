"""The line from a talk to its model: to which model, and what happens when it is lost.

ADK connects again by itself, at once and as often as it takes, and waits for ever for a server that
does not answer. Here a connection has its time, and the next one is waited for, longer each time.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from functools import cache, partial
from typing import Any, TypeAlias

from google.adk.agents import BaseAgent, LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.models import BaseLlm, Gemini, LLMRegistry, LlmRequest, LlmResponse
from google.adk.models.base_llm_connection import BaseLlmConnection
from google.adk.plugins import BasePlugin
from google.genai import types

from agent.chat.measures import running_turn
from agent.core.containment import describe
from agent.core.errors import KEY_NOT_USED, UNKNOWN, explain, mark_own_key
from agent.core.notices import PlainError
from agent.core.own_key import OwnKey, own_key
from agent.limits.budget import OFFLINE_MODEL, current_usage
from agent.models.credentials import is_complete
from agent.models.genai_internals import change_class
from agent.models.offline import OfflineModel
from agent.models.text_line import TextLine, open_text_line
from agent.models.without_key import OfflineWithoutKey, takes_own_key, with_own_key

log = logging.getLogger(__name__)

# Seconds in which a model's server must have taken a connection.
CONNECT_TIMEOUT = 10.0

# Connections in so many seconds: a sound line has one, and one for each agent that takes over. And
# the seconds before each connection; the last figure stands for all further ones.
MAX_CONNECTIONS, CONNECTIONS_TIME = 8, 60.0
DELAYS = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0)

# The Geminis that hold a talk; of all others only words can be had
# (https://ai.google.dev/gemini-api/docs/live).
LIVE_GEMINI = re.compile(r"live|native-audio")


# How a model is connected.
Connect: TypeAlias = Callable[[LlmRequest], AbstractAsyncContextManager[BaseLlmConnection]]


class TalkLine:
    """The line of one talk.

    Args:
        on_lost: Called when another one is opened in place of one that was lost.
        on_open: Called when one is open.
    """

    def __init__(self, on_lost: Callable[[], Awaitable[None]], on_open: Callable[[], None]) -> None:
        self._on_lost, self._on_open = on_lost, on_open
        self.is_open = False
        # Whether the model hears a voice; else only words reach it.
        self.hears = True
        # Which model is to be connected, where it is not the agent's own.
        self.live_model: str | None = None
        self._opened: list[float] = []
        self._request: LlmRequest | None = None

    @asynccontextmanager
    async def open(self, request: LlmRequest, connect: Connect) -> AsyncIterator[BaseLlmConnection]:
        """A connection, when its time has come.

        Args:
            request: What it is to begin with; ADK gives the same one again where it was lost.
            connect: Makes it.

        Raises:
            PlainError: if it is lost again and again, or does not come about in time.
        """
        now = time.monotonic()
        self._opened = [at for at in self._opened if now - at < CONNECTIONS_TIME]
        if len(self._opened) >= MAX_CONNECTIONS:
            raise PlainError("talk_line_lost")
        if request is self._request:  # Else another agent takes over.
            await self._on_lost()
        self._request = request
        await asyncio.sleep(DELAYS[min(len(self._opened), len(DELAYS) - 1)])
        self._opened.append(time.monotonic())
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    with explained():
                        connection = await stack.enter_async_context(connect(request))
            except TimeoutError:
                raise PlainError("unreachable") from None
            self.is_open, self.hears = True, not isinstance(connection, TextLine)
            self._on_open()
            try:
                yield PatientConnection(connection)
            finally:
                self.is_open = False


@contextmanager
def explained() -> Iterator[None]:
    """Have what fails inside told as the model's failure. That goes for a frame that google-genai
    cannot read, too: then it raises whatever its own code does (google/genai/live.py).

    Raises:
        PlainError: in place of an error that `explain` does not know.
    """
    try:
        yield
    except Exception as error:
        if explain(error, "model").code != UNKNOWN:
            raise
        log.warning("The AI service has sent what cannot be read. %s", describe(error))
        raise PlainError("model_failed") from error


class PatientConnection(BaseLlmConnection):
    """A connection whose server may say that it is going to close it, and is left to say its answer
    to the end first: ADK would cut that off."""

    def __init__(self, connection: BaseLlmConnection) -> None:
        self._connection = connection
        self._is_answering = False
        self._goes: LlmResponse | None = None

    async def send_history(self, history: list[types.Content]) -> None:
        await self._connection.send_history(history)

    async def send_content(self, content: types.Content) -> None:
        await self._connection.send_content(content)

    async def send_realtime(self, blob: Any) -> None:
        await self._connection.send_realtime(blob)

    async def receive(self) -> AsyncGenerator[LlmResponse, None]:
        is_text = isinstance(self._connection, TextLine)
        async with aclosing(self._connection.receive()) as responses:
            while True:
                with nullcontext() if is_text else explained():
                    response = await anext(responses, None)
                if response is None:
                    return
                if getattr(response, "go_away", None):
                    self._goes = response
                else:
                    yield response
                is_said = response.content or response.output_transcription
                self._is_answering = bool(is_said) or self._is_answering
                if response.turn_complete:
                    self._is_answering = False
                if self._goes and not self._is_answering:
                    yield self._goes
                    return

    async def close(self) -> None:
        await self._connection.close()


class LineModel(BaseLlm):
    """What is put before the class of a model that is to hold talks."""

    @asynccontextmanager
    async def connect(self, llm_request: LlmRequest) -> AsyncIterator[BaseLlmConnection]:
        """A connection, by the talk's line where there is one."""
        line = getattr(running_turn.get(None), "line", None)
        if line is None:
            async with super().connect(llm_request) as connection:
                yield connection
            return
        own = super().connect
        connect = partial(connect_to, self, own, line.live_model)
        async with line.open(llm_request, connect) as connection:
            yield connection


def connect_to(
    model: BaseLlm, own: Connect, live_model: str | None, request: LlmRequest
) -> AbstractAsyncContextManager[BaseLlmConnection]:
    """A connection to the host's model for talks, or the agent's own; by words alone where that
    can be had alone. On a visitor's key no model is asked but those that take it."""
    if (key := own_key.get()) and not isinstance(model, OfflineModel):
        return _on_own_key(model, live_model, request, key)
    is_without_key = isinstance(model, OfflineWithoutKey)
    if current_usage().is_offline or is_without_key or not is_complete(model):
        return open_text_line(OFFLINE_MODEL, request)
    if live_model and not isinstance(model, OfflineModel):
        request.model = live_model
        return _new_model(live_model).connect(request)
    if not has_live_api(model):
        return open_text_line(model, request)
    return own(request)


@asynccontextmanager
async def _on_own_key(
    model: BaseLlm, live_model: str | None, request: LlmRequest, key: OwnKey
) -> AsyncIterator[BaseLlmConnection]:
    """A connection on the visitor's key, by a client that is gone with it.

    Raises:
        PlainError: if the model cannot be asked on it.
    """
    if not (key.value and isinstance(model, Gemini) and takes_own_key(model)):
        raise PlainError(explain(KEY_NOT_USED).code)
    name = live_model or model.model
    with_own_key(request, key.value)
    if LIVE_GEMINI.search(name):
        fields = {field: getattr(model, field) for field in Gemini.model_fields}
        client_options = {**(model.client_kwargs or {}), "api_key": key.value}
        fields |= {"model": name, "client_kwargs": client_options}
        request.model = name
        opened = Gemini(**fields).connect(request)
    else:
        opened = open_text_line(model, request)
    try:
        async with opened as connection:
            yield connection
    except Exception as error:
        mark_own_key(error)
        raise


def has_live_api(model: BaseLlm) -> bool:
    """Whether the model's server holds talks itself."""
    if isinstance(model, Gemini):
        return bool(LIVE_GEMINI.search(model.model))
    own = [kind for kind in type(model).__mro__ if kind is not LineModel]
    return next(k for k in own if "connect" in vars(k)) is not BaseLlm


@cache
def _new_model(name: str) -> BaseLlm:
    """One model for each name, so that all talks share its client."""
    return LLMRegistry.new_llm(name)


class Lines(BasePlugin):
    """An ADK plugin that has the models of a talk connected by its line."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_lines")

    async def before_agent_callback(
        self, *, agent: BaseAgent, callback_context: CallbackContext
    ) -> None:
        """Have the agent's model connected so, also of one that was not there at the start."""
        if not isinstance(agent, LlmAgent) or not hasattr(running_turn.get(None), "line"):
            return
        # Not ADK's own choice for talks, which is another model where none is named.
        model = agent.canonical_model
        if not isinstance(model, LineModel):
            copy = model.model_copy()
            if change_class(copy, LineModel, type(model)):
                agent.model = copy
