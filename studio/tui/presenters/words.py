"""The words of the project on the screen, and what its workflow makes. No Textual."""

from __future__ import annotations

from studio.domain import words
from studio.domain.words import OURS, Words
from studio.protocol.views import ProjectView


def words_of(project: ProjectView | None) -> Words:
    """The words of a project's workflow; the program's own where it names none."""
    return OURS if project is None else words.words_of(project.labels, writes_files=writes_files(project))


def writes_in(project: ProjectView | None, stage: str) -> bool:
    """Whether a stage of the workflow writes files, told in a log."""
    return project is not None and any(one.output == "code" for one in project.stages if one.name == stage)


def writes_files(project: ProjectView | None) -> bool:
    """Whether the project's workflow makes an application."""
    return project is not None and any(stage.output == "code" for stage in project.stages)
