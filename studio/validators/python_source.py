"""Python: whether a text compiles. It is parsed and compiled to code that is thrown away; nothing of it runs."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

from studio.domain.text import one_line

Found = tuple[int, str]
_T = TypeVar("_T")
_FILTERS = threading.Lock()  # the filters of warnings belong to the process, and files are checked in several threads


def quietly(read: Callable[[], _T]) -> _T:
    """What `read` returns, without the compiler's warnings about the text it reads."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read()


def faults(text: str, path: str) -> Iterator[Found]:
    """(line, sentence). Warnings of the compiler (an invalid escape, `is` with a literal) are no errors."""
    try:
        quietly(lambda: compile(text, path, "exec", dont_inherit=True))
    except SyntaxError as error:
        yield error.lineno or 0, f"Python: {one_line(error.msg or 'this cannot be read', 200)}."
    except ValueError as error:
        yield 0, f"Python: {one_line(str(error), 200)}."
    except (RecursionError, MemoryError):
        yield 0, "Python: this is nested too deep to be compiled."
