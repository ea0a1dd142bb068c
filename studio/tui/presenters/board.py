"""The board of a change in prepared lines: one row per task with its state, type, tries, time and money. No Textual."""

from __future__ import annotations

from collections.abc import Hashable, Set
from dataclasses import dataclass, replace

from rich.cells import cell_len

from studio.domain.text import counted
from studio.protocol.build_views import TasksView, TaskView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import BLANK, Line, Span, fit, line, wrap
from studio.tui.presenters.status import money

_TITLE = 25
_TYPE, _TRY, _TIME, _COST = 6, 3, 6, 8
_MODEL = 20
_WITH_MODEL = 96
"""Cells from which a row has room for the model."""


@dataclass(frozen=True, slots=True)
class BoardLook:
    """`since` are the seconds since the tasks were asked for, by which those at work are older now."""

    width: int
    glyphs: Glyphs
    since: float = 0.0
    title: int = _TITLE
    dropped: Set[str] = frozenset()
    """Keys of tasks that nobody waits for any more."""


def look_at(board: TasksView, look: BoardLook) -> BoardLook:
    """The look with what depends on all tasks."""
    dropped = frozenset(task.key for task in board.tasks if task.status == "dropped")
    return replace(look, title=title_width(board), dropped=dropped)


def board_lines(board: TasksView, look: BoardLook, stage: str) -> list[Line]:
    """One row per task. The columns have fixed widths, so that a figure that grows moves nothing."""
    look = look_at(board, look)
    return [task_row(task, look, (stage, f"task:{task.id}")) for task in board.tasks]


def title_width(board: TasksView) -> int:
    """Cells for titles: those of the longest, up to a measure."""
    return min(max((cell_len(task.title) for task in board.tasks), default=0), _TITLE)


def sign(task: TaskView, glyphs: Glyphs) -> Span:
    """The sign of a task's state."""
    match task.status:
        case "running":
            return glyphs.drafting, "accent"
        case "done":
            return glyphs.approved, "ok"
        case "failed":
            return glyphs.failed, "error"
        case "interrupted":
            return glyphs.failed, "warn"
        case "skipped":
            return glyphs.stale, "warn"
        case "dropped":
            return "-", "dim"
        case _:
            return glyphs.empty, "dim"


def task_row(task: TaskView, look: BoardLook, stop: Hashable = None) -> Line:
    """Sign, title and what it does now at the left; type, tries, time and cost in columns at the right."""
    facts = _facts(task, look)
    room = look.width - 2 - cell_len(facts) - 1
    said = _said(task, look.dropped)
    most = min(room, look.title) if said else room
    quiet = task.status == "dropped"
    title = fit(task.title, most, look.glyphs.more)
    gap = most + 2 if said and room > most + 8 else cell_len(title) + 2
    spans: list[Span] = [sign(task, look.glyphs), (" ", "text")]
    spans.append((title, "dim" if quiet else "strong" if task.status == "running" else "text"))
    left = cell_len(title)
    if said and room > gap:
        spans += [(" " * (gap - left), "text"), (fit(said, room - gap, look.glyphs.more), _style(task))]
    used = sum(cell_len(text) for text, _ in spans)
    return line(*spans, (" " * max(look.width - used - cell_len(facts), 1), "text"), (facts, "dim"), stop=stop)


def _style(task: TaskView) -> str:
    return {"failed": "error", "skipped": "warn", "interrupted": "warn"}.get(task.status, "dim")


def _said(task: TaskView, dropped: Set[str]) -> str:
    """What a task does or came to, or what it waits for."""
    match task.status:
        case "running":
            return task.activity or "begins"
        case "done":
            return task.summary
        case "failed" | "skipped":
            return task.error
        case "interrupted" | "dropped":
            return task.status
        case _:
            needs = [need for need in task.needs if need not in dropped]
            return f"after {', '.join(needs)}" if needs else ""


def _facts(task: TaskView, look: BoardLook) -> str:
    model = f"{fit(short_model(task.model), _MODEL):<{_MODEL}} " if look.width >= _WITH_MODEL else ""
    tries = f"x{task.attempts}" if task.attempts > 1 else ""
    cost = money(task.cost_usd) if task.cost_usd else ""
    time = duration(elapsed(task, look.since))
    return f"{model}{task.type[:_TYPE]:<{_TYPE}}{tries:>{_TRY}}{time:>{_TIME}}{cost:>{_COST}}"


def short_model(model: str) -> str:
    return model.split(":")[-1].split("/")[-1]


def elapsed(task: TaskView, since: float) -> float | None:
    """Seconds of work by now."""
    if task.elapsed is None:
        return None
    return task.elapsed + since if task.live else task.elapsed


def duration(seconds: float | None) -> str:
    """`8s`, `1:05`, empty where there is none."""
    if seconds is None:
        return ""
    whole = int(seconds)
    return f"{whole}s" if whole < 100 else f"{whole // 60}:{whole % 60:02d}"


def counts(board: TasksView) -> str:
    """`3 of 8 tasks done, 1 failed`; empty without tasks."""
    counted = [task for task in board.tasks if task.status != "dropped"]
    if not counted:
        return ""
    done = sum(1 for task in counted if task.status == "done")
    failed = sum(1 for task in counted if task.status in ("failed", "skipped"))
    noun = "task" if len(counted) == 1 else "tasks"
    return f"{done} of {len(counted)} {noun} done" + (f", {failed} failed" if failed else "")


def short_counts(board: TasksView) -> str:
    """`3/8 tasks`, with what failed; empty without tasks."""
    counted = [task for task in board.tasks if task.status != "dropped"]
    done = sum(1 for task in counted if task.status == "done")
    failed = sum(1 for task in counted if task.status in ("failed", "skipped"))
    return f"{done}/{len(counted)} tasks" + (f", {failed} failed" if failed else "") if counted else ""


def task_story(task: TaskView, width: int, board: TasksView) -> list[Line]:
    """Everything about one task, for the pane beside the list. What it needs and nobody does is no longer waited for."""
    dropped = {one.key for one in board.tasks if one.status == "dropped"}
    needs = [f"{need} (dropped)" if need in dropped else need for need in task.needs]
    facts = [task.type, f"priority {task.priority}"]
    facts += [f"after {', '.join(needs)}"] if needs else []
    facts += [short_model(task.model)] if task.model else []
    facts += [f"{task.attempts} tries"] if task.attempts > 1 else []
    facts += [counted(task.calls, "call")] if task.calls else []
    facts += [f"changed by {task.edited_by}"] if task.edited_by else []
    rows = _wrapped(f"{task.position}. {task.title}", width, "strong")
    rows += _wrapped(f"{task.key}: {', '.join(facts)}", width, "dim")
    if task.description:
        rows += [BLANK, *_paragraphs(task.description, width)]
    if task.activity and task.status == "running":
        rows += [BLANK, *_wrapped(f"Now: {task.activity}", width, "accent")]
    if task.summary:
        rows += [BLANK, *_wrapped(task.summary, width, "text")]
    if task.error and task.status in ("done", "running"):
        rows += [BLANK, *_wrapped(f"An earlier try failed: {task.error}", width, "warn")]
    elif task.error:
        rows += [BLANK, *_wrapped(task.error, width, "error")]
    return rows


def _paragraphs(text: str, width: int) -> list[Line]:
    found: list[Line] = []
    for number, part in enumerate(text.split("\n")):
        found += [line((row, "text"), stop=("text", number)) for row in wrap(part, width)] if part.strip() else [BLANK]
    return found


def _wrapped(text: str, width: int, style: str) -> list[Line]:
    return [line((row, style)) for row in wrap(text, width)]
