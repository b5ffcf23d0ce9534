"""An agent that fails: what stands for it, and what becomes of its chats meanwhile."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.chat.failed_agent import failed_agent
from agent.chat.load_errors import AgentFailed, LoadError
from agent.chat.loader import load
from agent.chat.registry import Registry
from agent.core.notices import SENTENCES
from agent.core.question import Question, Screen
from agent.core.settings import Settings
from agent.core.visitor import Visitor
from agent.limits.rate_limits import LimitExceeded
from tests.support.agent_folder import HELPER, Write
from tests.support.app_setup import loaded, notices
from tests.support.scripted_model import ScriptedModel

MENDED = SENTENCES["being_mended"]


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("STATE = [1]", "STATE in agent.py, line 4 should be a dict"),
        ("EXAMPLES = 5", 'EXAMPLES in agent.py, line 4 should be a list of texts: EXAMPLES = ["'),
        ("INNER = 5", "INNER in agent.py, line 4 should be a list of texts"),
        ("1 / 0", "agent.py, line 4:\n\n    1 / 0"),
    ],
)
def test_what_is_the_agents_own_fault_is_told_with_its_line(
    folder: Write, added: str, told: str
) -> None:
    with pytest.raises(AgentFailed) as caught:
        load(folder({"agent.py": f"{HELPER}    {added}\n"}))
    assert told in str(caught.value)


@pytest.mark.parametrize("files", [None, {}, {"readme.txt": ""}])
def test_where_no_agent_is_nothing_can_stand_for_one(
    folder: Write, tmp_path: Path, files: dict[str, str] | None
) -> None:
    with pytest.raises(LoadError) as caught:
        load(tmp_path / "nowhere" if files is None else folder(files))
    assert type(caught.value) is LoadError


@pytest.mark.parametrize("name", ["weather_agent", "user", "not-a-name"])
def test_the_stand_in_has_the_folders_name_and_costs_nothing(folder: Write, name: str) -> None:
    path = folder({"agent.py": "1 / 0"}, name)
    stands = failed_agent(path / "agent.py", AgentFailed("Why."))
    assert stands.title == name.replace("_", " ").capitalize()
    assert stands.runner.app_name == name
    assert (stands.description, stands.why_not_loaded) == (MENDED, "Why.")
    assert (stands.costs, stands.is_offline, stands.examples) == (False, False, ())


async def test_nothing_that_is_asked_is_answered_and_nothing_is_taken_back_for_it() -> None:
    model = ScriptedModel(scripts=[["Yes."]])
    good = loaded(model)
    visitors = Registry(good, Settings())
    who = Visitor(visitors.visitors.new())
    first = visitors.ask(Question("One?", 0, visitor=who), None)
    await first.finish()
    failed = Registry(replace(good, why_not_loaded="Why."), Settings(visitor_per_minute=1))
    screen = Screen((first.id,))
    for above in (0, 1, 0):  # Edit, a further message, Retry.
        turn = failed.ask(Question("Two?", above, screen, visitor=who), first.session_id)
        assert notices(await turn.finish()) == [MENDED]
        assert isinstance(turn.failure, LimitExceeded)
        assert turn.failure.wait == 60
    found = await Registry(good, Settings()).find(who.user_id, first.session_id)
    assert found
    assert [turn.question for turn in await found.conversation.history()] == ["One?"]
    assert len(model.requests) == 1
