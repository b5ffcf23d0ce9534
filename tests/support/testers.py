"""A tester on a page, without a browser: asks, rates, and gives chats as examples."""

from typing import Any

from agent.chat import rating
from agent.chat.registry import Registry
from agent.core.feedback import Finding
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.page.page_state import PageState
from agent.render.evalset import Exported, export_evalset
from agent.stores.cleanup import InMemoryStore
from agent.stores.feedback import finding_id
from agent.stores.first_state import FirstStateStore
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import ScriptedModel


class PageTester:
    """Of an agent with a scripted model.

    Args:
        first_state: With which the owner has chats begin.
        agent: What else the agent has, such as `tools`.
    """

    def __init__(self, first_state: dict[str, Any] | None = None, **agent: Any) -> None:
        self.model = ScriptedModel()
        what = loaded(self.model, **agent)
        what.runner.session_service = FirstStateStore(InMemoryStore(), first_state=first_state)
        self.registry = Registry(what, Settings(**UNLIMITED))
        self.page = PageState(self.registry)

    async def ask(self, question: str, *steps: Any, kept: int | None = None) -> str:
        """One turn; its answer. Each step is a model call's, or a list of the steps of one."""
        for step in steps:
            self.model.enqueue(*(step if isinstance(step, list) else [step]))
        above = len(self.page.screen.turn_ids) if kept is None else kept
        return answer(await self.page.ask(question, above, "1.2.3.4").finish())

    async def rate(self, given: str, turn: int = -1, **words: str) -> None:
        """Rate an answer on the page."""
        what = {"turn": self.page.screen.turn_ids[turn], "rating": given, **words}
        await rating.rate(self.registry, await self.page.conversation(), what, "1.2.3.4")

    async def give_example(self) -> None:
        """Keep the chat on the page as an example of how it should go."""
        await rating.keep_example(self.registry, await self.page.conversation())

    async def found(self) -> dict[str, Finding]:
        """What the host finds, the newest first."""
        return {finding_id(finding): finding for finding in await self.registry.feedback.all()}

    async def evalset(self, **options: Any) -> Exported:
        """The same as an eval set."""
        return export_evalset(await self.found(), "helper", **options)
