"""The API `/chat`, by Gradio's own client."""

from collections.abc import Iterator
from contextlib import contextmanager

from gradio_client import Client


@contextmanager
def connected(url: str) -> Iterator[Client]:
    """A client of the page at this address."""
    client = Client(url, verbose=False, analytics_enabled=False)
    yield client
    client.close()


def ask(client: Client, message: str) -> str:
    """The whole answer."""
    return str(client.predict(message, api_name="/chat"))
