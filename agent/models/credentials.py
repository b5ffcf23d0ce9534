"""What a model needs to be asked, and does not have: its provider's key, a login, a package."""

import os
import re
from importlib.util import find_spec

from google.adk.models import BaseLlm, Gemini, LLMRegistry

from agent.models.litellm_setup import is_litellm, missing_for_litellm

# The environment variables that google-genai takes a key from, and those by which it is to use
# Google Cloud (google/genai/_api_client.py).
KEYS = {"GOOGLE_API_KEY", "GEMINI_API_KEY"}
CLOUD_SWITCHES = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")

# What ADK's other classes of models need, by their names, since some of them cannot be imported
# everywhere: of each group one, the first of which is named to the host. Most specific first.
NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    # Of Vertex AI.
    "Claude": (("GOOGLE_CLOUD_PROJECT",), ("GOOGLE_CLOUD_LOCATION",)),
    "AnthropicLlm": (
        (
            *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"),
            *("ANTHROPIC_CONFIG_DIR", "ANTHROPIC_FEDERATION_RULE_ID"),
        ),
    ),
    "AzureOpenAIResponsesLlm": (("AZURE_OPENAI_API_KEY",),),
    "OpenAIResponsesLlm": (("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"),),
    "OpenAILlm": (("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"),),
}

# What to install for the models of other providers, by its module. From LiteLLM 1.106 on, a model
# with tools fails without mcp 2 (litellm/main.py), which ADK 2.13 and this app cannot use.
MODEL_PACKAGES = {
    "anthropic": "anthropic>=0.78",
    "litellm": "litellm>=1.84,<1.106",
    "openai": "openai>=2.20,<3",
}

# By which module ADK asks a model of such a name (adk/models/registry.py); before a name may stand
# that of ADK's class.
ASKED_BY = {
    r"(\w+:)?claude-.*": "anthropic",
    r"(\w+:)?(gpt-.*|o\d+-.*)": "openai",
    r".+/.+": "litellm",
}


def is_complete(model: str | BaseLlm) -> bool:
    """Whether nothing is known to be missing for this model."""
    return not (missing_package(model) or missing_credentials(model))


def missing_package(model: str | BaseLlm) -> str:
    """What has to be installed before ADK knows a model of this name, as a requirement; "" where
    nothing has, or where nothing would help."""
    if entries := fallbacks(model):
        return "" if any(map(is_complete, entries)) else missing_package(entries[0])
    if not isinstance(model, str):  # Else its class could not have been imported.
        return ""
    try:
        LLMRegistry.resolve(model)
    except ImportError as error:
        return MODEL_PACKAGES.get(error.name or "", "")
    except ValueError:
        module = next(
            (module for form, module in ASKED_BY.items() if re.fullmatch(form, model)), ""
        )
        return MODEL_PACKAGES[module] if module and find_spec(module) is None else ""
    return ""


def missing_credentials(model: str | BaseLlm) -> tuple[str, ...]:
    """The environment variables without which this model cannot be asked, as far as they are not
    set and the model does not bring their values itself; of two that do the same, the usual one.

    None where all is there, or nobody knows what is needed, or a recording answers in its place.
    """
    if isinstance(model, str):
        try:
            model = LLMRegistry.new_llm(model)
        except (ValueError, ImportError):  # An unknown name: the start and the first turn say so.
            return ()
    if getattr(model, "client", None) or getattr(model, "api_key", None) or _is_played():
        return ()
    kinds = [kind.__name__ for kind in type(model).__mro__]
    if "FallbackModel" in kinds:
        entries = fallbacks(model)
        return () if any(map(is_complete, entries)) else missing_credentials(entries[0])
    if isinstance(model, Gemini):
        return () if _has_own(model) or has_credentials() else ("GOOGLE_API_KEY",)
    if is_litellm(model):
        return _without_alternatives(missing_for_litellm(model))
    if model.model.startswith("projects/"):  # As Google Cloud names a model, project and all.
        return ()
    groups = next((NEEDED[kind] for kind in kinds if kind in NEEDED), ())
    return tuple(group[0] for group in groups if not any(map(os.environ.get, group)))


def has_credentials() -> bool:
    """Whether the environment names a key for Gemini, or asks for Google Cloud."""
    if any(os.environ.get(name) for name in KEYS):
        return True
    values = {os.environ.get(name, "").strip().lower() for name in CLOUD_SWITCHES}
    return not values.isdisjoint({"1", "true", "yes", "on"})


def fallbacks(model: str | BaseLlm) -> list[str | BaseLlm]:
    """The models that ADK's `FallbackModel` asks one after the other; none of any other model."""
    kinds = [kind.__name__ for kind in type(model).__mro__]
    return list(getattr(model, "models", ())) if "FallbackModel" in kinds else []


def name_of(model: str | BaseLlm) -> str:
    """What a model is called."""
    return model if isinstance(model, str) else model.model


def _is_played() -> bool:
    """Whether a recording answers for all models."""
    return bool(os.environ.get("REPLAY", "").strip())


def _has_own(model: Gemini) -> bool:
    own = model.client_kwargs or {}
    return any(own.get(key) for key in ("api_key", "credentials", "enterprise", "vertexai"))


def _without_alternatives(missing: tuple[str, ...]) -> tuple[str, ...]:
    """Of Gemini's two keys one."""
    return missing[:1] if KEYS.issuperset(missing) else missing
