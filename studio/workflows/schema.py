"""Reading a workflow file (TOML) whole: every problem at once, with file, line and key. The rules are in `domain.workflow`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studio.config.schema import Problem, line_of
from studio.config.toml_file import parse_table
from studio.domain.errors import BadInput
from studio.domain.page import BRIEF
from studio.domain.text import one_line
from studio.domain.workflow import Gate, OutputKind, Phase, Stage, Workflow

STAGES_LIMIT = 20
"""A page with more stages could not be shown as a notebook."""

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}\Z")
_PREFIXES = tuple(f"{phase.value}_" for phase in (Phase.GENERATING, Phase.REVIEWING, Phase.FAILED, Phase.INTERRUPTED))
_STAGE_KEYS = (
    "name", "label", "role", "template", "output", "gate", "target_words", "max_output_tokens",
    "tools", "lead", "progress", "returns_to", "returns",
)  # fmt: skip
_LABELS = ("chapter", "chapters", "page", "pages", "brief")
_NAME_WORDS = "lower-case letters, digits and _, and start with a letter"


@dataclass(slots=True)
class _Reader:
    """One table of the file, and where its problems go. `place` is its dotted key, `first_line` where it starts."""

    where: str
    text: str
    table: Mapping[str, object]
    place: str = ""
    first_line: int = 0
    problems: list[Problem] = field(default_factory=list)

    def inner(self, table: Mapping[str, object], place: str, first_line: int) -> _Reader:
        return _Reader(self.where, self.text, table, place, first_line, self.problems)

    def problem(self, key: str, message: str) -> None:
        dotted = f"{self.place}.{key}".strip(".")
        self.problems.append(Problem(self.where, dotted, message, self._line(key)))

    def _line(self, key: str) -> int:
        if not self.place:
            return line_of(self.text, key)
        lines = self.text.splitlines()[self.first_line :]
        for number, line in enumerate(lines, self.first_line + 1):
            if line.lstrip().startswith("["):
                break
            if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return self.first_line

    def words(self, key: str, default: str | None = None, limit: int = 80) -> str:
        value = self.table.get(key, default)
        if value is None:
            self.problem(key, "is missing")
        elif not isinstance(value, str) or not value.strip():
            self.problem(key, "must be text, and not empty")
        elif len(value) > limit:
            self.problem(key, f"is longer than {limit} characters")
        else:
            return one_line(value, limit)
        return default or ""

    def name(self, key: str, default: str | None = None) -> str:
        value = self.words(key, default)
        if value and not _NAME.match(value):
            self.problem(key, f"may only hold {_NAME_WORDS}")
        return value

    def count(self, key: str, default: int, low: int, high: int) -> int:
        value = self.table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(key, f"must be a whole number from {low} to {high}")
            return default
        return value

    def names(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and _NAME.match(one) for one in value):
            self.problem(key, f"must be a list of names; each may only hold {_NAME_WORDS}")
            return ()
        return tuple(dict.fromkeys(value))

    def switch(self, key: str) -> bool:
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            self.problem(key, "must be true or false")
            return False
        return value

    def choice(self, key: str, default: str, known: Sequence[str]) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or value not in known:
            self.problem(key, f"must be one of {', '.join(known)}")
            return default
        return value

    def refuse_others(self, known: Sequence[str]) -> None:
        for key in self.table:
            if key not in known:
                self.problem(one_line(str(key), 60), f"is not known here; known are {', '.join(known)}")


def parse(text: str, where: str) -> Workflow:
    """The workflow in `text`; `where` names the file. Raises BadInput with every problem (`data["problems"]`)."""
    reader = _Reader(where, text, parse_table(text, where))
    reader.refuse_others(("name", "title", "awaiting_state", "final_state", "labels", "stage"))
    name = reader.name("name")
    stages = _stages(reader)
    workflow = Workflow(
        name=name,
        title=reader.words("title", name or "untitled"),
        stages=stages,
        awaiting_state=reader.name("awaiting_state", "awaiting_user_input"),
        final_state=reader.name("final_state", "page_approved"),
        labels=_labels(reader),
    )
    _check_states(reader, workflow)
    if reader.problems:
        raise _refusal(where, reader.problems)
    return workflow


def _stages(reader: _Reader) -> tuple[Stage, ...]:
    tables = reader.table.get("stage")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, Mapping) for table in tables):
        reader.problem("stage", "needs at least one [[stage]] table")
        return ()
    if len(tables) > STAGES_LIMIT:
        reader.problem("stage", f"has {len(tables)} entries, and at most {STAGES_LIMIT} are possible")
        return ()
    lines = [
        number for number, line in enumerate(reader.text.splitlines(), 1) if re.match(r"\s*\[\[\s*stage\s*\]\]", line)
    ]
    lines += [0] * (len(tables) - len(lines))
    stages = tuple(
        _stage(reader.inner(table, f"stage[{index}]", line))
        for index, (table, line) in enumerate(zip(tables, lines, strict=False), 1)
    )
    _check_unique(reader, stages, lines)
    _check_returns(reader, stages, lines)
    return stages


def _stage(reader: _Reader) -> Stage:
    reader.refuse_others(_STAGE_KEYS)
    name = reader.name("name")
    if name == BRIEF:
        reader.problem("name", f"cannot be {BRIEF}: that is the page's own")
    return Stage(
        name=name,
        label=reader.words("label", name.replace("_", " ").capitalize() or "Stage", 40),
        role=reader.name("role", name or "writer"),
        template=reader.name("template", name or "stage"),
        output=OutputKind(reader.choice("output", OutputKind.PROSE, [kind.value for kind in OutputKind])),
        gate=Gate(reader.choice("gate", Gate.REVIEW, [gate.value for gate in Gate])),
        target_words=reader.count("target_words", 150, 1, 20_000),
        max_output_tokens=reader.count("max_output_tokens", 2_000, 16, 200_000),
        tools=reader.names("tools"),
        lead=reader.switch("lead"),
        progress=reader.name("progress", name or "working"),
        returns_to=reader.name("returns_to") if "returns_to" in reader.table else None,
        returns=reader.count("returns", 2 if "returns_to" in reader.table else 0, 0, 20),
    )


def _check_unique(reader: _Reader, stages: tuple[Stage, ...], lines: Sequence[int]) -> None:
    seen: set[str] = set()
    for index, (stage, line) in enumerate(zip(stages, lines, strict=False), 1):
        for key, value in (("name", stage.name), ("label", stage.label.casefold())):
            if value and f"{key} {value}" in seen:
                reader.inner({}, f"stage[{index}]", line).problem(key, f"{value!r} is used by an earlier stage")
                break
            seen.add(f"{key} {value}")


def _check_returns(reader: _Reader, stages: tuple[Stage, ...], lines: Sequence[int]) -> None:
    """Work goes back to a stage that writes files, from one that comes after it."""
    for index, (stage, line) in enumerate(zip(stages, lines, strict=False), 1):
        earlier = {one.name: one for one in stages[: index - 1]}
        if stage.returns_to is None:
            continue
        if stage.returns_to not in earlier or earlier[stage.returns_to].output is not OutputKind.CODE:
            message = f"must name an earlier stage with output = {OutputKind.CODE.value!r}"
            reader.inner({}, f"stage[{index}]", line).problem("returns_to", message)


def _labels(reader: _Reader) -> dict[str, str]:
    table = reader.table.get("labels", {})
    if not isinstance(table, Mapping):
        reader.problem("labels", "must be a table")
        return {}
    inner = reader.inner(table, "labels", line_of(reader.text, "labels"))
    inner.refuse_others(_LABELS)
    return {key: inner.words(key, limit=30) for key in _LABELS if key in table}


def _check_states(reader: _Reader, workflow: Workflow) -> None:
    if workflow.awaiting_state == workflow.final_state:
        reader.problem("final_state", "must differ from awaiting_state")
    for key, state in (("awaiting_state", workflow.awaiting_state), ("final_state", workflow.final_state)):
        if state.startswith(_PREFIXES):
            reader.problem(key, f"cannot start with {', '.join(_PREFIXES)}: those are the states of the stages")


def _refusal(where: str, problems: Sequence[Problem]) -> BadInput:
    count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    return BadInput(
        f"The workflow {where} holds {count}: " + "; ".join(str(problem) for problem in problems[:20]) + ".",
        hint=f"Mend {'it' if len(problems) == 1 else 'them'} and try again.",
        data={
            "problems": [
                {"file": problem.file, "line": problem.line, "key": problem.key, "message": problem.message}
                for problem in problems
            ]
        },
    )
