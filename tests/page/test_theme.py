"""A host's own theme of Gradio's, by name or as an object."""

from typing import Any

import gradio as gr
import pytest

from agent.page.theme import theme


def test_a_host_may_name_one_of_gradios_or_make_one(caplog: pytest.LogCaptureFixture) -> None:
    soft: Any = theme("Soft")
    own = gr.themes.Glass()
    assert type(soft) is gr.themes.Soft
    assert "googleapis" not in str(vars(soft))
    assert theme(own) is own
    assert caplog.messages == []


def test_another_name_is_told_and_the_page_has_its_own(caplog: pytest.LogCaptureFixture) -> None:
    named, own = theme("sofd"), theme()
    assert vars(named) == vars(own)
    (told,) = caplog.messages
    assert told.startswith("Gradio has no theme 'sofd', so the page has its own. There are: base, ")
