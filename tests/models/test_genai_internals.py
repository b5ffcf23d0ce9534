"""What is private in google-genai: that it is there, and that answers are the same without it."""

import logging
import sys
from collections.abc import Iterator
from importlib.metadata import version
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.genai import Client, _common, types
from packaging.version import Version

from agent.models import coalescing as coalescing_module
from agent.models import genai_internals
from agent.models.batching import MAX_DELAY
from agent.models.coalescing import CoalescingModel, coalescing
from agent.models.gemini_request import GeminiWithPlainRequests
from agent.models.gemini_stream import StreamHook
from agent.models.gemini_warmup import warm_up_gemini
from agent.models.genai_internals import (
    HTTP_LIBRARIES,
    add_event_hooks,
    change_class,
    forget_client,
    http_library,
    log_unknown_client,
    replaces_contents,
    use_httpx,
    uses_interactions_api,
    with_event_hook,
)
from tests.support.fake_gemini import FakeGemini
from tests.support.scripted_model import ScriptedModel

CONVERSATION = [types.UserContent("Hi"), types.ModelContent("Hello"), types.UserContent("And?")]


async def answer(model: BaseLlm) -> list[LlmResponse]:
    request = LlmRequest(model="gemini-x", contents=CONVERSATION)
    return [response async for response in model.generate_content_async(request, stream=True)]


def texts(responses: list[LlmResponse]) -> list[str]:
    """The texts of the partials."""
    contents = [response.content for response in responses if response.partial]
    parts = [part for content in contents if content for part in content.parts or []]
    return [part.text or "" for part in parts]


def sent(gemini: FakeGemini) -> list[str]:
    """What the model is told of the conversation."""
    return [text for _, text in gemini.requests[-1].conversation]


@pytest.fixture(autouse=True)
def nothing_was_logged() -> Iterator[None]:
    """As in a new process."""
    log_unknown_client.cache_clear()
    yield
    log_unknown_client.cache_clear()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What has been logged of google-genai."""
    ours = [record for record in caplog.records if record.name == genai_internals.__name__]
    assert all(record.levelno == logging.WARNING for record in ours)
    return [record.getMessage() for record in ours]


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long partials have waited for others, after google-genai has read them."""
    seen: list[float] = []
    batch = coalescing_module.batch

    def noting(items: Any, join: Any, max_delay: float) -> Any:
        seen.append(max_delay)
        return batch(items, join, max_delay)

    monkeypatch.setattr(coalescing_module, "batch", noting)
    return seen


def test_all_that_is_private_is_there() -> None:
    assert {"client", "client_kwargs", "use_interactions_api"} <= Gemini.model_fields.keys()
    assert {"extra_body", "async_client_args"} <= types.HttpOptions.model_fields.keys()
    assert http_library(httpx.Response(200)) is httpx
    assert replaces_contents(Client(api_key="k"))
    assert with_event_hook(Gemini(), StreamHook())
    assert hasattr(Client(api_key="k")._api_client, "_use_aiohttp")
    assert add_event_hooks(Client(api_key="k"), print, print)
    model = Gemini(client_kwargs={"api_key": "k"})
    client = model.api_client
    assert model.api_client is client
    forget_client(model)
    assert model.api_client is not client
    assert uses_interactions_api(Gemini(use_interactions_api=True))
    assert change_class(Gemini(), CoalescingModel, Gemini)


async def test_answers_are_coalesced_once(
    gemini: FakeGemini, delays: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    gemini.always(*["x "] * 100)
    model = coalescing(Gemini())
    for _ in range(2):
        fewer = texts(await answer(model))
        assert len(fewer) < 50
        assert "".join(fewer) == "x " * 100
    assert delays == [0, 0]
    assert warnings(caplog) == []


# httpx2


def library(name: str) -> Any:
    """A module with httpx's classes under another name."""
    module: Any = ModuleType(name)
    for kind in (httpx.Response, httpx.AsyncByteStream):
        setattr(module, kind.__name__, type(kind.__name__, (kind,), {"__module__": name}))
    return module


STREAM = {"content-type": "text/event-stream"}


@pytest.mark.parametrize("name", HTTP_LIBRARIES)
async def test_a_body_is_replaced_by_one_of_the_library_of_its_response(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = library(name)
    monkeypatch.setitem(sys.modules, name, module)
    event = 'data: {"candidates": [{"content": {"parts": [{"text": "x"}]}}]}\n\n'
    response = module.Response(200, headers=STREAM, stream=httpx.ByteStream(3 * event.encode()))
    await StreamHook()(response)
    assert isinstance(response.stream, module.AsyncByteStream)
    assert str((await response.aread()).decode()) == event.replace('"x"', '"xxx"')


@pytest.mark.xfail(
    Version(version("google-genai")) < Version("2.33"), reason="it knows no httpx2", run=False
)
async def test_answers_that_httpx2_reads_are_coalesced_as_well(
    gemini: FakeGemini,
    monkeypatch: pytest.MonkeyPatch,
    delays: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    httpx2 = pytest.importorskip("httpx2")
    assert http_library(httpx2.Response(200)) is httpx2
    monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", "httpx2")
    await warm_up_gemini()
    model = Gemini()
    assert not isinstance(model.api_client._api_client._async_httpx_client, httpx.AsyncClient)
    hooked = Gemini(**with_event_hook(model, StreamHook()))
    use_httpx(hooked.api_client)
    for asked in (hooked, coalescing(Gemini())):
        gemini.enqueue(*["x "] * 100)
        fewer = texts(await answer(asked))
        assert len(fewer) < 50
        assert "".join(fewer) == "x " * 100
    assert delays == [0]
    assert warnings(caplog) == []


# Without them


async def test_a_response_of_a_library_that_is_not_known_is_left_alone_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hook, response = StreamHook(), SimpleNamespace(headers=STREAM, stream=b"")
    for _ in range(2):
        await hook(response)
    await StreamHook()(response)
    assert response == SimpleNamespace(headers=STREAM, stream=b"")
    assert not hook.is_effective
    [warning] = warnings(caplog)
    assert "an HTTP library other than httpx or httpx2" in warning


@pytest.mark.parametrize("gone", ["Response", "AsyncByteStream"])
async def test_a_library_that_has_changed_is_left_alone(
    gone: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = library("httpx")
    response, stream = module.Response(200, headers=STREAM, text="data"), httpx.ByteStream(b"data")
    response.stream = stream
    delattr(module, gone)
    monkeypatch.setitem(sys.modules, "httpx", module)
    await StreamHook()(response)
    assert response.stream is stream
    assert len(warnings(caplog)) == 1


async def test_where_the_client_calls_no_hooks_answers_are_coalesced_later_and_it_is_logged_once(
    gemini: FakeGemini, delays: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    models = [coalescing(Gemini()) for _ in range(2)]
    gemini.always(*["x "] * 100)
    for model in models:
        assert isinstance(model, Gemini)
        (model.client_kwargs or {})["http_options"].async_client_args.clear()  # As aiohttp's has.
        for _ in range(2):
            fewer = texts(await answer(model))
            assert "".join(fewer) == "x " * 100
        assert len(fewer) < 50
    assert delays == [0, MAX_DELAY] * 2
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize(
    ("kind", "field"), [(Gemini, "client_kwargs"), (types.HttpOptions, "async_client_args")]
)
async def test_where_no_hook_can_be_given_answers_are_coalesced_later(
    gemini: FakeGemini,
    monkeypatch: pytest.MonkeyPatch,
    delays: list[float],
    kind: Any,
    field: str,
) -> None:
    fields = {name: value for name, value in kind.model_fields.items() if name != field}
    monkeypatch.setattr(kind, "__pydantic_fields__", fields)
    model = coalescing(Gemini())
    gemini.enqueue("Hello")
    assert texts(await answer(model)) == ["Hello"]
    assert delays == [MAX_DELAY]


@pytest.mark.parametrize("gone", ["_build_request", "recursive_dict_update"])
async def test_the_whole_conversation_is_sent_if_google_genai_takes_no_contents_as_json(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    gemini.always("Hello")
    await answer(GeminiWithPlainRequests())
    model = GeminiWithPlainRequests()  # Another one, because a model keeps its client.
    if gone == "_build_request":
        monkeypatch.setattr(model, "client", hidden(Client()))
    else:
        monkeypatch.setattr(_common, gone, lambda *_: None)
    await answer(model)
    assert sent(gemini) == ["Hi", "Hello", "And?"]
    assert gemini.requests[0].body == gemini.requests[1].body
    assert not replaces_contents(model.api_client)


def hidden(client: Client) -> Any:
    """A client without its private parts."""
    return SimpleNamespace(aio=client.aio, vertexai=client.vertexai)


async def test_a_request_by_the_interactions_api_keeps_its_contents(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[LlmRequest] = []

    async def note(_: Gemini, request: LlmRequest, stream: bool) -> Any:
        requests.append(request)
        yield LlmResponse()

    monkeypatch.setattr(Gemini, "_generate_content_via_interactions", note)
    model = coalescing(Gemini(use_interactions_api=True))
    assert isinstance(model, GeminiWithPlainRequests)
    await answer(model)
    assert requests[0].contents == CONVERSATION


class Final(ScriptedModel):
    """A model whose class can have no children."""

    def __init_subclass__(cls) -> None:
        raise TypeError


def test_a_model_whose_class_cannot_be_changed_stays_as_it_is() -> None:
    model = Final()
    assert coalescing(model) is model
    assert type(model) is Final
