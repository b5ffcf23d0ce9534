"""The page in a container, and several of them: images cannot be built here, so what they are made
of is checked, and what they run is run as it stands in Dockerfile and compose.yaml."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.adk.cli.utils.service_factory import create_artifact_service_from_options
from google.genai import types
from ruamel.yaml import YAML

from tests.support.app_process import ROOT, App, free_port, served
from tests.support.bucket import run_bucket
from tests.support.postgres import PASSWORD, Postgres
from tests.support.redis_server import redis_at
from tests.support.sse_client import answer, ask, said

DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")


def instructions(name: str) -> list[str]:
    """What stands behind this word in the Dockerfile."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.M)


def environment() -> dict[str, str]:
    """The image's."""
    return dict(pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))


def command(name: str) -> list[str]:
    """A command of the image's, with the Python of this test."""
    [line] = instructions(name)
    return list(json.loads(line[line.index("[") :].replace('"python"', json.dumps(sys.executable))))


def test_the_dockerfile_is_as_its_linter_wants_it() -> None:
    lint = [Path(sys.executable).with_name("hadolint"), ROOT / "Dockerfile"]
    done = subprocess.run(lint, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_what_goes_into_the_image_is_what_the_page_runs_and_nothing_else() -> None:
    copied = [name for line in instructions("COPY") for name in line.split()[:-1]]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [rule for rule in ignored if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied)
    assert {"**/.env", "**/.adk"} <= set(rules)
    assert all((ROOT / name).exists() for name in copied)
    assert instructions("USER") == ["1000"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder that the image has: what is copied there."""
    folder = tmp_path / "app"
    folder.mkdir()
    for name in [name for line in instructions("COPY") for name in line.split()[:-1]]:
        if (ROOT / name).is_dir():
            left = shutil.ignore_patterns(".env", ".adk", "__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=left)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.slow
def test_what_the_container_runs_serves_is_healthy_and_finds_its_chats_again(
    image: Path, tmp_path: Path
) -> None:
    port, data = str(free_port()), tmp_path / "data"
    data.mkdir()
    told = {name: value.replace("/data", str(data)) for name, value in environment().items()}
    url, run = f"http://127.0.0.1:{port}/", command("CMD")
    run[-1] = run[-1].replace("python", sys.executable)
    check = command("HEALTHCHECK")
    told |= {"PORT": port, "GRADIO_SERVER_NAME": "127.0.0.1", "SHOW_FIGURES": "0"}

    def is_healthy() -> bool:
        return not subprocess.run(check, env={**os.environ, **told}, capture_output=True).returncode

    assert not is_healthy()
    with served(["env", "-C", str(image), *run], **told):
        assert is_healthy()
        session = ask(url, "My name is Ann.")[0].session
    with served(["env", "-C", str(image), *run], **told):
        assert "My name is Ann." in answer(ask(url, "What did I say?", session))
    assert not is_healthy()


def test_compose_is_what_its_schema_says() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")]
    check = [sys.executable, "-m", "check_jsonschema", *schema]
    done = subprocess.run(check, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout


def test_compose_names_nothing_that_it_has_not() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in COMPOSE["volumes"]
    balancer = COMPOSE["configs"]["balancer"]["content"]
    copies, port = services["page"]["deploy"]["replicas"], environment()["PORT"]
    assert f"server-template page {copies} page:{port} " in balancer
    [published] = services["balancer"]["ports"]
    assert f"bind :{published.partition(':')[2]}" in balancer


def given(**replaced: str) -> dict[str, str]:
    """The environment of a page, with `${NAME:-default}` filled in, and these places for others."""
    variable = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}")
    filled = {
        name: variable.sub(lambda found: replaced.get(found[1], found[2] or ""), value)
        for name, value in COMPOSE["services"]["page"]["environment"].items()
    }
    for place, real in replaced.items():
        filled = {name: value.replace(place, real) for name, value in filled.items()}
    return filled


@pytest.fixture
def pages(postgres: Postgres, redis_port: int, tmp_path: Path) -> Iterator[list[App]]:
    """Two replicas, with the environment of compose.yaml and other places for what they share."""
    database = postgres.new_database().rpartition("/")[2]
    places = {
        "chat:secret@chats/chat": f"chats:{PASSWORD}@127.0.0.1:{postgres.port}/{database}",
        "limits:6379": f"127.0.0.1:{redis_port}",
        "/data": str(tmp_path),
    }
    told = given(POSTGRES_PASSWORD="secret", **places) | {"ADDRESS_PER_DAY": "3"}
    with redis_at(redis_port), ThreadPoolExecutor() as both:
        begun = list(both.map(lambda _: App(**told), range(2)))
        yield begun
        for app in begun:
            app.end(signal.SIGKILL)


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.timeout(240)  # Two starts, and four answers.
def test_two_replicas_share_chats_limits_and_files(pages: list[App]) -> None:
    one, two = (page.url for page in pages)
    session = ask(one, "My name is Ann.")[0].session
    drawn = said(ask(two, "Draw a chart of 3, 5, 8 and 2", session))
    assert "My name is Ann." in answer(ask(one, "What did I say?", session))
    [chart] = [data for name, data in drawn if name == "file"]
    assert httpx.get(two + chart["url"]).headers["content-type"] == "image/png"
    # The third message of this address was the last, at whichever replica.
    asked = {"query": "And now?", "session_id": session}
    assert httpx.post(f"{two}chat/stream", json=asked).status_code == 429


async def test_in_the_place_of_the_volume_a_bucket_keeps_files_for_all_replicas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_user: dict[str, Any] = {"app_name": "agent", "user_id": "ann", "session_id": "1"}
    with run_bucket("files") as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        one, two = (create_artifact_service_from_options(base_dir=ROOT,
                    artifact_service_uri="gs://files") for _ in range(2))  # fmt: skip
        picture = types.Part.from_bytes(data=b"A chart.", mime_type="image/png")
        await one.save_artifact(filename="chart.png", artifact=picture, **one_user)
        found = await two.load_artifact(filename="chart.png", **one_user)
        assert found == picture
        await two.delete_artifact(filename="chart.png", **one_user)
        assert await one.list_artifact_keys(**one_user) == []
