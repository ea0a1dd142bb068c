"""Running git: a clean environment, a deadline, bounded output, nothing left running, and no key in a message."""

import asyncio
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from studio.domain.errors import NotFound, StorageError, TimedOut
from studio.workspace import git as module
from studio.workspace.git import Git


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program named git that comes first on the path: the test writes what it does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "git"


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(git: Git, *arguments: str, stdin: bytes = b"") -> module.GitResult:
    return asyncio.run(git.run(*arguments, stdin=stdin))


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_of_the_environment_is_passed_on_but_what_is_named(
    fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(fake, "env")
    for name in ("OPENAI_API_KEY", "GIT_DIR", "GIT_SSH_COMMAND", "LD_PRELOAD_X", "SSH_AUTH_SOCK", "GIT_TRACE"):
        monkeypatch.setenv(name, "from outside")
    said = run(Git(tmp_path), "anything").text
    assert "from outside" not in said
    assert f"GIT_DIR={tmp_path}" in said
    assert "GIT_CONFIG_KEY_0=core.hooksPath" in said
    assert f"GIT_CONFIG_VALUE_0={os.devnull}" in said
    assert "SSH_AUTH_SOCK=from outside" in run(Git(tmp_path, network=True), "push").text


def test_settings_reach_the_real_git_and_win_over_the_configuration_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n\thooksPath = /evil\n")
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "objects").mkdir()
    (tmp_path / "refs").mkdir()
    assert run(Git(tmp_path), "config", "core.hooksPath").text == os.devnull
    assert run(Git(tmp_path), "config", "commit.gpgSign").text == "false"


def test_a_process_over_its_deadline_is_ended_with_all_its_children(fake: Path, tmp_path: Path) -> None:
    script(fake, f"sleep 300 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/own; wait")
    with pytest.raises(TimedOut, match="git fetch took longer"):
        run(Git(tmp_path, deadline_s=0.5), "fetch")
    for name in ("child", "own"):
        pid = int((tmp_path / name).read_text())
        end = time.monotonic() + 10
        while alive(pid) and time.monotonic() < end:
            time.sleep(0.01)
        assert not alive(pid)


def test_a_cancelled_call_leaves_no_process(fake: Path, tmp_path: Path) -> None:
    script(fake, f"echo $$ > {tmp_path}/own; exec sleep 300")

    async def cancelled() -> None:
        task = asyncio.create_task(Git(tmp_path).run("push"))
        while not (tmp_path / "own").exists() or not (tmp_path / "own").read_text().strip():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not alive(int((tmp_path / "own").read_text()))


def test_endless_output_is_bounded(fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OUTPUT_LIMIT", 10_000)
    script(fake, "head -c 1000000 /dev/zero")
    with pytest.raises(StorageError, match="printed more than 10000 bytes"):
        run(Git(tmp_path), "log")


def test_endless_errors_are_cut_and_do_not_block(fake: Path, tmp_path: Path) -> None:
    script(fake, "yes error: nonsense | head -c 1000000 >&2; exit 3")
    with pytest.raises(StorageError, match="git log failed: error: nonsense"):
        run(Git(tmp_path), "log")


def test_a_process_that_does_not_read_its_input_is_no_error(fake: Path, tmp_path: Path) -> None:
    script(fake, "exec 0<&-; echo done")
    assert run(Git(tmp_path), "x", stdin=b"a" * 1_000_000).text == "done"


def test_keys_and_escapes_are_taken_out_of_messages(fake: Path, tmp_path: Path) -> None:
    script(fake, "printf 'fatal: \\033[31mkey sesame-123 refused\\n' >&2; exit 128")
    with pytest.raises(StorageError) as caught:
        run(Git(tmp_path, secrets=("sesame-123",)), "push")
    assert caught.value.message == "git push failed: fatal: [31mkey [key removed] refused."


def test_a_computer_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound, match="git is not installed"):
        run(Git(tmp_path), "version")


def test_folders_of_ended_processes_are_swept_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_text("a")
    names = [
        f"studio-git-{gone.pid}-old",
        f"studio-git-{os.getpid()}-old",
        "studio-git-mine",
        f"studio-git-{gone.pid}-new",
    ]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "objects").symlink_to(tmp_path / "kept")
        if not name.endswith("new"):
            os.utime(tmp_path / name, (0, 0))
    module._sweep.cache_clear()
    with module.empty_folder() as own:
        assert Path(own).name.startswith(f"studio-git-{os.getpid()}-")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["kept", *names[1:]])
    assert (tmp_path / "kept" / "a").exists()
