"""The offline model in the place of an AI that lacks something, and what the host has to do for
that AI."""

from collections.abc import Iterable

from google.adk.agents import LlmAgent

from agent.chat.load_errors import how_to_install_package, where_to_set
from agent.models.credentials import KEYS
from agent.models.offline import OfflineModel, with_credentials


def go_offline(agent: LlmAgent) -> bool:
    """Give an agent without credentials the offline model; whether it has that now."""
    try:
        model = agent.model or agent.canonical_model  # Its parent's, or ADK's default.
    except Exception:  # What cannot be made fails when it is called, and says why.
        return False
    if (ready := with_credentials(model)) is not model:
        model = agent.model = ready
    return isinstance(model, OfflineModel) or model == "offline"


def how_to_connect(agents: Iterable[LlmAgent]) -> str:
    """Sentences for the host, as Markdown that can be read in a log too; "" where nothing is
    missing, because the owner has chosen the offline model.

    Args:
        agents: Those that have it.
    """
    models = [agent.canonical_model for agent in agents]
    offline = [model for model in models if isinstance(model, OfflineModel)]
    variables = dict.fromkeys(name for model in offline for name in model.missing)
    packages = dict.fromkeys(model.package for model in offline if model.package)
    return "\n\n".join(filter(None, (_packages(list(packages)), _variables(list(variables)))))


def _packages(missing: list[str]) -> str:
    if not missing:
        return ""
    how = how_to_install_package(*missing)
    return f"A package is missing by which the agent's own AI is asked. {how}"


def _variables(missing: list[str]) -> str:
    """Of these, names of environment variables."""
    if not missing:
        return ""
    names = " and ".join(f"`{name}`" for name in missing)
    if KEYS.isdisjoint(missing):
        whose, more = "the agent's own AI", ""
    else:
        whose, more = "Gemini", " (a free key comes from https://aistudio.google.com/apikey)"
    return f"To hear from {whose} instead, set {names} {where_to_set()}{more}, and start again."
