"""An application's files: compared before each change, kept before they are replaced, and found again as they were."""

import os
import stat
from pathlib import Path

import pytest

from studio.config import modes
from studio.domain.errors import BadInput, Conflict, NotFound, Refused
from studio.domain.tooling import ChangeKind
from studio.workspace import app_files
from studio.workspace.app_files import AppFiles, FileState
from studio.workspace.snapshots import Objects, digest_of


@pytest.fixture
def files(tmp_path: Path) -> AppFiles:
    return AppFiles(tmp_path / "app", Objects(tmp_path))


def fill(files: AppFiles, *paths: str) -> None:
    for path in paths:
        files.write(path, path.encode(), expected=None)


def test_a_new_file_is_written_with_its_folders_and_said_to_be_added(files: AppFiles) -> None:
    change = files.write("src/deep/a.js", b"one", expected=None)
    assert change is not None
    assert (change.kind, change.before, change.after) == (ChangeKind.ADDED, None, digest_of(b"one"))
    assert files.read("src/deep/a.js") == b"one"
    assert files.read_text("src/deep/a.js") == ("one", digest_of(b"one"))


def test_replaced_and_removed_bytes_are_kept_before(files: AppFiles) -> None:
    fill(files, "a.js")
    old = digest_of(b"a.js")
    change = files.write("a.js", b"two", expected=old)
    assert change is not None
    assert (change.kind, change.before, change.after) == (ChangeKind.MODIFIED, old, digest_of(b"two"))
    assert files.objects.get(old) == b"a.js"
    gone = files.delete("a.js", expected=digest_of(b"two"))
    assert (gone.kind, gone.after) == (ChangeKind.DELETED, None)
    assert files.objects.get(digest_of(b"two")) == b"two"
    assert files.digest("a.js") is None


def test_files_are_put_back_where_they_are_still_as_they_were_written(files: AppFiles) -> None:
    fill(files, "kept.js", "back.js", "gone.js", "mine.js")
    before = files.snapshot()
    files.write("back.js", b"run", expected=before["back.js"].digest)
    files.write("mine.js", b"run", expected=before["mine.js"].digest)
    files.delete("gone.js", expected=before["gone.js"].digest)
    files.write("gone.js/new.js", b"run", expected=None)
    written = {path: files.digest(path) for path in ("back.js", "mine.js", "gone.js/new.js")} | {"gone.js": None}
    files.write("mine.js", b"person", expected=written["mine.js"])
    wanted = {path: before.get(path) for path in written}
    for _ in range(2):  # a call that was cut short is made good by calling again
        assert files.put_back(wanted, written=written) == ("mine.js",)
        assert {path: files.read(path) for path in files.scan()} == {
            "back.js": b"back.js", "gone.js": b"gone.js", "kept.js": b"kept.js", "mine.js": b"person",
        }  # fmt: skip


def test_files_and_folders_have_the_modes_of_the_person_s_umask_and_kept_bytes_are_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modes, "_persons", [0o022])
    before = os.umask(0o077)
    try:
        files = AppFiles(tmp_path / "app", Objects(tmp_path))
        fill(files, "src/deep/a.js")
        tree = files.snapshot()
        files.write("src/deep/a.js", b"two", expected=digest_of(b"src/deep/a.js"))
        files.delete("src/deep/a.js", expected=digest_of(b"two"))
        files.restore({"src/deep/a.js": tree["src/deep/a.js"], "run.sh": FileState(digest_of(b"two"), 3, 0o755)})
    finally:
        os.umask(before)
    found = {
        str(path.relative_to(tmp_path / "app")): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "app", *(tmp_path / "app").rglob("*"))
    }
    assert found == {".": 0o755, "src": 0o755, "src/deep": 0o755, "src/deep/a.js": 0o644, "run.sh": 0o755}
    assert stat.S_IMODE((tmp_path / ".studio" / "objects").stat().st_mode) == 0o700


def test_a_full_store_of_kept_bytes_prevents_the_write(files: AppFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.domain.errors import StorageError

    fill(files, "a.js")

    def full(data: bytes) -> str:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(files.objects, "put", full)
    with pytest.raises(StorageError):
        files.write("a.js", b"two", expected=digest_of(b"a.js"))
    with pytest.raises(StorageError):
        files.delete("a.js", expected=digest_of(b"a.js"))
    assert files.read("a.js") == b"a.js"


def test_writing_the_same_bytes_is_no_change(files: AppFiles) -> None:
    fill(files, "a.js")
    before = (files.root / "a.js").stat().st_ino
    assert files.write("a.js", b"a.js", expected=digest_of(b"a.js")) is None
    assert (files.root / "a.js").stat().st_ino == before


@pytest.mark.parametrize("expected", [None, digest_of(b"other")])
def test_a_file_that_is_not_as_expected_is_not_written_and_the_losing_text_is_kept(
    files: AppFiles, expected: str | None
) -> None:
    fill(files, "a.js")
    with pytest.raises(Conflict) as caught:
        files.write("a.js", b"ours", expected=expected)
    assert caught.value.data == {
        "path": "a.js",
        "expected": expected,
        "actual": digest_of(b"a.js"),
        "ours": digest_of(b"ours"),
    }
    assert files.objects.get(digest_of(b"ours")) == b"ours"
    assert files.read("a.js") == b"a.js"


def test_a_file_that_is_gone_is_a_conflict_for_who_expected_it(files: AppFiles) -> None:
    with pytest.raises(Conflict, match="gone"):
        files.write("a.js", b"ours", expected=digest_of(b"a.js"))
    with pytest.raises(NotFound):
        files.delete("a.js", expected=digest_of(b"a.js"))


def test_a_file_that_a_person_saves_at_the_last_moment_is_not_replaced(
    files: AppFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(files, "a.js")
    keep = files.objects.put

    def saving(data: bytes) -> str:
        (files.root / "a.js").write_bytes(b"theirs")
        return keep(data)

    monkeypatch.setattr(files.objects, "put", saving)
    for attempt in (
        lambda: files.write("a.js", b"ours", expected=digest_of(b"a.js")),
        lambda: files.delete("a.js", expected=digest_of(b"a.js")),
        lambda: files.rename("a.js", "b.js", expected=digest_of(b"a.js")),
    ):
        (files.root / "a.js").write_bytes(b"a.js")
        with pytest.raises(Conflict) as caught:
            attempt()
        assert caught.value.data["actual"] == digest_of(b"theirs")
        assert files.read("a.js") == b"theirs"
    assert sorted(path.name for path in files.root.iterdir()) == ["a.js"]


def test_a_file_that_appears_at_the_last_moment_is_not_replaced(
    files: AppFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(files, "other.js")
    look = files.refuse_twin

    def appearing(path: str, moved: str = "") -> None:
        look(path, moved)
        (files.root / path).write_bytes(b"theirs")

    monkeypatch.setattr(files, "refuse_twin", appearing)
    with pytest.raises(Conflict) as caught:
        files.write("a.js", b"ours", expected=None)
    assert caught.value.data["actual"] == digest_of(b"theirs")
    with pytest.raises(Conflict):
        files.rename("other.js", "b.js", expected=digest_of(b"other.js"))
    assert (files.read("a.js"), files.read("b.js"), files.read("other.js")) == (b"theirs", b"theirs", b"other.js")


def test_a_rename_moves_a_file_to_a_free_name_only(files: AppFiles) -> None:
    fill(files, "src/a.js", "b.js")
    with pytest.raises(Conflict):
        files.rename("src/a.js", "b.js", expected=digest_of(b"src/a.js"))
    change = files.rename("src/a.js", "lib/c.js", expected=digest_of(b"src/a.js"))
    assert (change.path, change.renamed_from, change.kind) == ("lib/c.js", "src/a.js", ChangeKind.RENAMED)
    assert sorted(files.scan()) == ["b.js", "lib/c.js"]
    assert not (files.root / "src").exists()


def test_a_name_may_change_its_case_by_a_rename(files: AppFiles) -> None:
    fill(files, "App.js")
    with pytest.raises(Refused, match="same name on some disks"):
        files.write("app.js", b"x", expected=None)
    files.rename("App.js", "app.js", expected=digest_of(b"App.js"))
    assert os.listdir(files.root) == ["app.js"]


def test_a_script_stays_a_script_when_it_is_written_moved_and_restored(files: AppFiles) -> None:
    fill(files, "run.sh")
    (files.root / "run.sh").chmod(0o755)
    files.write("run.sh", b"two", expected=digest_of(b"run.sh"))
    files.rename("run.sh", "bin/run.sh", expected=digest_of(b"two"))
    assert (files.root / "bin/run.sh").stat().st_mode & 0o777 == 0o755
    version = files.snapshot()
    assert version["bin/run.sh"].mode == 0o755
    files.delete("bin/run.sh", expected=digest_of(b"two"))
    files.restore(version)
    assert (files.root / "bin/run.sh").stat().st_mode & 0o777 == 0o755


def test_a_scan_names_every_file_and_passes_over_what_is_no_part_of_the_application(files: AppFiles) -> None:
    fill(files, "a.js", ".gitignore", ".github/x.yml", ".env.example")
    for path in ("node_modules/x/index.js", ".git/HEAD", ".env", "server.key", "src/__pycache__/x.pyc", ".DS_Store"):
        (files.root / path).parent.mkdir(parents=True, exist_ok=True)
        (files.root / path).write_text("x")
    (files.root / "link.js").symlink_to(files.root / "a.js")
    (files.root / "odd?.js").write_text("x")
    found = files.scan()
    assert sorted(found) == [".env.example", ".github/x.yml", ".gitignore", "a.js"]
    assert found["a.js"] == FileState(digest_of(b"a.js"), 4, 0o644)
    odd = {entry.path: entry.problem for entry in files.left_out()}
    assert "link" in odd["link.js"]
    assert "not every disk" in odd["odd?.js"]
    assert [one.path for one in files.listing()] == sorted(found)
    assert [one.path for one in files.listing(".github/")] == [".github/x.yml"]


def test_a_scan_reads_again_only_what_has_changed(files: AppFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(files, "a.js", "b.js")
    monkeypatch.setattr(app_files, "_SETTLED_NS", -10_000_000_000)
    first = files.scan()
    hashed: list[bytes] = []
    monkeypatch.setattr(app_files, "digest_of", lambda data: hashed.append(data) or digest_of(data))
    assert files.scan() == first
    assert hashed == []
    (files.root / "b.js").write_bytes(b"new")
    assert files.scan()["b.js"].digest == digest_of(b"new")
    assert hashed == [b"new"]


def test_a_file_that_was_just_changed_is_read_by_the_next_scan_although_its_times_are_the_same(files: AppFiles) -> None:
    fill(files, "a.js")
    files.scan()
    stat = (files.root / "a.js").stat()
    with open(files.root / "a.js", "r+b") as handle:
        handle.write(b"b.js")
    os.utime(files.root / "a.js", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert files.scan()["a.js"].digest == digest_of(b"b.js")


def test_a_young_file_is_read_again_by_every_scan(files: AppFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two changes within a tick of the disk's clock (4 ms) look the same from outside."""
    fill(files, "a.js")
    monkeypatch.setattr(app_files, "_SETTLED_NS", 10**18)
    hashed: list[bytes] = []
    monkeypatch.setattr(app_files, "digest_of", lambda data: hashed.append(data) or digest_of(data))
    files.scan()
    files.scan()
    assert hashed == [b"a.js", b"a.js"]


def test_what_a_killed_write_left_behind_is_no_part_of_the_application_and_swept_up(files: AppFiles) -> None:
    fill(files, "a.js", "src/b.js")
    for path in (".studio-0123456789ab.part", "src/.studio-aaaaaaaaaaaa.part", ".studio-mine.txt"):
        (files.root / path).write_text("half")
    assert sorted(files.scan()) == ["a.js", "src/b.js"]
    assert files.sweep() == 2
    assert sorted(path.name for path in files.root.rglob("*") if path.is_file()) == [".studio-mine.txt", "a.js", "b.js"]
    assert files.sweep() == 0


def test_an_application_without_a_folder_is_empty(files: AppFiles) -> None:
    assert files.scan() == {}
    assert files.listing() == []
    assert files.sweep() == 0
    assert files.digest("a.js") is None
    assert files.restore({}) == ()


def test_a_version_is_restored_whole_and_what_it_replaces_is_kept(files: AppFiles) -> None:
    fill(files, "a.js", "old/b.js", "c.js")
    first = files.snapshot()
    files.write("a.js", b"new a", expected=digest_of(b"a.js"))
    files.delete("old/b.js", expected=digest_of(b"old/b.js"))
    files.write("old", b"a file where a folder was", expected=None)
    files.write("more/d.js", b"d", expected=None)
    second = files.snapshot()
    changes = files.restore(first, expected={path: state.digest for path, state in second.items()})
    assert {(change.path, change.kind) for change in changes} == {
        ("a.js", ChangeKind.MODIFIED),
        ("old/b.js", ChangeKind.ADDED),
        ("old", ChangeKind.DELETED),
        ("more/d.js", ChangeKind.DELETED),
    }
    assert files.scan() == first
    assert not (files.root / "more").exists()
    files.restore(second)
    assert files.scan() == second
    assert files.read("old") == b"a file where a folder was"


def test_a_restore_is_refused_when_the_person_changed_something_since(files: AppFiles) -> None:
    fill(files, "a.js", "b.js")
    first = files.snapshot()
    files.write("a.js", b"new", expected=digest_of(b"a.js"))
    seen = {path: state.digest for path, state in files.snapshot().items()}
    (files.root / "b.js").write_bytes(b"mine")
    (files.root / "c.js").write_bytes(b"mine too")
    with pytest.raises(Conflict) as caught:
        files.restore(first, expected=seen)
    assert caught.value.data["paths"] == ["b.js", "c.js"]
    assert (files.read("a.js"), files.read("b.js"), files.read("c.js")) == (b"new", b"mine", b"mine too")


def test_a_restore_whose_bytes_are_missing_changes_nothing(files: AppFiles) -> None:
    fill(files, "a.js")
    version = {"a.js": FileState(digest_of(b"never kept"), 10, 0o644)}
    with pytest.raises(NotFound, match="a.js"):
        files.restore(version)
    assert files.read("a.js") == b"a.js"


def test_a_restore_with_a_link_in_the_way_changes_nothing(files: AppFiles, tmp_path: Path) -> None:
    fill(files, "a.js", "src/b.js")
    version = files.snapshot()
    files.write("a.js", b"new", expected=digest_of(b"a.js"))
    os.rename(files.root / "src", tmp_path / "away")
    (files.root / "src").symlink_to(tmp_path / "away")
    with pytest.raises(BadInput, match="src/b.js"):
        files.restore(version)
    assert files.read("a.js") == b"new"


def test_a_restore_that_was_cut_short_is_made_good_by_another(files: AppFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(files, "a.js", "b.js", "c.js")
    version = files.snapshot()
    for path in version:
        files.write(path, b"new " + path.encode(), expected=version[path].digest)
    write = files.write
    written: list[str] = []

    def failing(path: str, data: bytes, *, expected: str | None, mode: int | None = None) -> object:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        return write(path, data, expected=expected, mode=mode)

    monkeypatch.setattr(files, "write", failing)
    with pytest.raises(KeyboardInterrupt):
        files.restore(version)
    monkeypatch.setattr(files, "write", write)
    files.restore(version)
    assert files.scan() == version


def test_bytes_that_are_no_text_are_kept_and_restored_but_not_read_as_text(files: AppFiles) -> None:
    files.write("logo.png", bytes(range(256)), expected=None)
    with pytest.raises(BadInput, match="binary"):
        files.read_text("logo.png")
    version = files.snapshot()
    files.delete("logo.png", expected=digest_of(bytes(range(256))))
    files.restore(version)
    assert files.read("logo.png") == bytes(range(256))
