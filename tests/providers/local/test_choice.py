"""Which local model is meant: the variable, the remembered choice, what is downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.domain.errors import BadInput, MissingModel, NotFound, StorageError
from studio.providers.local.choice import (
    Choice,
    check_gguf,
    default_model,
    find_model,
    own_path,
    read_choice,
    write_choice,
)
from studio.providers.local.profiles import PROFILES, profile_of
from studio.providers.local.weights import CATALOGUE, SMALL, TINY, Weights, installed_path, models_folder


def pretend_installed(weights: Weights, folder: Path) -> Path:
    """A sparse file of the right size."""
    path = folder / weights.file_name
    with path.open("wb") as file:
        file.write(b"GGUF")
        file.truncate(weights.size)
    return path


def own(folder: Path, name: str = "mine.gguf") -> Path:
    path = folder / name
    path.write_bytes(b"GGUF and more")
    return path


def test_nothing_is_chosen_in_an_empty_folder(folder: Path) -> None:
    assert default_model(folder, {}) is None
    assert default_model(folder / "missing", {}) is None


def test_what_is_downloaded_is_the_default_small_before_tiny(folder: Path) -> None:
    pretend_installed(TINY, folder)
    assert default_model(folder, {}) == "tiny"
    pretend_installed(SMALL, folder)
    assert default_model(folder, {}) == "small"


def test_the_remembered_choice_comes_before_size_while_it_is_there(folder: Path) -> None:
    pretend_installed(SMALL, folder)
    write_choice(folder, Choice("tiny"))
    assert default_model(folder, {}) == "small"
    pretend_installed(TINY, folder)
    assert default_model(folder, {}) == "tiny"


def test_the_variable_comes_before_all(folder: Path) -> None:
    pretend_installed(SMALL, folder)
    path = own(folder)
    assert default_model(folder, {"STUDIO_LOCAL_MODEL": "tiny"}) == "tiny"
    assert default_model(folder, {"STUDIO_LOCAL_MODEL": str(path)}) == "own"
    assert find_model("own", folder, {"STUDIO_LOCAL_MODEL": str(path)}).path == path


def test_an_own_file_is_remembered_beside_another_choice(folder: Path) -> None:
    path = own(folder)
    write_choice(folder, Choice("tiny", str(path)))
    assert own_path(folder, {}) == path
    found = find_model("own", folder, {})
    assert found.weights is None
    assert profile_of(found).label == "local mine - your own model"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": 3, "own_path": []}', '{"model": "huge"}', "[" * 9000])
def test_a_broken_choice_file_means_no_choice(folder: Path, content: str) -> None:
    (folder / "choice.json").write_text(content)
    assert read_choice(folder) == Choice()


def test_the_choice_is_written_whole(folder: Path) -> None:
    write_choice(folder, Choice("own", "/models/with \n odd [name].gguf"))
    assert read_choice(folder).own_path == "/models/with \n odd [name].gguf"
    assert json.loads((folder / "choice.json").read_text())["model"] == "own"
    assert [path.name for path in folder.iterdir()] == ["choice.json"]


def test_a_choice_that_cannot_be_written_is_an_error_in_words(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        write_choice(folder / "file", Choice("tiny"))


def test_a_model_that_is_not_downloaded_names_the_command_and_the_size(folder: Path) -> None:
    with pytest.raises(MissingModel, match=r"studio local setup \(1\.1 GB\)"):
        find_model("small", folder, {})
    with pytest.raises(MissingModel, match=r"studio local setup tiny \(98 MB\)"):
        find_model("tiny", folder, {})
    with pytest.raises(MissingModel, match="not downloaded"):
        find_model("own", folder, {})


def test_half_a_file_is_not_installed(folder: Path) -> None:
    (folder / TINY.file_name).write_bytes(b"GGUF half")
    assert installed_path(TINY, folder) is None


def test_an_unknown_name_lists_the_known(folder: Path) -> None:
    with pytest.raises(NotFound, match="Known are: small, tiny, own"):
        find_model("huge\x1b[31m", folder, {})


def test_an_own_file_that_is_gone_is_named(folder: Path) -> None:
    with pytest.raises(MissingModel, match="is not there any more"):
        find_model("own", folder, {"STUDIO_LOCAL_MODEL": str(folder / "gone.gguf")})


def test_only_gguf_files_are_taken(folder: Path) -> None:
    wrong = folder / "wrong.gguf"
    wrong.write_bytes(b"PK\x03\x04")
    with pytest.raises(BadInput, match="is not a GGUF model file"):
        check_gguf(wrong)
    with pytest.raises(BadInput, match="is not a file"):
        check_gguf(folder)
    with pytest.raises(BadInput, match="is not a file"):
        check_gguf(folder / "x\0y")
    wrong.write_bytes(b"")
    with pytest.raises(BadInput, match="is not a GGUF model file"):
        check_gguf(wrong)


def test_the_models_folder_can_be_named(tmp_path: Path) -> None:
    assert models_folder(tmp_path, {"STUDIO_MODELS_DIR": "/else"}) == tmp_path
    assert models_folder(None, {"STUDIO_MODELS_DIR": "/else"}) == Path("/else")
    assert models_folder(None, {}).parts[-2:] == ("studio", "models")


def test_each_pinned_model_says_its_size_digest_licence_and_quality() -> None:
    for weights in CATALOGUE.values():
        assert len(weights.sha256) == 64
        assert weights.licence == "Apache-2.0"
        assert all("==" in requirement for requirement in weights.requirements)
        assert PROFILES[weights.name].label == weights.label
    assert PROFILES["small"].label == "local 1.5B - draft quality"
    assert len(SMALL.requirements) == 22


def test_a_revision_is_sampled_without_a_penalty_on_copying() -> None:
    for profile in PROFILES.values():
        assert profile.local
        assert profile.sampling["revise"].repeat_penalty is None
        assert profile.sampling["draft"].temperature == 0.5
        assert profile.max_output_tokens < profile.context_tokens
