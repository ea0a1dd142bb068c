"""Whole-file writes and bounded reads."""

import errno
import os
import stat
from pathlib import Path

import pytest

from studio.config import files
from studio.config.files import atomic_write, read_text, storage_error
from studio.domain.errors import BadInput, NotFound, StorageError


def test_a_write_replaces_the_whole_text_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    atomic_write(path, "one\n")
    atomic_write(path, "zwei – drei\n")
    assert path.read_text("utf-8") == "zwei – drei\n"
    assert os.listdir(tmp_path) == ["a.md"]


def test_a_file_keeps_its_mode_and_a_new_one_takes_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a"
    atomic_write(path, "x", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    os.chmod(path, 0o640)
    atomic_write(path, "y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_when_the_disk_is_full_the_old_text_stays_and_no_part_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    atomic_write(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_missing_folder_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        atomic_write(tmp_path / "no" / "a", "x")


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    atomic_write(tmp_path / ("n" * 255), "x")
    assert (tmp_path / ("n" * 255)).read_text() == "x"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfeh\x00i\x00", "UTF-16"),
        (b"\xfe\xff\x00h\x00i", "UTF-16"),
        (b"PK\x03\x04\x00\x00", "binary"),
        (b"one\ntwo\nd\xe9j\xe0 vu\n", "line 3"),
    ],
)
def test_what_is_not_utf8_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(BadInput, match=words):
        read_text(tmp_path / "a", where="a.md")


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfhello")
    assert read_text(tmp_path / "a") == "hello"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="not a file"):
        read_text(tmp_path / "pipe")


def test_a_huge_file_a_folder_and_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 101)
    with pytest.raises(BadInput, match="too large"):
        read_text(tmp_path / "big", limit=100)
    with pytest.raises(BadInput):
        read_text(tmp_path)
    with pytest.raises(NotFound):
        read_text(tmp_path / "none")


def test_a_read_only_disk_says_what_can_be_done() -> None:
    error = storage_error(OSError(errno.EROFS, "Read-only file system"), "engine.lock", "opened")
    assert str(error).startswith("engine.lock could not be opened: the disk is read-only. Copy the project's folder")
