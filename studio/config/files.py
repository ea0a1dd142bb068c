"""Replacing a file whole and reading one within bounds. Here, in the lowest room that touches a disk, so that every room can use it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from studio.domain.errors import BadInput, NotFound, StorageError, StudioError

TEXT_LIMIT = 2_000_000
"""Bytes of a text file that a person is thought to have written; a long novel has 1,000,000."""

_PART = re.compile(r"\.studio-[0-9a-f]{12}\.part")

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def is_part(name: str) -> bool:
    """Whether a file's name is one that `replace_at` writes under before the file is whole; one that stays was cut short."""
    return _PART.fullmatch(name) is not None


def atomic_write(path: Path, data: bytes | str, *, mode: int | None = None) -> None:
    """Replace `path` by `data`: readers see the old file or the new one, whole, also after a power cut.

    `mode` is for a new file (0644 less the umask by default); an existing file keeps its own. A link is written through
    to its target, so that a configuration kept elsewhere stays a link. Raises StorageError.
    """
    target = Path(os.path.realpath(path))
    try:
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            replace_at(folder, target.name, data, mode=mode)
        finally:
            os.close(folder)
    except OSError as error:
        raise storage_error(error, str(path), "written") from error


def replace_at(
    folder: int,
    name: str,
    data: bytes | str,
    *,
    mode: int | None = None,
    new: bool = False,
    check: Callable[[], None] | None = None,
) -> None:
    """`atomic_write` below an open folder; with `new` an existing `name` raises FileExistsError. Raises OSError.

    `check` is called when all is written but for the last step, which it prevents by raising.
    """
    content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    # Short and free of the target's name: a 250-byte name leaves no room for a suffix.
    part = f".studio-{secrets.token_hex(6)}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode or 0o666, dir_fd=folder)
    try:
        try:
            _keep_mode(folder, name, handle, mode)
            _write_all(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        if check is not None:
            check()
        _put_in_place(folder, part, name, new=new)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise
    os.fsync(folder)


def _put_in_place(folder: int, part: str, name: str, *, new: bool) -> None:
    if not new:
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    try:
        os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.unlink(part, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        _claim_name(folder, name)  # a file system without hard links: the name is claimed first, then filled
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)


def _claim_name(folder: int, name: str) -> None:
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder))


def _keep_mode(folder: int, name: str, handle: int, mode: int | None) -> None:
    if mode is not None:
        os.fchmod(handle, mode)
        return
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            os.fchmod(handle, stat.S_IMODE(found.st_mode))


def _write_all(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def read_text(path: Path, *, limit: int = TEXT_LIMIT, where: str = "") -> str:
    """The text of a regular file of at most `limit` bytes.

    `where` names it in messages. Raises NotFound, BadInput (folder, pipe, too large, not UTF-8) or StorageError.
    """
    label = where or str(path)
    try:
        # Opening a pipe without O_NONBLOCK waits for a writer that may never come.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {label}.") from error
    except OSError as error:
        raise storage_error(error, label, "read") from error
    try:
        return decode(read_handle(handle, limit, label), label)
    finally:
        os.close(handle)


def read_handle(handle: int, limit: int, where: str) -> bytes:
    """All bytes of an open regular file of at most `limit` bytes. Raises BadInput or StorageError."""
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise BadInput(f"{where} is not a file that can be read as text.")
        if found.st_size > limit:
            raise _too_large(where, found.st_size, limit)
        pieces: list[bytes] = []
        left = limit + 1
        while left > 0 and (piece := os.read(handle, min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise storage_error(error, where, "read") from error
    if left <= 0:
        raise _too_large(where, limit + 1, limit)
    return b"".join(pieces)


def being_written(path: Path | str, folder: int | None = None) -> bool:
    """True when another process has the file open for writing (Linux; elsewhere, and on files of others, it cannot be told).

    A read lease is granted only while nobody writes. SIGURG, which is ignored, replaces the default SIGIO, which would end this
    process if a writer came in the moment between lease and close.
    """
    try:
        import fcntl
        import signal

        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except (ImportError, OSError):
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except (AttributeError, OSError):
        return False
    finally:
        os.close(descriptor)
    return False


def _too_large(where: str, size: int, limit: int) -> BadInput:
    return BadInput(
        f"{where} is too large: {size / 1e6:.1f} MB, and at most {limit / 1e6:.1f} MB are read.",
        hint="Split it into smaller files.",
    )


def decode(data: bytes, where: str) -> str:
    """UTF-8 text without its byte order mark. Raises BadInput that says which encoding it seems to be, or the bad line."""
    if data.startswith(_UTF16):
        raise BadInput(f"{where} is UTF-16 text, and only UTF-8 is read.", hint="Save it as UTF-8 in your editor.")
    if b"\x00" in data:
        raise BadInput(f"{where} is a binary file, not text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"{where} is not UTF-8 text (line {line}).", hint="Save it as UTF-8 in your editor.", data={"line": line}
        ) from error


_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "you may not do that there",
    errno.EPERM: "you may not do that there",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of its path is not a folder",
    errno.ENOENT: "its folder does not exist",
    errno.ELOOP: "it is a link, and links are not followed here",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EEXIST: "it exists already",
    errno.EMFILE: "too many files are open",
}


# Reading a project needs a disk that can be written as well: its lock, and the database's own recovery.
_READ_ONLY = (
    "Copy the project's folder to another disk, or make this one writable. Approved pages can be read in manuscript/."
)


def storage_error(error: OSError, where: str, verb: str) -> StudioError:
    """The sentence for a failed file operation; `verb` is a participle such as `written`."""
    reason = _REASONS.get(error.errno or 0, (error.strerror or "the system refused").lower())
    hint = _READ_ONLY if error.errno == errno.EROFS else ""
    return StorageError(f"{where} could not be {verb}: {reason}.", hint=hint, data={"errno": error.errno or 0})
