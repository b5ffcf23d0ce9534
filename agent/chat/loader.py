"""From a folder to a Runner: find the agent as `adk web` does, and its model and services."""

import logging
import os
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.artifacts import BaseArtifactService, InMemoryArtifactService
from google.adk.cli.utils.agent_loader import AgentLoader
from google.adk.cli.utils.envs import load_dotenv_for_agent
from google.adk.cli.utils.service_factory import (
    create_artifact_service_from_options,
    create_session_service_from_options,
)
from google.adk.plugins import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService, InMemorySessionService
from google.adk.workflow import BaseNode
from pydantic import TypeAdapter

from agent.chat.agent_check import agent_warnings
from agent.chat.agent_tree import llm_agents
from agent.chat.approvals import Approvals
from agent.chat.compaction import with_compaction
from agent.chat.load_errors import why_not_loaded
from agent.chat.model_options import ModelOptions
from agent.core.secrets import redact_logs
from agent.core.settings import read_settings
from agent.limits.budget import Budget
from agent.limits.tool_failures import ToolFailures
from agent.models import offline
from agent.models.coalescing import coalescing
from agent.models.offline import KEYS, OfflineModel, has_credentials, needs_credentials
from agent.stores.cleanup import InMemoryStore
from agent.stores.credentials import VisitorCredentials
from agent.stores.first_state import FirstStateStore
from agent.stores.invocation import Invocation
from agent.stores.memory import VisitorMemory
from agent.stores.places import artifact_uri, is_emptied, session_uri
from agent.stores.redaction import Redaction

log = logging.getLogger(__name__)

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
    # Messages to begin with where the offline model answers: those of `examples` that it
    # understands, and some of its own.
    offline_examples: tuple[str, ...] = ()
    # Whether conversations are on a disk that a restart empties.
    is_emptied: bool = False

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
    offline_agents = [agent for agent in agents if _go_offline(agent)]
    for agent in agents if coalesce else ():
        with suppress(Exception):  # What cannot be made fails when it is called, and says why.
            agent.model = coalescing(agent.canonical_model)
    settings = read_settings(os.environ)
    app = with_compaction(app, agents)
    plugins = with_plugins(app.plugins, settings.max_output_tokens)
    examples, state = _from_module(folder, "EXAMPLES", ()), _first_state(folder)
    examples = (examples,) if isinstance(examples, str) else tuple(examples)
    for sentence in agent_warnings(agents, app.plugins, state, folder):
        log.warning(sentence)
    uri = session_uri(settings.session_db.get_secret_value() if settings.session_db else None)
    return LoadedAgent(
        runner=Runner(
            app=app.model_copy(update={"plugins": plugins}),
            app_name=folder.name,
            session_service=_session_service(uri, folder, state),
            artifact_service=_artifact_service(settings.artifacts, uri, folder),
            memory_service=VisitorMemory(),
            # What a sign-in gave a tool, for its next call, for that visitor alone.
            credential_service=VisitorCredentials(),
        ),
        title=root.name.replace("_", " ").strip().capitalize(),
        description=root.description,
        examples=examples,
        is_offline=bool(offline_agents),
        # A model that is not found in the tree may cost something, too.
        costs=len(offline_agents) < len(agents) or (not agents and has_credentials()),
        offline_examples=_offline_examples(examples, agents),
        is_emptied=is_emptied(uri, folder),
    )


def _from_module(folder: Path, name: str, otherwise: Any) -> Any:
    """What the agent's module, or else its package, has by this name."""
    modules = (sys.modules.get(f"{folder.name}.agent"), sys.modules.get(folder.name))
    return next((getattr(m, name) for m in modules if m and hasattr(m, name)), otherwise)


def _first_state(folder: Path) -> dict[str, Any]:
    """The values with which the owner wants a conversation's state to begin.

    Raises:
        LoadError: for what no state can be.
    """
    state = _from_module(folder, "STATE", {})
    try:
        TypeAdapter(dict[str, Any]).dump_json(TypeAdapter(dict[str, Any]).validate_python(state))
    except ValueError:
        raise LoadError(
            f"STATE in {folder} should be a dict of texts, numbers, lists and such, by their "
            'names: STATE = {"name": "value"}.'
        ) from None
    return dict(state)


def _offline_examples(examples: tuple[str, ...], agents: list[LlmAgent]) -> tuple[str, ...]:
    """For an agent whose answers have a form of their own, the owner's: any of them is answered."""
    first = agents[0] if agents else None
    if first is None or first.output_schema:
        return examples
    fit = offline.understood(examples, first.tools)
    return tuple(dict.fromkeys([*fit, *offline.EXAMPLES]))


def with_plugins(owners: Sequence[BasePlugin], max_output_tokens: int) -> list[BasePlugin]:
    """The owner's plugins, and this app's own before and after them: the first one that gives ADK
    another event or response is the last that is asked."""
    own = ModelOptions(), Budget(max_output_tokens), ToolFailures(), Redaction()
    return [Invocation(), Approvals(), *owners, *own]


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
    except (Exception, SystemExit) as error:
        raise LoadError(why_not_loaded(error, folder)) from error


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


def _session_service(uri: str | None, folder: Path, state: Mapping[str, Any]) -> BaseSessionService:
    """The store of this URI, or the one that `adk web` would take, whose sessions begin with this
    state."""
    try:
        store = create_session_service_from_options(base_dir=folder.parent, session_service_uri=uri)
    except Exception as error:
        # Not its text, which may quote the URI with its password.
        raise LoadError(
            f"SESSION_DB cannot be used ({type(error).__name__}). It should be memory://, "
            'sqlite:///FILE, or a database for which `pip install "google-adk[db]"` and its driver '
            "are there, such as postgresql+asyncpg://HOST/NAME."
        ) from None
    # ADK's choice where nothing can be written beside the agent, and on Cloud Run and Kubernetes.
    forgets = uri is None and isinstance(store, InMemorySessionService)
    real = InMemoryStore() if type(store) is InMemorySessionService else store
    is_shared = bool(uri and not uri.startswith(UNSHARED))
    return FirstStateStore(real, is_shared, forgets, state)


def _artifact_service(uri: str | None, chats: str | None, folder: Path) -> BaseArtifactService:
    """The store of the files that the agent makes, or the one that `adk web` would take, where the
    chats are in such a one."""
    where = artifact_uri(uri, chats)
    try:
        return create_artifact_service_from_options(
            base_dir=folder.parent, artifact_service_uri=where, strict_uri=True
        )
    except Exception as error:
        if uri is None:  # A Space's storage, which may be full.
            log.warning("Files cannot be kept (%s): they are in memory.", type(error).__name__)
            return InMemoryArtifactService()
        raise LoadError(
            f"ARTIFACTS cannot be used ({type(error).__name__}). It should be memory://, "
            'file:///FOLDER, or gs://BUCKET, for which `pip install "google-adk[gcp]"` is needed.'
        ) from None


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
