"""Gradio's private names are there; and what Gradio and the page keep of others than themselves is
deleted when its time is over."""

import subprocess
import sys
import traceback
from collections import OrderedDict
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import FunctionType, SimpleNamespace
from typing import Any

import gradio
import gradio as gr
import pytest
from google.adk.artifacts import InMemoryArtifactService
from google.genai import types
from gradio.context import Context
from gradio.routes import templates
from gradio.state_holder import SessionState

from agent.chat.conversation import Conversation
from agent.chat.loader import load
from agent.core.settings import Settings
from agent.limits.connections import Connections
from agent.page.browser import template_box, template_head
from agent.page.gradio_internals import (
    GRADIOS_BODY,
    GRADIOS_HEAD,
    HTML_TAG,
    QUEUE_SETTINGS,
    BriefTracebacks,
    RewiredInterface,
    count_connections,
    forget_pages,
    is_api_name,
    keep_globals,
    launch_options,
    number_from_zero,
    number_of,
    remove_cors,
    server_thread,
    set_storage_secret,
    shares_by_itself,
    shorten_tracebacks,
    take_over_reloads,
    take_over_template,
    tune_queue,
    unless_missing,
    watch,
)
from agent.page.housekeeping import picture_life
from agent.stores.cleanup import InMemoryStore
from agent.stores.fallback import FallbackStore
from tests.support.app_process import free_port
from tests.support.app_setup import conversation, loaded, say
from tests.support.renamed_gradio import NAMES
from tests.support.scripted_model import ScriptedModel

HOUR = 3600.0


# Gradio's private names


def test_a_missing_name_is_logged_once_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    steps, library = [], SimpleNamespace(name=1)
    for _ in range(2):
        with unless_missing("Things are slower."):
            steps += [library.name]
            steps += [library.other_name]
    assert steps == [1, 1]
    assert caplog.messages == [
        "This release of Gradio has changed ('types.SimpleNamespace' object has no attribute "
        "'other_name'). Things are slower."
    ]


def echo(message: str, history: object) -> str:
    return message


OTHER_NAMES = ["gradio.context:Context.id", "gradio.blocks:Blocks.process_api"]


# A page has a `server` when it is launched: `server_thread` is tested with one.
@pytest.mark.parametrize("name", sorted({*NAMES, *OTHER_NAMES} - {"gradio.blocks:Blocks.server"}))
def test_a_private_name_is_there_in_the_gradio_that_is_installed(name: str) -> None:
    module, _, path = name.partition(":")
    owner, _, attribute = path.rpartition(".")
    page: Any = gr.ChatInterface(echo)
    instances = {
        "": import_module(module),
        "App": page.app,
        "Blocks": page,
        "BrowserState": page.saved_conversations,
        "ChatInterface": page,
        "Context": Context,
        "Queue": page._queue,
        "Request": gr.Request(),
        "SessionState": SessionState(page),
        "StateHolder": page.state_holder,
    }
    assert hasattr(instances[owner], attribute)


def test_all_that_is_set_of_the_queue_is_among_the_private_names() -> None:
    assert {f"gradio.queueing:Queue.{name}" for name in QUEUE_SETTINGS} <= set(NAMES)


class Rewired(RewiredInterface):
    """An interface that counts how often its events are wired."""

    times_wired = 0

    def wire_events(self) -> None:
        self.times_wired += 1


def test_an_interface_wires_its_own_events_once_in_place_of_gradios() -> None:
    page = Rewired(echo)
    page._setup_events()
    assert page.times_wired == 1
    assert len(page.fns) == 0


def test_gradios_storage_has_the_secret_that_it_is_given() -> None:
    page: Any = gr.ChatInterface(echo)
    set_storage_secret(page, "the same after a restart")
    assert page.saved_conversations.secret == "the same after a restart"


@pytest.mark.slow
def test_the_thread_that_serves_a_page_is_found() -> None:
    page: Any = gr.ChatInterface(echo)
    page.launch(prevent_thread_lock=True, quiet=True, server_port=free_port())
    thread = server_thread(page)
    assert thread
    assert thread.is_alive()
    page.close()
    assert not thread.is_alive()


def test_a_page_that_keeps_its_server_elsewhere_has_no_thread() -> None:
    assert server_thread(SimpleNamespace()) is None  # type: ignore[arg-type]


def test_gradios_template_for_a_page_is_still_where_its_preview_is_changed() -> None:
    take_over_template(template_head(), template_box())
    found = templates.env.get_or_select_template("frontend/index.html")
    page: Any = SimpleNamespace(config_for=lambda config, query: {**config, **query})
    request = SimpleNamespace(
        app=SimpleNamespace(get_blocks=lambda: page), query_params={"title": "Helper"}
    )
    shown = found.render(config={"title": "x"}, gradio_api_info={}, request=request)
    told = 'window.gradio_config = chatPlace.rooted({"title":"Helper"});'
    assert told in shown.replace('": "', '":"')
    assert "const root = gradio_config.root;" in shown
    preview = GRADIOS_HEAD.findall(shown)
    assert len(preview) == 6  # The viewport, the preview; without a look no manifest.
    assert "Gradio" not in "".join(preview)
    source = (Path(gr.__file__).parent / "templates/frontend/index.html").read_text("utf-8")
    assert len(GRADIOS_HEAD.findall(source)) > 12
    assert (source.count(HTML_TAG), source.count(GRADIOS_BODY)) == (1, 1)


def test_without_gradios_templates_a_page_is_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr("gradio.routes.templates")
    take_over_template(template_head(), template_box())
    assert "shown as one to Gradio" in caplog.text


def test_a_queue_is_tuned() -> None:
    page: Any = gr.ChatInterface(echo)
    tune_queue(page)
    tuned = {name: getattr(page._queue, name) for name in QUEUE_SETTINGS}
    assert tuned == {name: value for name, (value, _) in QUEUE_SETTINGS.items()}


def test_a_queue_is_tuned_but_for_what_it_no_longer_has(caplog: pytest.LogCaptureFixture) -> None:
    page: Any = SimpleNamespace(_queue=SimpleNamespace(sleep_when_free=0.001))
    tune_queue(page)
    assert page._queue == SimpleNamespace(sleep_when_free=0.01)
    assert len(caplog.messages) == len(QUEUE_SETTINGS) - 1


def test_python_does_not_complain_of_locks_that_are_given_back() -> None:
    program = """
        import multiprocessing, os
        from agent.page.gradio_internals import give_back_locks

        lock = multiprocessing.get_context("forkserver").RLock()  # As tqdm's is from 3.14 on.
        give_back_locks()
        os._exit(0)
    """
    command = [sys.executable, "-c", dedent(program)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == ""


@pytest.mark.parametrize("is_reloading", [True, False])
def test_gradios_own_reload_script_is_replaced_where_there_is_one(is_reloading: bool) -> None:
    page: Any = SimpleNamespace(dev_mode=is_reloading)
    assert take_over_reloads(page) is is_reloading
    assert page.dev_mode is False


def test_in_reload_mode_another_folder_is_watched_and_is_not_on_pythons_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watched, folder = [str(tmp_path / "app")], tmp_path / "weather_agent"
    monkeypatch.setattr("gradio.http_server.GRADIO_WATCH_DIRS", watched)
    monkeypatch.setattr(sys, "path", ["own"])
    watch(tmp_path / "app" / "agent")
    watch(folder)
    watch(folder)
    assert watched == [str(folder), str(tmp_path / "app")]
    # Gradio then does this, and runs app.py for the second time, and at each change.
    sys.path[:0] = reversed(watched)
    monkeypatch.setattr(gr, "NO_RELOAD", False)
    watch(folder)
    assert sys.path == [str(tmp_path / "app"), "own"]
    sys.path.append(str(folder))  # The host's own, who may.
    watch(folder)
    assert sys.path == [str(tmp_path / "app"), "own", str(folder)]


def test_without_reload_mode_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[str] = []
    monkeypatch.setattr("gradio.http_server.GRADIO_WATCH_DIRS", watched)
    watch(Path("/somewhere"))
    assert watched == []


def test_where_gradio_no_longer_says_what_it_watches_or_shares_the_log_tells_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert not shares_by_itself()
    monkeypatch.delattr("gradio.http_server.GRADIO_WATCH_DIRS")
    monkeypatch.delattr("gradio.utils.is_hosted_notebook")
    watch(Path("/somewhere"))
    assert shares_by_itself()  # The page then speaks as to visitors.
    assert len(caplog.messages) == 2


def test_gradio_can_be_told_not_to_look_whether_its_page_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert launch_options() == {"_frontend": False}
    monkeypatch.setattr(gr.Blocks, "launch", lambda self: None)  # Which can be told no more.
    assert launch_options() == {}


def answer() -> str:
    return sentence()


def sentence() -> str:
    return "as it was"


def test_a_function_keeps_the_names_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keep_globals(answer)
    monkeypatch.setitem(globals(), "sentence", lambda: "as it is now")
    assert (answer(), kept()) == ("as it is now", "as it was")
    assert kept.__name__ == "answer"


def test_a_page_made_anew_has_components_of_the_same_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Context, "id", 7)  # And set back after the test.
    numbers = []
    for _ in range(2):
        number_from_zero()
        numbers.append(list(gr.ChatInterface(echo).blocks))
    assert numbers[0] == numbers[1]


def refused() -> None:
    raise ValueError("All that was sent.")


@pytest.mark.parametrize(
    ("module", "said"), [("gradio.queueing", ""), ("agent.page.sidebar", "All that was sent.")]
)
def test_what_gradio_refuses_is_one_line_and_a_failure_of_ours_is_told_whole(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, module: str, said: str
) -> None:
    step = FunctionType(refused.__code__, {**globals(), "__name__": module})
    try:
        # As Gradio does it, which none of our modules calls.
        exec("step()", {"__name__": "gradio.queueing", "step": step})
    except ValueError as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        BriefTracebacks().print_exc()
    assert said in capsys.readouterr().err
    assert caplog.messages == ([] if said else ["A step of the page was refused (ValueError)."])


def test_gradio_reports_briefly() -> None:
    shorten_tracebacks()
    for module in (gradio.queueing, gradio.routes):
        assert isinstance(module.traceback, BriefTracebacks)
        assert module.traceback.format_exc is traceback.format_exc


def test_gradio_tells_nobody_that_other_sites_may_read() -> None:
    app: Any = gr.ChatInterface(echo).app
    before = [middleware.cls.__name__ for middleware in app.user_middleware]
    remove_cors(app)
    after = [middleware.cls.__name__ for middleware in app.user_middleware]
    assert set(before) - set(after) == {"CustomCORSMiddleware"}


def test_a_step_is_taken_by_its_name_where_gradio_does_not_say_whether_it_may_be() -> None:
    steps = {1: SimpleNamespace(api_name="ask"), 2: SimpleNamespace(api_name="arrive")}
    app = SimpleNamespace(get_blocks=lambda: SimpleNamespace(fns=steps))
    assert is_api_name(app, "arrive")
    steps[1].api_visibility, steps[2].api_visibility = "public", "private"
    assert [is_api_name(app, name) for name in ("chat", "ask", "arrive", "")] == [
        *(True, True, False, False)
    ]


def test_a_component_has_the_number_that_a_browser_is_told() -> None:
    page: Any = gr.ChatInterface(echo)
    numbers = [part["id"] for part in page.get_config_file()["components"]]
    assert number_of(page.chatbot) in numbers
    assert number_of(SimpleNamespace()) not in numbers  # type: ignore[arg-type]


def test_connections_are_counted_where_gradio_has_its_server() -> None:
    config = SimpleNamespace(http_protocol_class=object)
    count_connections(SimpleNamespace(server=SimpleNamespace(config=config)), Connections(1, 1))  # type: ignore[arg-type]
    assert config.http_protocol_class.__name__ == "CountedProtocol"
    count_connections(SimpleNamespace(), Connections(1, 1))  # type: ignore[arg-type]


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
        return [sorted(keys) for keys in held]


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
    gradio = Gradio(closed=(1, True), there=(1, False), quiet=(61, False))
    forget_pages(gradio, HOUR, 24 * HOUR)
    pages = gradio.state_holder.session_data
    kept = [pages[name].config_values for name in ("closed", "there", "quiet")]
    assert kept == [{}, {1: "large"}, {}]


QUEUE = ["pending_event_ids_session", "pending_messages_per_session", "event_ids_to_events"]


@pytest.mark.parametrize("name", QUEUE)
def test_pages_are_forgotten_where_gradio_keeps_its_runs_elsewhere(name: str) -> None:
    gradio = Gradio(late=(3700, True))
    gradio.has_run("gone", "never read")
    delattr(gradio._queue, name)
    forget_pages(gradio, HOUR, 24 * HOUR)
    assert gradio.state_holder.session_data == {}


def test_runs_are_forgotten_where_gradio_keeps_elsewhere_when_a_page_was_used() -> None:
    gradio = Gradio(late=(3700, True))
    gradio.has_run("gone", "never read")
    del gradio.state_holder.time_last_used
    forget_pages(gradio, HOUR, 24 * HOUR)
    assert list(gradio.state_holder.session_data) == ["late"]
    assert gradio._queue.pending_event_ids_session == {}


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
