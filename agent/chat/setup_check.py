"""What can be said of a set-up without a question to anybody: settings, versions, the Space."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from agent.chat.agent_check import agent_warnings
from agent.chat.agent_tree import llm_agents
from agent.chat.load_errors import LoadError, how_to_install_package
from agent.chat.loader import OUR_AGENT, LoadedAgent
from agent.chat.requirements import REQUIREMENTS, is_other, is_there, requirements
from agent.chat.services import UNSHARED
from agent.chat.task_list import task_list
from agent.core.checks import Check, unchecked, well, wrong
from agent.core.environment import read_settings
from agent.core.misspelled import misspelled
from agent.core.settings import Settings
from agent.limits.counters import Counters
from agent.render.look import PLAIN
from agent.stores.first_state import FirstStateStore
from agent.stores.places import SPACE_STORAGE

# Where requirements.txt and README.md are, if this runs in a clone of the repository.
PROJECT = OUR_AGENT.parent

# The packages whose versions are shown.
SHOWN_PACKAGES = "google-adk", "google-genai", "gradio"

# What a Space's front matter may say (huggingface.co/docs/hub/spaces-config-reference); whatever
# else is wrong there, Hugging Face refuses the push.
COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
MAX_SHORT_DESCRIPTION = 60

# Characters of what YAML says about it.
MAX_FAULT = 300


def check_settings(fault: Exception | None) -> Check:
    """Whether the settings can be used, and mean something.

    Args:
        fault: Why the agent could not even be looked for, if so.
    """
    name, cure = "Settings", ".env.example has each setting with what it may be."
    try:
        settings = read_settings(os.environ)
        Counters(settings.limits_store)
    except ValueError as error:
        return wrong(name, " ".join(str(error).splitlines()), f"Correct it. {cure}")
    if fault and not isinstance(fault, LoadError):
        return wrong(name, str(fault), f"Correct it. {cure}")
    if unknown := sorted(misspelled(os.environ)):
        return wrong(name, " ".join(unknown), f"Write the name as it is meant. {cure}")
    chosen = [field.upper() for field in Settings.model_fields if os.environ.get(field.upper())]
    return well(name, f"Set are {', '.join(chosen)}." if chosen else "All are the defaults.")


def check_versions() -> Check:
    """Whether the installed packages are those that requirements.txt allows."""
    name = "Versions"
    if not (PROJECT / "requirements.txt").is_file():
        return unchecked(name, f"{PROJECT} has no requirements.txt, as a clone of this app has.")
    needed = requirements(PROJECT / "requirements.txt")
    if missing := [package for package in needed if is_other(package) or not is_there(package)]:
        return wrong(name, _not_as_needed(missing), how_to_install_package(*map(str, missing)))
    packages = (f"{package} {version(package)}" for package in SHOWN_PACKAGES)
    return well(name, ", ".join([f"Python {platform.python_version()}", *packages]) + ".")


def check_agent(loaded: LoadedAgent) -> Check:
    """Whether the agent can be loaded, and has the packages and values that its messages need."""
    name = f"Agent “{loaded.title}”"
    if loaded.why_not_loaded:
        return wrong(name, loaded.why_not_loaded, "Mend that, and check again.")
    app_name, store = loaded.runner.app_name, loaded.runner.session_service
    folder = loaded.stores.folder(app_name) if loaded.stores else Path()
    needed = [package for file in REQUIREMENTS for package in requirements(folder / file)]
    if loaded.stores and (missing := [package for package in needed if not is_there(package)]):
        return wrong(name, _not_as_needed(missing), how_to_install_package(*map(str, missing)))
    if loaded.stores and (other := list(filter(is_other, needed))):
        # No command: this app works by what is here.
        said = f"{_not_as_needed(other)} It is loaded all the same."
        return unchecked(name, f"{said} Ask it something, and see whether it works.")
    state = store.first_state if isinstance(store, FirstStateStore) else {}
    plugins = loaded.runner.app.plugins if loaded.runner.app else []
    agents = llm_agents(loaded.runner.agent)
    for warning in (*agent_warnings(agents, plugins, state, folder), *loaded.misspelled):
        said, _, cure = warning.partition(". ")  # Each says first what is, then what to do.
        return wrong(name, f"{said}.", cure)
    return well(name, "It is loaded, with all that it imports.")


def check_look(loaded: LoadedAgent) -> Check | None:
    """Whether the page can look as its owner wants; None where the owner wants nothing."""
    name, look = f"Look of “{loaded.title}”", loaded.look
    if look.faults:
        parted = [fault.partition(". ") for fault in look.faults]
        said = " ".join(f"{said}." for said, *_ in parted)
        return wrong(name, said, " ".join(dict.fromkeys(cure for *_, cure in parted)))
    return None if look == PLAIN else well(name, "The page has it.")


def check_tasks(loaded: LoadedAgent) -> Check | None:
    """Whether the list of what testers are asked to try can be understood; None where there is
    none."""
    name, found = f"Tasks of “{loaded.title}”", task_list(loaded)
    if found.faults:
        parted = [fault.partition(". ") for fault in found.faults]  # As those of the agent.
        return wrong(name, " ".join(f"{said}." for said, *_ in parted), parted[0][2])
    return well(name, f"There are {len(found.tasks)}.") if found.tasks else None


def _not_as_needed(packages: list[Requirement]) -> str:
    """A sentence: what is needed of these, and what is installed."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} is needed, and {version(package.name)} is installed")
        except PackageNotFoundError:
            found.append(f"{package} is needed, and not installed")
    return f"{'; '.join(found)}."


def check_space() -> Check:
    """Whether Hugging Face can make a Space of README.md's front matter."""
    name, file, on_space = "Space", PROJECT / "README.md", "SPACE_ID" in os.environ
    try:
        faults = list(card_faults(file))
    except FileNotFoundError:
        return unchecked(name, f"There is no {file}, as there is in a clone of the repository.")
    if faults:
        cure = "Correct the lines between the two “---” at the top of README.md; the fields are at "
        link = "https://huggingface.co/docs/hub/spaces-config-reference"
        return wrong(name, " ".join(faults), f"{cure}{link}")
    return well(
        name, f"README.md begins as a Space's does; this is {'' if on_space else 'not '}one."
    )


def card_faults(file: Path) -> Iterator[str]:
    """A sentence for each fault in a README.md's front matter that keeps it from being a Space.

    Raises:
        FileNotFoundError: if it is not there.
    """
    # It takes a moment to import, and only this needs it; Gradio has brought it.
    from huggingface_hub import metadata_load

    try:
        card: dict[str, Any] = metadata_load(file) or {}
    except FileNotFoundError:
        raise
    except Exception as error:  # YAML's own, or huggingface_hub's, which is a ValueError.
        yield f"The front matter cannot be read: {' '.join(str(error).split())[:MAX_FAULT]}."
        return
    if not card:
        yield "README.md has no front matter, of which a Space is made."
        return
    if (sdk := card.get("sdk")) != "gradio":
        yield f"sdk is {sdk!r}, and should be gradio."
    if not (file.parent / (app := str(card.get("app_file", "app.py")))).is_file():
        yield f"app_file is {app}, and there is no such file."
    if os.environ.get("SIGN_IN", "").startswith("huggingface") and card.get("hf_oauth") is not True:
        yield "SIGN_IN=huggingface needs the line `hf_oauth: true`."
    yield from _version_faults(card, file.with_name("requirements.txt"))
    yield from _looks_faults(card)


def _looks_faults(card: dict[str, Any]) -> Iterator[str]:
    for field in ("colorFrom", "colorTo"):
        if (color := card.get(field, COLORS[0])) not in COLORS:
            yield f"{field} is {color!r}, and should be one of {', '.join(COLORS)}."
    if len(short := str(card.get("short_description", ""))) > MAX_SHORT_DESCRIPTION:
        yield f"short_description has {len(short)} characters, of {MAX_SHORT_DESCRIPTION}."


def _version_faults(card: dict[str, Any], requirements: Path) -> Iterator[str]:
    """The Space installs its `sdk_version` of Gradio together with requirements.txt."""
    given = card.get("sdk_version")
    needed = Requirement("gradio")
    for line in requirements.read_text().splitlines() if requirements.is_file() else ():
        if line.startswith("gradio"):
            needed = Requirement(line)
    if given is None or str(given) not in needed.specifier:
        yield f"sdk_version is {given!r}, and requirements.txt asks for {needed}."
    # Unquoted, YAML reads 3.10 as 3.1.
    python = card.get("python_version", "3.12")
    if not isinstance(python, str) or python not in SpecifierSet(">=3.11"):
        yield f'python_version is {python!r}, and should be a text such as "3.12".'


def check_storage(loaded: LoadedAgent) -> Check:
    """Whether what is stored outlasts the disk that it is on."""
    name = "Storage lasts"
    if loaded.stores is None or loaded.forgets:
        return unchecked(name, "Chats are in memory, so that there is nothing that could last.")
    if loaded.is_emptied and "SPACE_ID" in os.environ:
        return wrong(
            name,
            "Chats are on the Space's own disk, which is emptied at each restart.",
            "Add persistent storage in the Space's settings, and set no SESSION_DB: chats are then "
            f"kept in {SPACE_STORAGE} by themselves.",
        )
    if loaded.is_emptied:
        return wrong(
            name,
            "Chats are on the container's own disk, which is new at each start.",
            "Mount a volume and name a file on it, SESSION_DB=sqlite:////VOLUME/session.db; or set "
            "SESSION_DB=postgresql+asyncpg://NAME:PASSWORD@HOST/NAME.",
        )
    if (uri := loaded.stores.uri) is None or uri.startswith("sqlite"):
        return well(name, "Chats are in a file that a restart leaves alone; copy it now and then.")
    return well(name, f"Chats are where {uri.partition(':')[0]} keeps them, not on this disk.")


async def check_replicas(loaded: LoadedAgent, settings: Settings) -> Check:
    """Whether several copies of the app would share what they must."""
    name, redis = "Several copies", settings.limits_store
    uri = loaded.stores.uri if loaded.stores else None
    lacking = []
    if uri is None or (uri.startswith(UNSHARED) and not uri.startswith("agentengine:")):
        lacking.append("SESSION_DB=postgresql+asyncpg://NAME:PASSWORD@HOST/NAME")
    if redis is None:
        lacking.append("LIMITS_STORE=redis://HOST")
    elif not await Counters(redis).store_answers():
        return wrong(
            name,
            "The Redis that LIMITS_STORE names does not answer: each copy counts for itself.",
            "Start it, or correct its address, LIMITS_STORE=redis://HOST:6379.",
        )
    if lacking and ("K_SERVICE" in os.environ or redis):
        who = "Cloud Run starts" if "K_SERVICE" in os.environ else "With LIMITS_STORE there are"
        return wrong(
            name,
            f"{who} several copies of the app, which do not share all that they must.",
            f"Set {' and '.join(lacking)}. Or keep it to one copy (`--max-instances 1`).",
        )
    if lacking:
        return unchecked(
            name,
            "Nothing here tells how many copies of the app run. One needs nothing more; several "
            f"need {' and '.join(lacking)}.",
        )
    return well(name, "Chats and limits are shared by all copies of the app.")
