"""Finding workflows: the project's own file first, then those that came with the program."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from studio.config.files import read_text
from studio.config.toml_file import SETTINGS_LIMIT
from studio.domain.errors import BadInput, NotFound
from studio.domain.text import one_line
from studio.domain.workflow import Gate, Stage, Workflow
from studio.workflows.schema import parse

FOLDER = "workflows"
"""The folder of a project's own workflows."""

_PACKAGED = Path(__file__).resolve().parent
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}\Z")


def load(
    name: str, project_root: Path | None = None, *, auto_draft: bool = False, auto_gates: Collection[str] = ()
) -> Workflow:
    """The workflow called `name`; `auto_draft` and `auto_gates` are the project's settings.

    Raises NotFound, or BadInput with every problem.
    """
    if not _NAME.match(name):
        raise BadInput(f"{one_line(name, 60)!r} cannot be the name of a workflow.", hint=_known(project_root))
    for folder, label in _places(project_root):
        path = folder / f"{name}.toml"
        if not path.exists() and not path.is_symlink():
            continue
        where = f"{label}{name}.toml"
        workflow = parse(read_text(path, limit=SETTINGS_LIMIT, where=where), where)
        if workflow.name != name:
            raise BadInput(
                f"The workflow {where} calls itself {workflow.name!r}.", hint=f'Write name = "{name}" in it.'
            )
        return replace(workflow, auto_draft=auto_draft, stages=_gated(workflow, auto_gates))
    raise NotFound(f"There is no workflow {name!r}.", hint=_known(project_root))


def _gated(workflow: Workflow, auto: Collection[str]) -> tuple[Stage, ...]:
    """The stages with the gates that the project's settings open."""
    for name in auto:
        workflow.stage(name)
    return tuple(replace(one, gate=Gate.AUTO) if one.name in auto else one for one in workflow.stages)


def names(project_root: Path | None = None) -> tuple[str, ...]:
    """The names that `load` knows, sorted."""
    found = {path.stem for folder, _ in _places(project_root) if folder.is_dir() for path in folder.glob("*.toml")}
    return tuple(sorted(name for name in found if _NAME.match(name)))


def _places(project_root: Path | None) -> list[tuple[Path, str]]:
    packaged = (_PACKAGED, "")
    return [packaged] if project_root is None else [(project_root / FOLDER, f"{FOLDER}/"), packaged]


def _known(project_root: Path | None) -> str:
    return f"Known are: {', '.join(names(project_root))}."
