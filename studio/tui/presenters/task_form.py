"""A task as lines to edit: title, type, priority, needs, then the description; and read back. No Textual."""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio.domain.build import TASK_TYPES
from studio.domain.errors import BadInput
from studio.domain.text import clean, flat, one_line
from studio.protocol.build_views import TaskView

HINT = f"Type: {' '.join(TASK_TYPES)}. Priority: 1 to 3."
"""What may be written in the lines, in one row of the measure."""

_FIELD = re.compile(r"^\s*(?P<name>title|type|priority|needs)\s*:\s*(?P<value>.*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TaskForm:
    title: str
    type: str
    priority: int
    needs: tuple[str, ...]
    description: str


def render(task: TaskView | None) -> str:
    """The lines of a task; of a new one with what is usual."""
    if task is None:
        return "Title: \nType: logic\nPriority: 2\nNeeds: \n\n"
    return (
        f"Title: {task.title}\nType: {task.type}\nPriority: {task.priority}\nNeeds: {', '.join(task.needs)}\n\n"
        f"{task.description}"
    )


def read(text: str) -> TaskForm:
    """What the lines say. Raises BadInput that names the line that cannot be used."""
    fields, description = _parts(clean(text))
    title = flat(fields.get("title", ""))
    if not title:
        raise BadInput("The task needs a title.", hint="Write it after `Title:`.")
    kind = fields.get("type", "").strip().casefold() or "logic"
    if kind not in TASK_TYPES:
        raise BadInput(f"{one_line(kind, 40)!r} is not a type of task.", hint=f"Known are {', '.join(TASK_TYPES)}.")
    priority = fields.get("priority", "").strip() or "2"
    if priority not in ("1", "2", "3"):
        raise BadInput(f"{one_line(priority, 40)!r} is not a priority.", hint="1 goes first, 2 is usual, 3 goes last.")
    needs = tuple(part.strip() for part in fields.get("needs", "").split(",") if part.strip())
    return TaskForm(title, kind, int(priority), needs, description)


def _parts(text: str) -> tuple[dict[str, str], str]:
    """The fields of the first lines, and the text after them."""
    fields: dict[str, str] = {}
    lines = text.split("\n")
    for at, row in enumerate(lines):
        found = _FIELD.match(row)
        if found and found["name"].casefold() not in fields:
            fields[found["name"].casefold()] = found["value"]
        elif row.strip():
            return fields, "\n".join(lines[at:]).strip()
    return fields, ""
