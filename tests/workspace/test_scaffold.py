"""New project folders and copies of samples."""

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.config.load import load
from studio.domain.errors import BadInput, NotFound, Refused
from studio.domain.text import one_line
from studio.workspace.canon_files import CanonFolder
from studio.workspace.scaffold import copy_sample, create, ensure_state, samples


def test_a_new_project_has_settings_canon_and_ignored_state(tmp_path: Path) -> None:
    root = tmp_path / "my" / "book"
    create(root, title="The Lantern Ferry")
    table = tomllib.loads((root / "studio.toml").read_text())
    assert table["project"] == {
        "title": "The Lantern Ferry",
        "slug": "the-lantern-ferry",
        "workflow": "story",
        "language": "en",
    }
    assert load(root, {"STUDIO_CONFIG_HOME": str(tmp_path)}).warnings == ()
    assert {".studio/", ".env"} <= set((root / ".gitignore").read_text().splitlines())
    assert stat.S_IMODE((root / ".studio").stat().st_mode) == 0o700
    assert not (root / "prompts").exists()
    assert CanonFolder(root).scan().documents == (), "the explanation in canon/ is no canon"


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(title=st.text(min_size=1, max_size=60))
def test_any_title_makes_settings_that_can_be_read(tmp_path_factory: pytest.TempPathFactory, title: str) -> None:
    root = tmp_path_factory.mktemp("p")
    if not one_line(title):
        with pytest.raises(BadInput):
            create(root, title=title)
        return
    create(root, title=title)
    assert tomllib.loads((root / "studio.toml").read_text("utf-8"))["project"]["title"] == one_line(title)


def test_files_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "canon").mkdir()
    (tmp_path / "canon" / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("*.log")
    (tmp_path / "notes.txt").write_text("x")
    create(tmp_path, title="A")
    assert (tmp_path / "canon" / "README.md").read_text() == "mine"
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.studio/\n.env\n"
    ensure_state(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.studio/\n.env\n"


def test_a_project_is_not_made_twice_nor_over_a_file(tmp_path: Path) -> None:
    create(tmp_path, title="A")
    with pytest.raises(Refused, match="already"):
        create(tmp_path, title="B")
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="is a file"):
        create(tmp_path / "file", title="B")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "canon").touch()
    with pytest.raises(Refused, match="canon"):
        create(tmp_path / "other", title="B")
    assert not (tmp_path / "other" / "studio.toml").exists()


def test_a_creation_that_was_cut_short_can_be_repeated(tmp_path: Path) -> None:
    create(tmp_path, title="A")
    (tmp_path / "studio.toml").unlink()
    create(tmp_path, title="A")
    assert (tmp_path / "studio.toml").exists()


def test_a_state_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / ".studio").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="link"):
        ensure_state(tmp_path / "p")
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_state_folder_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".studio").mkdir(mode=0o755)
    ensure_state(tmp_path)
    assert stat.S_IMODE((tmp_path / ".studio").stat().st_mode) == 0o700


def test_a_sample_is_copied_whole_and_never_over_anything(tmp_path: Path) -> None:
    sample = samples()[0]
    book = copy_sample(sample.name, tmp_path / "demo")
    assert book == tmp_path / "demo" / "book.toml"
    assert sample.title
    copied = {path.relative_to(tmp_path / "demo").as_posix() for path in (tmp_path / "demo" / "canon").rglob("*.md")}
    assert copied == {path.relative_to(sample.path).as_posix() for path in (sample.path / "canon").rglob("*.md")}
    assert (tmp_path / "demo" / ".studio").is_dir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "book.toml").write_text("mine")
    with pytest.raises(Refused, match=r"book\.toml"):
        copy_sample(sample.name, tmp_path / "taken")
    assert os.listdir(tmp_path / "taken") == ["book.toml"]


def test_an_unknown_sample_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        copy_sample("nope", tmp_path)
    assert samples()[0].name in raised.value.hint


@pytest.mark.parametrize("name", ["studio.duckdb", "edits", "streams", "engine.log"])
def test_a_link_in_the_state_folder_is_refused(tmp_path: Path, name: str) -> None:
    create(tmp_path / "book", title="Book")
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "book" / ".studio" / name
    if place.is_dir():
        place.rmdir()
    place.symlink_to(outside)
    with pytest.raises(BadInput, match=f"{name} is a link"):
        ensure_state(tmp_path / "book")


def test_an_ignore_file_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("mine\n")
    root = tmp_path / "book"
    root.mkdir()
    (root / ".gitignore").symlink_to(tmp_path / "profile")
    ensure_state(root)
    assert (tmp_path / "profile").read_text() == "mine\n"


def test_a_path_that_is_no_text_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xffad"))
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        create(root, title="Shop", workflow="app")
    assert list(tmp_path.iterdir()) == []
