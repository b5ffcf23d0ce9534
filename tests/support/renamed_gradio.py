"""Gradio as a later release may be, in which some of its private names are others.

    python -m tests.support.renamed_gradio gradio.queueing:Queue.sleep_when_free …

serves the page with such a Gradio: Gradio itself finds what it means, and this project does not.
"""

import runpy
import sys
from importlib import import_module
from typing import Any

# Each private name of Gradio that the project uses: module, class, attribute. One more, which only
# a reload of the app uses, is gradio.context:Context.id.
NAMES = [
    "gradio.blocks:Blocks._queue",
    "gradio.blocks:Blocks.dev_mode",
    "gradio.blocks:Blocks.state_holder",
    "gradio.chat_interface:ChatInterface._render_header",
    "gradio.chat_interface:ChatInterface._setup_events",
    "gradio.chat_interface:ChatInterface.saved_conversations",
    "gradio.components:BrowserState.secret",
    "gradio.queueing:Queue.event_ids_to_events",
    "gradio.queueing:Queue.live_updates",
    "gradio.queueing:Queue.pending_event_ids_session",
    "gradio.queueing:Queue.pending_messages_per_session",
    "gradio.queueing:Queue.progress_update_sleep_when_free",
    "gradio.queueing:Queue.sleep_when_free",
    "gradio.route_utils:Request.request",
    "gradio.routes:App.auth",
    "gradio.routes:App.auth_dependency",
    "gradio.routes:App.cookie_id",
    "gradio.routes:App.get_blocks",
    "gradio.routes:App.tokens",
    "gradio.state_holder:SessionState.config_values",
    "gradio.state_holder:SessionState.is_closed",
    "gradio.state_holder:StateHolder.session_data",
    "gradio.state_holder:StateHolder.time_last_used",
]


class Renamed:
    """In place of an attribute of a class or of its instances: there is none for this project."""

    def __init__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name
        self._of_class = vars(owner).get(name)

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is not None and not _is_asked_by_the_project():
            if self._name in vars(instance):
                return vars(instance)[self._name]
            if self._of_class is not None:
                return self._of_class.__get__(instance, owner)
        raise AttributeError(f"{self._owner.__name__!r} object has no attribute {self._name!r}")

    def __set__(self, instance: Any, value: Any) -> None:
        if not _is_asked_by_the_project():
            vars(instance)[self._name] = value


def _is_asked_by_the_project() -> bool:
    return str(sys._getframe(2).f_globals["__name__"]).partition(".")[0] == "agent"


def rename(module: str, owner_name: str, name: str) -> None:
    """Have Gradio call this attribute something else."""
    owner = getattr(import_module(module), owner_name)
    if name in ("_render_header", "_setup_events"):
        # A method that this project overrides: what matters is whom the constructor calls.
        setattr(owner, f"{name}_", owner.__dict__[name])
        code = owner.__init__.__code__
        names = tuple(f"{name}_" if each == name else each for each in code.co_names)
        owner.__init__.__code__ = code.replace(co_names=names)
        delattr(owner, name)
    else:
        setattr(owner, name, Renamed(owner, name))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        module, _, path = argument.partition(":")
        rename(module, *path.split("."))
    del sys.argv[1:]
    runpy.run_path("app.py", run_name="__main__")
