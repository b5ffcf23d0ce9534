"""What a model needs to be asked, of whichever provider, and whether it is there."""

import sys
from importlib.util import find_spec

import pytest
from google.adk.integrations.openai import OpenAILlm, OpenAIResponsesLlm
from google.adk.models import BaseLlm, FallbackModel, Gemini, registry
from google.genai import Client
from openai import AsyncOpenAI

from agent.models.coalescing import coalescing
from agent.models.credentials import fallbacks, missing_credentials, missing_package
from agent.models.offline import OfflineModel, with_credentials
from tests.support.scripted_model import ScriptedModel

GOOGLE, OPENAI = ("GOOGLE_API_KEY",), ("OPENAI_API_KEY",)


class Claude(ScriptedModel):
    """ADK's class of this name needs the package anthropic, which is not here."""


class AnthropicLlm(ScriptedModel):
    """So does this one."""


@pytest.mark.parametrize(
    ("model", "missing"),
    [
        ("gemini-3.5-flash", GOOGLE),
        (Gemini(model="gemini-2.5-pro"), GOOGLE),
        (coalescing(Gemini(client_kwargs={"api_key": ""})), GOOGLE),
        ("gpt-5", OPENAI),
        (OpenAILlm(model="gpt-5"), OPENAI),
        (OpenAIResponsesLlm(model="gpt-5"), OPENAI),
        (AnthropicLlm(), ("ANTHROPIC_API_KEY",)),
        (Claude(), ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION")),
        (FallbackModel(models=["gpt-5", "gemini-3.5-flash"]), OPENAI),
    ],
    ids=str,
)
def test_the_variable_that_is_missing_is_named(
    model: str | BaseLlm, missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert missing_credentials(model) == missing
    assert isinstance(ready := with_credentials(model), OfflineModel)
    assert (ready.missing, ready.package) == (missing, "")
    for name in missing:
        monkeypatch.setenv(name, "there")
    assert missing_credentials(model) == ()
    assert with_credentials(model) is model or fallbacks(model)


@pytest.mark.parametrize(
    "model",
    [
        *("offline", "no-such-model", OfflineModel(), ScriptedModel()),
        Gemini(client_kwargs={"api_key": "k"}),
        Gemini(client_kwargs={"enterprise": True, "project": "p", "location": "global"}),
        Gemini(client_kwargs={"vertexai": True, "project": "p", "location": "global"}),
        Gemini(client=Client(api_key="k")),
        OpenAILlm(model="gpt-5", api_key="k"),
        OpenAILlm(model="gpt-5", client=AsyncOpenAI(api_key="k")),
        Claude(model="projects/p/locations/l/publishers/anthropic/models/claude"),
        FallbackModel(models=["gemini-3.5-flash", "offline"]),
    ],
    ids=lambda model: str(model)[:60],
)
def test_nothing_is_missing_for_a_model_that_brings_its_own_or_needs_none(
    model: str | BaseLlm,
) -> None:
    assert missing_credentials(model) == ()


def test_of_several_models_those_are_asked_that_have_credentials(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    codes = frozenset({429})
    given = FallbackModel(models=["gemini-3.5-flash", "gpt-5"], retriable_status_codes=codes)
    left = with_credentials(given)
    assert isinstance(left, FallbackModel)
    assert (left.models, left.model, left.retriable_status_codes) == (["gpt-5"], "gpt-5", codes)
    assert caplog.messages == [
        "The AI answers without gemini-3.5-flash, for which a key or a package is missing."
    ]


# Models, and what each needs.
PACKAGES: list[tuple[str | BaseLlm, str, str]] = [
    ("openai/gpt-5", "litellm", "litellm>=1.84,<1.106"),
    ("claude-new", "anthropic", "anthropic>=0.78"),
    ("Claude:claude-new", "anthropic", "anthropic>=0.78"),
    (FallbackModel(models=["groq/llama3", "gemini-3.5-flash"]), "litellm", "litellm>=1.84,<1.106"),
    ("gemni", "litellm", ""),
]


def unless_there(module: str) -> pytest.MarkDecorator:
    there = find_spec(module) is not None
    return pytest.mark.xfail(there, reason="ADK has imported it", run=False)


@pytest.mark.parametrize(
    ("model", "module", "package"),
    [pytest.param(*case, id=str(case[0]), marks=unless_there(case[1])) for case in PACKAGES],
)
def test_the_package_that_is_missing_is_named_where_it_would_help(
    model: str | BaseLlm, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # As if it were not installed.
    # ADK forgets the names of what it could not import.
    monkeypatch.setattr(registry, "_llm_registry_dict", dict(registry._llm_registry_dict))
    assert (missing_credentials(model), missing_package(model)) == ((), package)
    ready = with_credentials(model)
    assert (ready.package if isinstance(ready, OfflineModel) else "") == package
