"""What Hugging Face makes a Space of: the front matter of README.md."""

from pathlib import Path

import pytest
from huggingface_hub import SpaceCard, SpaceCardData
from packaging.requirements import Requirement

from agent.chat.setup_check import card_faults
from tests.support.app_process import ROOT

README = (ROOT / "README.md").read_text()


def test_hugging_face_reads_the_front_matter_as_it_is_meant() -> None:
    card = SpaceCard(README).data
    assert isinstance(card, SpaceCardData)
    assert (card.sdk, card.app_file, card.license) == ("gradio", "app.py", "apache-2.0")
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    [gradio] = [Requirement(line) for line in lines if line.startswith("gradio")]
    assert str(card.sdk_version) in gradio.specifier
    assert list(card_faults(ROOT / "README.md")) == []


def test_where_visitors_sign_in_by_hugging_face_it_is_told_what_that_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGN_IN", "huggingface required")
    [told] = card_faults(ROOT / "README.md")
    assert "hf_oauth: true" in told
    for name in ("app.py", "requirements.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    card = README.replace("pinned: false", "pinned: false\nhf_oauth: true")
    (tmp_path / "README.md").write_text(card)
    assert list(card_faults(tmp_path / "README.md")) == []


@pytest.mark.parametrize(
    ("was", "is_now", "fault"),
    [
        ("sdk: gradio", "sdk: static", "sdk is 'static', and should be gradio."),
        ("app_file: app.py", "app_file: main.py", "app_file is main.py, and there is no such file"),
        ("sdk_version: 6.31.0", "sdk_version: 5.1", "asks for gradio<7,>=6.30"),
        ('python_version: "3.12"', "python_version: 3.10", 'should be a text such as "3.12"'),
        ('python_version: "3.12"', 'python_version: "3.9"', 'should be a text such as "3.12"'),
        ("colorTo: green", "colorTo: turquoise", "colorTo is 'turquoise', and should be one of"),
        ("short_description: ", f"short_description: {'so ' * 20}", "characters, of 60."),
        ("---\ntitle", "--\ntitle", "no front matter"),
        ("pinned: false", "pinned: [", "The front matter cannot be read"),
    ],
)
def test_what_hugging_face_would_refuse_is_told(
    tmp_path: Path, was: str, is_now: str, fault: str
) -> None:
    for name in ("app.py", "requirements.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    assert was in README
    (tmp_path / "README.md").write_text(README.replace(was, is_now, 1))
    [told] = card_faults(tmp_path / "README.md")
    assert fault in told
