"""From where a request comes: on a Space by its proxy's word, elsewhere by the connection alone."""

import sys
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import Request

from agent.limits.client_address import client_address
from tests.support.app_process import free_port, served

PROXY = "10.16.3.80"

# A page that others can reach, and that answers each address twice.
NETWORK = {"GRADIO_SERVER_NAME": "0.0.0.0", "ADDRESS_PER_DAY": "2", "ADDRESS_RUNNING": "0"}


def request(*headers: str, client: str | None = PROXY) -> Request:
    """A request with these `X-Forwarded-For` headers."""
    raw = [(b"x-forwarded-for", header.encode("latin-1")) for header in headers]
    return Request({"type": "http", "headers": raw, "client": client and (client, 1234)})


@pytest.fixture
def on_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/demo")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)


@pytest.mark.usefixtures("on_a_space")
@pytest.mark.parametrize(
    ("headers", "address"),
    [
        (["8.8.4.4"], "8.8.4.4"),
        ([" 8.8.4.4 "], "8.8.4.4"),
        (["1.1.1.1, 8.8.4.4"], "8.8.4.4"),
        (["1.1.1.1,2.2.2.2,8.8.4.4"], "8.8.4.4"),
        (["1.1.1.1", "8.8.4.4"], "8.8.4.4"),
        (["1.1.1.1, 2.2.2.2", "3.3.3.3, 8.8.4.4"], "8.8.4.4"),
        (["1.1.1.1, 8.8.4.4, 10.16.3.80"], "8.8.4.4"),
        (["1.1.1.1, 8.8.4.4", "10.16.3.80, 127.0.0.1"], "8.8.4.4"),
        (["10.0.0.1, 8.8.4.4"], "8.8.4.4"),
        (["unknown, 8.8.4.4"], "8.8.4.4"),
        (["'; DROP TABLE--, <script>, 8.8.4.4"], "8.8.4.4"),
        (["\x00\xff" * 2000 + ",8.8.4.4"], "8.8.4.4"),
        (["2600:1f18:1:2:3:4:5:6"], "2600:1f18:1:2::/64"),
        (["2600:1F18:0001:2::"], "2600:1f18:1:2::/64"),
        (["1.1.1.1, 2600:1f18:1:2::9"], "2600:1f18:1:2::/64"),
        (["2600:1f18:1:2::9, 8.8.4.4"], "8.8.4.4"),
        (["::ffff:8.8.4.4"], "8.8.4.4"),
        (["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        (["192.168.1.1, 10.0.0.1"], "10.0.0.1"),
        (["203.0.113.7, 100.64.0.9, 172.31.0.1, fd00::1"], "203.0.113.7"),
        (["1.1.1.1, 2001:db8:1:2::9"], "2001:db8:1:2::/64"),
    ],
)
def test_on_a_space_the_proxys_word_counts_and_not_the_visitors(
    headers: list[str], address: str
) -> None:
    assert client_address(request(*headers)) == address


@pytest.mark.usefixtures("on_a_space")
@pytest.mark.parametrize(
    "headers",
    [
        *([], [""], [" , "], ["1.1.1.1, unknown"]),
        *(["1.1.1.1, "], ["1.1.1.1, 8.8.4.4:1234"], ["1.1.1.1, 8.8.4.256"], ["1.1.1.1, ::g"]),
        *(["1.1.1.1, 8.8.4.4.5"], ["1.1.1.1, 134743044"], ["1.1.1.1, [2600:1f18::1]"]),
    ],
)
def test_on_a_space_a_word_that_says_nothing_is_the_proxy_itself(headers: list[str]) -> None:
    assert client_address(request(*headers)) == PROXY


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("headers", [["8.8.4.4"], ["8.8.4.4, 1.1.1.1"], ["x", "8.8.4.4"], []])
def test_elsewhere_the_header_says_nothing(headers: list[str]) -> None:
    assert client_address(request(*headers, client="192.0.2.7")) == "192.0.2.7"


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_elsewhere_the_connection_says_it(client: str | None, address: str) -> None:
    assert client_address(request(client=client)) == address


def test_one_household_is_one_address_and_its_neighbour_another() -> None:
    first, second, neighbour = (
        client_address(request(client=f"2001:db8:1:{last}"))
        for last in ("2::1", "2:ffff::", "3::1")
    )
    assert first == second != neighbour


# The server itself


@pytest.fixture(scope="module")
def space() -> Iterator[str]:
    """The page, as Hugging Face starts it; its limits are those for the public."""
    port = free_port()
    environment = {**NETWORK, "SPACE_ID": "somebody/demo", "GRADIO_SERVER_PORT": str(port)}
    with served([sys.executable, "app.py"], **environment):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def server() -> Iterator[str]:
    """The page on a server of one's own."""
    port = free_port()
    with served([sys.executable, "app.py"], **NETWORK, GRADIO_SERVER_PORT=str(port)):
        yield f"http://127.0.0.1:{port}"


def statuses(url: str, *headers: str) -> list[int]:
    """How a message is answered that comes with each of these headers."""
    return [status(url, {"X-Forwarded-For": header}) for header in headers]


def status(url: str, headers: dict[str, str]) -> int:
    question = {"query": "What is 2*3?"}
    address = f"{url}/chat/stream"
    with httpx.stream("POST", address, json=question, headers=headers, timeout=60) as response:
        return response.status_code  # And leave: the rest of the answer does not matter.


@pytest.mark.slow
def test_on_a_space_a_forged_entry_neither_evades_nor_frames(space: str) -> None:
    evading = [f"1.1.1.{n}, 8.8.4.4" for n in range(4)]
    assert statuses(space, *evading) == [200, 200, 429, 429]
    framing = ["9.9.9.9, 8.8.4.4"] * 3
    assert statuses(space, *framing, "9.9.9.9", "9.9.9.9") == [429, 429, 429, 200, 200]


@pytest.mark.slow
def test_on_a_space_two_visitors_are_two(space: str) -> None:
    headers = ["2600:1f18:1:2::1", "2600:1f18:1:2::2", "2600:1f18:1:2::3", "2600:1f18:1:3::1"]
    assert statuses(space, *headers) == [200, 200, 429, 200]


@pytest.mark.slow
def test_elsewhere_a_forged_header_neither_evades_nor_frames(server: str) -> None:
    assert statuses(server, *(f"8.8.4.{n}" for n in range(4))) == [200, 200, 429, 429]


@pytest.mark.slow
def test_a_proxy_that_uvicorn_is_told_to_trust_is_believed() -> None:
    port = free_port()
    environment = {**NETWORK, "FORWARDED_ALLOW_IPS": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)}
    with served([sys.executable, "app.py"], **environment):
        visitors = ["8.8.4.4", "1.1.1.1, 8.8.4.4", "8.8.4.4", "1.1.1.1"]
        assert statuses(f"http://127.0.0.1:{port}", *visitors) == [200, 200, 429, 200]


@pytest.mark.slow
def test_a_laptop_does_not_count_by_address() -> None:
    port = free_port()
    with served([sys.executable, "app.py"], GRADIO_SERVER_PORT=str(port)):
        assert statuses(f"http://127.0.0.1:{port}", *["8.8.4.4"] * 4) == [200] * 4
