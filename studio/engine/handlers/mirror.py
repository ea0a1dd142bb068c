"""Commands on files that hold a book: the plain-text mirror, and a `book.toml` to fill an empty project from."""

from __future__ import annotations

from studio.engine.book_import import import_book as replay
from studio.engine.open_project import Call, OpenProject
from studio.protocol import commands as c


async def sync_mirror(project: OpenProject, command: c.SyncMirror, call: Call) -> c.Done:
    report = await project.manuscript.sync(call.actor)
    return c.Done(seq=0, message=report)


async def import_book(project: OpenProject, command: c.ImportBook, call: Call) -> c.Done:
    done = await replay(project, command.path, call)
    await project.manuscript.sync(call.actor)
    return done
