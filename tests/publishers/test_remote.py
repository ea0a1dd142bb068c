"""Pushing by ssh and https: what the programs are given, the person's own credentials, and failures in words."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.domain.errors import AuthenticationFailed, ConnectionFailed, NotFound, StudioError
from studio.publishers.git_repo import GitPublisher
from studio.publishers.remote import remote_of
from tests.publishers.hub import TOKEN, running_hub
from tests.publishers.making import FILES, fsck, git, no_keys, publish, release, target, write


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    write(folder, FILES)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    return folder


def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    """An ssh that notes what it is given and then does as the test says; the remote command is its last argument."""
    folder = tmp_path / "bin"
    folder.mkdir()
    noted = tmp_path / "ssh-arguments"
    (folder / "ssh").write_text(f'#!/bin/sh\necho "$@" >> {noted}\nfor last; do :; done\n{text}\n')
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return noted


@pytest.mark.parametrize("shape", ["ssh://git@example.org{path}", "git@example.org:{path}"])
def test_a_push_by_ssh_asks_nothing_of_the_terminal(
    app: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    bare = tmp_path / "shop.git"
    git(tmp_path, "init", "--bare", "-q", "-b", "main", str(bare))
    noted = fake_ssh(tmp_path, monkeypatch, 'exec sh -c "$last"')
    publish(GitPublisher(), release(app), target("git", remote=shape.format(path=bare)))
    assert git(bare, "tag") == "v1.0.0"
    assert fsck(bare) == ""
    for line in noted.read_text().splitlines():
        assert "BatchMode=yes" in line
        assert "git@example.org" in line


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("git@example.org: Permission denied (publickey).", AuthenticationFailed, "does not let this person in"),
        ("Host key verification failed.", AuthenticationFailed, "does not let"),
        (
            "ssh: Could not resolve hostname example.org: Name or service not known",
            ConnectionFailed,
            "could not be reached",
        ),
        ("fatal: '/srv/x.git' does not appear to be a git repository", NotFound, "has no such repository"),
    ],
)
def test_failures_of_ssh_are_one_sentence(
    app: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    kind: type[StudioError],
    words: str,
) -> None:
    fake_ssh(tmp_path, monkeypatch, f"echo {shlex.quote(said)} >&2; echo fatal: Could not read >&2; exit 255")
    with pytest.raises(kind, match=words) as caught:
        publish(GitPublisher(), release(app), target("git", remote="git@example.org:x.git"))
    assert said.rstrip(".") in caught.value.message
    assert "\n" not in caught.value.message
    assert not (app / ".git").exists()


def test_the_persons_own_ssh_command_is_used_and_the_repositorys_is_not(app: Path, home: Path, tmp_path: Path) -> None:
    publish(GitPublisher(), release(app), target("git"))
    bare = tmp_path / "shop.git"
    git(tmp_path, "init", "--bare", "-q", "-b", "main", str(bare))
    own = tmp_path / "own-ssh"
    own.write_text(f'#!/bin/sh\ntouch {tmp_path}/own-ran\nfor last; do :; done\nexec sh -c "$last"\n')
    own.chmod(0o755)
    (home / ".gitconfig").write_text(f"[core]\n\tsshCommand = {own}\n\tfsmonitor = /evil\n")
    git(app, "config", "core.sshCommand", f"touch {tmp_path}/evil-ran; false")
    publish(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), target("git", remote=f"git@example.org:{bare}"))
    assert (tmp_path / "own-ran").exists()
    assert not (tmp_path / "evil-ran").exists()
    assert git(bare, "tag").split() == ["v1.1.0"]


def test_a_web_remote_takes_the_named_key_or_the_persons_own_credential_helper(
    app: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "hub").mkdir()
    with running_hub(tmp_path / "hub") as hub:
        bare = hub.add("ada/shop")
        remote = f"{hub.address}/ada/shop.git"
        named = target("git", remote=remote, key="HUB_KEY")
        publish(GitPublisher(), release(app), named, {"HUB_KEY": TOKEN}.get)
        (home / ".gitconfig").write_text(
            f'[credential]\n\thelper = "!f() {{ echo username=x-access-token; echo password={TOKEN}; }}; f"\n'
        )
        publish(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), target("git", remote=remote))
        assert git(bare, "tag").split() == ["v1.0.0", "v1.1.0"]
        (home / ".gitconfig").unlink()
        with pytest.raises(AuthenticationFailed) as caught:
            publish(GitPublisher(), release(app, {"b": b"b"}, "1.2.0"), target("git", remote=remote))
        assert TOKEN not in str(caught.value)
        assert hub.seen_in_argv == []


@pytest.mark.parametrize(
    ("text", "protocol", "host"),
    [
        ("ssh://git@example.org:2222/srv/x.git", "ssh", "example.org"),
        ("example.org:srv/x.git", "ssh", "example.org"),
        ("https://example.org/x.git", "https", "example.org"),
        ("/srv/x.git", "file", ""),
        ("file:///srv/x.git", "file", ""),
        ("../x.git", "file", ""),
        ("./a:b", "file", ""),
    ],
)
def test_the_forms_of_a_remote_are_told_apart(text: str, protocol: str, host: str) -> None:
    found = remote_of(text, Path("/srv/project"))
    assert (found.protocol, found.host) == (protocol, host)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://example.org/x.git", "example.org"),
        ("HTTPS://Example.org/x.git", "example.org"),
        ("http://127.0.0.1:8080/x.git", "127.0.0.1"),
        ("file://https://example.org/x.git", ""),
        ("file:///srv/https://example.org/x.git", ""),
        ("ssh://git@example.org/x.git", ""),
        ("https://user@example.org/x.git", ""),
    ],
)
def test_a_named_key_is_told_for_every_address_that_it_would_be_sent_to_and_for_no_other(
    app: Path, address: str, host: str
) -> None:
    where = target("git", remote=address, key="HUB_KEY")
    assert [use.host for use in GitPublisher().keys(where)] == ([host] if host else [])
    asked: list[str] = []

    def secrets(name: str) -> None:
        asked.append(name)

    if not host:
        with pytest.raises(StudioError):
            asyncio.run(GitPublisher().plan(release(app), where, secrets))
        assert asked == []


_CHILD = """
import asyncio, json, os, sys
from pathlib import Path
from studio.publishers.git_repo import GitPublisher
from tests.publishers.making import no_keys, release, target

app, remote, kept = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
done = {path.stem: json.loads(path.read_text()) for path in kept.glob("*.json")} if kept.exists() else {}

async def report(step, data):
    kept.mkdir(exist_ok=True)
    (kept / "part").write_text(json.dumps(dict(data)))
    os.replace(kept / "part", kept / f"{step}.json")

async def go():
    where, what = target("git", remote=remote), release(app)
    import msgspec
    from studio.publishers.base import PublishPlan
    plan = msgspec.json.decode(Path(sys.argv[4]).read_bytes(), type=PublishPlan)
    print("started", flush=True)
    await GitPublisher().apply(what, plan, done, report, no_keys)
    print("finished", flush=True)

asyncio.run(go())
"""


def test_a_process_killed_at_any_moment_leaves_what_a_second_one_finishes(app: Path, tmp_path: Path) -> None:
    import msgspec

    bare = tmp_path / "shop.git"
    git(tmp_path, "init", "--bare", "-q", "-b", "main", str(bare))
    plan = asyncio.run(GitPublisher().plan(release(app), target("git", remote=str(bare)), no_keys))
    (tmp_path / "plan").write_bytes(msgspec.json.encode(plan))
    command = [sys.executable, "-c", _CHILD, str(app), str(bare), str(tmp_path / "kept"), str(tmp_path / "plan")]
    for wait in (0.0, 0.02, 0.05, 0.09, 0.14):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        time.sleep(wait)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        time.sleep(0.3)  # a git that was at work when its parent went ends by itself
    last = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert last.stdout.splitlines()[-1] == "finished", last.stderr
    assert git(bare, "rev-list", "--count", "--all") == "1"
    assert git(bare, "rev-parse", "main") == git(bare, "rev-parse", "v1.0.0^{commit}")
    assert (fsck(app), fsck(bare)) == ("", "")
