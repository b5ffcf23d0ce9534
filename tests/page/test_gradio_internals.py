"""What Gradio and the page keep of others than themselves is deleted when its time is over."""

from collections import OrderedDict
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from google.adk.artifacts import InMemoryArtifactService
from google.genai import types

from agent.chat.conversation import Conversation
from agent.chat.loader import load
from agent.core.settings import Settings
from agent.page.gradio_internals import forget_pages, picture_life
from agent.stores.cleanup import InMemoryStore
from agent.stores.fallback import FallbackStore
from tests.support.app_setup import conversation, loaded, say
from tests.support.scripted_model import ScriptedModel

HOUR = 3600.0


# Pages


class Gradio(SimpleNamespace):
    """What a `Blocks` holds of pages: `state` says for how long each was not used."""

    def __init__(self, **state: tuple[float, bool]) -> None:
        now, holder, queue = datetime.now(), SimpleNamespace(), SimpleNamespace()
        holder.session_data = OrderedDict(
            (page, SimpleNamespace(is_closed=is_closed, config_values={1: "large"}))
            for page, (_, is_closed) in state.items()
        )
        holder.time_last_used = {
            page: now - timedelta(seconds=unused) for page, (unused, _) in state.items()
        }
        queue.pending_event_ids_session = {}
        queue.pending_messages_per_session, queue.event_ids_to_events = {}, {}
        super().__init__(state_holder=holder, _queue=queue)

    def has_run(self, page: str, *events: str, is_over: bool = True) -> None:
        """A page's run is told of in the queue, or still in it."""
        self._queue.pending_event_ids_session[page] = set(events)
        self._queue.pending_messages_per_session[page] = ["told"]
        if not is_over:
            self._queue.event_ids_to_events |= dict.fromkeys(events)

    def left(self) -> list[list[str]]:
        holder, queue = self.state_holder, self._queue
        held: Any = (holder.session_data, holder.time_last_used)
        held += (queue.pending_event_ids_session, queue.pending_messages_per_session)
        return [sorted(each) for each in held]


def test_a_closed_page_is_forgotten_after_an_hour_and_an_open_one_after_its_conversation() -> None:
    closed, open_ = {"late": (3700, True), "early": (3500, True)}, {"still": (3700, False)}
    gradio = Gradio(**closed, **open_, idle=(90_000, False))
    forget_pages(gradio, HOUR, 24 * HOUR)
    assert gradio.left() == [["early", "still"], ["early", "still"], [], []]


def test_runs_are_forgotten_once_they_have_been_told_of_or_nobody_is_there_to_be_told() -> None:
    gradio = Gradio(here=(1, False), there=(1, False), gone=(9 * HOUR, True))
    gradio.has_run("here")
    gradio.has_run("there", "unread")
    gradio.has_run("gone", "never read")
    gradio.has_run("forged", "just begun", is_over=False)
    forget_pages(gradio, HOUR, 24 * HOUR)
    assert gradio.left()[2:] == [["forged", "there"], ["forged", "there"]]


def test_of_a_closed_page_the_largest_part_goes_at_once() -> None:
    gradio = Gradio(closed=(1, True), there=(1, False))
    forget_pages(gradio, HOUR, 24 * HOUR)
    pages = gradio.state_holder.session_data
    assert [pages[name].config_values for name in ("closed", "there")] == [{}, {1: "large"}]


# Pictures


@pytest.mark.parametrize(("idle", "life"), [(604_800, 86_400), (60, 60), (0.2, 0.2)])
def test_a_picture_is_kept_for_a_day_and_not_longer_than_the_conversation(
    idle: float, life: float
) -> None:
    assert picture_life(idle) == life


# What a conversation leaves in ADK


async def test_with_the_last_session_a_user_is_gone_from_the_store_in_memory() -> None:
    store, whose = InMemoryStore(), {"app_name": "test", "user_id": "somebody"}
    for session_id in ("one", "two"):
        await store.create_session(**whose, session_id=session_id, state={"user:name": "Eve"})
    await store.delete_session(**whose, session_id="one")
    assert await store.get_user_state(**whose) == {"name": "Eve"}
    await store.delete_session(**whose, session_id="two")
    await store.delete_session(**whose, session_id="two")
    assert (store.sessions, store.user_state) == ({"test": {}}, {"test": {}})


def test_that_store_is_the_one_for_whoever_wants_memory() -> None:
    store = load().runner.session_service
    assert isinstance(store, FallbackStore)
    assert isinstance(store.real, InMemoryStore)


async def test_a_forgotten_conversation_leaves_none_of_its_artifacts() -> None:
    model = ScriptedModel(scripts=[["One."], ["Two."]])
    what = loaded(model)
    artifacts = what.runner.artifact_service
    assert isinstance(artifacts, InMemoryArtifactService)
    first, second = (Conversation(what.runner, Settings(), user_id="visitor-1") for _ in range(2))
    for talk in (first, second):
        await say(talk, "Hi")
        for name in ("plan.txt", "user:photo.txt"):
            await artifacts.save_artifact(
                **talk.key._asdict(), filename=name, artifact=types.Part(text="Mine.")
            )
    await first.forget()
    names = await artifacts.list_artifact_keys(**second.key._asdict())
    assert names == ["plan.txt", "user:photo.txt"]
    assert len(artifacts.artifacts) == 2
    await second.forget()
    assert artifacts.artifacts == {}


# What a turn leaves


async def test_a_turn_that_is_over_holds_no_task_and_no_timer() -> None:
    talk = conversation(ScriptedModel(scripts=[["Hello."]]))
    await say(talk, "Hi")
    assert talk.turn
    assert [talk.turn._task, talk.turn._timer, talk.turn._leave_timer] == [None, None, None]
