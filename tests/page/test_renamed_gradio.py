"""A later Gradio, in which private names are others: the page answers all the same."""

import sys
from collections.abc import Callable
from itertools import groupby

import pytest

from tests.support.app_process import free_port, served
from tests.support.browser import Page
from tests.support.renamed_gradio import NAMES
from tests.support.thorough import sample

pytestmark = pytest.mark.slow


# All names of a class or module at once, as each start of the app takes seconds; in the thorough
# tests also each name alone.
GROUPS = [list(names) for _, names in groupby(NAMES, key=lambda name: name.rpartition(".")[0])]
ALONE = [
    pytest.param([name], marks=pytest.mark.thorough)
    for names in GROUPS
    if len(names) > 1
    for name in names
]


@pytest.mark.parametrize("names", [*sample(GROUPS, 4), *ALONE], ids=lambda names: ",".join(names))
def test_without_private_names_the_page_answers_all_the_same(
    visitor: Callable[..., Page],
    names: list[str],
) -> None:
    port = str(free_port())
    program = [sys.executable, "-m", "tests.support.renamed_gradio", *names]
    with served(program, GRADIO_SERVER_PORT=port):
        page = visitor().open(f"http://127.0.0.1:{port}/")
        page.send("What is 12*7?")
        page.wait_idle()
        assert "84" in page.words()[-1][1]
        page.tab.context.close()  # Before the server ends, of which it would complain.
