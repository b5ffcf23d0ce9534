"""A visitor's own key: it answers that visitor's messages, nothing else does in its place, and it
is kept nowhere."""

import asyncio
import gc
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import Agent
from google.adk.agents.context_cache_config import ContextCacheConfig
from google.adk.apps.app import App
from google.adk.models import Gemini
from google.adk.tools.agent_tool import AgentTool
from pydantic import SecretStr

from agent.chat import loader
from agent.chat.conversation import Conversation
from agent.chat.key_check import look_up
from agent.chat.loader import LoadedAgent, assemble, load
from agent.chat.registry import Registry
from agent.core.notices import SENTENCES
from agent.core.own_key import own_key
from agent.core.question import Options, Question
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer
from agent.core.visitor import Visitor
from agent.models.coalescing import coalescing
from tests.support.app_setup import GEMINI, UNLIMITED, loaded, notices, registry, say
from tests.support.fake_gemini import Call, Failure, FakeGemini, Status
from tests.support.limits import HERE, PAUSED, full
from tests.support.scripted_model import scripted
from tests.support.summaries import compaction

HOSTS = "test-key-of-nobody"

# One of the form of AI Studio's older keys, and one of the newer.
KEY, NEWER = "AIzaSyD-sentinel-key-of-a-visitor-0001", "AQ.Ab8RN6-sentinel-key-of-a-visitor"


def on(key: str, text: str = "Hi", **about: Any) -> Question:
    """A message with a key of its visitor's own."""
    return Question(text, visitor=Visitor(address=HERE, key=SecretStr(key)), **about)


def house(model: Any = GEMINI, /, agent: Any = None, **settings: Any) -> Registry:
    """An app that takes keys."""
    return registry(model, agent, visitor_keys=True, **settings)


async def asked(there: Registry, question: Question | str) -> Transcript:
    """The answer in a conversation of its own."""
    return await there.open().conversation.ask(question).finish()


@pytest.mark.parametrize("key", [KEY, NEWER, f" {KEY}\n"])
async def test_a_message_is_answered_on_its_own_key_and_the_next_without_one_on_the_hosts(
    gemini: FakeGemini, key: str
) -> None:
    gemini.always("Hello.")
    talk = house().open().conversation
    await talk.ask(on(key)).finish()
    await talk.ask("Hi again").finish()
    assert [request.key for request in gemini.requests] == [key.strip(), HOSTS]


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("coalesces", [True, False])
async def test_all_of_an_agents_models_are_asked_on_it(
    gemini: FakeGemini, streaming: bool, coalesces: bool
) -> None:
    def model() -> Any:
        return coalescing(Gemini(model=GEMINI)) if coalesces else GEMINI

    helper = Agent(name="tool_agent", model=model(), description="Helps.")
    below = Agent(name="below", model=model(), description="Knows.")
    agent = {"tools": [AgentTool(helper)], "sub_agents": [below]}
    gemini.enqueue(Call("tool_agent", {"request": "Hi"}))
    gemini.enqueue("Hello.")
    gemini.enqueue(Call("transfer_to_agent", {"agent_name": "below"}))
    gemini.enqueue("I know.")
    said = await asked(house(model(), agent), on(KEY, options=Options(streaming=streaming)))
    assert answer(said) == "I know."
    assert [request.key for request in gemini.requests] == [KEY] * 4


async def test_twenty_visitors_with_twenty_keys_at_once(
    gemini: FakeGemini, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    there, keys = house(), [f"AIzaSyD-sentinel-{number:02}-of-twenty" for number in range(20)]
    for number in range(20):
        gemini.reply_to(f"I am {number:02}.", f"You are {number:02}.")
    talks = [there.open().conversation for _ in keys]
    for _ in range(2):
        questions = [on(key, f"I am {number:02}.") for number, key in enumerate(keys)]
        turns = [talk.ask(question) for talk, question in zip(talks, questions, strict=True)]
        said = await asyncio.gather(*(turn.finish() for turn in turns))
        assert [answer(transcript) for transcript in said] == [
            f"You are {n:02}." for n in range(20)
        ]
    assert len(gemini.requests) == 40
    for request in gemini.requests:
        assert request.last_user_text == f"I am {keys.index(request.key):02}."
        assert "sentinel" not in str((request.body, request.path))
    for talk in talks:
        session = await talk.session()
        assert session
        assert "sentinel" not in session.model_dump_json()
        assert "sentinel" not in repr(talk.turns) + repr(vars(talk)) + repr(vars(talk.turn))
    assert "sentinel" not in caplog.text


async def test_when_the_answer_is_over_nothing_holds_the_key(gemini: FakeGemini) -> None:
    held: list[Any] = []

    def look(callback_context: Any, llm_request: Any) -> None:
        held.append(own_key.get())

    gemini.always("Hello.")
    talk = house(GEMINI, {"before_model_callback": look}).open().conversation
    key = SecretStr(KEY)
    await talk.ask(Question("Hi", visitor=Visitor(key=key))).finish()
    gc.collect()
    # This test itself does, as one or another kind of object by Python's version.
    assert [type(referrer).__name__ for referrer in gc.get_referrers(key)] in (
        [],
        ["frame"],
        ["coroutine"],
    )
    # What was made in the turn's context, and outlasts it, has it no more.
    assert [own.value for own in held] == [""]


def failure(code: int, status: str, message: str = "", **about: Any) -> Failure:
    return Status(code, status, message, **about)


FAILURES = [
    (failure(400, "INVALID_ARGUMENT", "API key not valid.", reason="API_KEY_INVALID"), "wrong"),
    (failure(401, "UNAUTHENTICATED", "No credentials."), "wrong"),
    (failure(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), "leaked"),
    (failure(403, "PERMISSION_DENIED", "Requests from referer are blocked."), "not_allowed"),
    (failure(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."), "exhausted"),
    (failure(429, "RESOURCE_EXHAUSTED", "Quota.", retry_after=7), "exhausted_for"),
    (failure(404, "NOT_FOUND", "models/x is not found."), "no_model"),
    (failure(400, "FAILED_PRECONDITION", "User location is not supported."), "not_offered"),
]


@pytest.mark.parametrize(("reply", "what"), FAILURES)
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_key_that_does_not_do_is_told_and_the_hosts_does_not_stand_in(
    gemini: FakeGemini, reply: Failure, what: str, streaming: bool
) -> None:
    gemini.always(reply)
    there = house(offline_fallback=True, request_retries=0)
    talk = there.open().conversation
    said = await talk.ask(on(KEY, options=Options(streaming=streaming))).finish()
    sentence = SENTENCES[f"own_key_{what}"].replace("{wait:seconds}", "7 seconds")
    assert (answer(said), notices(said)) == ("", [sentence])
    assert {request.key for request in gemini.requests} == {KEY}
    # As it is stored: after a reload it is told the same, and the key is in none of it.
    session = await talk.session()
    assert session
    assert KEY not in session.model_dump_json()
    assert notices((await talk.history())[0].transcript) == [sentence]


async def test_of_the_hosts_own_key_the_host_is_told_as_before(gemini: FakeGemini) -> None:
    gemini.always(FAILURES[0][0])
    assert notices(await asked(house(request_retries=0), "Hi")) == [SENTENCES["bad_key"]]


@pytest.mark.parametrize(
    "key", ["short", KEY.replace("-", " "), f"{KEY}\r\nX: y{KEY}", "Schlüssel" * 5, "x" * 501]
)
async def test_what_cannot_be_a_key_is_refused_and_not_told(
    gemini: FakeGemini, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert notices(await asked(house(), on(key))) == [SENTENCES["no_key_form"]]
    assert gemini.requests == []
    assert key not in caplog.text


async def test_a_page_that_takes_no_keys_says_so(gemini: FakeGemini) -> None:
    assert notices(await asked(registry(), on(KEY))) == [SENTENCES["keys_not_taken"]]
    assert gemini.requests == []


async def test_a_model_that_takes_no_key_is_not_asked_on_the_hosts() -> None:
    model = scripted(("Hello.",))
    assert notices(await asked(house(model), on(KEY))) == [SENTENCES["own_key_not_used"]]
    assert model.requests == []


async def test_neither_is_a_model_on_google_cloud(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_ENTERPRISE", "1")
    assert notices(await asked(house(), on(KEY))) == [SENTENCES["own_key_not_used"]]
    assert gemini.requests == []


# What it lifts, and what it does not


async def test_it_lifts_the_hosts_budget_and_counts_for_none_of_it(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    there = house(daily_turns=1, daily_tokens=12)
    for _ in range(3):
        assert answer(await asked(there, on(KEY))) == "Hello."
    # One turn of the host's takes all twelve tokens.
    assert answer(await asked(there, "Hi")) == "Hello."
    assert "offline model" in notices(await asked(there, "Hi"))[0]
    assert answer(await asked(there, on(KEY))) == "Hello."
    assert [request.key for request in gemini.requests] == [KEY, KEY, KEY, HOSTS, KEY]
    assert there.limits.usage.together(1).tokens_in == 7


async def test_the_other_limits_hold(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    there = house(address_running=1)
    first = there.open().conversation.ask(on(KEY))
    await first.admitted.wait()
    assert notices(await asked(there, on(NEWER))) == [full("1 answer")]
    await first.finish()


async def test_a_paused_page_is_paused_for_everybody(gemini: FakeGemini) -> None:
    assert notices(await asked(house(demo_paused=True), on(KEY)))[0] == PAUSED
    assert gemini.requests == []


# What else ADK would ask a model for


async def test_nobody_sums_up_in_its_turns(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    what = loaded(compaction=compaction(compaction_interval=1, overlap_size=0))
    talk = Conversation(what.runner, Settings(visitor_keys=True))
    await talk.ask(on(KEY)).finish()
    await talk.end_compaction(10)
    assert [request.key for request in gemini.requests] == [KEY]
    await talk.ask("Hi").finish()
    await talk.end_compaction(10)
    assert [request.key for request in gemini.requests] == [KEY, HOSTS, HOSTS]


@pytest.mark.filterwarnings("ignore:.*EXPERIMENTAL.*:UserWarning")
async def test_no_cache_of_the_hosts_is_used_or_made_in_its_turns(
    gemini: FakeGemini, tmp_path: Path
) -> None:
    gemini.always("Hello.")
    root = Agent(name="helper", model=GEMINI)
    app = App(name="cached", root_agent=root, context_cache_config=ContextCacheConfig())
    runner = assemble(app, "cached", tmp_path).runner
    talk = Conversation(runner, Settings(visitor_keys=True))
    for question in ("Hi", on(KEY), "And?"):
        await talk.ask(question).finish()
    session = await talk.session()
    answers = [event for event in session.events if event.author == "helper"] if session else []
    assert [event.cache_metadata is not None for event in answers] == [True, False, True]


# Without a key of the host's


AGENT = """
from google.adk.agents import Agent
below = Agent(name="below", description="Knows.")
root_agent = Agent(name="helper", model="gemini-3.5-flash", sub_agents=[below])
EXAMPLES = ["Hello"]
"""


@pytest.fixture
def keyless(gemini: FakeGemini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedAgent:
    """An agent of a page that has no key, and takes visitors'."""
    monkeypatch.delenv("GOOGLE_API_KEY")
    monkeypatch.setenv("VISITOR_KEYS", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(loader, "redact_logs", lambda: None)
    folder = tmp_path / f"keyless_{abs(hash(tmp_path))}"
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    return load(folder, coalesce=True)


async def test_without_any_key_the_offline_model_answers_and_on_a_visitors_the_ai(
    gemini: FakeGemini, keyless: LoadedAgent
) -> None:
    gemini.enqueue("I am the AI.")
    gemini.enqueue(Call("transfer_to_agent", {"agent_name": "below"}))
    gemini.enqueue("I know.")
    there = Registry(keyless, Settings(**{**UNLIMITED, "visitor_keys": True}))
    assert (keyless.is_offline, keyless.costs) == (True, False)
    talk = there.open().conversation
    assert "not an AI" in answer(await say(talk, "What can you do?"))
    assert gemini.requests == []
    assert answer(await talk.ask(on(KEY)).finish()) == "I am the AI."
    assert answer(await talk.ask(on(KEY, "Below?")).finish()) == "I know."
    assert [request.key for request in gemini.requests] == [KEY] * 3
    assert "`/help`" in answer(await say(talk, "/help"))
    assert len(gemini.requests) == 3
    models = [turn.usage.models for turn in talk.turns]
    assert models == [("offline",), (GEMINI,), (GEMINI,), ("offline",)]


async def test_the_offline_model_still_streams_there(keyless: LoadedAgent) -> None:
    talk = Conversation(keyless.runner, Settings(visitor_keys=True))
    turn = talk.ask("/think")
    await turn.finish()
    assert turn.record.texts.count() > 5


def test_nothing_is_looked_up_without_a_key(gemini: FakeGemini, keyless: LoadedAgent) -> None:
    assert list(look_up(keyless)) == []
    assert gemini.looked_up == []


async def test_a_model_of_an_unknown_name_is_told_as_what_it_is(gemini: FakeGemini) -> None:
    there = house("nosuchmodel")
    for question in ("Hi", on(KEY)):
        assert notices(await asked(there, question)) == [SENTENCES["no_such_model"]]
