"""Modes of files that others may read, while the process keeps its own private."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.config import modes


@pytest.fixture(params=[0o022, 0o002, 0o027], ids=oct)
def umask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A process whose person has this umask, and which has gone private."""
    monkeypatch.setattr(modes, "_persons", [])
    before = os.umask(request.param)
    modes.go_private()
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_made_with_the_person_s_umask_and_what_is_there_keeps_its_mode(tmp_path: Path, umask: int) -> None:
    (tmp_path / "old").mkdir(mode=0o700)
    modes.make_folders(tmp_path / "old" / "new" / "newer")
    assert mode(tmp_path / "old") == 0o700
    assert [mode(tmp_path / "old" / "new" / rest) for rest in ("", "newer")] == [0o777 & ~umask] * 2
    assert (modes.umask(), modes.file_mode()) == (umask, 0o666 & ~umask)
    (tmp_path / "private").mkdir()
    assert mode(tmp_path / "private") == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        modes.make_folders(tmp_path / "file")


def test_what_is_shared_with_a_group_is_the_group_s_too(tmp_path: Path, umask: int) -> None:
    modes.go_shared()
    modes.make_folders(tmp_path / "app")
    assert (mode(tmp_path / "app"), modes.file_mode()) == (0o777 & ~(umask & 0o707), 0o666 & ~(umask & 0o707))


def test_without_a_private_process_the_umask_is_the_process_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "_persons", [])
    before = os.umask(0o037)
    try:
        assert modes.umask() == 0o037
        monkeypatch.setattr(modes, "_STATUS", Path("/nowhere"))
        assert modes.umask() == 0o037
    finally:
        os.umask(before)
