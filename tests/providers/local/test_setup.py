"""Set-up, status and removal, as far as they need no weights; the real tiny model is in `test_tiny`."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from studio.domain.errors import BadInput, ConnectionFailed, MissingModel, NotFound, ProviderError
from studio.providers.local import messages, setup
from studio.providers.local.choice import Choice, read_choice, write_choice
from studio.providers.local.pip_child import failure_reason, pip_command, run_pip
from studio.providers.local.runtime import install_runtime
from studio.providers.local.weights import TINY
from tests.providers.local.mirror import FakeMirror
from tests.providers.local.test_choice import own, pretend_installed


async def test_a_path_that_is_no_model_is_refused_before_anything_else(folder: Path) -> None:
    (folder / "page.gguf").write_text("<html>")
    with pytest.raises(BadInput, match="is not a GGUF model file"):
        await setup.set_up(str(folder / "page.gguf"), folder=folder)
    with pytest.raises(BadInput, match="is not a file"):
        await setup.set_up("smal", folder=folder)
    assert read_choice(folder) == Choice()


async def test_without_the_runtime_the_set_up_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "runtime_version", lambda: None)
    with pytest.raises(MissingModel) as caught:
        await setup.set_up("tiny", folder=folder)
    assert caught.value.hint == "Run: pip install xllamacpp"
    assert os.listdir(folder) == []


def test_the_status_of_an_empty_folder_names_sizes_and_changes_nothing(tmp_path: Path) -> None:
    found = setup.status(tmp_path / "models", {})
    assert [(model.name, model.path, model.problem) for model in found.models] == [
        ("small", None, "not downloaded (1.1 GB)"),
        ("tiny", None, "not downloaded (98 MB)"),
    ]
    assert found.chosen is None
    assert not (tmp_path / "models").exists()


def test_the_status_shows_an_own_file_and_when_it_is_gone(folder: Path) -> None:
    path = own(folder)
    write_choice(folder, Choice("own", str(path)))
    assert setup.status(folder, {}).models[-1].path == path
    path.unlink()
    assert setup.status(folder, {}).models[-1].problem == "the file is not there any more"


def test_removing_frees_the_file_and_its_leftovers(folder: Path) -> None:
    pretend_installed(TINY, folder)
    (folder / f"{TINY.file_name}.part").write_bytes(b"1234")
    (folder / ".wheels-tiny").mkdir()
    write_choice(folder, Choice("tiny", "/mine.gguf"))
    assert setup.remove("tiny", folder) == TINY.size + 4
    assert sorted(path.name for path in folder.iterdir()) == [".tiny.lock", "choice.json"]
    assert read_choice(folder) == Choice(None, "/mine.gguf")
    assert setup.remove("tiny", folder) == 0


def test_removing_an_own_file_only_forgets_it(folder: Path) -> None:
    path = own(folder)
    write_choice(folder, Choice("own", str(path)))
    assert setup.remove("own", folder) == 0
    assert path.exists()
    assert read_choice(folder) == Choice()


def test_removing_what_is_being_fetched_is_refused(folder: Path) -> None:
    pretend_installed(TINY, folder)
    with (folder / ".tiny.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(ProviderError, match="Another studio"):
            setup.remove("tiny", folder)
    assert (folder / TINY.file_name).exists()


def test_removing_an_unknown_model_lists_the_known(folder: Path) -> None:
    with pytest.raises(NotFound, match="small, tiny, own"):
        setup.remove("huge", folder)


async def test_a_runtime_that_the_index_does_not_have_means_no_ready_made_one(mirror: FakeMirror) -> None:
    env = mirror.pip_env(dict(os.environ))
    with pytest.raises(MissingModel, match="No ready-made local runtime"):
        await install_runtime(env=env, requirement="studio-fake-weights-part1==9.9")
    mirror.close()
    with pytest.raises(ConnectionFailed, match="could not be reached"):
        await install_runtime(env=env, requirement="studio-fake-weights-part1==9.9")


async def test_an_environment_without_pip_uses_the_one_python_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.providers.local import pip_child

    real = pip_child.find_spec
    monkeypatch.setattr(pip_child, "find_spec", lambda name: None if name == "pip" else real(name))
    assert pip_command()[-1].endswith(".whl/pip")
    code, output = await run_pip(["download", "--help"], os.environ, tmp_path, lambda: None)
    assert (code, "pip download" in output) == (0, True)


def test_pips_last_word_is_kept_without_its_control_characters() -> None:
    assert failure_reason("ERROR: bad \x1b[31mthing", "x==1") == "pip could not fetch x==1: ERROR: bad [31mthing"
    assert failure_reason("", "x==1") == "pip could not fetch x==1: no reason given"


def test_the_line_for_an_unset_up_machine_names_both_ways_and_never_the_package_of_another() -> None:
    said = str(messages.nothing_set_up())
    assert "ANTHROPIC_API_KEY" in said
    assert "pip install xllamacpp && studio local setup (1.1 GB, about a minute)" in said
    assert "pip install studio" not in said


def test_of_the_local_model_only_what_is_missing_is_said() -> None:
    here = str(messages.nothing_set_up(runtime=True))
    assert "pip install" not in here
    assert here.endswith("on this computer: studio local setup (1.1 GB, about a minute).")
    assert str(messages.nothing_set_up(weights=True)).endswith("on this computer: pip install xllamacpp.")
    assert str(messages.nothing_set_up(runtime=True, weights=True)).endswith("studio local setup.")
