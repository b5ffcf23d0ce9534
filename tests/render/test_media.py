"""Pictures and files that the agent has made: where they are, and for how long."""

import os
import time
from pathlib import Path

import pytest

from agent.core.transcript import Picture
from agent.render import media as pictures


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pictures, "FOLDER", tmp_path / "pictures")
    return tmp_path / "pictures"


def keep(data: bytes, kind: str = "image/png") -> str:
    return pictures.keep(Picture(kind, data, ("helper", None)))


def found(name: str) -> bytes | None:
    path = pictures.find(name)
    return path.read_bytes() if path else None


def age(folder: Path, seconds: float) -> None:
    for path in folder.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


def test_what_is_kept_is_found() -> None:
    name = keep(b"\x89PNG")
    assert (name[-4:], found(name)) == (".png", b"\x89PNG")


def test_one_picture_is_one_file(folder: Path) -> None:
    first, again, other = keep(b"A"), keep(b"A"), keep(b"B")
    assert first == again != other
    assert len(list(folder.iterdir())) == 2


def test_what_is_of_no_known_kind_is_kept_too() -> None:
    name = keep(b"?", "../../x")
    assert (name[-4:], found(name)) == (".bin", b"?")


@pytest.mark.parametrize("name", ["", ".", "..", "x", "../secret.txt", "a" * 32, "\0", "a" * 5_000])
def test_nothing_else_is_found(folder: Path, name: str) -> None:
    keep(b"A")
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "x").write_text("not kept")
    assert found(name) is None


def test_what_no_page_was_given_for_long_is_deleted(folder: Path) -> None:
    keep(b"one")
    keep(b"two")
    age(folder, 3700)
    keep(b"two")
    keep(b"three")
    pictures.delete(3600)
    assert sorted(path.read_bytes() for path in folder.iterdir()) == [b"three", b"two"]


def test_where_there_was_none_there_is_none_to_delete(folder: Path) -> None:
    pictures.delete(3600)
    assert not folder.exists()
