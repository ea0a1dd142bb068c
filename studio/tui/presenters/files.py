"""The tree of an application's files in prepared lines, with marks of what changed and counts of findings. No Textual."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from studio.protocol.build_views import FileLine, FilesView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import Line, line, spread

_STYLES = {"A": "ok", "M": "accent", "D": "del", "R": "accent", "!": "error"}


def tree_rows(files: Sequence[FileLine], width: int, glyphs: Glyphs) -> list[Line]:
    """A row per file under its folder's row; folders are no stops. The stop of a file is its path."""
    found: list[Line] = []
    above: tuple[str, ...] = ()
    for one in files:
        folders = PurePosixPath(one.path).parts[:-1]
        for depth, folder in enumerate(folders):
            if above[: depth + 1] != folders[: depth + 1]:
                found.append(line(("  " * (depth + 1), "text"), (f"{folder}/", "dim")))
        above = folders
        found.append(_file(one, len(folders), width, glyphs))
    return found


def _file(one: FileLine, depth: int, width: int, glyphs: Glyphs) -> Line:
    style = _STYLES.get(one.mark, "text")
    problems = f"{one.findings} finding{'s' if one.findings != 1 else ''}  " if one.findings else ""
    right = ((problems, "error"), (size_words(one.size) if one.mark != "D" else "gone", "dim"))
    name = PurePosixPath(one.path).name
    left = ((f"{one.mark or ' '} ", style), ("  " * depth, "text"), (name, "del" if one.mark == "D" else "text"))
    return spread(left, tuple(span for span in right if span[0]), width, one.path)


def size_words(size: int) -> str:
    """`812 B`, `3.4 kB`."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def summary(view: FilesView) -> str:
    """`12 files, 3 changed, 1 by you, 2 findings`."""
    there = [one for one in view.files if one.mark != "D" and (one.mark != "!" or one.size)]
    changed = sum(1 for one in view.files if one.mark in ("A", "M", "D", "R"))
    mine = sum(1 for one in view.files if one.mark == "!")
    problems = sum(one.findings for one in view.files)
    parts = [f"{len(there)} file{'s' if len(there) != 1 else ''}"]
    parts += [f"{changed} changed"] if changed else []
    parts += [f"{mine} by you, in no version yet"] if mine else []
    parts += [f"{problems} finding{'s' if problems != 1 else ''}"] if problems else []
    return ", ".join(parts)
