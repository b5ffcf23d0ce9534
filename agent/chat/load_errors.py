"""Why an agent cannot be loaded, for its host: the line in the agent's file, and what to do."""

import os
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

# What to install for a module whose package is called otherwise; for what ADK itself has modules
# for, by ADK's extra, in a version that it works with.
PACKAGES = {
    "a2a": "google-adk[a2a]",
    "anthropic": "google-adk[extensions]",
    "langgraph": "google-adk[extensions]",
    "litellm": "google-adk[extensions]",
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

# Folders of packages, and the folder of this app's own agent.
PACKAGES_IN = ("site-packages", "venv")
OUR_AGENT = Path(__file__).parents[1]

# Which module is missing where ADK lacks a name, because it could not import all of its own.
MISSING_IN_ADK = {"google.adk.tools.mcp_tool": "mcp", "google.adk.models.lite_llm": "litellm"}

# Python's module `os`, as tracebacks call it.
OS = ("<frozen os>", os.__file__)

# How ADK's loader begins the text of what it passes on (adk/cli/utils/agent_loader.py), and a
# requirement in ADK's own advice.
ADK_PREFIX = re.compile(r"^Fail to load '.*?' (module|config)\. ")
ADVICE = re.compile(r"pip install (google-adk\[[\w,-]+\])")


def why_not_loaded(error: BaseException, folder: Path) -> str:
    """Why the agent in this folder cannot be loaded: a sentence, the line, how Python got from
    there to the failure, and what to do about a package that is missing."""
    cause = next((raised for raised in _chain(error) if _frames(raised, folder)), error)
    kind, told = type(cause).__name__, ADK_PREFIX.sub("", _text_of(error)).strip()
    said = f"{kind}: {told}" if told and not _is_plain(cause) else told or kind
    parts = [f"The agent in {folder} could not be loaded. {said}"]
    if frames := _frames(cause, folder):
        parts += [_place(folder, frames[-1])]
        whole = traceback.extract_tb(cause.__traceback__)
        way = whole[whole.index(frames[0]) :] if frames[0] in whole else []
        way = [frame for frame in way if not frame.filename.startswith("<frozen ")]
        parts += ["".join(traceback.format_list(way)).rstrip()] if len(way) > 1 else []
    if advice := _advice(error, folder):
        parts += [advice]
    return "\n\n".join(parts)


def _advice(error: BaseException, folder: Path) -> str:
    """What to do about it, where that is known."""
    if missing := _missing_module(_chain(error)):
        top = missing.partition(".")[0]
        if (folder / f"{top}.py").exists() or (folder / top).is_dir():
            return (
                f"{top} is a file of the agent's own, which ADK finds by a dot: write "
                f"`from .{missing} import …`, or `from . import {missing}`."
            )
        return how_to_install(missing, folder)
    if advised := ADVICE.search(" ".join(map(str, _chain(error)))):
        return how_to_install_package(advised[1])
    for raised in _chain(error):
        frames = traceback.extract_tb(raised.__traceback__)
        if isinstance(raised, KeyError) and frames[-1:] and frames[-1].filename in OS:
            place = (
                "as a secret or variable of the Space" if "SPACE_ID" in os.environ else "in .env"
            )
            return f"The agent reads this from the environment: set it {place}, and start again."
    return ""


def how_to_install(module: str, folder: Path) -> str:
    """What to do where a module is missing: by the requirements.txt beside the agent, or above it,
    that names its package; else by what that is most probably called."""
    beside = [parent / "requirements.txt" for parent in (folder, folder.parent)]
    named = {file: line for file in beside if (line := _requirement_of(module, file))}
    package = next(iter(named.values()), _package_of(module))
    if "SPACE_ID" in os.environ:
        return how_to_install_package(package)
    if named:
        return how_to_install_package("-r", str(next(iter(named))))
    if beside[0].is_file():
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


def _own_files(folder: Path) -> Iterator[Path]:
    """The agent's files, without those of packages, or of this app, in whose folder it may be."""
    for file in [*sorted(folder.rglob("*.py")), *sorted(folder.glob("*.yaml"))]:
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
    return [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]


def _text_of(error: BaseException) -> str:
    """An error's text; that of a KeyError, which is Python's form of its text, as it is."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def _place(folder: Path, frame: traceback.FrameSummary) -> str:
    file = Path(frame.filename).relative_to(folder)
    return f"{file}, line {frame.lineno}:\n\n    {(frame.line or '').strip()}"


def _is_plain(error: BaseException) -> bool:
    """Whether the error's text says enough without its kind."""
    return isinstance(error, ImportError | SyntaxError) or type(error) is ValueError


def _missing_module(errors: Iterator[BaseException]) -> str | None:
    for error in errors:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        if isinstance(error, ImportError) and error.name in MISSING_IN_ADK:
            return MISSING_IN_ADK[error.name]
    return None


def _package_of(module: str) -> str:
    """What to install for this module, most probably."""
    top = module.partition(".")[0]
    name = ".".join(module.split(".")[:3]) if top == "google" else top
    return PACKAGES.get(top, name.replace(".", "-").replace("_", "-"))


def _requirement_of(module: str, file: Path) -> str | None:
    """The line of a requirements.txt that asks for this module's package, if there is one."""
    if not file.is_file():
        return None
    top = module.partition(".")[0]
    package = PACKAGES.get(top, _package_of(module)).partition("[")[0]
    names = {canonicalize_name(name) for name in (top, package, module)}
    names -= {"google", "google-adk"}  # Which say nothing of what else is needed.
    for line in file.read_text(errors="replace").splitlines():
        try:
            requirement = Requirement(line.partition("#")[0].strip())
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) in names:
            return str(requirement)
    return None


def _pip(*arguments: str) -> str:
    """A command that can be pasted into a terminal."""
    python = Path(sys.executable)
    here = Path.cwd()
    name = str(python.relative_to(here)) if python.is_relative_to(here) else str(python)
    command = [name, "-m", "pip", "install", *arguments]
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)
