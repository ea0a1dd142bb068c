"""The growing text of a run on disk."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.domain.errors import BadInput, StorageError
from studio.workspace import streams
from studio.workspace.streams import StreamFile


def test_what_was_appended_is_read_back_and_forgotten_when_removed(tmp_path: Path) -> None:
    stream = StreamFile.open(tmp_path, "run-1")
    for delta in ("Fog ", "lay – ", "über\n", "dem Fluss 🛶"):
        stream.append(delta)
    assert streams.read(tmp_path, "run-1") == "Fog lay – über\ndem Fluss 🛶"
    assert stream.size == len("Fog lay – über\ndem Fluss 🛶".encode())
    stream.close()
    assert streams.left_over(tmp_path) == ("run-1",)
    streams.remove(tmp_path, "run-1")
    streams.remove(tmp_path, "run-1")
    assert streams.left_over(tmp_path) == ()
    assert streams.read(tmp_path, "run-1") is None


def test_every_delta_survives_the_death_of_the_process(tmp_path: Path) -> None:
    script = """
import os, pathlib, signal, sys
from studio.workspace.streams import StreamFile
stream = StreamFile.open(pathlib.Path(sys.argv[1]), "r")
for number in range(1000):
    stream.append(f"w{number} ")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert streams.read(tmp_path, "r") == "".join(f"w{number} " for number in range(1000))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Cf"]), min_size=1), cut=st.integers(0, 3))
def test_a_torn_last_character_is_left_out_and_nothing_else(tmp_path: Path, text: str, cut: int) -> None:
    data = text.encode()
    whole = data[: len(data) - cut] if cut < len(text[-1].encode()) else data
    path = tmp_path / ".studio" / "streams" / "r"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole)
    assert streams.read(tmp_path, "r") == (text if whole == data else text[:-1])


@given(st.binary(max_size=40))
def test_any_bytes_are_read_as_text(data: bytes) -> None:
    streams._without_torn_end(data).decode("utf-8", "replace")
    assert len(data) - len(streams._without_torn_end(data)) <= 3


def test_a_reopened_stream_goes_on_where_it_was(tmp_path: Path) -> None:
    first = StreamFile.open(tmp_path, "r")
    first.append("one ")
    first.close()
    second = StreamFile.open(tmp_path, "r")
    assert second.size == 4
    second.append("two")
    assert streams.read(tmp_path, "r") == "one two"


def test_control_characters_never_come_back(tmp_path: Path) -> None:
    StreamFile.open(tmp_path, "r").append("a\x1b]52;c;x\x07b")
    assert streams.read(tmp_path, "r") == "a]52;c;xb"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x\n", "x" * 200])
def test_a_run_id_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        StreamFile.open(tmp_path, name)


def test_a_disk_that_is_full_is_an_error_of_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StreamFile.open(tmp_path, "r")
    stream.append("kept")

    def full(handle: int, data: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(streams.os, "write", full)
        with pytest.raises(StorageError, match="disk is full"):
            stream.append("lost")
    assert streams.read(tmp_path, "r") == "kept"
