"""Gradio as a later release may be, in which some of its private names are others.

    python -m tests.support.renamed_gradio gradio.queueing:Queue.sleep_when_free …

serves the page with such a Gradio: Gradio itself finds what it means, and this project does not.
"""

import runpy
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

# Each private name of Gradio that the project uses: module, and attribute, or class and attribute.
# Two more: gradio.context:Context.id, which only a reload of the app uses, and a component's `_id`,
# for which Gradio itself looks before it is there.
NAMES = [
    "gradio.blocks:Blocks._queue",
    "gradio.blocks:Blocks.dev_mode",
    "gradio.blocks:Blocks.fns",
    "gradio.blocks:Blocks.get_config_file",
    "gradio.blocks:Blocks.server",
    "gradio.blocks:Blocks.state_holder",
    "gradio.chat_interface:ChatInterface._render_header",
    "gradio.chat_interface:ChatInterface._setup_events",
    "gradio.chat_interface:ChatInterface.saved_conversations",
    "gradio.components:BrowserState.secret",
    "gradio.http_server:GRADIO_WATCH_DIRS",
    "gradio.queueing:traceback",
    "gradio.queueing:Queue.event_ids_to_events",
    "gradio.queueing:Queue.live_updates",
    "gradio.queueing:Queue.pending_event_ids_session",
    "gradio.queueing:Queue.pending_messages_per_session",
    "gradio.queueing:Queue.progress_update_sleep_when_free",
    "gradio.queueing:Queue.sleep_when_free",
    "gradio.route_utils:CustomCORSMiddleware",
    "gradio.route_utils:Request.request",
    "gradio.routes:templates",
    "gradio.routes:traceback",
    "gradio.routes:App.auth",
    "gradio.routes:App.auth_dependency",
    "gradio.routes:App.cookie_id",
    "gradio.routes:App.get_blocks",
    "gradio.routes:App.tokens",
    "gradio.state_holder:SessionState.config_values",
    "gradio.state_holder:SessionState.is_closed",
    "gradio.state_holder:StateHolder.session_data",
    "gradio.state_holder:StateHolder.time_last_used",
    "gradio.utils:colab_check",
    "gradio.utils:is_hosted_notebook",
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


class Module(ModuleType):
    """A module of which this project finds some names no more."""

    renamed: set[str]

    def __getattribute__(self, name: str) -> Any:
        if name in super().__getattribute__("renamed") and _is_asked_by_the_project():
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return super().__getattribute__(name)


def _is_asked_by_the_project() -> bool:
    return str(sys._getframe(2).f_globals["__name__"]).partition(".")[0] == "agent"


def rename(module_name: str, owner_name: str, name: str) -> None:
    """Have Gradio call this attribute something else: of a class, or with "" of the module."""
    module = import_module(module_name)
    if not owner_name:
        vars(module).setdefault("renamed", set()).add(name)
        module.__class__ = Module
        return
    owner = getattr(module, owner_name)
    if name in ("_render_header", "_setup_events"):
        # A method that this project overrides: what matters is whom the constructor calls.
        setattr(owner, f"{name}_", owner.__dict__[name])
        code = owner.__init__.__code__
        names = tuple(f"{name}_" if called == name else called for called in code.co_names)
        owner.__init__.__code__ = code.replace(co_names=names)
        delattr(owner, name)
    else:
        setattr(owner, name, Renamed(owner, name))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        module_name, _, path = argument.partition(":")
        owner_name, _, name = path.rpartition(".")
        rename(module_name, owner_name, name)
    del sys.argv[1:]
    runpy.run_path("app.py", run_name="__main__")
