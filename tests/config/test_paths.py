"""Finding the project, the person's folders and the packaged data."""

from pathlib import Path

import pytest

from studio.config.paths import find_project, packaged, user_config_file, user_state_dir
from studio.domain.errors import NotFound


def test_the_nearest_project_above_is_found(tmp_path: Path) -> None:
    (tmp_path / "studio.toml").touch()
    inner = tmp_path / "canon" / "lore"
    inner.mkdir(parents=True)
    assert find_project(inner, env={}) == tmp_path


def test_the_flag_wins_over_the_variable_and_that_over_the_folder(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "studio.toml").touch()
    env = {"STUDIO_PROJECT": str(tmp_path / "b")}
    assert find_project(tmp_path / "a", env={}) == tmp_path / "a"
    assert find_project(tmp_path / "a", env=env) == tmp_path / "b"
    assert find_project(tmp_path / "a", tmp_path / "c", env) == tmp_path / "c"
    assert find_project(tmp_path / "a", tmp_path / "c" / "studio.toml", env) == tmp_path / "c"


def test_no_project_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        find_project(tmp_path, env={})
    assert "studio new" in raised.value.hint
    with pytest.raises(NotFound, match="STUDIO_PROJECT"):
        find_project(tmp_path, env={"STUDIO_PROJECT": str(tmp_path)})


def test_own_folders_follow_the_environment(tmp_path: Path) -> None:
    assert user_config_file({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "studio" / "config.toml"
    assert user_state_dir({"STUDIO_STATE_HOME": str(tmp_path)}) == tmp_path
    assert user_state_dir({"XDG_STATE_HOME": "relative"}).is_absolute()


def test_packaged_data_is_found_and_a_missing_folder_is_said_in_words() -> None:
    assert (packaged("prompts") / "story").is_dir()
    with pytest.raises(NotFound, match="nothing"):
        packaged("nothing")
