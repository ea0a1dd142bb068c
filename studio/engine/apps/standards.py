"""The standards of an application: documents for prompts, and the rules in them that code enforces."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from studio.config.files import read_text
from studio.config.paths import packaged
from studio.domain.canon import CanonDocument, CanonWarning, Include
from studio.domain.errors import StudioError
from studio.domain.text import digest, listed
from studio.validators.rules import NO_RULES, Rules
from studio.validators.rules_block import parse_rules, without_blocks
from studio.workspace import front_matter
from studio.workspace.app_paths import INSTRUCTIONS

FOLDER = "standards"
_PACKAGED = {"web": ("web.md",), "fullstack": ("web.md", "python.md"), "api": ("python.md",)}
_LIMIT = 200_000
_FIRST = 100
"""Priority among documents: a tight budget lets go of everything else before the standards."""
_APP = "app/"
RULES_LIMIT, GLOBS_LIMIT = 400, 2_000
"""Of all documents together. Globs with their alternatives: a file's path is compared with all of them."""


@dataclass(frozen=True, slots=True)
class Standards:
    """`documents` are always in, the `packaged` ones among them; `rules` is what they say in their `rules` blocks, merged.

    `warnings` are what is wrong in them; paths are those of the project's folder.
    """

    documents: tuple[CanonDocument, ...] = ()
    packaged: frozenset[str] = frozenset()
    rules: Rules = NO_RULES
    warnings: tuple[CanonWarning, ...] = ()

    def rules_of(self, document: CanonDocument) -> tuple[str, ...]:
        """The ids of the rules in one of the documents that hold: no other document replaces them or switches them off."""
        holding = set(self.rules.ids)
        return tuple(one for one in parse_rules(document.body, document.path)[0].ids if one in holding)

    def for_prompt(self, *, short: bool) -> tuple[CanonDocument, ...]:
        """The documents; `short` without their `rules` blocks, which bind all the same, for a model with little room."""
        return tuple(replace(one, body=without_blocks(one.body)) for one in self.documents) if short else self.documents


Known = tuple[object, Standards]


async def load(
    root: Path, canon: Sequence[CanonDocument], kind: str, *, use_packaged: bool, known: Known | None = None
) -> Known:
    """The person's standards (canon/standards, and instructions in the project's folder), else the packaged ones; and what is in
    the application's folder: it adds to the others and takes nothing from them. No tool writes it, but an import may bring it.

    `kind` is the application's type (`[app] type`). The first of the pair names the texts: given back as `known`, the same
    texts are not read again.
    """
    own = [one for one in canon if one.path.startswith(f"{FOLDER}/") and one.include is not Include.NEVER]
    found = await asyncio.to_thread(_brought, root)
    persons = (*(_always(one) for one in own), *(one for one in found if not one.path.startswith(_APP)))
    extra = () if persons or not use_packaged else await asyncio.to_thread(_packaged, kind)
    documents = (*persons, *extra, *(one for one in found if one.path.startswith(_APP)))
    name = tuple((one.path, one.digest) for one in documents)
    if known is not None and known[0] == name:
        return known
    read = await asyncio.to_thread(_read, root, documents)
    return name, replace(read, packaged=frozenset(one.path for one in extra))


def _read(root: Path, documents: tuple[CanonDocument, ...]) -> Standards:
    """The rules of the documents in their order, those of the application's folder last and as additions."""
    held, added, warnings = NO_RULES, NO_RULES, []
    for one in documents:
        parsed, problems = parse_rules(one.body, one.path)
        shown = f"canon/{one.path}" if one.path.startswith(f"{FOLDER}/") else one.path
        above = _lines_above(root / shown, one.body) if problems else 0
        warnings += [CanonWarning(shown, problem.line + above, problem.message) for problem in problems]
        if too_many := _too_many(held.add(added), parsed):
            warnings.append(CanonWarning(shown, 1, too_many))
        elif one.path.startswith(_APP):
            warnings += [CanonWarning(shown, line, words) for line, words in _in_vain(one, held, parsed)]
            added = added.merge(parsed)
        else:
            held = held.merge(parsed)
    return Standards(documents, rules=held.add(added), warnings=tuple(warnings))


def _too_many(rules: Rules, more: Rules) -> str:
    if more != NO_RULES and len(rules.ids) + len(more.ids) > RULES_LIMIT:
        return f"All standards together hold at most {RULES_LIMIT} rules; those of this document are left out."
    if more != NO_RULES and rules.globs + more.globs > GLOBS_LIMIT:
        return f"All standards together hold at most {GLOBS_LIMIT:,} globs; the rules of this document are left out."
    return ""


def _in_vain(document: CanonDocument, held: Rules, parsed: Rules) -> list[tuple[int, str]]:
    """What a document of the application's folder would switch off: (line, sentence)."""
    kept = sorted(parsed.off & set(held.ids))
    if not kept:
        return []
    lines = document.body.split("\n")
    line = next((number for number, text in enumerate(lines, 1) if text.lstrip().startswith("off")), 1)
    return [(line, f"A file in app/ switches no standard off: {listed(kept)} still holds. Say it in canon/standards.")]


def _lines_above(path: Path, body: str) -> int:
    """Lines of a file before its body: a document is read without its front matter, a person counts with it."""
    try:
        text = read_text(path, limit=_LIMIT, where=path.name)
    except StudioError:
        return 0
    before, found, _ = text.partition(body)
    return before.count("\n") if found else 0


def _always(document: CanonDocument) -> CanonDocument:
    return _document(document.path, document.name, document.body)


def _document(path: str, name: str, body: str) -> CanonDocument:
    return CanonDocument(path, name, "standards", body, digest(body), include=Include.ALWAYS, priority=_FIRST)


def _brought(root: Path) -> list[CanonDocument]:
    found = []
    for folder in (root / "app", root):
        for name in INSTRUCTIONS:
            path = folder / name
            if path.is_symlink() or not path.is_file():
                continue
            try:
                text = read_text(path, limit=_LIMIT, where=name)
            except StudioError:
                continue
            found.append(_document(f"{folder.name}/{name}" if folder != root else name, name, text))
    return found


@functools.cache
def _packaged(kind: str) -> tuple[CanonDocument, ...]:
    """Read once: parsing a front matter takes 10 ms, and what is installed does not change under a running program."""
    folder = packaged("canon") / FOLDER
    names = _PACKAGED.get(kind, ("web.md",))
    texts = {name: front_matter.split((folder / name).read_text("utf-8")) for name in names}
    return tuple(
        _document(f"{FOLDER}/{name}", str(one.data.get("name") or name), one.body) for name, one in texts.items()
    )
