"""Tools for files: create, update, read, list, delete, rename. What may be written is decided in `writing`, where in `workspace`."""

from __future__ import annotations

import asyncio
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from studio.domain.errors import BadInput, Conflict, NotFound
from studio.domain.text import clean
from studio.domain.tooling import ChangeKind, FileChange
from studio.tools import passages
from studio.tools.base import Action, Done, ToolContext, failed, refused
from studio.tools.writing import incoming, passed, persons_file, put, refuse_undecided, require_seen, reserved, settle
from studio.workspace.app_paths import usable
from studio.workspace.files import TEXT_LIMIT, decode
from studio.workspace.snapshots import digest_of

PathArgument = Annotated[str, Meta(description="Inside the application, with / between folders: src/main.js")]


class CreateFile(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "create_file"
    about: ClassVar[str] = (
        "Write a whole file. Its folders are made. A file that exists is replaced only after you have read it; "
        "to change a part of one, use update_file."
    )
    writes: ClassVar[bool] = True

    path: PathArgument
    content: Annotated[
        str, Meta(description="The complete text of the file, without code fences and without omissions.")
    ]

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    async def carry_out(self, at: ToolContext) -> Done:
        path, text = usable(self.path), incoming(self.content)
        await refuse_undecided(at, path)
        now = await asyncio.to_thread(at.files.current, path)
        theirs = None if now is None else digest_of(now)
        if at.claims.is_persons(path, theirs) and now != text.encode():
            raise await persons_file(at, path, theirs, text.encode())
        if now is not None and now != text.encode():
            await require_seen(at, path, now)
        verb = "Created" if now is None else "Replaced"
        return await put(at, path, text, now, f"{verb} {path} ({_lines(text)})")


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    old: Annotated[
        str, Meta(description="The passage exactly as it is in the file now, with enough lines to be there only once.")
    ]
    new: Annotated[str, Meta(description="What stands there afterwards; empty to remove it.")]


class UpdateFile(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "update_file"
    about: ClassVar[str] = (
        "Replace passages of a file that you have read. Every old passage is looked for in the file as it is now and must be "
        "there exactly once. All edits are made, or none."
    )
    writes: ClassVar[bool] = True

    path: PathArgument
    edits: list[Edit]

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    async def carry_out(self, at: ToolContext) -> Done:
        path = usable(self.path)
        if len(self.edits) > at.caps.edits:
            raise refused(
                f"Nothing was written: at most {at.caps.edits} edits in one call.", f"{path}: too many edits", path
            )
        await refuse_undecided(at, path)
        now = await _there(at, path)
        at.claims.is_persons(path, digest_of(now))
        await require_seen(at, path, now)
        text = decode(now, path)
        wanted = [(incoming(edit.old), incoming(edit.new)) for edit in self.edits]
        try:
            done = await asyncio.to_thread(passages.apply, text, wanted)
        except passages.Unmatched as error:
            raise failed(
                f"Nothing was written to {path}. {clean(str(error))}",
                f"{path}: no such passage",
                path,
                reason=error.reason,
            ) from error
        what = f"Updated {path} ({passages.places(done.lines)})"
        bom = now.startswith(b"\xef\xbb\xbf")
        return await put(at, path, done.text, now, what, note=done.note, bom=bom)


class ReadFile(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "read_file"
    about: ClassVar[str] = (
        "Read a text file. The first line of the answer says which lines follow; the rest is the file's own text."
    )

    path: PathArgument
    start_line: Annotated[int | None, Meta(description="First line, counted from 1.")] = None
    end_line: Annotated[int | None, Meta(description="Last line.")] = None

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    async def carry_out(self, at: ToolContext) -> Done:
        path = usable(self.path)
        try:
            text, digest = await asyncio.to_thread(at.files.read_text, path, TEXT_LIMIT)
        except NotFound as error:
            raise await _missing(at, path) from error
        at.seen[path] = digest
        shown, header = _page(clean(text), self.start_line, self.end_line, at.caps.output_chars)
        return Done(f"{path}: {header}\n{shown}", f"{path}: {header}", path=path, data={"digest": digest})


class ListFiles(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "list_files"
    about: ClassVar[str] = "List the application's files with their sizes in bytes."
    waits: ClassVar[bool] = True

    folder: Annotated[str | None, Meta(description="Only what is below this folder; null for all.")] = None

    async def carry_out(self, at: ToolContext) -> Done:
        folder = (self.folder or "").removeprefix("./").strip("/")
        folder = usable(folder) if folder not in ("", ".") else ""
        found = await asyncio.to_thread(at.files.listing, folder)
        where = f"below {folder}/" if folder else "in the application"
        if not found and folder:
            raise failed(f"There are no files {where}. List all of them without a folder.", "no files")
        if not found:
            return Done("There are no files in the application yet.", "no files yet")
        lines, used = [], 0
        for one in found[: at.caps.entries]:
            line = f"{one.path} ({one.size:,})"
            used += len(line) + 1
            if used > at.caps.output_chars:
                break
            lines.append(line)
        cut = f", cut: the first {len(lines)}; name a folder to see others" if len(lines) < len(found) else ""
        header = f"{len(found)} {'file' if len(found) == 1 else 'files'} {where}{cut}"
        return Done("\n".join([f"{header}:", *lines]), header)


class DeleteFile(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "delete_file"
    about: ClassVar[str] = "Remove a file that you have read. Its text is kept and can be restored."
    writes: ClassVar[bool] = True

    path: PathArgument

    def paths(self) -> tuple[str, ...]:
        return (self.path,)

    async def carry_out(self, at: ToolContext) -> Done:
        path = usable(self.path)
        await refuse_undecided(at, path)
        now = await _there(at, path)
        before = digest_of(now)
        if at.claims.is_persons(path, before):
            raise await persons_file(at, path, before, None)
        await require_seen(at, path, now)
        change = FileChange(path, ChangeKind.DELETED, before, None)
        with reserved(at, path, 0):
            await at.hooks.writing(change)
            try:
                await asyncio.to_thread(at.files.delete, path, expected=before)
            except Conflict as error:
                at.claims.persons.add(path)
                raise await persons_file(at, path, str(error.data.get("actual")), None) from error
            settle(at, change, 0)
        return Done(f"Removed {path}.", f"Removed {path}", path=path, changes=(change,))


class RenameFile(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "rename_file"
    about: ClassVar[str] = "Move a file to a name that is free. Files that name it are not changed."
    writes: ClassVar[bool] = True

    path: PathArgument
    new_path: PathArgument

    def paths(self) -> tuple[str, ...]:
        return (self.path, self.new_path)

    async def carry_out(self, at: ToolContext) -> Done:
        path, new_path = usable(self.path), usable(self.new_path)
        await refuse_undecided(at, path, new_path)
        now = await _there(at, path)
        before = digest_of(now)
        if at.claims.is_persons(path, before):
            raise await persons_file(at, path, before, None)
        taken = await asyncio.to_thread(at.files.digest, new_path)
        if taken is not None:
            raise refused(
                f"Nothing was renamed: {new_path} exists already. Choose another name.", f"{new_path}: taken", new_path
            )
        await asyncio.to_thread(at.files.refuse_twin, new_path, path)
        with reserved(at, new_path, 0):
            if text := _as_text(now, path):
                await passed(at, new_path, text)
            change = FileChange(new_path, ChangeKind.RENAMED, before, before, renamed_from=path)
            await at.hooks.writing(change)
            try:
                await asyncio.to_thread(at.files.rename, path, new_path, expected=before)
            except Conflict as error:
                raise refused(
                    f"Nothing was renamed: {error.message} Look with list_files.",
                    f"{path}: changed meanwhile",
                    path,
                    reason="conflict",
                ) from error
            settle(at, change, 0)
        what = f"Renamed {path} to {new_path}"
        return Done(f"{what}.", what, path=new_path, changes=(change,))


async def _there(at: ToolContext, path: str) -> bytes:
    now = await asyncio.to_thread(at.files.current, path)
    if now is None:
        raise await _missing(at, path)
    return now


async def _missing(at: ToolContext, path: str) -> Exception:
    at.seen.pop(path, None)
    twin = await asyncio.to_thread(at.files.twin, path)
    advice = f"Do you mean {twin}?" if twin else "Look with list_files."
    return failed(f"There is no file {path}. {advice}", f"{path}: no such file", path, reason="missing")


def _as_text(data: bytes, path: str) -> str:
    try:
        return decode(data, path)
    except BadInput:
        return ""


def _lines(text: str) -> str:
    count = len(_split(text))
    return f"{count} {'line' if count == 1 else 'lines'}"


def _split(text: str) -> list[str]:
    """Lines with their newlines; other separators (U+2028) end no line of a source file."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _page(text: str, start: int | None, end: int | None, limit: int) -> tuple[str, str]:
    """The lines asked for, cut to `limit` characters, and the words that say which they are."""
    lines = _split(text)
    total = len(lines)
    if not total:
        return "", "empty"
    first = min(max(1, start or 1), total)
    last = min(max(first, end or total), total)
    shown: list[str] = []
    used = 0
    for line in lines[first - 1 : last]:
        if used + len(line) > limit:
            break
        used += len(line)
        shown.append(line)
    if not shown:
        return lines[first - 1][:limit], f"line {first} of {total}, cut: its first {limit:,} characters"
    reached = first + len(shown) - 1
    if reached < last:
        return "".join(shown), f"cut: lines {first}-{reached} of {total}; read on with start_line={reached + 1}"
    part = f"lines {first}-{reached} of {total}" if (first, reached) != (1, total) else f"{_lines(text)}"
    return "".join(shown), part
