"""Reading a target's options: names, types and choices, all problems at once; and paths that a target may name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from studio.domain.errors import BadInput, Refused
from studio.domain.text import clean, one_line
from studio.publishers.base import Option, Target, Value

_KINDS = {"str": "text in quotes", "int": "a whole number", "bool": "true or false"}


class Options:
    """A target's options with defaults filled in. Texts are clean and on one line, apart from those named `tables`."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        return self._values.get(name) is True


def read(target: Target, known: Iterable[Option], extra: Iterable[str] = ()) -> Options:
    """The options of a target. Raises BadInput naming every problem, together with those in `extra`."""
    options = {option.name: option for option in known}
    problems = [*_unknown(target, options), *extra]
    values: dict[str, Value] = {}
    for option in options.values():
        value = target.options.get(option.name, option.default)
        if value is None or value == "":
            if option.required:
                problems.append(f"{option.name} is missing ({option.meaning})")
            continue
        problem = _problem(option, value)
        if problem:
            problems.append(problem)
        values[option.name] = value
    if problems:
        place = f"[publish.{one_line(target.name, 60)}]"
        raise BadInput(
            f"{place} in studio.toml cannot be used: {'; '.join(problems)}.",
            hint="Correct the table and plan again.",
            data={"problems": problems},
        )
    return Options(values)


def _unknown(target: Target, options: Mapping[str, Option]) -> list[str]:
    found: list[str] = []
    for name in target.options:
        if name in options:
            continue
        close = difflib.get_close_matches(name, options, 1)
        found.append(f"{one_line(name, 40)} is not an option{f' (did you mean {close[0]}?)' if close else ''}")
    return found


def _problem(option: Option, value: Value) -> str:
    if type(value) is not option.kind:
        return f"{option.name} must be {_KINDS[option.kind.__name__]}"
    if option.choices and value not in option.choices:
        return f"{option.name} must be one of {', '.join(option.choices)}"
    if isinstance(value, str) and option.name != "tables" and (clean(value) != value or "\n" in value or "\t" in value):
        return f"{option.name} holds characters that cannot be shown"
    return ""


def place(text: str, project: Path) -> Path:
    """A path that a target names, absolute: `~` is the home, a relative one starts at the project. Links in it are followed.

    Raises Refused for the project itself, what holds it, and what lies in its state, sources or repository folders.
    """
    try:
        wanted = Path(text).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{one_line(text)} names a home folder that does not exist.") from error
    found = (wanted if wanted.is_absolute() else project / wanted).resolve()
    root = project.resolve()
    if found == root or found in root.parents:
        raise Refused(f"{one_line(text)} is the project's folder or holds it.", hint="Name a folder of its own.")
    own = {".studio", ".git", "app", "canon", "prompts", "manuscript"}
    if found.is_relative_to(root) and found.relative_to(root).parts[0].casefold() in own:
        raise Refused(
            f"{one_line(text)} lies in the project's own {found.relative_to(root).parts[0]}/.",
            hint="Name a folder outside, or a new one beside app/.",
        )
    return found
