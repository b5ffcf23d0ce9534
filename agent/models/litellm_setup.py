"""LiteLLM as this app uses it: imported at the start, quiet, and without a look at GitHub."""

import os
from typing import Any

from google.adk.models import BaseLlm

from agent.core.adk_internals import litellm_arguments

# Providers for which LiteLLM begins a sign-in of its own when it is asked what they need.
ASKS_TO_SIGN_IN = ("github_copilot", "chatgpt")

# Variables of which one is enough where LiteLLM asks for others: its providers' own libraries take
# a login from there. Ollama's is an address, without which it is this machine.
ELSEWHERE = {
    "AWS_ACCESS_KEY_ID": (
        *("AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    ),
    "AZURE_API_KEY": ("AZURE_AD_TOKEN", "AZURE_CLIENT_ID"),
    "VERTEXAI_PROJECT": ("GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"),
    "OLLAMA_API_BASE": ("",),
}


def import_litellm() -> Any:
    """LiteLLM. To import it takes seconds, in which nobody else is answered: so it is done at the
    start. By itself it then fetches prices from GitHub, for 7 s where there is no Internet, and
    prints advertisements at each failure."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.suppress_debug_info = True
    return litellm


def missing_for_litellm(model: BaseLlm) -> tuple[str, ...]:
    """The environment variables that LiteLLM needs for this model and does not find. It knows them
    of a hundred providers, without a network; of others nothing is missing."""
    own = litellm_arguments(model)
    provider = own.get("custom_llm_provider")
    name = f"{provider}/{model.model}" if provider else model.model
    litellm = import_litellm()
    if name.startswith(ASKS_TO_SIGN_IN):
        return ()
    known = {"api_key": own.get("api_key"), "api_base": own.get("api_base")}
    missing: list[str] = litellm.validate_environment(name, **known)["missing_keys"]
    if any(_is_elsewhere(variable) for variable in missing):
        return ()
    return tuple(missing)


def is_litellm(model: object) -> bool:
    """Whether LiteLLM asks this model. By the class's name, since it cannot be imported without."""
    return any(kind.__name__ == "LiteLlm" for kind in type(model).__mro__)


def _is_elsewhere(variable: str) -> bool:
    others = ELSEWHERE.get(variable, ())
    return "" in others or any(os.environ.get(other) for other in others)
