"""From a folder to a Runner: find the agent as `adk web` does, and its model and services."""

import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.cli.utils.agent_loader import AgentLoader
from google.adk.cli.utils.envs import load_dotenv_for_agent
from google.adk.plugins import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.workflow import BaseNode

from agent.chat.agent_check import agent_warnings
from agent.chat.agent_module import (
    first_state,
    from_module,
    inner_agents,
    misspelled_names,
    place_of,
    texts,
    variants,
)
from agent.chat.agent_tree import llm_agents
from agent.chat.approvals import Approvals
from agent.chat.compaction import with_compaction
from agent.chat.connecting import go_offline, how_to_connect
from agent.chat.degrading import Degrading
from agent.chat.inner_talk import InnerTalk
from agent.chat.live_line import Lines
from agent.chat.load_errors import AgentFailed, LoadError, why_not_loaded
from agent.chat.measures import Measures
from agent.chat.model_options import ModelOptions, named_models, warn_of_unfit
from agent.chat.no_agent import AGENT_FILES, agents_below, has_agent_file, why_no_agent
from agent.chat.own_keys import OwnKeys, give_both, waiting_for_keys
from agent.chat.recordings import Tape, TapePlugin, open_tape
from agent.chat.sent_files import RequestSize
from agent.chat.services import Stores, load_services, memory_service, open_stores
from agent.chat.talk import TalkBegin
from agent.chat.tool_failures import ToolFailures
from agent.core.adk_internals import NOISY_MODULES
from agent.core.choices import Variant
from agent.core.secrets import redact_logs
from agent.core.settings import Settings
from agent.core.text import split_words
from agent.limits.budget import Budget
from agent.models import offline
from agent.models.coalescing import coalescing
from agent.models.credentials import KEYS, has_credentials
from agent.models.offline import OfflineModel
from agent.render.look import PLAIN, Look, read_look
from agent.stores.credentials import VisitorCredentials
from agent.stores.invocation import Invocation
from agent.stores.memory import ForgettingMemory
from agent.stores.places import is_emptied
from agent.stores.redaction import Redaction

log = logging.getLogger(__name__)

NO_TAPE = Tape()

# The folder of the agent on show.
OUR_AGENT = Path(__file__).parents[1]


@dataclass(frozen=True)
class LoadedAgent:
    """An agent ready to run, and what a page says about it."""

    runner: Runner
    title: str
    description: str
    # Messages to begin with: `EXAMPLES` in the agent's module, if it has any.
    examples: tuple[str, ...]
    # Whether the built-in offline model answers, because something that the AI needs is missing.
    is_offline: bool
    # Whether another model than that answers too, which somebody may have to pay for.
    costs: bool = True
    # Whether that one answers only those who come without a key of their own.
    waits_for_keys: bool = False
    # What the host has to do for the agent's own models to answer instead: Markdown.
    how_to_connect: str = ""
    # Messages to begin with where the offline model answers: the owner's that it understands, and
    # some of its own.
    offline_examples: tuple[str, ...] = ()
    # Why an answer is bad: `REASONS` there, to be chosen by who rates one.
    reasons: tuple[str, ...] = ()
    # Other ways in which it may answer: `VARIANTS` there, to be compared by visitors.
    variants: Mapping[str, Variant] = field(default_factory=dict)
    # Whether conversations are on a disk that a restart empties.
    is_emptied: bool = False
    # Why the agent could not be loaded, for its host, where this only stands for it.
    why_not_loaded: str = ""
    look: Look = PLAIN
    # For the host: what stands beside the agent by almost the name that would count.
    misspelled: tuple[str, ...] = ()
    # The agents whose models are named by a name, so that another one may be chosen.
    named_models: frozenset[str] = frozenset()
    # Where chats and files are kept, as far as the host has a say in it.
    stores: Stores | None = None
    # What its models are recorded to, or played from.
    tape: Tape = NO_TAPE

    @property
    def no_ai(self) -> str:
        """For the host: that the offline model answers, and what to do; "" where it need not. Or
        that a recording does."""
        if recording := self.tape.recording:
            return (
                f"{self.title}: no AI is asked. {recording.path} answers, a recording of "
                f"{recording.models}, made on {recording.dates}."
            )
        said = f"{self.title}: no AI is connected, so the built-in offline model answers."
        return f"{said} {self.how_to_connect}" if self.how_to_connect else ""

    @property
    def recorded_to(self) -> str:
        """For the host: that what is said is recorded, and where; "" where it is not."""
        recorder = self.tape.recorder
        return (
            f"{self.title}: what Gemini answers is recorded to {recorder.path}." if recorder else ""
        )

    @property
    def forgets(self) -> bool:
        """Whether conversations are kept in memory alone."""
        store = self.runner.session_service
        return isinstance(getattr(store, "real", store), InMemorySessionService)

    @property
    def remembers_for_good(self) -> bool:
        """Whether what the agent remembers beyond a chat is not deleted with it."""
        memory = self.runner.memory_service
        return isinstance(memory, ForgettingMemory) and not memory.forgets


def load(
    path: Path = OUR_AGENT, coalesce: bool = False, stores: Stores | None = None
) -> LoadedAgent:
    """The agent in a folder, whatever form `adk web` accepts: agent.py, App, root_agent.yaml; the
    file itself may be named, too, and one of another name that holds a whole agent.

    Reads this app's `.env` on the way, and then the one nearest to the agent. An agent whose
    Gemini has no credentials is given the offline model in its place, tools and all.

    Args:
        path: Where the agent is.
        coalesce: Whether its models' partials are coalesced: then one event loop alone can use it.
        stores: Those of all agents in the folder above; without them its own.

    Raises:
        LoadError: with a sentence for the host; AgentFailed for what is the agent's own fault.
        RecordingError: with a sentence for the host, for a file that `RECORD` or `REPLAY` names.
    """
    path = path.resolve()
    path = path.parent if path.name in AGENT_FILES and path.is_file() else path
    _quieten_adk()
    redact_logs()
    found, module = _import(path)
    _check_keys()
    name = path.stem if path.is_file() else path.name
    return assemble(found, name, agent_folder(path), module, coalesce, stores)


def agent_folder(path: Path) -> Path:
    """The agent's folder, where that or a file in it is named."""
    path = path.resolve()
    return path.parent if path.is_file() else path


def load_object(found: App | BaseNode, module: str = "", coalesce: bool = False) -> LoadedAgent:
    """An agent, a workflow or an `App` that a script has made. Its chats and files are kept in
    `.adk` in the folder in which the script was started.

    Args:
        found: The agent.
        module: The script's, with `EXAMPLES` and all others of `agent_module.NAMES`; "" for none.
        coalesce: Whether its models' partials are coalesced: then one event loop alone can use it.

    Raises:
        LoadError: with a sentence for the host.
    """
    if not isinstance(found, App | BaseNode):
        raise LoadError(f"This is no agent, workflow or App of ADK's, but {type(found).__name__}.")
    _quieten_adk()
    redact_logs()
    _check_keys()
    return assemble(found, found.name, Path.cwd(), module, coalesce)


def assemble(
    found: App | BaseNode,
    name: str,
    folder: Path,
    module: str = "",
    coalesce: bool = False,
    stores: Stores | None = None,
) -> LoadedAgent:
    """An agent ready to run, with the settings, stores and plugins of this app.

    Args:
        found: The agent.
        name: The name under which its chats are kept.
        folder: The agent's folder. Its chats are kept beside it.
        module: Where `EXAMPLES` and all others of `agent_module.NAMES` may be; "" for nowhere.
        coalesce: Whether its models' partials are coalesced: then one event loop alone can use it.
        stores: Those of all agents in the folder above; without them its own.

    Raises:
        LoadError: with a sentence for the host.
    """
    # App() itself is stricter about names than ADK's own tools are (adk/runners.py).
    app = found if isinstance(found, App) else App.model_construct(name=name, root_agent=found)
    root = cast(BaseNode, app.root_agent)
    agents = list(llm_agents(root))
    stores = stores or open_stores(folder.parent, {name: folder.name})
    named = named_models(agents)
    waiting = waiting_for_keys(agents) if stores.settings.visitor_keys else {}
    offline_agents = [agent for agent in agents if go_offline(agent)]
    connect = how_to_connect(offline_agents)
    give_both(offline_agents, waiting, OfflineModel(), coalesce)
    if not offline_agents:
        warn_of_unfit(split_words(stores.settings.models), agents, named)
    for agent in agents if coalesce else ():
        with suppress(Exception):  # What cannot be made fails when it is called, and says why.
            agent.model = coalescing(agent.canonical_model)
    tape = open_tape(stores.settings)
    for agent in agents if tape.is_used else ():
        with suppress(Exception):
            tape.on(agent)
    app = with_compaction(app, agents)
    inner = inner_agents(module, folder, agents)
    plugins = with_plugins(app.plugins, stores.settings, inner, tape, named)
    examples, state = texts(module, "EXAMPLES", folder), first_state(module, folder)
    misspelled = tuple(misspelled_names(module, folder))
    for sentence in (*agent_warnings(agents, app.plugins, state, folder), *misspelled):
        log.warning(sentence)
    sessions = stores.session_service(state)
    return LoadedAgent(
        runner=Runner(
            app=app.model_copy(update={"plugins": plugins}),
            app_name=name,
            session_service=sessions,
            artifact_service=stores.artifacts,
            memory_service=memory_service(stores.settings.memory_service, folder, sessions),
            # What a sign-in gave a tool, for its next call, for that visitor alone.
            credential_service=VisitorCredentials(),
        ),
        # `adk create` calls every agent so.
        title=to_title(name if root.name == "root_agent" else root.name),
        description=root.description,
        examples=tape.examples(examples),
        is_offline=bool(offline_agents),
        waits_for_keys=bool(waiting),
        how_to_connect=connect,
        # A model that is not found in the tree may cost something, too.
        costs=not tape.recording
        and (len(offline_agents) < len(agents) or (not agents and has_credentials())),
        offline_examples=_offline_examples(examples, agents),
        reasons=texts(module, "REASONS", folder),
        variants=variants(module, folder),
        is_emptied=is_emptied(stores.uri, folder),
        named_models=named,
        misspelled=misspelled,
        look=read_look(from_module(module, "LOOK", {}), folder, place_of("LOOK", folder)),
        stores=stores,
        tape=tape,
    )


def to_title(name: str) -> str:
    """What a page is called whose agent has this name."""
    return name.replace("_", " ").strip().capitalize()


def _offline_examples(examples: tuple[str, ...], agents: list[LlmAgent]) -> tuple[str, ...]:
    """For an agent whose answers have a form of their own, the owner's: any of them is answered."""
    first = agents[0] if agents else None
    if first is None or first.output_schema:
        return examples
    fit = offline.understood(examples, first.tools)
    return tuple(dict.fromkeys([*fit, *offline.EXAMPLES]))


def with_plugins(
    owners: Sequence[BasePlugin],
    settings: Settings,
    inner: Collection[str] = (),
    tape: Tape = NO_TAPE,
    named: Collection[str] = (),
) -> list[BasePlugin]:
    """The owner's plugins, and this app's own before and after them: the first one that gives ADK
    another event or response is the last that is asked."""
    limits = Budget(settings.max_output_tokens), Degrading(settings.offline_fallback)
    rest = OwnKeys(), RequestSize(), *limits, ToolFailures(), Redaction(), Lines()
    own = ModelOptions(named), *rest
    marks = [InnerTalk(inner)] if inner else []
    tapes = [TapePlugin(tape)] if tape.is_used else []
    first = Invocation(), TalkBegin(), Measures()
    return [*first, *marks, Approvals(), *owners, *own, *tapes]


def _import(path: Path) -> tuple[App | BaseNode, str]:
    """Import the agent as `adk web` does; what is in it, and the name of its package.

    Raises:
        LoadError: with a sentence for the host; AgentFailed for what is the agent's own fault.
    """
    folder = agent_folder(path)
    if not (path.is_dir() or (path.is_file() and path.suffix == ".py")):
        raise LoadError(f"There is no folder {path}. Name the folder that holds agent.py.")
    if path.is_dir() and (agents := agents_below(path)):
        raise LoadError(
            f"{path} holds no agent itself, but folders with one each. Name one of them: "
            + ", ".join(map(str, agents))
        )
    load_dotenv_for_agent(OUR_AGENT.name, str(OUR_AGENT.parent))
    # ADK itself does so later, and where the agent gets another name, for another place.
    load_dotenv_for_agent(folder.name, str(folder.parent))
    place = _under_another_name(path) if _is_taken(path) else path
    name = place.stem if path.is_file() else place.name
    # `adk web FOLDER` puts the folder first, so that an agent finds its own files without a dot.
    # Here it comes last: files of this app, or of packages, may be called the same.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        load_services(folder)
        return AgentLoader(str(place.parent)).load_agent(name), name
    except (Exception, SystemExit) as error:
        # Else another folder was meant.
        kind = AgentFailed if path.is_file() or has_agent_file(folder) else LoadError
        raise kind(why_not_loaded(error, folder, why_no_agent(path, name))) from error


def _is_taken(path: Path) -> bool:
    """Whether Python knows something else by this name, such as this app's own package."""
    name = path.stem if path.is_file() else path.name
    if (known := sys.modules.get(name)) is not None:
        return str(path) not in (*getattr(known, "__path__", ()), getattr(known, "__file__", None))
    if name in sys.stdlib_module_names or not name.isidentifier():
        return name in sys.stdlib_module_names
    with suppress(ImportError, ValueError):
        if found := find_spec(name):
            return str(path) not in (*(found.submodule_search_locations or ()), found.origin)
    return False


def _under_another_name(path: Path) -> Path:
    """A link to this folder or file, by a name that nothing else has.

    Raises:
        LoadError: where no link can be made, with a sentence for the host.
    """
    above = Path(tempfile.mkdtemp(prefix=f"{path.stem}_"))
    place = (above / above.name).with_suffix(path.suffix)
    try:
        place.symlink_to(path, target_is_directory=path.is_dir())
    except OSError:
        raise LoadError(
            f"{path} has the same name as something else that Python knows, and only one of them "
            "can be imported. Rename it, or put its agent.py in the place of agent/agent.py."
        ) from None
    return place


def _check_keys() -> None:
    """A key's blanks are cut off, and one that is empty, as in a template, is none. What else HTTP
    cannot carry it would quote in its complaint, key and all (h11/_headers.py), so that no such key
    may be used."""
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        os.environ[name] = os.environ[name].strip()
        if not os.environ[name]:
            del os.environ[name]
        elif name in KEYS and not re.fullmatch("[!-~]*", os.environ[name]):
            raise LoadError(
                f"{name} holds a blank, a line break or another sign that is in no key. Copy the "
                "key once more, completely, and nothing else with it."
            )


def _quieten_adk() -> None:
    """A turn itself logs what a host wants to know, once; so does the store, when it fails."""
    # It warns of its own parts that may change, such as what looks for a root_agent.yaml, which it
    # does for any folder. Whoever writes an agent reads that in `adk web`.
    warnings.filterwarnings("ignore", r"\[EXPERIMENTAL\] ", UserWarning)
    for name in NOISY_MODULES:
        logging.getLogger(f"google_adk.google.adk.{name}").setLevel(logging.CRITICAL)
