"""The formats a book can be exported to, by name. A format's module is imported when it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.errors import BadInput
from studio.domain.text import one_line

if TYPE_CHECKING:
    from studio.exporters.markdown import Exported
    from studio.protocol.views import BookView

SUFFIXES = {"markdown": ".md"}
"""File name suffix by format."""


def export(name: str, book: BookView, path: Path, *, folder: bool = False) -> Exported:
    """Write `book` in a format to a file, or to a folder of files. Raises BadInput naming the formats, Refused, StorageError."""
    return _exporter(name, folder)(book, path)


def _exporter(name: str, folder: bool) -> Callable[[BookView, Path], Exported]:
    match name:
        case "markdown":
            from studio.exporters import markdown

            return markdown.export_folder if folder else markdown.export_file
        case _:
            raise BadInput(
                f"There is no export format {one_line(name, 40)!r}.", hint=f"There are: {', '.join(SUFFIXES)}."
            )
