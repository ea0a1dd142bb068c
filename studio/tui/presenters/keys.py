"""Actions as rows for the help and the palette: key, words, sentence; grouped or ranked. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len

from studio.protocol.views import ProjectView
from studio.tui.app_keys import APP_IDS
from studio.tui.keymap import Action, Keymap
from studio.tui.presenters.fuzzy import rank
from studio.tui.presenters.lines import BLANK, Line, fit, line, wrap
from studio.tui.presenters.words import writes_files

_KEYS, _NARROW_KEYS, _PALETTE_KEYS = 24, 18, 14
_GROUP = 13
"""Cells of the column that names the group of a key found by its words."""
_GROUPS = {
    "composer": "Composer", "prompt": "One line", "pick": "Lists", "models": "Lists", "history": "History", "prompts": "Prompts",
    "first": "First run", "tasks": "Tasks", "files": "Files", "findings": "Findings", "tools": "Tool log", "versions": "Versions",
    "publish": "Publish", "rows": "Lists", "inspector": "Inspector", "outline": "Book",
}  # fmt: skip
_NAMES = {"escape": "esc", "pagedown": "pgdn", "pageup": "pgup", "delete": "del"}
THEME = "theme:"
"""Before the name of a theme in the id of its row."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the palette: an action, or a theme (`theme:nord`). `now` says whether it does something now."""

    id: str
    key: str
    words: str
    group: str
    now: bool = True
    find: str = ""

    @property
    def text(self) -> str:
        return f"{self.words} {self.find}".strip()


def of_project(keymap: Keymap, project: ProjectView | None) -> Keymap:
    """The keymap as help and palette list it: a project that is no application does without an application's keys."""
    if project is None or writes_files(project):
        return keymap
    return Keymap([row for row in keymap.actions if row.id not in APP_IDS])


def keys_of(action: Action) -> str:
    return " ".join(_NAMES.get(key, key) for key in action.keys)


def palette(keymap: Keymap, themes: Iterable[str], theme: str, applies: Callable[[str], bool]) -> tuple[Entry, ...]:
    """Every action of the workbench that can be run by name, those that apply now first; then the themes."""
    actions = [
        Entry(row.id, keys_of(row), _sentence(row), row.group, applies(row.id), f"{row.label} {row.words} {row.group}")
        for row in keymap.actions
        if {"workbench", "anywhere", "inspector"} & set(row.scopes) and not row.id.startswith(("cursor.", "palette"))
    ]
    named = [
        Entry(
            f"{THEME}{name}",
            "",
            f"Theme: {theme_words(name)}",
            "Themes",
            find="colours color dark light" + " current" * (name == theme),
        )
        for name in order_themes(themes)
    ]
    return (*sorted(actions, key=lambda entry: (not entry.now, entry.group == "Move")), *named)


def _sentence(row: Action) -> str:
    label = row.label[:1].upper() + row.label[1:]
    return label if row.help.casefold() == row.label.casefold() else f"{label}: {row.help}"


def order_themes(names: Iterable[str]) -> list[str]:
    """The terminal's own palette first, the rest by name."""
    return sorted(names, key=lambda name: (not name.startswith("ansi"), name))


def theme_words(name: str) -> str:
    own = {"ansi-dark": "the terminal's own colours, dark", "ansi-light": "the terminal's own colours, light"}
    return own.get(name, name)


def palette_rows(entries: Sequence[Entry], typed: str, cells: int, more: str = "…") -> list[Line]:
    """One row each: the words, and the key at the right where it is looked for last."""
    rows: list[Line] = []
    for hit in rank(typed, entries, lambda entry: entry.text):
        entry = hit.item
        room = max(10, cells - _PALETTE_KEYS)
        words = fit(entry.words, room - 2, more)
        style = "text" if entry.now else "dim"
        spans = _marked(words, hit.marks, style)
        rows.append(
            line(
                *spans,
                (" " * (room - len(words)), "text"),
                (fit(entry.key, _PALETTE_KEYS, more), "key" if entry.now else "dim"),
                stop=entry.id,
            )
        )
    return rows


def _marked(words: str, marks: Sequence[int], style: str) -> list[tuple[str, str]]:
    """The words with the matched letters accented."""
    hits = set(marks)
    return [
        ("".join(char for _, char in run), "accent" if marked else style)
        for marked, run in groupby(enumerate(words), key=lambda pair: pair[0] in hits)
    ]


def cut(entry: Entry, cells: int) -> list[str]:
    """The sentence of a row that its list has no room for."""
    return [entry.words] if cell_len(entry.words) > cells - _PALETTE_KEYS - 2 else []


def group_of(scopes: Sequence[str]) -> str:
    """The group of keys that belongs to a place; empty for the page, where all do."""
    return next((_GROUPS[scope] for scope in scopes if scope in _GROUPS), "")


def help_rows(keymap: Keymap, typed: str, cells: int, first: str = "") -> list[Line]:
    """All keys: by group as in the table, the group `first` before the others, or the matching ones, best first."""
    found = [hit.item for hit in rank(typed, keymap.actions, _help_text)] if typed.strip() else list(keymap.actions)
    found = [row for row in found if row.keys]
    if typed.strip():
        return [part for row in found for part in _help_row(row, cells, with_group=True)]
    rows: list[Line] = []
    for group in sorted(dict.fromkeys(row.group for row in found), key=lambda group: group != first):
        rows += [BLANK] if rows else []
        rows.append(line((group, "head")))
        rows += [part for row in found if row.group == group for part in _help_row(row, cells)]
    return rows


def _help_text(row: Action) -> str:
    return f"{row.label} {row.help} {row.words} {row.group} {keys_of(row)}"


def _help_row(row: Action, cells: int, *, with_group: bool = False) -> list[Line]:
    """The keys, then the sentence, on as many rows as it takes; the group in a column of its own."""
    keys = _KEYS if cells >= 80 else _NARROW_KEYS
    where = _GROUP if with_group and cells >= 80 else 0
    said = wrap(row.help, max(8, cells - keys - where)) or [""]
    rows: list[Line] = []
    for at, words in enumerate(said):
        left = keys_of(row) if at == 0 else ""
        spans = [(left.ljust(keys), "key"), (words.ljust(cells - keys - where) if where else words, "text")]
        if where and at == 0:
            spans.append((f"  {row.group}", "dim"))
        rows.append(line(*spans, stop=row.id))
    return rows
