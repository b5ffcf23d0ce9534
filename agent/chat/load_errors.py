"""Why an agent cannot be loaded, for its host: the line in the agent's file, and what to do."""

import os
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from google.auth.exceptions import DefaultCredentialsError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agent.chat.requirements import REQUIREMENTS, is_other, is_there, requirements
from agent.models.credentials import MODEL_PACKAGES, has_credentials

# What to install for a module whose package is called otherwise; for what ADK itself has modules
# for, in a version that it works with, by ADK's extra. But its `extensions`, with sixty packages,
# is too much for a model alone.
PACKAGES = {
    **MODEL_PACKAGES,
    "a2a": "google-adk[a2a]",
    "absl": "absl-py",
    "langgraph": "google-adk[extensions]",
    "mcp": "google-adk[mcp]",
    "toolbox_adk": "google-adk[extensions]",
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "github": "PyGithub",
    "googleapiclient": "google-api-python-client",
    "jwt": "pyjwt",
    "PIL": "pillow",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "serpapi": "google-search-results",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "tavily": "tavily-python",
    "vertexai": "google-cloud-aiplatform",
    "yaml": "pyyaml",
}

# What this app needs of Google's itself, so that a part which is missing is of another version.
GOOGLES = {"google.adk": "google-adk", "google.genai": "google-genai", "google.auth": "google-auth"}

# Folders of packages, and the folder of this app's own agent.
PACKAGES_IN = ("site-packages", "venv")
OUR_AGENT = Path(__file__).parents[1]

# Which module is missing where ADK lacks a name, because it could not import all of its own.
MISSING_IN_ADK = {"google.adk.tools.mcp_tool": "mcp", "google.adk.models.lite_llm": "litellm"}

# Python's module `os`, as tracebacks call it.
OS = ("<frozen os>", os.__file__)

# Where google-genai's client asks for a key, or for a project.
GENAI_CLIENT = str(Path("google", "genai", "_api_client.py"))

# How an agent reads a variable that has no default there.
READS = r"""os\.(?:getenv|environ\.get)\(\s*["'](\w+)["']\s*\)"""

# What Python says of `from google.cloud import bigquery` where that is not installed, and other
# packages of google.cloud are. ADK's loader puts its own words before it.
NOT_IN_NAMESPACE = re.compile(r".*?cannot import name '(\w+)' from '([\w.]+)' \(unknown location\)")

# How ADK's loader begins the text of what it passes on (adk/cli/utils/agent_loader.py), and a
# requirement in ADK's own advice.
ADK_PREFIX = re.compile(r"Fail to load '.*?' (module|config)\. ")
ADVICE = re.compile(r"pip install (google-adk\[[\w,-]+\])")


class LoadError(Exception):
    """No agent can be loaded from a folder; the text says what to do, and is displayed."""


class AgentFailed(LoadError):
    """It is the agent's own fault: a page can stand for it until that is mended."""


def why_not_loaded(error: BaseException, folder: Path, no_agent: str = "") -> str:
    """Why the agent in this folder cannot be loaded: a sentence, the line, how Python got from
    there to the failure, and what to do about a package that is missing.

    Args:
        error: What ADK's loader has raised.
        folder: The agent's.
        no_agent: What is there, if it is none.
    """
    if no_agent and type(error) is ValueError:
        return f"The agent in {folder} could not be loaded. {no_agent}"
    cause = next((raised for raised in _chain(error) if _frames(raised, folder)), error)
    kind, text = type(cause).__name__, ADK_PREFIX.sub("", _text_of(error)).strip()
    why = f"{kind}: {text}" if text and not _is_plain(cause) else text or kind
    parts = [f"The agent in {folder} could not be loaded. {why}"]
    if frames := _frames(cause, folder):
        last = frames[-1]
        file = Path(last.filename).resolve().relative_to(folder)
        parts += [f"{file}, line {last.lineno}:\n\n    {(last.line or '').strip()}"]
        whole = traceback.extract_tb(cause.__traceback__)
        way = whole[whole.index(frames[0]) :] if frames[0] in whole else []
        way = [frame for frame in way if not frame.filename.startswith("<frozen ")]
        parts += ["".join(traceback.format_list(way)).rstrip()] if len(way) > 1 else []
    if advice := _advice(error, folder):
        parts += [advice]
    return "\n\n".join(parts)


def _advice(error: BaseException, folder: Path) -> str:
    """What to do about it, where that is known."""
    errors = list(_chain(error))
    rules = (_adks_own_advice, _about_an_import, _about_a_login, _about_a_file, _about_a_variable)
    return next(filter(None, (rule(errors, folder) for rule in rules)), "")


def _adks_own_advice(errors: Sequence[BaseException], folder: Path) -> str:
    texts = " ".join(map(str, errors))
    # For a model alone ADK advises sixty packages (adk/models).
    if "LiteLLM support requires" in texts:
        return how_to_install_package(PACKAGES["litellm"])
    if any(name in MODEL_PACKAGES for name in _imported(errors)):
        return ""
    advised = ADVICE.search(texts)
    return how_to_install_package(advised[1]) if advised else ""


def _about_an_import(errors: Sequence[BaseException], folder: Path) -> str:
    for name in _imported(errors):
        if _is_own(name, folder):
            return _by_a_dot(name, folder)
    if not (missing := _missing_module(errors)):
        return ""
    top = missing.partition(".")[0]
    for parent in folder.parents:
        if parent.name == top:
            return (
                f"{top} is the folder {parent}, of which this one is a part: start with that one."
            )
    return how_to_install(missing, folder)


def _about_a_login(errors: Sequence[BaseException], folder: Path) -> str:
    """For agents that make a client of their own while they are loaded."""
    for error in errors:
        if isinstance(error, DefaultCredentialsError):
            return (
                "While it is loaded it asks for a login at Google Cloud. Log in by `gcloud auth "
                "application-default login`, or name the file of a service account's key as "
                f"GOOGLE_APPLICATION_CREDENTIALS {where_to_set()}, and start again."
            )
        frames = traceback.extract_tb(error.__traceback__)
        if frames[-1:] and frames[-1].filename.endswith(GENAI_CLIENT) and not has_credentials():
            return (
                "While it is loaded it makes a client for Gemini, which needs a key: set "
                f"GOOGLE_API_KEY {where_to_set()}, and start again."
            )
    return ""


def _about_a_file(errors: Sequence[BaseException], folder: Path) -> str:
    """For agents that name a file relative to where ADK's tools are started, most often above."""
    for error in errors:
        if not (isinstance(error, FileNotFoundError) and isinstance(error.filename, str)):
            continue
        name = Path(error.filename)
        for place in (folder, *folder.parents[:2]):
            if not name.is_absolute() and (place / name).exists():
                return (
                    f"{name} is in {place}, and is looked for in {Path.cwd()}, where this app was "
                    "started: start it in that other folder, as ADK's own tools."
                )
    return ""


def _about_a_variable(errors: Sequence[BaseException], folder: Path) -> str:
    """For agents that read the environment, by `os.environ[…]` or, without a default, otherwise."""
    for error in errors:
        frames = traceback.extract_tb(error.__traceback__)
        if isinstance(error, KeyError) and frames[-1:] and frames[-1].filename in OS:
            return (
                "The agent reads this from the environment: "
                f"set it {where_to_set()}, and start again."
            )
    failed = next((own for error in errors if (own := _frames(error, folder))), None)
    if not failed or any(isinstance(error, ImportError | SyntaxError) for error in errors):
        return ""
    file = Path(failed[-1].filename)
    if not (unset := [name for name in _read_variables(file) if name not in os.environ]):
        return ""
    return (
        f"{file.name} reads from the environment what is not set: {', '.join(unset)}. If that is "
        f"why: set it {where_to_set()}, and start again."
    )


def _read_variables(file: Path) -> list[str]:
    """The variables for which this file has no default."""
    found = re.findall(READS, file.read_text(errors="replace"))
    return list(dict.fromkeys(found))


def where_to_set() -> str:
    """Where the host gives the app a variable."""
    return "in the Space's Settings, as a “New secret”," if "SPACE_ID" in os.environ else "in .env"


def _imported(errors: Iterable[BaseException]) -> list[str]:
    """The modules that could not be imported, or lacked a name that was imported from them."""
    return [raised.name for raised in errors if isinstance(raised, ImportError) and raised.name]


def _is_own(module: str, folder: Path) -> bool:
    """Whether the agent calls a file of its own so, or itself."""
    top = module.partition(".")[0]
    return top == folder.name or (folder / f"{top}.py").exists() or (folder / top).is_dir()


def _by_a_dot(module: str, folder: Path) -> str:
    """What to do if Python knows something else by the name of the agent's own module."""
    top = module.partition(".")[0]
    known = getattr(sys.modules.get(top), "__file__", None)
    if not known or Path(known).resolve().is_relative_to(folder):
        return ""
    own = (module.removeprefix(top) or ".") if top == folder.name else f".{module}"
    return (
        f"Python knows something else by the name {top} here ({known}), so the agent's own is "
        f"found by a dot alone: write `from {own} import …`. Or rename it."
    )


def how_to_install(module: str, folder: Path) -> str:
    """What to do where a module is missing: by the requirements.txt or pyproject.toml beside the
    agent, or above it, that names its package; else by what that is most probably called."""
    if google := GOOGLES.get(".".join(module.split(".")[:2])):
        return (
            f"{google} {version(google)}, which is installed, has no such part: the agent is for "
            "another version of it. Change that line to what this version has."
        )
    beside = [parent / name for parent in (folder, folder.parent) for name in REQUIREMENTS]
    wanted = {file: requirements(file) for file in beside}
    named = {file: line for file in beside if (line := _requirement_of(module, wanted[file]))}
    file, package = next(iter(named.items()), (None, _package_of(module)))
    if "SPACE_ID" in os.environ:
        return how_to_install_package(package)
    if file and (file.suffix == ".toml" or any(map(is_other, wanted[file]))):
        # Not the folder itself: that need not be a package which can be built, and would be there
        # twice if it is. Nor what is here in another version, by which this app works.
        missing = (str(needed) for needed in wanted[file] if not is_there(needed))
        return how_to_install_package(*dict.fromkeys([package, *missing]))
    if file:
        return how_to_install_package("-r", str(file))
    if not (any(map(is_other, wanted[beside[0]])) or all(map(is_there, wanted[beside[0]]))):
        both = how_to_install_package("-r", str(beside[0])), how_to_install_package(package)
        return "\n\nIf that does not help: ".join(both)
    return how_to_install_package(package)


def how_to_install_package(*package: str) -> str:
    """What to do where a package is missing; on a Space nobody can type a command."""
    if "SPACE_ID" in os.environ:
        return f"Add it to requirements.txt, as a line of its own:\n\n    {' '.join(package)}"
    return f"Install it, and start again:\n\n    {_pip(*package)}"


def line_with(text: str, folder: Path) -> str:
    """Where in the agent's files this text stands first, as "agent.py, line 7"; "" if nowhere."""
    for file in _own_files(folder):
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            if text in line:
                return f"{file.relative_to(folder)}, line {number}"
    return ""


def times_named(name: str, folder: Path) -> int:
    """How often this name stands in the agent's files."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    return sum(len(word.findall(file.read_text(errors="replace"))) for file in _own_files(folder))


def _own_files(folder: Path) -> Iterator[Path]:
    """The agent's files, of code and of values, without those of packages, or of this app, in
    whose folder it may be."""
    kinds = folder.rglob("*.py"), folder.rglob("*.json"), folder.glob("*.yaml")
    for file in (file for files in kinds for file in sorted(files)):
        parts = file.relative_to(folder).parts
        is_owners = folder != OUR_AGENT or parts == ("agent.py",)
        if is_owners and not any(part.startswith(".") or part in PACKAGES_IN for part in parts):
            yield file


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised from."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _frames(error: BaseException, folder: Path) -> list[traceback.FrameSummary]:
    """Where in the agent's files the error was raised, or passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        line = traceback.FrameSummary(error.filename, error.lineno, "", line=error.text or "")
        frames.append(line)
    # An agent may be imported under another name than its folder's.
    return [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(folder)]


def _text_of(error: BaseException) -> str:
    """An error's text; that of a KeyError, which is Python's form of its text, as it is."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def _is_plain(error: BaseException) -> bool:
    """Whether the error's text says enough without its kind."""
    return isinstance(error, ImportError | SyntaxError) or type(error) is ValueError


def _missing_module(errors: Iterable[BaseException]) -> str | None:
    for error in errors:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        if isinstance(error, ImportError) and error.name in MISSING_IN_ADK:
            return MISSING_IN_ADK[error.name]
        if isinstance(error, ImportError) and (part := NOT_IN_NAMESPACE.match(error.msg)):
            return f"{part[2]}.{part[1]}"
    return None


def _package_of(module: str) -> str:
    """What to install for this module, most probably."""
    top = module.partition(".")[0]
    name = ".".join(module.split(".")[:3]) if top == "google" else top
    return PACKAGES.get(top, name.replace(".", "-").replace("_", "-"))


def _requirement_of(module: str, requirements: Iterable[Requirement]) -> str | None:
    """The requirement that asks for this module's package, if there is one."""
    top = module.partition(".")[0]
    package = PACKAGES.get(top, _package_of(module)).partition("[")[0]
    names = {canonicalize_name(name) for name in (top, package, module)}
    names -= {"google", "google-adk"}  # Which say nothing of what else is needed.
    fitting = (needed for needed in requirements if canonicalize_name(needed.name) in names)
    return next(map(str, fitting), None)


def _pip(*arguments: str) -> str:
    """A command that can be pasted into a terminal."""
    python = Path(sys.executable)
    here = Path.cwd()
    name = str(python.relative_to(here)) if python.is_relative_to(here) else str(python)
    command = [name, "-m", "pip", "install", *arguments]
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)
