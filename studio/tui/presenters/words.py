"""What a workflow calls chapter, page and brief, put into the workbench's own sentences. No Textual."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from studio.protocol.views import ProjectView

_OURS = re.compile(r"\b(page|chapter|brief|book|stage|cell)(s?)\b", re.IGNORECASE)
_OF_AN_APP = {"stage": "phase", "cell": "phase"}


@dataclass(frozen=True, slots=True)
class Words:
    """`known` maps the program's own words, singular and plural, to those of the workflow, all in small letters."""

    known: Mapping[str, str]

    def put(self, sentence: str) -> str:
        """A sentence of the program in the workflow's words. Not for text that holds a title."""
        return _OURS.sub(self._swap, sentence) if self.known else sentence

    def _swap(self, match: re.Match[str]) -> str:
        ours = match[0]
        said = self.known.get(ours.lower()) or self._plural(match)
        return said.capitalize() if ours[0].isupper() else said

    def _plural(self, match: re.Match[str]) -> str:
        singular = self.known.get(match[1].lower(), match[1].lower())
        return singular + match[2].lower()

    def __getitem__(self, ours: str) -> str:
        """The word for `page`, `chapter` or `brief`."""
        return self.known.get(ours, ours)


OURS = Words({})


def words_of(project: ProjectView | None) -> Words:
    """The words of a project's workflow; the program's own where it names none."""
    if project is None or not project.labels:
        return OURS
    said = {name: label.lower() for name, label in project.labels.items()}
    return Words({"book": "project", **(_OF_AN_APP if writes_files(project) else {}), **said})


def writes_in(project: ProjectView | None, stage: str) -> bool:
    """Whether a stage of the workflow writes files, told in a log."""
    return project is not None and any(one.output == "code" for one in project.stages if one.name == stage)


def writes_files(project: ProjectView | None) -> bool:
    """Whether the project's workflow makes an application."""
    return project is not None and any(stage.output == "code" for stage in project.stages)
