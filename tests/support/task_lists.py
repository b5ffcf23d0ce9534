"""A list of what testers are asked to try, beside an agent."""

from dataclasses import replace
from pathlib import Path

from agent.chat.loader import LoadedAgent
from agent.chat.services import open_stores
from agent.chat.task_list import FILE

TASKS = """\
# Test of the shop

Thank you for your help.

1. Ask `When does 17 come?` → It should say Friday.
2. Ask for a refund without an order number; it should ask for the number.
3. Play around for a minute.
"""


def with_tasks(what: LoadedAgent, path: Path, markdown: str = TASKS) -> LoadedAgent:
    """An agent that has such a list."""
    folder = path / what.runner.app_name
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(markdown, encoding="utf-8")
    return replace(what, stores=open_stores(path))
