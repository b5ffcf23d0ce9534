"""From a folder to a Runner: find the agent as `adk web` does, and its model and services."""

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.artifacts import BaseArtifactService
from google.adk.cli.utils.agent_loader import AgentLoader
from google.adk.cli.utils.envs import load_dotenv_for_agent
from google.adk.cli.utils.service_factory import (
    create_artifact_service_from_options,
    create_session_service_from_options,
)
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService, InMemorySessionService
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import BaseNode
from pydantic import SecretStr

from agent.chat.compaction import with_compaction
from agent.chat.model_options import ModelOptions
from agent.core.secrets import redact_logs
from agent.core.settings import read_settings
from agent.limits.budget import Budget
from agent.limits.tool_failures import ToolFailures
from agent.models.coalescing import coalescing
from agent.models.offline import KEYS, OfflineModel, has_credentials, needs_credentials
from agent.stores.cleanup import InMemoryStore
from agent.stores.fallback import FallbackStore
from agent.stores.invocation import Invocation
from agent.stores.memory import VisitorMemory
from agent.stores.redaction import Redaction

# The folder of the agent on show.
OUR_AGENT = Path(__file__).parents[1]

# How the URIs of stores begin that one machine has for itself; or, at Agent Engine, in which
# nothing can be made and deleted fast enough to take turns by it.
UNSHARED = ("memory:", "sqlite", "agentengine:")


class LoadError(Exception):
    """No agent can be loaded from a folder; the text says what to do, and is displayed."""


@dataclass(frozen=True)
class LoadedAgent:
    """An agent ready to run, and what a page says about it."""

    runner: Runner
    title: str
    description: str
    # Messages to begin with: `EXAMPLES` in the agent's module, if it has any.
    examples: tuple[str, ...]
    # Whether the built-in offline model answers, because no credentials were found.
    is_offline: bool
    # Whether another model than that answers too, which somebody may have to pay for.
    costs: bool = True

    @property
    def forgets(self) -> bool:
        """Whether conversations are kept in memory alone."""
        store = self.runner.session_service
        return isinstance(getattr(store, "real", store), InMemorySessionService)


def load(folder: Path = OUR_AGENT, coalesce: bool = False) -> LoadedAgent:
    """The agent in `folder`, whatever form `adk web` accepts: agent.py, App, root_agent.yaml.

    Reads this app's `.env` on the way, and then the one nearest to the agent. An agent whose
    Gemini has no credentials is given the offline model in its place, tools and all.

    Args:
        folder: Where the agent is.
        coalesce: Whether its models' partials are coalesced, which is for one event loop alone.

    Raises:
        LoadError: with a sentence for the host.
    """
    folder = folder.resolve()
    _quieten_adk()
    redact_logs()
    found = _import(folder)
    # App() itself is stricter about names than ADK's own tools are (adk/runners.py).
    app = (
        found if isinstance(found, App) else App.model_construct(name=folder.name, root_agent=found)
    )
    _check_keys()
    root = cast(BaseNode, app.root_agent)
    agents = list(llm_agents(root))
    offline = [_go_offline(agent) for agent in agents]
    for agent in agents if coalesce else ():
        with suppress(Exception):  # What cannot be made fails when it is called, and says why.
            agent.model = coalescing(agent.canonical_model)
    settings = read_settings(os.environ)
    app = with_compaction(app, agents)
    # The first to give ADK another event or response is the last that is asked.
    plugins = [
        *(Invocation(), *app.plugins),
        *(ModelOptions(), Budget(settings.max_output_tokens), ToolFailures(), Redaction()),
    ]
    modules = (sys.modules.get(f"{folder.name}.agent"), sys.modules.get(folder.name))
    examples = next((m.EXAMPLES for m in modules if m and hasattr(m, "EXAMPLES")), ())
    return LoadedAgent(
        runner=Runner(
            app=app.model_copy(update={"plugins": plugins}),
            app_name=folder.name,
            session_service=_session_service(settings.session_db, folder),
            artifact_service=_artifact_service(settings.artifacts, folder),
            memory_service=VisitorMemory(),
        ),
        title=root.name.replace("_", " ").strip().capitalize(),
        description=root.description,
        examples=(examples,) if isinstance(examples, str) else tuple(examples),
        is_offline=any(offline),
        costs=not all(offline),
    )


def _import(folder: Path) -> App | BaseNode:
    """Import the folder as `adk web` does."""
    if not folder.is_dir():
        raise LoadError(f"There is no folder {folder}. Name the folder that holds agent.py.")
    known = sys.modules.get(folder.name)
    is_other = known is not None and str(folder) not in getattr(known, "__path__", [])
    if is_other or folder.name in sys.stdlib_module_names:
        raise LoadError(
            f"{folder} has the same name as something else that Python knows, and only one of them "
            "can be imported. Rename it, or put its agent.py in the place of agent/agent.py."
        )
    load_dotenv_for_agent(OUR_AGENT.name, str(OUR_AGENT.parent))
    try:
        return AgentLoader(str(folder.parent)).load_agent(folder.name)
    except Exception as error:
        kind = "" if isinstance(error, ValueError | ImportError) else f"{type(error).__name__}: "
        raise LoadError(f"The agent in {folder} could not be loaded. {kind}{error}") from error


def _check_keys() -> None:
    """A key's blanks are cut off. What else HTTP cannot carry it would quote in its complaint, key
    and all (h11/_headers.py), so that no such key may be used."""
    for name in KEYS & os.environ.keys():
        os.environ[name] = os.environ[name].strip()
        if not re.fullmatch("[!-~]*", os.environ[name]):
            raise LoadError(
                f"{name} holds a blank, a line break or another sign that is in no key. Copy the "
                "key once more, completely, and nothing else with it."
            )


def _session_service(uri: SecretStr | None, folder: Path) -> BaseSessionService:
    """The store that `adk web` would take: by default the file `.adk/session.db` in the folder."""
    given = uri.get_secret_value() if uri else None
    try:
        store = create_session_service_from_options(
            base_dir=folder.parent, session_service_uri=given
        )
    except Exception as error:
        # Not its text, which may quote the URI with its password.
        raise LoadError(
            f"SESSION_DB cannot be used ({type(error).__name__}). It should be memory://, "
            'sqlite:///FILE, or a database for which `pip install "google-adk[db]"` and its driver '
            "are there, such as postgresql+asyncpg://HOST/NAME."
        ) from None
    # ADK's choice where nothing can be written beside the agent, and on Cloud Run and Kubernetes.
    forgets = given is None and isinstance(store, InMemorySessionService)
    real = InMemoryStore() if type(store) is InMemorySessionService else store
    return FallbackStore(real, bool(given and not given.startswith(UNSHARED)), forgets)


def _artifact_service(uri: str | None, folder: Path) -> BaseArtifactService:
    """The store of the files that the agent makes."""
    try:
        return create_artifact_service_from_options(
            base_dir=folder.parent, artifact_service_uri=uri or "memory://", strict_uri=True
        )
    except Exception as error:
        raise LoadError(
            f"ARTIFACTS cannot be used ({type(error).__name__}). It should be memory://, "
            'file:///FOLDER, or gs://BUCKET, for which `pip install "google-adk[gcp]"` is needed.'
        ) from None


def llm_agents(node: object) -> Iterator[LlmAgent]:
    """Every agent with a model in the tree: sub-agents, agents used as tools, workflow nodes."""
    if isinstance(node, LlmAgent):
        yield node
    tools = getattr(node, "tools", [])
    inner = [tool.agent for tool in tools if isinstance(tool, AgentTool)]
    nodes = getattr(getattr(node, "graph", None), "nodes", [])
    for child in (*getattr(node, "sub_agents", []), *inner, *nodes):
        yield from llm_agents(child)


def _go_offline(agent: LlmAgent) -> bool:
    """Give an agent without credentials the offline model; whether it has that now."""
    if needs_credentials(agent.model or agent.canonical_model) and not has_credentials():
        agent.model = OfflineModel()
    return isinstance(agent.model, OfflineModel) or agent.model == "offline"


def _quieten_adk() -> None:
    """ADK logs each failed turn twice, with tracebacks, and grumbles about each stopped one; the
    turn itself logs what a host wants to know, once. So does the store, when it fails."""
    # ADK before 2.13 warns of features that it uses itself.
    warnings.filterwarnings("ignore", r"\[EXPERIMENTAL\] feature FeatureName", UserWarning)
    for name in (
        *("workflow._node_runner", "runners", "telemetry._metrics"),
        *("flows.llm_flows.tools._rearranger", "sessions.database_session_service"),
    ):
        logging.getLogger(f"google_adk.google.adk.{name}").setLevel(logging.CRITICAL)
