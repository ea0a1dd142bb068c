"""The outline and a page's card as lines for `status`, `page list` and `page show`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.cells import cell_len

from studio.cli.application import is_app
from studio.cli.output import table
from studio.domain.page import counts
from studio.domain.run import NOT_WHOLE
from studio.domain.text import counted
from studio.domain.workflow import state_words
from studio.protocol import build_views as bv
from studio.protocol import views as v
from studio.tui.presenters.lines import fit
from studio.tui.presenters.outcomes import why_outdated

MARKS = {
    "awaiting": "[.]",
    "generating": "[*]",
    "user_reviewing": "[?]",
    "failed": "[!]",
    "interrupted": "[!]",
    "approved": "[v]",
}


def page_rows(chapters: Iterable[v.ChapterLine]) -> list[tuple[str, ...]]:
    return [
        (
            "[-]" if page.archived else MARKS.get(page.phase, "[ ]"),
            "" if page.archived else f"{chapter.number}/{page.number}",
            page.slug,
            _state(page) + (", archived" if page.archived else ""),
            page.title,
        )
        for chapter in chapters
        for page in chapter.pages
    ]


def page_ref(page: v.PageView) -> str:
    """How a person names a page: `1/3`; an archived one has no number."""
    return f"{page.chapter_number}/{page.number}" if page.number and not page.archived else page.slug or page.id


def _state(page: v.PageLine | v.PageView) -> str:
    live = page.live if isinstance(page, v.PageLine) else next((cell.live for cell in page.cells if cell.live), None)
    if live is not None and page.stage is not None:
        return f"{page.stage.replace('_', ' ')} is being drafted"
    return state_words(page.state) + _outdated(page)


def _outdated(page: v.PageLine | v.PageView) -> str:
    """`, dialogue is for an earlier text`: of stages that were written for a text before them that has changed since."""
    names = page.outdated if isinstance(page, v.PageLine) else [cell.name for cell in page.cells if cell.outdated]
    said = " and ".join(name.replace("_", " ") for name in names)
    return f"; {said} {'is' if len(names) == 1 else 'are'} for an earlier text" if said else ""


REF_AND_STATE = (1, 3)
"""Columns of `page_rows` that are shortened last."""


def outline(project: v.ProjectView, width: int = 0) -> Iterator[str]:
    """The whole book: a line for it, a line for each chapter, a line for each page, in at most `width` cells where it is given."""
    approved = sum(chapter.approved for chapter in project.chapters)
    total = sum(chapter.total for chapter in project.chapters)
    done = "complete" if is_app(project) else "approved"
    yield _headed(project.title, f"  ({approved} of {total} {word(project, 'pages')} {done})", width)
    yield f"model: {project.model_label or project.model or 'none'}"
    yield f"spent: {spent(project.spend)}"
    for chapter in project.chapters:
        yield ""
        yield _headed(f"{chapter.number} {chapter.title}", f"  ({chapter.approved}/{chapter.total})", width)
        rows = table(page_rows((chapter,)), max(width - 2, 1) if width else 0, whole=REF_AND_STATE)
        yield from (f"  {line}" for line in rows)


def _headed(title: str, rest: str, width: int) -> str:
    """A title with its count; the title gives way where both do not fit."""
    return f"{fit(title, max(width - cell_len(rest), 1)) if width else title}{rest}"


def spent(spend: v.SpendView) -> str:
    words = f"${spend.project:.4f}"
    if spend.project_limit is not None:
        words += f" of ${spend.project_limit:.2f}"
    if spend.day:
        words += f", ${spend.day:.4f} today"
    if spend.unknown:
        words += f", {spend.unknown} call{'s' if spend.unknown > 1 else ''} of unknown price"
    return words


def word(project: v.ProjectView, name: str) -> str:
    """What the project's workflow calls a chapter, a page, a brief: `release` for `chapter`."""
    return project.labels.get(name, name).lower()


def page_card(page: v.PageView, project: v.ProjectView) -> Iterator[str]:
    yield f"{page.chapter_number}/{page.number} {page.title or page.slug}"
    facts = [
        (word(project, "chapter"), f"{page.chapter_number} {page.chapter_title}"),
        ("state", _state(page) + (", archived" if page.archived else "")),
        ("slug", page.slug),
        ("id", page.id),
        ("spent", f"${page.cost_usd:.4f}" + (f", {counted(page.cost_unknown, 'call')} of unknown price" if page.cost_unknown else "")),
    ]  # fmt: skip
    if page.mirror:
        facts.append(("file", page.mirror))
    facts += [("conflict", path) for path in page.conflicts]
    yield from table(facts)
    yield ""
    yield f"{word(project, 'brief')}: {page.brief.text if page.brief else 'none yet'}"
    yield ""
    labels = {cell.name: cell.label for cell in page.cells}
    yield from table([_stage_row(cell, labels) for cell in page.cells])


def _stage_row(cell: v.StageCell, labels: Mapping[str, str]) -> tuple[str, ...]:
    if cell.head is None:
        return (cell.label, cell.status, "")
    head = cell.head
    who = head.model or head.author
    kinds = counts([note.kind for note in cell.notes if note.state == "open"], open_=True)
    notes = f", {kinds}" if kinds else ""
    why = why_outdated([labels[name] for name in cell.outdated])
    end = f", {NOT_WHOLE[head.outcome]}" if head.outcome in NOT_WHOLE else ""
    old = f", {why[:1].lower()}{why[1:].rstrip('.')}" if why else ""
    return (
        cell.label,
        cell.status,
        f"r{head.number} of {cell.revisions}, {counted(head.words, 'word')}, {who}{end}{notes}{old}",
    )


def build_card(build: bv.BuildView) -> Iterator[str]:
    """Where a change stands as a build: how far, its tasks, findings and versions, and whose turn it is."""
    tasks = f"{build.tasks_done} of {build.tasks_total} done" + (
        f", {build.tasks_failed} failed" if build.tasks_failed else ""
    )
    doing = f" {build.progress_stage}" if build.progress < 100 else ""
    yield ""
    yield from table(
        [
            *((("build id", build.build_id),) if build.build_id else ()),
            ("operation", build.operation),
            ("progress", f"{build.progress}%{doing}: {build.message}"),
            ("tasks", tasks if build.tasks_total else "none yet"),
            ("findings", f"{build.findings_open} open"),
            ("version", _version(build)),
            ("sent back", f"{build.returns} of {counted(build.returns_limit, 'time')}"),
            ("next", build.next_action),
        ]
    )


def _version(build: bv.BuildView) -> str:
    """The version that the change's texts speak of, and a newer one of a run that is at work or broke off."""
    if not build.versions:
        return "none yet"
    newest = build.versions[0]
    ran = f"{newest.number} ({newest.status.replace('_', ' ')})"
    if not build.version:
        return ran
    later = newest.status != "completed" and newest.number != build.version
    return f"{build.version} (completed)" + (f", then {ran}" if later else "")
