"""The agents on show: one, or all those of a folder, each with conversations of its own."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextvars import Context

from agent.chat.agents_folder import AgentsFolder
from agent.chat.key_check import check_keys_soon
from agent.chat.load_errors import LoadError
from agent.chat.loader import LoadedAgent, to_title
from agent.chat.registry import LAST_WORDS, ActiveConversation, Registry
from agent.chat.talk_tickets import Tickets
from agent.chat.task_list import has_file, task_list
from agent.chat.visitors import Visitors
from agent.chat.warmup import open_clients
from agent.core.notices import Notice
from agent.core.settings import Settings
from agent.core.visitor import SessionKey, is_visitor_id
from agent.stores.fallback import StoreUnavailable
from agent.stores.share_links import SharedChat

# Characters of a wrong name that are told again.
MAX_NAME = 80

log = logging.getLogger(__name__)


class Agents:
    """Find an agent and its conversations. An agent of a folder is loaded when somebody first asks
    for it. Lives on the event loop of the server.

    Args:
        loaded: The one agent, or the first of the folder's that works.
        settings: The host's.
        folder: The agents' folder; without one there is that agent alone.
        failed: The stand-ins of those before it, which could not be loaded, by their names.

    Raises:
        ValueError: for settings that cannot be used, with a sentence for the host.
    """

    def __init__(
        self,
        loaded: LoadedAgent,
        settings: Settings,
        folder: AgentsFolder | None = None,
        failed: Mapping[str, LoadedAgent] | None = None,
    ) -> None:
        failed = failed or {}
        self.settings = settings
        self.visitors = Visitors(settings)
        self.limits = self.visitors.limits
        self.talk_tickets = Tickets()
        # The names by which they are asked for, in a fixed order.
        self.names = folder.names if folder else (loaded.runner.agent.name,)
        # What names all of them in a browser that knows other pages of this address, too.
        self.key = folder.path.name if folder else loaded.runner.app_name
        # The one that is there where none is named, and the conversations with it.
        self.first_name = next(name for name in self.names if name not in failed)
        self.first = Registry(loaded, settings, self.visitors)
        self._folder = folder
        self._checks_keys = False
        # The registries of those that are loaded; then of others, which have something in their
        # stores.
        self._awake = {self.first_name: self.first}
        for name, stand_in in failed.items():
            self._awake[name] = Registry(stand_in, settings, self.visitors)
        self._asleep: dict[str, Registry] = {}
        self._loading: dict[str, asyncio.Task[Registry]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def are_several(self) -> bool:
        """Whether there is one to be chosen."""
        return len(self.names) > 1

    @property
    def have_tasks(self) -> bool:
        """Whether there is a list of what testers are asked to try, of any of them."""
        names = self.names if self.are_several else (self.first.loaded.runner.app_name,)
        return has_file(self.first.loaded, names)

    @property
    def title(self) -> str:
        """What they are called together."""
        return to_title(self.key) if self.are_several else self.first.loaded.title

    @property
    def description(self) -> str:
        """What is said of them together: their names, since not all need be loaded."""
        names = ", ".join(self.names)
        return f"Agents: {names}." if self.are_several else self.first.loaded.description

    @property
    def loaded(self) -> list[Registry]:
        """The conversations of each agent that is loaded."""
        return list(self._awake.values())

    def with_chats(self) -> list[Registry]:
        """The conversations of each agent that is loaded, or has something in its store."""
        return [*self.loaded, *self._stored()]

    def awake(self, name: str) -> Registry | None:
        """The conversations with the agent of this name, if it is loaded."""
        return self._awake.get(name)

    def name_of(self, registry: Registry) -> str:
        """The name of the agent whose conversations these are; "" of one that is not here (any
        more)."""
        return next((name for name, other in self._awake.items() if other is registry), "")

    def no_such(self, name: str) -> Notice:
        """A notice that there is no agent of this name, with the names of all."""
        names = ", ".join(self.names)
        return Notice("no_such_agent", {"name": name[:MAX_NAME], "names": names})

    async def get(self, name: str) -> Registry:
        """The conversations with the agent of this name, which is one of `names`. It is loaded if
        need be, once, however many wait for it. One that fails has a stand-in from then on."""
        if name not in self._awake:
            if name not in self._loading:
                # Not in the first visitor's context, which holds that visitor's request.
                task = asyncio.create_task(self._load(name), context=Context())
                self._loading[name] = task
            await asyncio.shield(self._loading[name])
        return self._awake[name]

    async def _load(self, name: str) -> Registry:
        assert self._folder
        try:
            async with self._one_at_a_time:
                loaded = await asyncio.to_thread(_load_or_stand_in, self._folder, name)
                # As long as the environment has what this agent's `.env` says.
                open_clients(loaded)
        finally:
            del self._loading[name]
        if self._checks_keys:
            check_keys_soon(loaded)
        registry = self._awake[name] = Registry(loaded, self.settings, self.visitors)
        if asleep := self._asleep.pop(name, None):
            asleep.retire()
            registry.begin()
        return registry

    def check_keys(self) -> None:
        """Tell the host, now and with each agent that is loaded, of a key that Gemini does not
        take; not where no model is asked."""
        self._checks_keys = not (self.settings.demo_paused or self.settings.replay)
        if self._checks_keys:
            check_keys_soon(self.first.loaded)

    def begin(self) -> None:
        """Delete from now on what is kept for too long, also of agents that nobody asks for."""
        for registry in self._stored():
            registry.begin()

    async def find(self, user_id: str, session_id: str) -> ActiveConversation | None:
        """A visitor's conversation, with any agent.

        Raises:
            StoreUnavailable: if it is not found, and not all can be looked up.
        """
        failure = None
        for registry in self.with_chats():
            try:
                if not self.name_of(registry) and await registry.is_stored(user_id, session_id):
                    registry = await self.get(registry.loaded.runner.app_name)
                if self.name_of(registry) and (active := await registry.find(user_id, session_id)):
                    return active
            except StoreUnavailable as error:
                failure = error
        if failure:
            raise failure
        return None

    async def find_shared(self, token: str) -> tuple[Registry, SharedChat] | None:
        """The chat that the token of a link lets its holder read, and the agent that it was with.

        Raises:
            StoreUnavailable: if it is not found, and not all can be looked up.
        """
        failure = None
        for registry in self.with_chats():
            try:
                if shared := await registry.links.find(token):
                    name = self.name_of(registry) or registry.loaded.runner.app_name
                    return await self.get(name), shared
            except StoreUnavailable as error:
                failure = error
        if failure:
            raise failure
        return None

    async def knows(self, user_id: str) -> bool:
        """Whether the visitor has said anything to any agent, or may have."""
        if is_visitor_id(user_id):
            for registry in self.with_chats():
                if await registry.chats(user_id) or registry.store_unavailable:
                    return True
        return False

    async def forget_visitor(self, user_id: str) -> None:
        """Delete all that the visitor has ever said to any agent.

        Raises:
            StoreUnavailable: if not all of it is known; what is known is deleted.
        """
        failure = None
        for registry in self.with_chats():
            try:
                await registry.forget_visitor(user_id)
            except StoreUnavailable as error:
                failure = error
        if failure:
            raise failure

    def forget_soon(self, key: SessionKey) -> None:
        """Delete a conversation that is held here, in a task of its own."""
        for registry in self.loaded:
            registry.forget_soon(key)

    def retire(self) -> None:
        """Leave the stores to others, which have taken over. Turns that run go on to their end."""
        for registry in [*self.loaded, *self._asleep.values()]:
            registry.retire()

    def close_from_outside(self) -> None:
        """Let no turn begin any more, and stop those that run, from another thread than the
        server's; what was asked and said is stored when this returns."""
        loop = next((registry.loop for registry in self.loaded if registry.loop), None)
        if loop is None:
            return  # Nobody has asked anything.
        closed = asyncio.run_coroutine_threadsafe(self._close(), loop)
        try:
            closed.result(self.settings.shutdown_timeout + LAST_WORDS)
        except TimeoutError:
            log.warning("The app has ended in the midst of its work.")

    async def _close(self) -> None:
        registries = [*self.loaded, *self._asleep.values()]
        await asyncio.gather(*(registry.close() for registry in registries))

    def _stored(self) -> Iterator[Registry]:
        """The conversations of agents that are not loaded, where there are any."""
        for name in self.names:
            if name in self._awake or self._folder is None:
                continue
            if name not in self._asleep and (loaded := self._folder.stored(name)):
                self._asleep[name] = Registry(loaded, self.settings, self.visitors)
            if name in self._asleep:
                yield self._asleep[name]


def _load_or_stand_in(folder: AgentsFolder, name: str) -> LoadedAgent:
    try:
        loaded = folder.load(name)
    except LoadError as error:
        log.error("%s", error)
        return folder.failed(name, error)
    for sentence in filter(None, (loaded.no_ai, *task_list(loaded).faults)):
        log.warning("%s", sentence)
    return loaded
