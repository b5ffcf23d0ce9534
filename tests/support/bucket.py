"""A bucket of Google Cloud Storage's, by an emulator on loopback (`gcp-storage-emulator`)."""

from collections.abc import Iterator
from contextlib import contextmanager

from gcp_storage_emulator.server import create_server

from tests.support.app_process import free_port


@contextmanager
def run_bucket(name: str) -> Iterator[str]:
    """The address of the emulator, for `STORAGE_EMULATOR_HOST`, until the end."""
    port = free_port()
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=name)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
