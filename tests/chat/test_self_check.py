"""The self-check says of each broken set-up what is wrong, and what it advises mends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.chat import setup_check
from agent.chat.loader import load
from agent.chat.self_check import check_folder, self_check
from agent.core.checks import Check
from agent.core.settings import Settings
from agent.limits.rate_limits import Limits
from tests.support.agent_folder import BROKEN as BROKEN_AGENT
from tests.support.agent_folder import FOLDER, HELPER, Write, write_agents
from tests.support.fake_gemini import Failure, FakeGemini, Hang, Pause, Status, Step

# What a Gemini says that is well: for so long that some of it comes apart on a busy machine, too.
STREAM: tuple[str | Step, ...] = (*("One, ", Pause(0.05)) * 60, Hang())

# A model that goes on whatever it is told.
STUBBORN = """
    import asyncio
    from google.adk.agents import Agent
    from google.adk.models import BaseLlm, LlmResponse
    from google.genai import types

    class Stubborn(BaseLlm):
        async def generate_content_async(self, llm_request, stream=False):
            for _ in range(30):
                yield LlmResponse(content=types.ModelContent([types.Part(text="…")]), partial=True)
                try:
                    await asyncio.sleep(0.05)
                {EXCEPT}
                    pass

    root_agent = Agent(name="kind_helper", model=Stubborn(model="stubborn"))
"""

# A store that asks for a session by its id alone.
MIXED_UP = """
    from google.adk.cli.service_registry import get_service_registry
    from google.adk.sessions.sqlite_session_service import SqliteSessionService

    class MixedUp(SqliteSessionService):
        async def get_session(self, *, user_id, **key):
            listed = await self.list_sessions(app_name=key["app_name"])
            users = [each.user_id for each in listed.sessions if each.id == key["session_id"]]
            return await super().get_session(user_id=(users or [user_id])[0], **key)

    registry = get_service_registry()
    registry.register_session_service("mixed", lambda uri, **_: MixedUp(uri.split("://")[1]))
"""

# Stores of files that lose what they are given, and that keep what is deleted; and a memory that
# cannot be reached.
SERVICES = """
    from google.adk.artifacts import InMemoryArtifactService
    from google.adk.cli.service_registry import get_service_registry
    from google.adk.memory import InMemoryMemoryService

    class Full(InMemoryArtifactService):
        async def save_artifact(self, **given):
            raise OSError("No space is left at /secret.")

    class Stubborn(InMemoryArtifactService):
        async def delete_artifact(self, **given):
            pass

    class Away(InMemoryMemoryService):
        async def search_memory(self, **given):
            raise OSError("/secret")

    registry = get_service_registry()
    registry.register_memory_service("away", lambda uri, **_: Away())
    registry.register_artifact_service("full", lambda uri, **_: Full())
    registry.register_artifact_service("stubborn", lambda uri, **_: Stubborn())
"""

# The lines for which a model is looked up, or asked.
OF_MODELS = "Key", "Model", "Answer", "Streaming", "Stop"

CARD = '---\nsdk: {sdk}\nsdk_version: 6.31.0\npython_version: "3.12"\napp_file: app.py\n---\n'


@dataclass
class SetUp:
    """What differs from a set-up in which all is well: variables, the files of the agent's folder
    and of the project's, and what Gemini says."""

    environment: Mapping[str, str] = field(default_factory=dict)
    agent: Mapping[str, str] = field(default_factory=dict)
    project: Mapping[str, str] = field(default_factory=dict)
    look_up: Failure | None = None
    answer: tuple[str | Step, ...] = STREAM


def env(**environment: str) -> SetUp:
    return SetUp(environment)


# By the line that is wrong: what it says, what it advises, what is broken, and what mends it.
BROKEN: dict[str, tuple[str, str, str, SetUp, SetUp]] = {
    "no key": (
        *("Key", "built-in offline model answers", "set GOOGLE_API_KEY in .env"),
        *(env(GOOGLE_API_KEY=""), env(GOOGLE_API_KEY="a-key")),
    ),
    "no key on a Space": (
        *("Key", "built-in offline model answers", "the Space's Settings, as a “New secret”"),
        *(env(GOOGLE_API_KEY="", SPACE_ID="ann/demo"), SetUp()),
    ),
    "a key that is not accepted": (
        *("Key", "The API key was not accepted", "Copy the key once more"),
        *(SetUp(look_up=Status(400, "X", reason="API_KEY_INVALID")), SetUp()),
    ),
    "a model that there is not": (
        *("Model", "gemini-3.5-flash: The chosen AI model is not available", "MODEL="),
        *(SetUp(look_up=Status(404, "NOT_FOUND")), SetUp()),
    ),
    "no way to the model": (
        *("Model", "cannot be reached", "GOOGLE_GEMINI_BASE_URL"),
        *(env(GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:9"), SetUp()),
    ),
    "a quota that is used up": (
        *("Answer", "its free limit is used up", "raise the key's quota"),
        *(SetUp(answer=(Status(429, "RESOURCE_EXHAUSTED"),)), SetUp()),
    ),
    "a proxy that holds the stream back": (
        *("Streaming", "came all at once", "without buffering"),
        *(SetUp(answer=("One, ", "two, ", "three")), SetUp()),
    ),
    "a model that does not stop": (
        *("Stop", "The model was not done ", "asyncio.CancelledError"),
        SetUp(agent={"agent.py": STUBBORN.replace("{EXCEPT}", "except BaseException:")}),
        SetUp(agent={"agent.py": STUBBORN.replace("{EXCEPT}", "finally:")}),
    ),
    "a list of tasks without a task": (
        *("Tasks of “Kind helper”", "It has no task.", "- what to try → what should happen"),
        SetUp(agent={"tester_tasks.md": "Just try it."}),
        SetUp(agent={"tester_tasks.md": "- Say hello → it greets you"}),
    ),
    "chats in memory": (
        *("Chats are kept", "was gone when the store was opened anew", "set no SESSION_DB"),
        *(env(SESSION_DB="memory://"), env(SESSION_DB="")),
    ),
    "a store in no folder": (
        *(
            "Chats are kept",
            "The store fails (OperationalError)",
            "SESSION_DB=sqlite:////FOLDER/session.db",
        ),
        *(env(SESSION_DB="sqlite:////no/such/folder/s.db"), env(SESSION_DB="sqlite:///{tmp}/s.db")),
    ),
    "a store that mixes visitors up": (
        *("Visitors are apart", "one visitor's chat to another", "services.py"),
        SetUp({"SESSION_DB": "mixed://{tmp}/mixed.db"}, {"services.py": MIXED_UP}),
        SetUp(),
    ),
    "a store of files that is full": (
        *("Files are kept", "The store of files fails (OSError)", "ARTIFACTS=file:///FOLDER"),
        SetUp({"ARTIFACTS": "full://"}, {"services.py": SERVICES}),
        SetUp({"ARTIFACTS": "file://{tmp}/files"}),
    ),
    "a store of files that deletes nothing": (
        *("Files are kept", "that was deleted was still there", "may write to and delete"),
        SetUp({"ARTIFACTS": "stubborn://"}, {"services.py": SERVICES}),
        SetUp(),
    ),
    "a memory that cannot be reached": (
        *("Memory", "It fails (OSError)", "Correct MEMORY_SERVICE"),
        SetUp({"MEMORY_SERVICE": "away://"}, {"services.py": SERVICES}),
        SetUp({"MEMORY_SERVICE": "sqlite:///{tmp}/m.db"}),
    ),
    "a Space's own disk": (
        *("Storage lasts", "emptied at each restart", "Add persistent storage"),
        *(env(SPACE_ID="ann/demo"), SetUp()),
    ),
    "copies that share nothing": (
        *("Several copies", "do not share all", "LIMITS_STORE=redis://HOST. Or"),
        *(env(K_SERVICE="page"), SetUp()),
    ),
    "a Redis that does not answer": (
        *("Several copies", "does not answer", "Start it"),
        *(env(LIMITS_STORE="redis://127.0.0.1:9"), SetUp()),
    ),
    "a package of the agent's that is not there": (
        *("Agent “Loading test", "No module named 'no_such_module'", "Mend that"),
        SetUp(agent={"agent.py": "import no_such_module\n"}),
        SetUp(),
    ),
    "a model of an unknown name": (
        *(
            "Agent “Kind helper”",
            "its model 'odd-1' (agent.py, line 3) is not",
            "Name another",
        ),
        *(SetUp(agent={"agent.py": HELPER.replace("gemini-3.5-flash", "odd-1")}), SetUp()),
    ),
    "a package that the agent asks for": (
        *("Agent “Kind helper”", "not-there>=6 is needed, and not", "install 'not-there>=6'"),
        *(SetUp(agent={"requirements.txt": "not-there>=6\n"}), SetUp()),
    ),
    "a version that the page asks for": (
        *("Versions", "gradio<6 is needed, and 6", "install 'gradio<6'"),
        *(SetUp(project={"requirements.txt": "gradio<6  # old\n"}), SetUp()),
    ),
    "front matter of another kind": (
        *("Space", "sdk is 'docker', and should be gradio.", "spaces-config-reference"),
        SetUp(project={"README.md": CARD.format(sdk="docker"), "app.py": ""}),
        SetUp(project={"README.md": CARD.format(sdk="gradio"), "app.py": ""}),
    ),
    "front matter that is no YAML": (
        *("Space", "The front matter cannot be read", "between the two “---”"),
        *(SetUp(project={"README.md": "---\nsdk: [\n---\n"}), SetUp()),
    ),
    "a look that cannot be": (
        *("Look of “Kind helper”", "names 'logo.svg' as its logo, and there is no such", "Put it"),
        SetUp(agent={"agent.py": f"{HELPER}    LOOK = {{'logo': 'logo.svg'}}\n"}),
        SetUp(agent={"agent.py": f"{HELPER}    LOOK = {{'accent': '#076'}}\n"}),
    ),
    "a setting that there is not": (
        *("Settings", "Did you mean DAILY_TURNS?", "Write the name"),
        *(env(DAILY_TURN="7"), env(DAILY_TURNS="7")),
    ),
    "a value that cannot be": (
        *("Settings", "GAP_TIMEOUT='soon' cannot be used", ".env.example"),
        *(env(GAP_TIMEOUT="soon"), env(GAP_TIMEOUT="5")),
    ),
}


class Host:
    """Sets things up as a host does, in a folder of the test's own."""

    def __init__(
        self, write: Write, gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch, tmp: Path
    ) -> None:
        self._write, self._gemini, self._patch, self._tmp = write, gemini, monkeypatch, tmp
        self._made = 0

    async def checks(self, set_up: SetUp, asks_model: bool = True) -> list[Check]:
        """The checks about this set-up."""
        self._made += 1
        files = {"agent.py": HELPER, **set_up.agent}
        folder = self._write(files, f"{FOLDER}_{abs(hash(self._tmp))}_{self._made}")
        project = self._write(dict(set_up.project), f"project_{self._made}")
        self._gemini.look_up_reply = set_up.look_up
        self._gemini.always(*set_up.answer)
        with self._patch.context() as patch:
            if set_up.project:
                patch.setattr(setup_check, "PROJECT", project)
            patch.delenv("SESSION_DB")
            patch.setenv("REQUEST_RETRIES", "0")
            for name, value in set_up.environment.items():
                patch.setenv(name, value.replace("{tmp}", str(self._tmp)))
            return [check async for check in check_folder(folder, asks_model)]


@pytest.fixture
def host(
    folder: Write, gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Host:
    monkeypatch.setattr("agent.chat.model_check.STOP_TIMEOUT", 0.6)
    return Host(folder, gemini, monkeypatch, tmp_path)


@pytest.mark.parametrize("broken", BROKEN)
async def test_what_is_broken_is_told_with_what_mends_it(broken: str, host: Host) -> None:
    name, said, cure, breaks, mends = BROKEN[broken]
    asks_model = name in OF_MODELS
    found = await host.checks(breaks, asks_model)
    [check] = [check for check in found if check.name.startswith(name)]
    assert check.verdict == "wrong"
    assert said in check.text
    assert cure in check.cure
    mended = await host.checks(mends, asks_model)
    assert [check for check in mended if check.verdict == "wrong"] == []


async def test_where_all_is_well_all_is_green(host: Host, gemini: FakeGemini) -> None:
    found = await host.checks(SetUp())
    assert {check.name: check.verdict for check in found} == {
        **dict.fromkeys(("Settings", "Versions", "Space", "Agent “Kind helper”"), "ok"),
        **dict.fromkeys(OF_MODELS, "ok"),
        **dict.fromkeys(("Chats are kept", "Visitors are apart", "Files are kept"), "ok"),
        "Memory": "not checked",
        "Storage lasts": "ok",
        "Several copies": "not checked",
    }
    [request] = gemini.requests  # One call, with a bound, by whose end its connection is closed.
    assert request.left.wait(5)
    assert request.body["generationConfig"]["maxOutputTokens"] <= 300 + 24_576
    assert not any(check.cure for check in found)


async def test_what_an_agent_asks_for_is_not_put_in_the_place_of_what_the_app_works_by(
    host: Host,
) -> None:
    found = await host.checks(SetUp(agent={"requirements.txt": "gradio<6\n"}), asks_model=False)
    [check] = [check for check in found if check.name.startswith("Agent")]
    assert (check.verdict, check.cure) == ("not checked", "")
    assert check.text.startswith("gradio<6 is needed, and 6")


async def test_without_the_model_nothing_is_asked_and_nothing_green_that_was_not_seen(
    host: Host, gemini: FakeGemini
) -> None:
    found = await host.checks(SetUp(), asks_model=False)
    assert (gemini.requests, gemini.looked_up) == ([], [])
    unseen = [check.name for check in found if check.verdict == "not checked"]
    assert unseen == [*OF_MODELS, "Memory", "Several copies"]


async def test_of_several_agents_each_has_its_line(
    tmp_path: Path, clean_imports: None, gemini: FakeGemini
) -> None:
    write_agents(tmp_path / FOLDER, "ada", broken=BROKEN_AGENT)
    found = [check async for check in check_folder(tmp_path / FOLDER, asks_model=False)]
    verdicts = {check.name: check.verdict for check in found}
    assert (verdicts["Agent “Ada”"], verdicts["Agent “Broken”"]) == ("ok", "wrong")
    assert "not checked" in [verdicts[name] for name in OF_MODELS]


async def test_the_question_to_the_model_counts_in_the_days_budget(
    folder: Write, gemini: FakeGemini
) -> None:
    gemini.always("One, ", Pause(0.05), "two.")
    what = load(folder({"agent.py": HELPER}))
    limits = Limits(Settings(daily_turns=1))
    for said in ("gemini-3.5-flash answers, ", "No model is asked. Today's budget"):
        found = [check async for check in self_check([what], True, None, limits)]
        [text] = [check.text for check in found if check.name == "Answer"]
        assert text.startswith(said)
    assert len(gemini.requests) == 1


async def test_where_visitors_bring_keys_it_is_not_wrong_to_have_none(host: Host) -> None:
    found = await host.checks(env(GOOGLE_API_KEY="", VISITOR_KEYS="1"))
    assert [check for check in found if check.verdict == "wrong"] == []
    [key] = [check for check in found if check.name == "Key"]
    assert (key.verdict, "on keys of their own" in key.text) == ("not checked", True)
    assert "set GOOGLE_API_KEY in .env" in key.cure


async def test_a_memory_that_is_found_again_and_forgotten_is_green_and_leaves_nothing(
    host: Host, tmp_path: Path
) -> None:
    found = await host.checks(env(MEMORY_SERVICE="sqlite:///{tmp}/m.db"), asks_model=False)
    [memory] = [check for check in found if check.name == "Memory"]
    assert (memory.verdict, memory.text) == (
        "ok",
        "Something was remembered, found again, and forgotten.",
    )
    assert b"Self-check" not in (tmp_path / "m.db").read_bytes()
    assert list((tmp_path / "files").rglob("self-check*")) == []
