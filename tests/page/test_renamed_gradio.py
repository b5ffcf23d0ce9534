"""A later Gradio, in which one private name is another one: the page answers all the same."""

import sys
from collections.abc import Callable

import pytest

from tests.support.app_process import free_port, served
from tests.support.browser import Page
from tests.support.renamed_gradio import NAMES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", NAMES)
def test_without_a_private_name_the_page_answers_all_the_same(
    visitor: Callable[..., Page],
    name: str,
) -> None:
    port = str(free_port())
    program = [sys.executable, "-m", "tests.support.renamed_gradio", name]
    with served(program, GRADIO_SERVER_PORT=port):
        page = visitor().open(f"http://127.0.0.1:{port}/")
        page.send("What is 12*7?")
        page.wait_idle()
        assert "84" in page.words()[-1][1]
        page.tab.context.close()  # Before the server ends, of which it would complain.
