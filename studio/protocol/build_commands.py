"""Commands of the app workflow: builds, tasks, findings, versions, publishing. See `commands` for what all commands share."""

from __future__ import annotations

from typing import Literal

from studio.protocol.tagged import Command


class StartBuild(Command, frozen=True, kw_only=True, tag="build.start"):
    """A change that a program outside asks for: a page with `requirements` as its brief, at its first stage.

    `build` is the sender's own id: the same one names the same change again. `chapter` defaults to the newest release.
    """

    requirements: str
    title: str = ""
    chapter: str | None = None
    project: str = ""
    build: str = ""
    user: str = ""
    model: str = ""


class CompletePhase(Command, frozen=True, kw_only=True, tag="build.complete"):
    """What an outside agent made of the stage that the page stands at; it becomes a revision and is approved.

    `phase` is the stage that the sender speaks of (refused when the page stands elsewhere); `result` is JSON that is kept with
    it. For a stage that writes files, `files` of the result (`[{path, content}]`) are written as a version. With `once`, the same
    words for the same phase are the same request, however it is called.
    """

    page: str
    response: str
    result: str = "{}"
    phase: str | None = None
    agent: str = ""
    once: bool = False


class EditTask(Command, frozen=True, kw_only=True, tag="task.edit"):
    """Change a task before work starts. Only what is given changes."""

    task: str
    title: str | None = None
    type: str | None = None
    description: str | None = None
    priority: int | None = None
    needs: tuple[str, ...] | None = None


class AddTask(Command, frozen=True, kw_only=True, tag="task.add"):
    page: str
    title: str
    type: str = "logic"
    description: str = ""
    priority: int = 2
    needs: tuple[str, ...] = ()


class DropTask(Command, frozen=True, kw_only=True, tag="task.drop"):
    """Drop a task, or with `dropped` False take it in again."""

    task: str
    dropped: bool = True


class MoveTask(Command, frozen=True, kw_only=True, tag="task.move"):
    """`position` counts from 1 and is clamped."""

    task: str
    position: int


class SendBack(Command, frozen=True, kw_only=True, tag="build.return"):
    """Return from a review to the stage that writes files, with the open findings and `note`."""

    page: str
    note: str = ""
    revision: str | None = None


class SettleFinding(Command, frozen=True, kw_only=True, tag="finding.settle"):
    """`open` opens it again. Waived and intended need a reason."""

    finding: str
    state: Literal["open", "fixed", "waived", "intended", "false"]
    reason: str = ""


class RestoreVersion(Command, frozen=True, kw_only=True, tag="version.restore"):
    """Make the files what they were in `version` (id or number): a new version. What the person changed since the newest version
    becomes a version of its own first; without `anyway` that is asked about (Conflict names the files)."""

    version: str
    anyway: bool = False


class UndoVersion(Command, frozen=True, kw_only=True, tag="version.undo"):
    """Take back the newest version: restore the one before it. Refused when a file changed since, unless `anyway`.

    `version` is the one that is to be undone, by number or id: where another is the newest by now, that is a Conflict whose `data`
    names it (`actual`).
    """

    version: str | None = None
    anyway: bool = False


class SaveVersion(Command, frozen=True, kw_only=True, tag="version.save"):
    """Make a version of the files as they lie in `app/` (the person's own changes). It belongs to the change that the newest version
    is of, until that is complete."""

    summary: str = ""


class ApproveVersion(Command, frozen=True, kw_only=True, tag="version.approve"):
    """Let a completed version go out that no change approves: one that a person saved. Refused for one of a change at work."""

    version: str


class TakeKept(Command, frozen=True, kw_only=True, tag="file.take"):
    """Write the worker's text that a conflict about `path` kept (`kept` as in `GetKept`), make a version of it and settle the conflict.

    What the person has there becomes a version first. `seen` is the digest of the file that the person compared it with, empty for
    none: Conflict when another lies there.
    """

    path: str
    kept: str = ""
    seen: str | None = None


class ImportApp(Command, frozen=True, kw_only=True, tag="app.import"):
    """Copy an existing code base into `app/`, which must be empty, as the first version. `path` is a folder of the sender's machine."""

    path: str


class Publish(Command, frozen=True, kw_only=True, tag="publish.apply"):
    """Carry out the plan whose digest the person saw. `version` defaults to the newest approved one."""

    target: str
    plan: str
    version: str | None = None


class AllowCheck(Command, frozen=True, kw_only=True, tag="check.allow"):
    """The person's yes to run exactly this check command in this project; `allowed` False takes it back."""

    command: str
    allowed: bool = True


class RunCheck(Command, frozen=True, kw_only=True, tag="check.run"):
    """Check the files as they are, and run the project's check command; what is found becomes findings of the page, where one is
    given. A command that is not allowed is Refused once the rest was checked: `report` has what that found."""

    page: str | None = None


BuildCommand = (
    StartBuild
    | CompletePhase
    | EditTask
    | AddTask
    | DropTask
    | MoveTask
    | SendBack
    | SettleFinding
    | RestoreVersion
    | UndoVersion
    | SaveVersion
    | ApproveVersion
    | TakeKept
    | ImportApp
    | Publish
    | AllowCheck
    | RunCheck
)
