"""Changing one key of a settings file."""

import os
import stat
from pathlib import Path

import pytest

from studio.config.toml_file import read_table
from studio.config.write import set_value
from studio.domain.errors import BadInput

TEXT = """\
# Our book.
[project]
title = "A"   # working title

[limits]
revisions = 3
# the end
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "studio.toml"
    path.write_text(TEXT, "utf-8")
    return path


def test_a_change_keeps_comments_and_everything_else(file: Path) -> None:
    set_value(file, "limits.revisions", 7)
    assert file.read_text("utf-8") == TEXT.replace("3", "7")


def test_a_new_table_and_a_new_key_are_added(file: Path) -> None:
    set_value(file, "models.default", "openai:x")
    set_value(file, "models.narrator", "anthropic:y")
    set_value(file, "limits.run_usd", 0.5)
    table, text = read_table(file, "studio.toml")
    assert table["models"] == {"default": "openai:x", "narrator": "anthropic:y"}
    assert table["limits"] == {"revisions": 3, "run_usd": 0.5}
    assert "# working title" in text
    assert "# the end" in text


def test_none_removes_a_key_and_removing_nothing_changes_nothing(file: Path) -> None:
    set_value(file, "limits.revisions", None)
    assert "revisions" not in file.read_text("utf-8")
    before = file.read_text("utf-8")
    set_value(file, "models.default", None)
    assert file.read_text("utf-8") == before


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    set_value(tmp_path / "config.toml", "ui.theme", "nord")
    assert read_table(tmp_path / "config.toml", "x")[0] == {"ui": {"theme": "nord"}}


def test_an_endpoint_with_a_dot_in_its_name(file: Path) -> None:
    set_value(file, "endpoints.my.box.base_url", "http://box/v1")
    assert read_table(file, "x")[0]["endpoints"] == {"my.box": {"base_url": "http://box/v1"}}


@pytest.mark.parametrize(
    ("key", "value"), [("limits.revisions", "many"), ("limits.revisoins", 3), ("nope.x", 1), ("limits.run_usd", -1.0)]
)
def test_a_value_that_would_not_be_read_is_not_written(file: Path, key: str, value: object) -> None:
    with pytest.raises(BadInput):
        set_value(file, key, value)  # type: ignore[arg-type]
    assert file.read_text("utf-8") == TEXT


def test_a_broken_file_is_left_as_it_is(file: Path) -> None:
    file.write_text("[limits\n", "utf-8")
    with pytest.raises(BadInput, match="not valid TOML"):
        set_value(file, "limits.revisions", 4)
    assert file.read_text("utf-8") == "[limits\n"


def test_a_table_that_is_a_value_in_the_file_is_refused(file: Path) -> None:
    file.write_text("limits = 3\n", "utf-8")
    with pytest.raises(BadInput):
        set_value(file, "limits.revisions", 4)


def test_a_linked_configuration_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "studio.toml"
    real.write_text(TEXT, "utf-8")
    os.chmod(real, 0o600)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    set_value(link, "limits.revisions", 9)
    assert link.is_symlink()
    assert "revisions = 9" in real.read_text("utf-8")
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
