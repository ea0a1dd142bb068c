"""The jail: nothing outside its folder can be read or written by any name."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.domain.errors import BadInput, Conflict, NotFound, StudioError
from studio.workspace.files import NAME_BYTES, safe_name
from studio.workspace.jail import Jail

steps = st.sampled_from(
    ["..", ".", "", "a", "b.md", "out", "link", "file-link", ".studio", ".GIT", ".git ", "x\x00y", "/", "x\ny", "ü"]
)
paths = st.one_of(st.text(max_size=30), st.lists(steps, max_size=5).map("/".join))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret").write_text("secret")
    folder = tmp_path / "in"
    (folder / "a").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path / "out")
    (folder / "file-link").symlink_to(tmp_path / "out" / "secret")
    return folder


def outside(root: Path) -> dict[str, str]:
    return {
        path.name: path.read_text() if path.is_file() else ""
        for path in root.parent.rglob("*")
        if root not in (path, *path.parents)
    }


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=paths, other=paths)
def test_no_path_reaches_anything_outside(root: Path, path: str, other: str) -> None:
    before = outside(root)
    with Jail(root) as jail:
        for attempt in (
            lambda: jail.read_text(path),
            lambda: jail.write_text(path, "new"),
            lambda: jail.write_text(path, "new", new=True),
            lambda: jail.rename(path, other),
            lambda: jail.remove(path),
            lambda: list(jail.walk(path)),
            lambda: jail.make_folder(path),
            lambda: jail.remove_empty_folder(path),
        ):
            try:
                result = attempt()
            except StudioError:
                continue
            assert result != "secret"
    assert outside(root) == before
    assert not (root / ".studio").exists()
    assert not any(name.casefold().startswith(".git") for name in os.listdir(root))


def test_a_link_is_neither_read_nor_written_nor_walked_through(root: Path) -> None:
    with Jail(root) as jail:
        for path in ("link/secret", "file-link"):
            with pytest.raises(BadInput, match="link"):
                jail.read_text(path)
            with pytest.raises(BadInput, match="link"):
                jail.write_text(path, "x")
        found = {entry.path: entry.problem for entry in jail.walk(suffix="")}
    assert "link" in found["link"]
    assert "link" in found["file-link"]
    assert not any("secret" in path for path in found)


def test_a_file_is_written_with_its_folders_and_read_back(root: Path) -> None:
    with Jail(root) as jail:
        jail.write_text("x/y/z.md", "text")
        assert jail.read_text("x/y/z.md") == "text"
        assert jail.exists("x/y")
        jail.rename("x/y/z.md", "q/z.md")
        assert not jail.exists("x/y/z.md")
        jail.remove_empty_folder("x/y")
        assert not jail.exists("x/y")
        jail.remove("q/z.md")
        jail.remove("q/z.md")
        with pytest.raises(NotFound):
            jail.read_text("q/z.md")


def test_a_new_file_never_replaces_one_and_a_rename_neither(root: Path) -> None:
    with Jail(root) as jail:
        jail.write_text("one", "1")
        jail.write_text("two", "2")
        with pytest.raises(Conflict):
            jail.write_text("one", "x", new=True)
        with pytest.raises(Conflict):
            jail.rename("one", "two")
        assert (jail.read_text("one"), jail.read_text("two")) == ("1", "2")
    assert sorted(os.listdir(root)) == ["a", "file-link", "link", "one", "two"]


def test_walking_passes_over_hidden_folders_and_names_what_it_cannot_use(root: Path) -> None:
    (root / ".obsidian").mkdir()
    (root / ".obsidian" / "x.md").touch()
    (root / "a" / "deep.MD").write_text("x")
    (root / "bad\x1b[31m.md").touch()
    os.mkfifo(root / "pipe.md")
    os.mkdir(os.fsencode(root) + b"/\xff")
    with open(os.fsencode(root) + b"/\xfe.md", "w"):
        pass
    with Jail(root) as jail:
        entries = list(jail.walk())
    assert [entry.path for entry in entries if not entry.problem] == ["a/deep.MD"]
    problems = " ".join(f"{entry.path} {entry.problem}" for entry in entries)
    assert "not a file" in problems
    assert "\x1b" not in problems
    problems.encode()


def test_a_missing_folder_walks_empty_and_a_missing_root_is_said() -> None:
    with pytest.raises(NotFound):
        Jail(Path("/no/such/folder"))


def test_walking_very_deep_folders_ends(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(40):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "x.md").touch()
    with Jail(tmp_path) as jail:
        (entry,) = jail.walk()
    assert "deep" in entry.problem


@given(st.text(max_size=400))
def test_a_safe_name_is_one_name_that_every_disk_takes(text: str) -> None:
    name = safe_name(text)
    assert name
    assert not name.startswith(".")
    assert "/" not in name
    assert "\n" not in name
    assert len(name.encode()) <= NAME_BYTES


def test_two_long_names_stay_two_and_reserved_names_are_changed() -> None:
    assert safe_name("ü" * 300 + "a") != safe_name("ü" * 300 + "b")
    assert safe_name("CON").casefold() != "con"
    assert safe_name("..") == "untitled"
