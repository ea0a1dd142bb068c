"""Python: whether a text compiles. It is parsed and compiled to code that is thrown away; nothing of it runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from studio.domain.text import one_line

Found = tuple[int, str]


def faults(text: str, path: str) -> Iterator[Found]:
    """(line, sentence). Warnings of the compiler (an invalid escape, `is` with a literal) are no errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        yield error.lineno or 0, f"Python: {one_line(error.msg or 'this cannot be read', 200)}."
    except ValueError as error:
        yield 0, f"Python: {one_line(str(error), 200)}."
    except (RecursionError, MemoryError):
        yield 0, "Python: this is nested too deep to be compiled."
