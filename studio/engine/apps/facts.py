"""What the templates of the app workflow are told (`app` in them): operation, files, handoff, plan, tasks, findings, changes."""

from __future__ import annotations

import asyncio
import difflib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.domain.board_plan import board_plan
from studio.domain.build import AppVersion, Build, BuildTask, Handoff, TaskStatus, VersionFile, VersionStatus
from studio.domain.errors import StudioError
from studio.domain.finding import Finding
from studio.domain.page import BRIEF
from studio.domain.workflow import OutputKind, Stage
from studio.engine.apps import standing, tree_map
from studio.providers import tokens
from studio.providers.base import ModelProfile
from studio.store import build_tasks, builds, findings, meta, pages, revisions, versions
from studio.store.transaction import Tx
from studio.workspace.app_files import FileState

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

_TEXT_BYTES = 400_000
_FILES_READ = 3_000
_CACHED_CHARACTERS = 20_000_000
_FINDINGS = 60


@dataclass(frozen=True, slots=True)
class Rows:
    """What the store knows about a change and what a role of it is told."""

    build: Build | None
    state: str
    brief: str
    plan: str
    tasks: tuple[BuildTask, ...]
    handoff: Handoff | None
    findings: tuple[Finding, ...]
    version: AppVersion | None
    checks: str

    def next(self, stage: Stage) -> BuildTask | None:
        """Of a stage that writes files the task that is next."""
        if stage.output is not OutputKind.CODE:
            return None
        return next((one for one in self.tasks if not one.status.ended), self.tasks[0] if self.tasks else None)


@dataclass(frozen=True, slots=True)
class _Room:
    """Tokens for the parts that can be long."""

    map: int
    files: int
    changes: int


class Facts:
    """Gathers and remembers texts by digest: the same files are asked for with every task."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    async def gather(
        self, page_id: str, stage: Stage, profile: ModelProfile, *, task: BuildTask | None = None
    ) -> dict[str, object]:
        """Plain data for a template; every key is always there."""
        rows = await self._project.store.read(lambda tx: self.rows(tx, page_id, stage))
        return await self.told(page_id, stage, profile, rows, task=task)

    def rows(self, tx: Tx, page_id: str, stage: Stage) -> Rows:
        """What `told` makes its data from, for whoever reads more than that at once."""
        return _rows(tx, self._project, page_id, stage)

    async def told(
        self, page_id: str, stage: Stage, profile: ModelProfile, rows: Rows, *, task: BuildTask | None = None
    ) -> dict[str, object]:
        """As `gather`, from rows that were read."""
        project = self._project
        tree = await project.app.scan()
        texts = await asyncio.to_thread(self.texts, tree)
        room = self._room(profile)
        request = "\n".join([rows.brief, *([task.title, task.description] if task else [])])
        sized = {path: (state.size, texts.get(path)) for path, state in tree.items()}
        wants_files = stage.output is OutputKind.CODE and task is not None
        shown = (
            tree_map.choose(
                _asked_for(texts, task, rows.plan) if profile.local else texts,
                request=request,
                first=_named(rows, task),
                count=tokens.estimate,
                budget=room.files,
            )
            if wants_files
            else []
        )
        judging = stage.output.judges
        operation = rows.build.operation.value if rows.build else ("update" if tree else "create")
        return {
            "operation": operation,
            "type": project.settings.app.type,
            "tree": tree_map.draw(sized, request=request, count=tokens.estimate, budget=room.map),
            "files": [{"path": one.path, "text": one.text, "cut": one.cut} for one in shown],
            "handoff": {"from_role": rows.handoff.from_role, "note": rows.handoff.note} if rows.handoff else None,
            "plan": rows.plan,
            "task": _task(task) if task else None,
            "tasks": [_row_of(one) for one in rows.tasks],
            "done": [
                {"title": one.title, "summary": one.summary} for one in rows.tasks if one.status is TaskStatus.DONE
            ],
            "findings": [_finding(one) for one in rows.findings[:_FINDINGS]],
            "checks": rows.checks,
            "changes": await self.changes(page_id, room.changes) if judging else "",
            "version": rows.version.number if rows.version else "",
            "state": rows.state,
            "returns": f"{rows.build.returns if rows.build else 0} of {_returns_limit(project)}",
            "tools": list(stage.tools),
        }

    def _room(self, profile: ModelProfile) -> _Room:
        context = self._project.settings.context
        if profile.local:
            budget = context.local_budget_tokens
            return _Room(map=max(budget // 12, 100), files=budget // 3, changes=budget // 3)
        budget = context.budget_tokens
        return _Room(
            map=min(self._project.settings.app.map_tokens, budget // 4), files=budget // 3, changes=budget // 3
        )

    # Texts of files

    def texts(self, tree: Mapping[str, FileState]) -> dict[str, str]:
        """The texts of a tree's files, those that are text and of a sensible size. Runs in a thread."""
        small = [path for path, state in sorted(tree.items()) if state.size <= _TEXT_BYTES]
        found = {}
        for path in small[:_FILES_READ]:
            text = self._text(path, tree[path].digest)
            if text is not None:
                found[path] = text
        return found

    def _text(self, path: str, digest: str) -> str | None:
        if digest in self._texts:
            self._texts.move_to_end(digest)
            return self._texts[digest]
        try:
            text, now = self._project.app.files.read_text(path, _TEXT_BYTES)
        except StudioError:
            return None
        self._texts[now] = text
        self._characters += len(text)
        while self._characters > _CACHED_CHARACTERS:
            self._characters -= len(self._texts.popitem(last=False)[1])
        return text

    async def changes_of(self, version: AppVersion | None, profile: ModelProfile) -> str:
        """What a version that is still being made did to the files."""
        project = self._project
        before = await project.store.read(lambda tx: _files_before(tx, version)) if version else []
        after = await asyncio.to_thread(project.app.files.snapshot)
        old = {one.path: one.digest for one in before}
        new = {path: state.digest for path, state in after.items()}
        return await asyncio.to_thread(self._diffs, old, new, self._room(profile).changes)

    async def changes(self, page_id: str, budget: int) -> str:
        """What the change did to the files so far, as unified diffs cut to `budget` tokens."""
        project = self._project

        def pair(tx: Tx) -> tuple[dict[str, str], dict[str, str]]:
            last = standing.version_of(tx, project.workflow, page_id)
            if last is None:
                return {}, {}
            first = next(reversed(versions.listing(tx, page_id)), last)
            before = versions.files(tx, first.parent_id) if first.parent_id else []
            return {one.path: one.digest for one in before}, {
                one.path: one.digest for one in versions.files(tx, last.id)
            }

        before, after = await project.store.read(pair)
        return await asyncio.to_thread(self._diffs, before, after, budget)

    def _diffs(self, before: Mapping[str, str], after: Mapping[str, str], budget: int) -> str:
        parts: list[str] = []
        for path in sorted(set(before) | set(after)):
            if before.get(path) == after.get(path):
                continue
            text = self._diff(path, before.get(path), after.get(path))
            cost = tokens.estimate(text)
            if cost > budget:
                parts.append(f"{text[: budget * 3]}\n[the rest of the changes is cut]")
                break
            budget -= cost
            parts.append(text)
        return "\n".join(parts)

    def _diff(self, path: str, before: str | None, after: str | None) -> str:
        old, new = self._kept(before), self._kept(after)
        if old is None or new is None:
            return f"{path}: not a text file, {'changed' if before and after else 'removed' if before else 'added'}"
        names = (f"a/{path}" if before else "/dev/null", f"b/{path}" if after else "/dev/null")
        return "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="", n=2))

    def _kept(self, digest: str | None) -> str | None:
        """The text of a kept file; empty for none, None for what is not text."""
        if digest is None:
            return ""
        if digest in self._texts:
            return self._texts[digest]
        try:
            return self._project.app.objects.get(digest).decode("utf-8")
        except (StudioError, UnicodeDecodeError):
            return None


def _rows(tx: Tx, project: OpenProject, page_id: str, stage: Stage) -> Rows:
    page = pages.get(tx, page_id)
    plan_stage = next((one.name for one in project.workflow.stages if one.output is OutputKind.PLAN), None)
    heads = pages.heads(tx, page_id)
    texts = revisions.some(
        tx, [one.revision_id for one in heads.values() if one.stage in (BRIEF, plan_stage) and one.revision_id]
    )
    by_stage = {one.stage: one for one in texts.values()}
    brief, plan = by_stage.get(BRIEF), by_stage.get(plan_stage or "")
    tasks = tuple(build_tasks.listing(tx, page_id))
    received = [one for one in builds.handoffs(tx, page_id) if one.to_stage == stage.name]
    return Rows(
        build=builds.get(tx, page_id),
        state=page.state,
        brief=brief.text if brief else "",
        plan=board_plan(plan, tasks).text if plan else "",
        tasks=tasks,
        handoff=received[-1] if received else None,
        findings=tuple(findings.listing(tx, page_id, open_only=True)),
        version=standing.version_of(tx, project.workflow, page_id),
        checks=meta.get(tx, checks_key(page_id)) or "",
    )


def _files_before(tx: Tx, version: AppVersion) -> list[VersionFile]:
    """What lay there before the work that ends with `version`: runs that broke off before it belong to that."""
    parent = version.parent_id
    while parent is not None:
        one = versions.get(tx, parent)
        if one.page_id != version.page_id or one.status is not VersionStatus.FAILED:
            return versions.files(tx, parent)
        parent = one.parent_id
    return []


def checks_key(page_id: str) -> str:
    return f"checks:{page_id}"


def _returns_limit(project: OpenProject) -> int:
    return max((one.returns for one in project.workflow.stages), default=0)


def _named(rows: Rows, task: BuildTask | None) -> Sequence[str]:
    """Files that findings are about come first for whoever mends them."""
    if task is None or task.type != "fix":
        return ()
    return tuple(dict.fromkeys(one.problem.path for one in rows.findings if one.problem.path))


def _asked_for(texts: Mapping[str, str], task: BuildTask | None, plan: str) -> Mapping[str, str]:
    """The files that a task names, else those that its plan names, else all: a small model changes whatever it is shown, and reads
    slowly."""
    for words in (f"{task.title}\n{task.description}" if task else "", plan):
        named = {path: text for path, text in texts.items() if path.casefold() in words.casefold()}
        if named:
            return named
    return texts


def _task(task: BuildTask) -> dict[str, object]:
    return {
        "id": task.key,
        "title": task.title,
        "type": task.type,
        "description": task.description,
        "priority": task.priority,
        "needs": list(task.needs),
    }


def _row_of(task: BuildTask) -> dict[str, object]:
    return {
        "id": task.key,
        "title": task.title,
        "type": task.type,
        "status": task.status.value,
        "summary": task.summary,
    }


def _finding(finding: Finding) -> dict[str, object]:
    problem = finding.problem
    return {
        "severity": problem.severity.value,
        "path": problem.path,
        "line": problem.line,
        "rule": problem.rule,
        "message": problem.message,
        "suggestion": problem.suggestion,
        "state": finding.state.value,
    }
