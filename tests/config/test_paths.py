"""Finding the project, the person's folders and the packaged data."""

import os
from pathlib import Path

import pytest

from studio.config.paths import find_project, packaged, user_config_file, user_state_dir
from studio.domain.errors import BadInput, NotFound


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


def test_a_project_at_a_path_that_is_no_text_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xffad"))
    folder.mkdir()
    (folder / "studio.toml").touch()
    for start, flag in ((folder, None), (tmp_path, folder)):
        with pytest.raises(BadInput, match="is not UTF-8 text") as caught:
            find_project(start, flag, env={})
        caught.value.message.encode()
