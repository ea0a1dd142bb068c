"""A map of an application for a prompt: its files, their symbols, and the parts that a request names, within a token budget."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

# Reading for a map, not for a verdict: what a line declares at its beginning is enough, and a miss costs nothing.
_DECLARED = re.compile(
    r"^(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:function\*?|class|interface|type|enum)\s+(\w+)"
    r"|^(?:export\s+)?(?:const|let|var)\s+(\w+)\s*=\s*(?:async\s*)?(?:\(|function|\w+\s*=>)",
    re.M,
)
_IDS = re.compile(r"""\bid\s*=\s*["']([\w-]{1,60})["']""")
_RULE = re.compile(r"^([.#]?[\w-][^{}\n;@]{0,60}?)\s*\{", re.M)
_HEADING = re.compile(r"^#{1,3} (.{1,80})$", re.M)
_WORD = re.compile(r"[\w-]{3,}")
_SYMBOLS = 12
_TEXT_LIMIT = 200_000
_SCRIPTS = (".js", ".jsx", ".mjs", ".ts", ".tsx")


@dataclass(frozen=True, slots=True)
class Shown:
    """A file whose text goes into the prompt. `cut` says that its end was left out."""

    path: str
    text: str
    cut: bool = False


def symbols(path: str, text: str) -> tuple[str, ...]:
    """What a file declares, in order, at most a dozen names."""
    if len(text) > _TEXT_LIMIT:
        return ()
    if path.endswith(".py"):
        found: Iterable[str] = _python(text)
    elif path.endswith(_SCRIPTS):
        found = (one or other for one, other in _DECLARED.findall(text))
    elif path.endswith((".html", ".htm")):
        found = (f"#{one}" for one in _IDS.findall(text))
    elif path.endswith(".css"):
        found = (one.strip() for one in _RULE.findall(text))
    elif path.endswith(".md"):
        found = _HEADING.findall(text)
    else:
        found = ()
    return tuple(dict.fromkeys(found))[:_SYMBOLS]


def _python(text: str) -> list[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = [one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            found.append(f"{node.name}({', '.join(methods[:6])})" if methods else node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.name)
    return found


def draw(files: Mapping[str, tuple[int, str | None]], *, request: str, count: Callable[[str], int], budget: int) -> str:
    """The map as text: a line for each file with its size and symbols, those that the request names first when not all fit.

    `files` holds size in bytes and text (None: no text) by path.
    """
    ranked = rank(files, request)
    lines: dict[str, str] = {}
    used = 0
    for path in ranked:
        size, text = files[path]
        names = symbols(path, text) if text else ()
        line = f"{path} ({size:,} bytes)" + (f": {', '.join(names)}" if names else "")
        cost = count(line) + 1
        if used + cost > budget:
            line = path
            cost = count(line) + 1
        if used + cost > budget:
            break
        used += cost
        lines[path] = line
    shown = [lines[path] for path in sorted(lines)]
    left = len(files) - len(lines)
    return "\n".join([*shown, *([f"... and {left} more files (list_files shows them)"] if left else [])])


def rank(files: Iterable[str], request: str) -> list[str]:
    """Paths by how much a request speaks of them; then near the root first."""
    words = {word.casefold() for word in _WORD.findall(request)}
    low = request.casefold()

    def key(path: str) -> tuple[int, int, str]:
        name = path.rsplit("/", 1)[-1]
        stem = {word.casefold() for word in _WORD.findall(path.replace("/", " ").replace(".", " ").replace("_", " "))}
        score = 10 * (path.casefold() in low) + 6 * (name.casefold() in low) + len(stem & words)
        return (-score, path.count("/"), path)

    return sorted(files, key=key)


def choose(
    texts: Mapping[str, str], *, request: str, first: Sequence[str] = (), count: Callable[[str], int], budget: int
) -> list[Shown]:
    """Whole files for the prompt: those in `first`, then those that the request names, while the budget lasts."""
    wanted = [path for path in first if path in texts]
    scored = [path for path in rank(texts, request) if path not in wanted]
    shown: list[Shown] = []
    for path in [*wanted, *scored]:
        cost = count(texts[path]) + 12
        if cost <= budget:
            shown.append(Shown(path, texts[path]))
            budget -= cost
        elif path in wanted and budget > 400:
            part = texts[path][: budget * 3]
            shown.append(Shown(path, part, cut=True))
            budget -= count(part) + 12
    return shown
