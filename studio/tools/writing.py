"""How a tool changes a file: never one that it has not seen, never a person's words, never past a cap or the gate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator

from studio.domain.errors import BadInput, Conflict
from studio.domain.finding import Problem
from studio.domain.text import clean, counted, one_line
from studio.domain.tooling import ChangeKind, FileChange
from studio.tools.base import Declined, Done, Gated, ToolContext, refused
from studio.workspace.files import decode
from studio.workspace.snapshots import digest_of

INLINE_CHARACTERS = 8_000
"""A refused write shows a file up to this size at once: the model need not ask for it."""
PROBLEMS_SHOWN = 30


def incoming(text: str) -> str:
    """A model's text as it may stand in a file: no control characters, no byte order mark; its last newline as it is."""
    return clean(text).removeprefix("\ufeff")


async def require_seen(at: ToolContext, path: str, now: bytes) -> None:
    """Raises Declined when this worker does not know the file as it is; the words show it where it is short."""
    digest = digest_of(now)
    if at.seen.get(path) == digest:
        return
    why = "has changed since you read it" if path in at.seen else "exists and you have not read it"
    text = _short_text(now, path)
    if text is None:
        raise refused(
            f"Nothing was written: {path} {why}. Call read_file first, then send your change again.",
            f"{path}: to be read first",
            path,
            reason="unread",
        )
    at.seen[path] = digest
    raise refused(
        f"Nothing was written: {path} {why}. Send your change again, made from what it holds now:\n{text}",
        f"{path}: to be read first",
        path,
        reason="unread",
    )


def _short_text(data: bytes, path: str) -> str | None:
    try:
        text = decode(data, path)
    except BadInput:
        return None
    return clean(text) if len(text) <= INLINE_CHARACTERS else None


async def persons_file(at: ToolContext, path: str, theirs: str | None, ours: bytes | None) -> Declined:
    """The refusal to replace, remove or rename what a person changed; the text that was not written is kept."""
    kept = None if ours is None else await asyncio.to_thread(at.files.objects.put, ours)
    await at.hooks.conflict(path, theirs, kept)
    what = "changed" if theirs is not None else "removed"
    then = "Leave it as it is" if theirs is None else "Read it and change single passages with update_file, or leave it"
    return refused(
        f"Nothing was written: the person {what} {path} while you worked, and their version stays. {then}."
        + (" Your text is kept for them to compare." if kept else ""),
        f"{path}: the person {what} it meanwhile, both are kept",
        path,
        reason="conflict",
        theirs=theirs,
        ours=kept,
    )


async def refuse_undecided(at: ToolContext, *paths: str) -> None:
    """Raises Declined for a file whose conflict with an earlier run the person has not settled yet."""
    for path in paths:
        if await at.hooks.undecided(path):
            raise refused(
                f"Nothing was written: {path} is the person's to decide. They changed it while an earlier run was at work, and have "
                f"not chosen yet between both texts. Leave {path} as it is, go on with the rest of your task, and say in the "
                "summary of finish_app what it still needs.",
                f"{path}: the person has still to choose between two texts",
                path,
                reason="undecided",
            )


def check_caps(at: ToolContext, path: str, size: int) -> None:
    caps, spent = at.caps, at.spent
    if size > caps.file_bytes:
        why = f"it would have {size:,} bytes, and a file may have {caps.file_bytes:,}. Split it into several files"
    elif path not in spent.paths and spent.files >= caps.files:
        why = f"this task has changed {counted(spent.files, 'file')}, which is its limit. Finish with what there is"
    elif spent.bytes + sum(spent.begun.values()) + size > caps.task_bytes:
        why = f"this task has written {spent.bytes:,} bytes of its {caps.task_bytes:,}. Change passages instead of whole files"
    else:
        return
    raise refused(f"Nothing was written to {path}: {why}.", f"{path}: over a limit", path, reason="cap")


@contextlib.contextmanager
def reserved(at: ToolContext, path: str, size: int) -> Generator[None]:
    """Hold a write to the caps while it is made: the calls of one answer write side by side. Raises Declined."""
    check_caps(at, path, size)
    at.spent.begun[path] = size
    try:
        yield
    finally:
        at.spent.begun.pop(path, None)


async def passed(at: ToolContext, path: str, text: str) -> Gated:
    """The gate's word. Raises Declined when a rule forbids the text."""
    gated = await asyncio.to_thread(at.gate, path, text)
    if gated.blocked:
        raise refused(
            f"Nothing was written: {path} breaks a rule of this project. Mend it and send it again.\n{told(gated.problems)}",
            f"{path}: blocked by {_rules(gated.problems)}",
            path,
            reason="blocked",
            problems=gated.problems,
        )
    return gated


async def put(
    at: ToolContext, path: str, text: str, before: bytes | None, what: str, *, note: str = "", bom: bool = False
) -> Done:
    """Write `text` over `before` (None: a new file). `what` tells person and model what was done, `note` the model alone."""
    check_caps(at, path, len(text.encode()))
    if before is None:
        await asyncio.to_thread(at.files.refuse_twin, path)
    gated = await passed(at, path, text)
    if path in at.claims.persons:
        gated = Gated(text, gated.problems)  # what is mended elsewhere in the file could be the person's own words
    data = (b"\xef\xbb\xbf" if bom else b"") + gated.text.encode()
    expected = None if before is None else digest_of(before)
    kind = ChangeKind.ADDED if before is None else ChangeKind.MODIFIED
    if data == before:
        at.seen[path] = digest_of(data)
        return Done(
            f"{path} has exactly this text already.{_after(gated)}", f"{path}: unchanged", path=path, data=_data(gated)
        )
    change = FileChange(path, kind, expected, digest_of(data))
    with reserved(at, path, len(data)):
        await at.hooks.writing(change)
        try:
            await asyncio.to_thread(at.files.write, path, data, expected=expected)
        except Conflict as error:
            raise await _outrun(at, path, error, data) from error
        settle(at, change, len(data))
    mended = "Some faults were mended on the way, so it differs from what you sent." if gated.text != text else ""
    words = " ".join(part for part in (f"{what}.", note, mended) if part)
    return Done(f"{words}{_after(gated)}", what, path=path, changes=(change,), data=_data(gated))


async def _outrun(at: ToolContext, path: str, error: Conflict, data: bytes) -> Declined:
    """The file changed between the last look and the write: all workers hold it by turns, so this was a person."""
    actual = error.data.get("actual")
    theirs = str(actual) if actual is not None else None
    at.claims.persons.add(path)
    return await persons_file(at, path, theirs, data)


def settle(at: ToolContext, change: FileChange, size: int) -> None:
    """Note a change that was made: whose the file is now, what this worker knows of it, and what it has used."""
    at.claims.record(change)
    at.spent.paths.add(change.path)
    at.spent.bytes += size
    if change.renamed_from is not None:
        at.seen.pop(change.renamed_from, None)
    if change.after is None:
        at.seen.pop(change.path, None)
    else:
        at.seen[change.path] = change.after


def told(problems: tuple[Problem, ...]) -> str:
    """Problems in words, one a line."""
    lines = [_told_one(problem) for problem in problems[:PROBLEMS_SHOWN]]
    if len(problems) > PROBLEMS_SHOWN:
        lines.append(f"- and {len(problems) - PROBLEMS_SHOWN} more")
    return "\n".join(lines)


def _told_one(problem: Problem) -> str:
    place = f"line {problem.line}: " if problem.line else ""
    advice = f" {one_line(problem.suggestion, 300)}" if problem.suggestion else ""
    return f"- {place}{one_line(problem.message, 300)} [{one_line(problem.rule, 60)}]{advice}"


def _rules(problems: tuple[Problem, ...]) -> str:
    return ", ".join(sorted({one_line(problem.rule, 60) for problem in problems})[:3]) or "a rule"


def _after(gated: Gated) -> str:
    return f"\nProblems that are left in it:\n{told(gated.problems)}" if gated.problems else ""


def _data(gated: Gated) -> dict[str, object]:
    return {"problems": gated.problems} if gated.problems else {}
