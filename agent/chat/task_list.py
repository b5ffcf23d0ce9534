"""Where the host writes what testers are asked to try: a file beside the agent.

It is no constant in the agent's module, because who writes it need not write Python; and no
setting, because each agent of a folder has its own. It is read again whenever a page is opened, so
that it can be changed while people test.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from agent.chat.loader import LoadedAgent
from agent.core.tester_tasks import TaskList, parse_tasks

# Not `tasks.md`: developers and their tools call their own lists so.
FILE = "tester_tasks.md"

# Bytes of such a file that are read. Chosen, not measured: 200 long tasks.
MAX_BYTES = 500_000


def task_list(loaded: LoadedAgent) -> TaskList:
    """What testers of this agent are asked to try: nothing, where there is no such file."""
    if loaded.stores is None or loaded.why_not_loaded:
        return TaskList()
    path = loaded.stores.folder(loaded.runner.app_name) / FILE
    try:
        about = path.stat()
    except OSError:
        return TaskList()
    return _read(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, changed_at: int, size: int) -> TaskList:
    if size > MAX_BYTES:
        said = f"{path} has {size:,} bytes, of {MAX_BYTES:,} at most. Make it shorter."
        return TaskList(faults=(said,))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        said = f"{path} cannot be read ({type(error).__name__}). Save it as text in UTF-8."
        return TaskList(faults=(said,))
    found = parse_tasks(text)
    return replace(found, faults=tuple(f"{path}: {fault}" for fault in found.faults))


def has_file(loaded: LoadedAgent, names: Iterable[str]) -> bool:
    """Whether any of the agents of these names, whose stores are this one's, has such a file."""
    stores = loaded.stores
    return stores is not None and any((stores.folder(name) / FILE).is_file() for name in names)
