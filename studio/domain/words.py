"""What a workflow calls chapter, page and brief, put into the program's own sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_OURS = re.compile(r"\b(page|chapter|brief|book|stage|cell)(s?)\b", re.IGNORECASE)
_OF_AN_APP = {"stage": "phase", "cell": "phase"}
# Names in quotes, commands, options, settings, and words with the signs of a path or an address in them are said as they are.
_AS_IT_IS = re.compile(
    r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|`[^`]*`|“[^”]*”|\bstudio(?: [a-z-]+)+|\[[a-z._]+\]|--[a-z]+|\S*[/.@#=_]\w\S*"""
)


@dataclass(frozen=True, slots=True)
class Words:
    """`known` maps the program's own words, singular and plural, to those of the workflow, all in small letters."""

    known: Mapping[str, str]

    def put(self, sentence: str) -> str:
        """A sentence of the program in the workflow's words. Not for text that holds a title."""
        return _OURS.sub(self._swap, sentence) if self.known else sentence

    def put_around_names(self, sentence: str) -> str:
        """The same for one that holds names in quotes."""
        if not self.known:
            return sentence
        kept = [*_AS_IT_IS.findall(sentence), ""]
        return "".join(self.put(said) + name for said, name in zip(_AS_IT_IS.split(sentence), kept, strict=True))

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


def words_of(labels: Mapping[str, str], *, writes_files: bool) -> Words:
    """The words of a workflow with these labels; the program's own where it names none."""
    if not labels:
        return OURS
    said = {name: label.lower() for name, label in labels.items()}
    return Words({"book": "project", **(_OF_AN_APP if writes_files else {}), **said})
