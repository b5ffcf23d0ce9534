"""Pictures and files that the agent has made: where they are saved, and for how long."""

import os
import time
from pathlib import Path

import pytest

from agent.render import media


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(media, "FOLDER", tmp_path / "pictures")
    return tmp_path / "pictures"


def save(data: bytes, kind: str = "image/png") -> str:
    return media.save(kind, data)


def found(name: str) -> bytes | None:
    path = media.path_of(name)
    return path.read_bytes() if path else None


def age(folder: Path, seconds: float) -> None:
    for path in folder.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


def test_what_is_saved_is_found() -> None:
    name = save(b"\x89PNG")
    assert (name[-4:], found(name)) == (".png", b"\x89PNG")


def test_one_picture_is_one_file(folder: Path) -> None:
    first, again, other = save(b"A"), save(b"A"), save(b"B")
    assert first == again != other
    assert len(list(folder.iterdir())) == 2


def test_what_is_of_no_known_type_is_saved_too() -> None:
    name = save(b"?", "../../x")
    assert (name[-4:], found(name)) == (".bin", b"?")


@pytest.mark.parametrize("name", ["", ".", "..", "x", "../secret.txt", "a" * 32, "\0", "a" * 5_000])
def test_nothing_else_is_found(folder: Path, name: str) -> None:
    save(b"A")
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "x").write_text("not saved")
    assert found(name) is None


def test_what_no_page_was_given_for_long_is_deleted(folder: Path) -> None:
    save(b"one")
    save(b"two")
    age(folder, 3700)
    save(b"two")
    save(b"three")
    media.delete_unused(3600)
    assert sorted(path.read_bytes() for path in folder.iterdir()) == [b"three", b"two"]


def test_where_there_was_none_there_is_none_to_delete(folder: Path) -> None:
    media.delete_unused(3600)
    assert not folder.exists()
