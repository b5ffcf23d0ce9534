"""What programs are told while the agent is being mended: that, and never why."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from openai import InternalServerError, OpenAI
from pydantic import SecretStr

from agent.chat.failed_agent import failed_agent
from agent.chat.load_errors import AgentFailed
from agent.chat.loader import LoadedAgent
from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.gradio_api import ask, connected
from tests.support.mcp_client import text_of, tools_of
from tests.support.openai_client import TOKEN
from tests.support.openai_client import ask as complete
from tests.support.stored_sessions import is_emptied

pytestmark = pytest.mark.slow

MENDED = SENTENCES["being_mended"]

WHY = "No module named 'secret_module'"


@pytest.fixture(scope="module")
def what(tmp_path_factory: pytest.TempPathFactory) -> LoadedAgent:
    return failed_agent(tmp_path_factory.mktemp("weather_agent"), AgentFailed(WHY))


@pytest.fixture(scope="module")
def url(what: LoadedAgent) -> Iterator[str]:
    with launched(what, api_token=SecretStr(TOKEN)) as address:
        yield address


def test_a_question_is_503_with_the_sentence_and_leaves_nothing(
    url: str, what: LoadedAgent
) -> None:
    asked: list[dict[str, Any]] = [{"json": {"query": "Hi"}}, {"params": {"query": "Hi"}}]
    refused = [httpx.post(f"{url}chat/stream", **how, timeout=20) for how in asked]
    assert [(r.status_code, r.json()) for r in refused] == [(503, {"detail": MENDED})] * 2
    assert {r.headers["Retry-After"] for r in refused} == {"60"}
    assert is_emptied(what)


@pytest.mark.parametrize("is_streamed", [True, False])
def test_openais_clients_read_it_whatever_the_agent_is_called(url: str, is_streamed: bool) -> None:
    with OpenAI(base_url=f"{url}v1", api_key=TOKEN) as client:
        with pytest.raises(InternalServerError) as caught:
            complete(client, model="helper", stream=is_streamed)
        with pytest.raises(InternalServerError, match="being mended"):
            client.responses.create(model="helper", input="Hi", stream=is_streamed)
    assert caught.value.status_code == 503
    body = {"message": MENDED, "type": "api_error", "param": None, "code": None}
    assert caught.value.body == body


async def test_mcp_clients_read_it(url: str) -> None:
    async with tools_of(url) as tools:
        result = await tools.call_tool("ask", {"message": "Hi"})
    assert (result.isError, text_of(result)) == (True, f"({MENDED})")


def test_gradios_clients_read_it(url: str) -> None:
    with connected(url) as client:
        assert ask(client, "Hi") == f"({MENDED})"


def test_the_app_is_alive_and_not_ready(url: str) -> None:
    alive, ready = (httpx.get(f"{url}{path}", timeout=20) for path in ("healthz", "readyz"))
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert ready.status_code == 503
    assert ready.json() == {
        "detail": "The agent could not be loaded. The app's log says why, and how to mend it."
    }


def said(what: LoadedAgent, **options: Any) -> dict[str, str]:
    """All that is told of the agent, by its paths, where the page is launched so."""
    paths = ("", "config", "openapi.json", "readyz", "gradio_api/mcp/schema", "gradio_api/info")
    with launched(what, options) as url:
        return {path: httpx.get(f"{url}{path}", timeout=20).text for path in paths}


def test_why_is_told_on_a_page_alone_that_only_this_machine_can_open(
    what: LoadedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [path for path, text in said(what).items() if "secret_module" in text] == ["", "config"]
    public = said(what, server_name="0.0.0.0")
    assert [path for path, text in public.items() if "secret_module" in text] == []
    assert MENDED in public["config"]
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert "secret_module" not in said(what)["config"]


def test_so_is_how_to_connect_an_ai() -> None:
    offline = replace(loaded(), is_offline=True, costs=False, how_to_connect="Set SECRET_KEY.")
    assert [path for path, text in said(offline).items() if "SECRET_KEY" in text] == ["", "config"]
    public = said(offline, server_name="0.0.0.0")
    assert [path for path, text in public.items() if "SECRET_KEY" in text] == []
    assert "no AI is connected" in public["config"]


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ("SPACE_ID=somebody/something", {}),
        ("GRADIO_SERVER_NAME=0.0.0.0", {}),
        ("GRADIO_ROOT_PATH=/chat", {}),
        ("GRADIO_SHARE=True", {}),
        ("KAGGLE_KERNEL_RUN_TYPE=Interactive", {}),
        ("", {"share": True}),
        ("", {"root_path": "/chat"}),
        ("", {"server_name": "192.168.1.2"}),
    ],
)
def test_any_other_page_is_for_visitors(
    monkeypatch: pytest.MonkeyPatch, environment: str, options: dict[str, Any]
) -> None:
    from agent.middleware.exposure import is_for_host  # Here, because it imports Gradio.

    assert is_for_host({})
    name, _, value = environment.partition("=")
    monkeypatch.setenv(name or "NOTHING", value)
    assert not is_for_host(options)


def test_what_is_told_of_the_agent_is_shown_to_the_letter() -> None:
    from agent.page.header import explanation

    why = "A <b>name</b>\n````\n$$x$$"
    assert f"\n\n`````text\n{why}\n`````\n\n" in explanation(why, is_reloading=False)
    assert "start the app again" in explanation(why, is_reloading=False)
    assert "it is loaded again" in explanation(why, is_reloading=True)
