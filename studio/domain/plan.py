"""A plan as data: summary, approach and tasks; its readable Markdown, lenient reading of both forms, and the rules tasks keep."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from studio.domain.answer_json import Object, find_list, find_object, line_of, text_of, trimmed
from studio.domain.answer_json import whole_objects as objects_in
from studio.domain.answer_json import whole_string as string_in
from studio.domain.build import NEEDS_LIMIT, TASK_TYPES, TASKS_LIMIT, PlanCheck, PlannedTask, cycle_in, safe_id
from studio.domain.errors import BadInput
from studio.domain.sections import first_paragraph, guard, split, unguard
from studio.domain.text import flat, one_line

TITLE_LIMIT = 120
DEFAULT_TYPE = "logic"
# What is written for no needs; a task may still be called so.
_NOTHING = frozenset({"-", "()", "[]", "{}", "null", "none", "nothing", "n/a"})
_LOWEST, _USUAL, _HIGHEST = 3, 2, 1
_NEEDS_READ = 5 * NEEDS_LIMIT

_Places = tuple[dict[str, list[int]], dict[str, list[int]], dict[str, list[int]], dict[str, list[int]]]
"""Where in a plan a need's name is found: as an id that was given, as one that was made, as a safe id, as a safe title. Looked up,
because a model may send ten thousand tasks: compared with each other they kept the engine busy for more than two minutes."""


def plan_schema(
    *, tasks: int = TASKS_LIMIT, summary: int = 600, approach: int = 8000, title: int = 120, description: int = 3000
) -> dict[str, object]:
    """The answer asked for where a model supports JSON schema; `tasks` in number, the others in characters."""
    task = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "maxLength": 40},
            "title": {"type": "string", "maxLength": title},
            "type": {"type": "string", "enum": list(TASK_TYPES)},
            "description": {"type": "string", "maxLength": description},
            "priority": {"type": "integer", "enum": [1, 2, 3]},
            "needs": {"type": "array", "maxItems": min(NEEDS_LIMIT, tasks), "items": {"type": "string", "maxLength": 40}},
        },
        "required": ["id", "title", "type", "description", "priority", "needs"],
        "additionalProperties": False,
    }  # fmt: skip
    return {
        "type": "object",
        "properties": {
            "summary": {"type": "string", "maxLength": summary},
            "approach": {"type": "string", "maxLength": approach},
            "tasks": {"type": "array", "minItems": 1, "maxItems": tasks, "items": task},
        },
        "required": ["summary", "approach", "tasks"],
        "additionalProperties": False,
    }


PLAN_SCHEMA = plan_schema()


@dataclass(frozen=True, slots=True)
class Plan:
    """`summary` is one paragraph, `approach` Markdown; `tasks` are those of a checked plan."""

    summary: str = ""
    approach: str = ""
    tasks: tuple[PlannedTask, ...] = ()


# Reading a model's answer


def parse(raw: str) -> tuple[Plan, PlanCheck]:
    """A plan from JSON (fenced, embedded in words, or a bare list of tasks), and what became of its tasks.

    Raises BadInput when no plan is there. A plan of a model without a task has an error: there is nothing to work on.
    """
    found = find_object(raw, lambda row: isinstance(row.get("tasks"), list))
    if found is None:
        rows = find_list(raw, _task_like)
        found = {"tasks": rows} if rows else None
    if found is None:
        raise BadInput("The plan could not be read.", hint="Ask for it again, or write its tasks yourself.")
    listed = found["tasks"]
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    checked = check(tuple(_task(row) for row in rows))
    if not rows:
        checked = replace(checked, errors=(*checked.errors, "The plan has no tasks."))
    return _plan(text_of(found, "summary"), text_of(found, "approach", "plan"), checked), checked


def finished(partial: str) -> Plan | None:
    """What was whole when a plan broke off; None when nothing was."""
    checked = check(tuple(_task(row) for row in objects_in(partial, _task_like)))
    made = _plan(trimmed(string_in(partial, "summary")), trimmed(string_in(partial, "approach")), checked)
    return made if made != Plan() else None


def _task_like(row: Object) -> bool:
    return "title" in row and bool(row.keys() & {"id", "description", "needs", "type"})


def _task(row: Object) -> PlannedTask:
    needs = row.get("needs") or row.get("depends_on") or row.get("dependencies") or ()
    listed = needs if isinstance(needs, list) else str(needs).split(",")
    return PlannedTask(
        id=line_of(row, "id", "key"),
        title=flat(text_of(row, "title", "name")),
        type=line_of(row, "type", "kind").casefold(),
        description=text_of(row, "description", "details"),
        priority=_priority(row.get("priority")),
        needs=tuple(
            one_line(str(need)) for need in listed[:_NEEDS_READ] if isinstance(need, str | int) and str(need).strip()
        ),
    )


def _priority(value: object) -> int:
    word = str(value if value is not None else "").strip().casefold()
    if word.lstrip("-").isdecimal() and len(word) < 10:
        return int(word)
    return {"high": _HIGHEST, "highest": _HIGHEST, "low": _LOWEST, "lowest": _LOWEST}.get(word, _USUAL)


def _plan(summary: str, approach: str, checked: PlanCheck) -> Plan:
    first, rest = first_paragraph(trimmed(summary))
    return Plan(first, "\n\n".join(filter(None, (rest, trimmed(approach)))), checked.tasks)


# The rules


def check(tasks: Sequence[PlannedTask]) -> PlanCheck:
    """The tasks as they can be used: safe and unique ids, known types, needs that exist. Checking them again changes nothing."""
    mended: list[str] = []
    ids = _ids(tasks, mended)
    places = _places(tasks, ids)
    usable = tuple(_mended(index, tasks, ids, places, mended) for index in range(len(tasks)))
    return PlanCheck(usable, tuple(mended), tuple(_errors(usable)))


def _ids(tasks: Sequence[PlannedTask], mended: list[str]) -> list[str]:
    taken: set[str] = set()
    last: dict[str, int] = {}
    ids: list[str] = []
    for place, task in enumerate(tasks, start=1):
        wanted = safe_id(task.id or task.title, fallback=f"task-{place}")
        free, number = wanted, last.get(wanted, 1)
        while free in taken:
            number += 1
            free = f"{wanted[:34].strip('-')}-{number}" if number > 999 else f"{wanted[:36].strip('-')}-{number}"
        last[wanted] = number
        if free != task.id:
            mended.append(f"Task {place} is called {free!r}" + (f" instead of {task.id!r}." if task.id else "."))
        taken.add(free)
        ids.append(free)
    return ids


def _places(tasks: Sequence[PlannedTask], ids: Sequence[str]) -> _Places:
    known: _Places = ({}, {}, {}, {})
    for place, (task, name) in enumerate(zip(tasks, ids, strict=True)):
        names = (task.id, name, safe_id(task.id, fallback=""), safe_id(task.title, fallback=""))
        for found, key in zip(known, names, strict=True):
            found.setdefault(key, []).append(place)
    return known


def _mended(
    index: int, tasks: Sequence[PlannedTask], ids: Sequence[str], places: _Places, mended: list[str]
) -> PlannedTask:
    task, name = tasks[index], ids[index]
    kind = task.type if task.type in TASK_TYPES else DEFAULT_TYPE
    if kind != task.type:
        mended.append(f"The type of {name!r} is {kind!r}" + (f" instead of {task.type!r}." if task.type else "."))
    priority = min(max(task.priority, _HIGHEST), _LOWEST)
    if priority != task.priority:
        mended.append(f"The priority of {name!r} is {priority} instead of {task.priority}.")
    needs: list[str] = []
    for need in task.needs:
        found = _meant(need, index, places, ids)
        if found is None and need.casefold() in _NOTHING:
            continue
        if found is None:
            mended.append(f"{name!r} needs {need!r}, which is not in the plan: left out.")
        elif found == name:
            mended.append(f"{name!r} needs itself: left out.")
        elif found not in needs:
            needs.append(found)
    title, description = one_line(task.title, TITLE_LIMIT), trimmed(task.description)
    if len(whole := flat(task.title)) > TITLE_LIMIT:
        mended.append(
            f"The title of {name!r} is longer than {TITLE_LIMIT} characters: it stands whole in its description."
        )
        description = f"{whole}\n\n{description}".strip()
    return PlannedTask(name, title, kind, description, priority, tuple(needs))


def _meant(need: str, index: int, known: _Places, ids: Sequence[str]) -> str | None:
    """The id that `need` of the task at `index` stands for: an id as written, as made safe, a title, or a task's number.

    Of several tasks with that id it is the last one before this task, else the first.
    """
    wanted = safe_id(need, fallback="")
    for reading, name in zip(known, (need, need, wanted, wanted), strict=True):
        places = reading.get(name, ()) if name else ()
        if places:
            before = bisect_left(places, index)
            others = next((place for place in places if place != index), places[0])
            return ids[places[before - 1] if before else others]
    number = int(need) if need.isdecimal() and len(need) < 4 else 0
    return ids[number - 1] if 1 <= number <= len(ids) else None


def _errors(tasks: Sequence[PlannedTask]) -> list[str]:
    errors = [f"Task {place} ({task.id}) has no title." for place, task in enumerate(tasks, start=1) if not task.title]
    errors += [
        f"{task.id!r} needs {len(task.needs)} other tasks; at most {NEEDS_LIMIT} are allowed."
        for task in tasks
        if len(task.needs) > NEEDS_LIMIT
    ]
    if len(tasks) > TASKS_LIMIT:
        errors.append(f"The plan has {len(tasks)} tasks; at most {TASKS_LIMIT} are allowed.")
    cycle = cycle_in({task.id: task.needs for task in tasks})
    if cycle:
        errors.append(f"These tasks wait for each other: {' -> '.join((*cycle, cycle[0]))}.")
    return errors


# The readable form

READABLE = re.compile(r"^ {0,3}##[ \t]+tasks[ \t]*+#*+[ \t]*+$", re.I | re.M)
"""What only the readable form has."""
_IN_TEXT = re.compile(r"##[ \t]+(?:approach|tasks)[ \t]*+#*+[ \t]*+$", re.I)
_IN_TASK = re.compile(r"##[ \t]+\S|###[ \t]+\d+[.)]")
_ENTRY = re.compile(r"^ {0,3}###[ \t]+\d+[.)](?:[ \t]+(?P<title>.*))?$")
_FIELD = re.compile(r"(?:^|[\s|·;,-])[*`_]*(?P<name>id|type|priority|needs)[*`_]*[ \t]*:[*`_]*[ \t]*", re.I)
_META = re.compile(r"^\W{0,4}(?:id|type|priority|needs)[*`_]*[ \t]*:", re.I)


def render(plan: Plan) -> str:
    """Readable Markdown; `read_text` reads it back."""
    parts = [guard(plan.summary, _IN_TEXT)]
    if plan.approach:
        parts.append(f"## Approach\n\n{guard(plan.approach, _IN_TEXT)}")
    if plan.tasks:
        parts.append("## Tasks")
        parts += [_entry(place, task) for place, task in enumerate(plan.tasks, start=1)]
    return "\n\n".join(filter(None, parts))


def _entry(place: int, task: PlannedTask) -> str:
    needs = f" - needs: {', '.join(task.needs)}" if task.needs else ""
    head = f"### {place}. {task.title}\nid: {task.id} - type: {task.type} - priority: {task.priority}{needs}"
    return f"{head}\n\n{guard(task.description, _IN_TASK)}" if task.description else head


def read_text(markdown: str) -> tuple[Plan, PlanCheck]:
    """The plan of its readable form, as a person edited it. Without a tasks section it is a plan with no tasks.

    No word is lost: what is part of no task moves to the approach.
    """
    sections = split(trimmed(markdown), ("approach", "tasks"), closed=("tasks",))
    before, tasks = _entries(sections.get("tasks", ""))
    checked = check(tasks)
    rest = (sections.get("approach", ""), before, sections.get("other", ""))
    approach = "\n\n".join(filter(None, (unguard(text, _IN_TEXT).strip() for text in rest)))
    return _plan(unguard(sections[""], _IN_TEXT), approach, checked), checked


def _entries(section: str) -> tuple[str, tuple[PlannedTask, ...]]:
    """What stands before the first entry, and the entries."""
    before: list[str] = []
    entries: list[tuple[str, list[str]]] = []
    for line in section.split("\n"):
        match = _ENTRY.match(line)
        if match:
            entries.append((match["title"] or "", []))
        else:
            (entries[-1][1] if entries else before).append(line)
    return "\n".join(before).strip(), tuple(_read_entry(title, lines) for title, lines in entries)


def _read_entry(title: str, lines: Sequence[str]) -> PlannedTask:
    first = next((place for place, line in enumerate(lines) if line.strip()), None)
    fields: Mapping[str, str] = {}
    if first is not None and _META.match(lines[first].strip()):
        fields, lines = _fields(lines[first].strip()), lines[first + 1 :]
    needs = [part.strip(" `*_") for part in fields.get("needs", "").split(",")]
    return PlannedTask(
        id=fields.get("id", ""),
        title=title.strip(),
        type=fields.get("type", "").casefold(),
        description=unguard("\n".join(lines), _IN_TASK).strip(),
        priority=_priority(fields.get("priority")),
        needs=tuple(filter(None, needs)),
    )


def _fields(line: str) -> dict[str, str]:
    found = list(_FIELD.finditer(line))
    ends = [*(match.start() for match in found[1:]), len(line)]
    return {
        match["name"].casefold(): line[match.end() : end].strip(" \t|·;,-`*_")
        for match, end in zip(found, ends, strict=True)
    }


# As it is stored


def to_json(plan: Plan) -> str:
    rows = [
        {
            "id": task.id, "title": task.title, "type": task.type, "description": task.description,
            "priority": task.priority, "needs": list(task.needs),
        }
        for task in plan.tasks
    ]  # fmt: skip
    return json.dumps({"summary": plan.summary, "approach": plan.approach, "tasks": rows}, ensure_ascii=False)


def kept(text: str, data: str | None) -> Plan:
    """The plan of a revision: its data, or its text where a person wrote that. Raises BadInput."""
    return from_json(data) if data else read_text(text)[0]


def from_json(data: str) -> Plan:
    """The plan that `to_json` wrote; raises BadInput when it did not."""
    return parse(data)[0]
