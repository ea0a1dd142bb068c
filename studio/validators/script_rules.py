"""What a script's grammar lets pass and every engine refuses before it runs: early errors that can be told from the tree alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio.validators.grammar import line_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node


def early_errors(root: Node, source: bytes) -> Iterator[tuple[int, str]]:
    """(line, sentence) of each."""
    return
    yield
