"""Kept bytes: whole, proven, private, and there once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.domain.errors import BadInput, NotFound, StorageError
from studio.workspace.snapshots import Objects, digest_of


def place(root: Path, name: str) -> Path:
    return root / ".studio" / "objects" / name[:2] / name


@pytest.mark.parametrize("data", [b"", b"text\n", bytes(range(256)) * 5_000])
def test_bytes_come_back_as_they_were_put(tmp_path: Path, data: bytes) -> None:
    objects = Objects(tmp_path)
    name = objects.put(data)
    assert name == digest_of(data)
    assert Objects(tmp_path).get(name) == data
    assert objects.has(name)


def test_putting_twice_keeps_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    name = objects.put(b"text")
    before = place(tmp_path, name).stat()
    assert objects.put(b"text") == name
    after = place(tmp_path, name).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert stat.S_IMODE(after.st_mode) == 0o600
    assert [one.name for one in place(tmp_path, name).parent.iterdir()] == [name]


def test_a_damaged_file_is_told_and_mended_by_putting_again(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    name = objects.put(b"text")
    place(tmp_path, name).write_bytes(b"tex")
    with pytest.raises(StorageError, match="damaged"):
        objects.get(name)
    objects.put(b"text")
    assert objects.get(name) == b"text"


def test_what_was_not_kept_is_not_found(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    missing = digest_of(b"nothing")
    assert not objects.has(missing)
    with pytest.raises(NotFound):
        objects.get(missing)
    objects.put(b"text")
    assert not objects.has(missing)
    with pytest.raises(NotFound):
        objects.get(missing)


@pytest.mark.parametrize("name", ["", "../../studio.toml", "a" * 63, "A" * 64, "/etc/passwd"])
def test_only_a_digest_is_a_name(tmp_path: Path, name: str) -> None:
    objects = Objects(tmp_path)
    with pytest.raises(BadInput, match="64"):
        objects.get(name)
    with pytest.raises(BadInput, match="64"):
        objects.has(name)


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "project" / ".studio").mkdir(parents=True)
    (tmp_path / "project" / ".studio" / "objects").symlink_to(outside)
    with pytest.raises(BadInput, match="link"):
        Objects(tmp_path / "project").put(b"text")
    assert list(outside.iterdir()) == []


def test_many_threads_may_put_the_same_bytes(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda number: objects.put(b"text %d" % (number % 4)), range(64)))
    assert len(names) == 4
    assert all(objects.get(name).startswith(b"text") for name in names)
