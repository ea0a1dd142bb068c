"""Whether a reference leads to a file of the application. Addresses elsewhere, packages and built files are taken to be there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote

from studio.domain.text import one_line
from studio.validators.references import Form, Reference

Exists = Callable[[str], bool]
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#|\?|$")
_EXPRESSION = re.compile(r"\{\{|\{%|<%|\$\{|__\w+__|%\w+%|\ue000")
_ENDINGS = (
    ".js",
    ".jsx",
    ".ts",
    ".tsx",
    ".mjs",
    ".cjs",
    ".mts",
    ".cts",
    ".json",
    ".d.ts",
    ".vue",
    ".svelte",
    ".astro",
    ".css",
    ".node",
    ".wasm",
)
_SOURCES = {
    ".js": (".ts", ".tsx", ".d.ts", ".jsx"),
    ".mjs": (".mts", ".d.mts"),
    ".cjs": (".cts", ".d.cts"),
    ".jsx": (".tsx",),
}
_BUILT = frozenset({"dist", "build", "out", "node_modules", ".next", "vendor", "_build", "target"})
_ROOTS = ("", "public", "static", "src", "www", "assets", "web", "client")


class Tree:
    """The files of an application, as references see them."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.files = paths
        self._ends: set[str] = set()
        for path in paths:
            parts = path.split("/")
            self._ends.update("/".join(parts[at:]) for at in range(len(parts)))
        self.folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents if str(parent) != "."}
        self.has_tools = any(
            PurePosixPath(path).name in ("package.json", "deno.json", "tsconfig.json") for path in paths
        )

    def exists(self, path: str) -> bool:
        return path in self.files

    def ends_with(self, path: str) -> bool:
        """Whether some folder, as a server's root, has this path."""
        return path in self._ends


def missing(path: str, reference: Reference, exists: Exists) -> bool:
    """Whether the file that `path` refers to is not there. Python is asked by `missing_python`."""
    target = reference.target.strip()
    if reference.form is Form.PYTHON or reference.optional or _ELSEWHERE.match(target) or _EXPRESSION.search(target):
        return False
    plain = unquote(re.split(r"[?#]", target, maxsplit=1)[0])
    if reference.form is not Form.URL and not plain.startswith(("./", "../", "/")) and plain not in (".", ".."):
        return False  # a package
    if plain.endswith("/") and reference.form is Form.URL:
        return False
    return not any(_found(one, reference.form, exists) for one in places(path, plain))


def places(path: str, target: str) -> Iterator[str]:
    """Where a target may lie, relative to the application's root; nothing above it."""
    folder = PurePosixPath(path).parent
    if not target.startswith("/"):
        yield normpath(str(folder / target))
        return
    for parent in (folder, *folder.parents):
        for root in _ROOTS:
            yield normpath(str(parent / root / target.lstrip("/")))


def _found(place: str, form: Form, exists: Exists) -> bool:
    if place.startswith("..") or place == "." or _BUILT & set(place.split("/")):
        return not place.startswith("..")
    if exists(place):
        return True
    return form is not Form.URL and any(exists(one) for one in guesses(place))


def guesses(place: str) -> Iterator[str]:
    """The files that Node or a bundler would take for an import without its ending."""
    for ending in _ENDINGS:
        yield place + ending
        yield f"{place}/index{ending}"
    yield f"{place}/package.json"
    suffix = PurePosixPath(place).suffix
    for other in _SOURCES.get(suffix, ()):
        yield place.removesuffix(suffix) + other


def words(path: str, reference: Reference) -> str:
    return f"{path} refers to {one_line(reference.target, 120)!r}, which is not there."


def missing_python(path: str, reference: Reference, tree: Tree) -> bool:
    """Whether an import of a module of this application leads nowhere. Modules of packages are not looked for."""
    if reference.form is not Form.PYTHON or reference.optional:
        return False
    level = len(reference.target) - len(reference.target.lstrip("."))
    dotted = reference.target[level:]
    if level:
        return _missing_relative(path, level, dotted, reference.names, tree)
    first = dotted.split(".")[0]
    for root in _python_roots(path):
        base = normpath(f"{root}/{first}")
        if tree.exists(f"{base}/__init__.py"):
            return not _is_module(normpath(f"{root}/{dotted.replace('.', '/')}"), tree)
    return False


def _missing_relative(path: str, level: int, dotted: str, names: tuple[str, ...], tree: Tree) -> bool:
    parents = PurePosixPath(path).parents
    if level > len(parents):
        return True
    base = str(parents[level - 1])
    if dotted:
        return not _is_module(normpath(f"{base}/{dotted.replace('.', '/')}"), tree)
    initial = tree.files.get(normpath(f"{base}/__init__.py"), "")
    return any(
        name != "*"
        and not _is_module(normpath(f"{base}/{name}"), tree)
        and not re.search(rf"\b{re.escape(name)}\b|import \*|__getattr__", initial)
        for name in names
    )


def _python_roots(path: str) -> Iterator[str]:
    yield from (".", "src")
    yield str(PurePosixPath(path).parent)


def _is_module(place: str, tree: Tree) -> bool:
    endings = (".py", ".pyi", "/__init__.py", "/__init__.pyi", ".pyx", ".so", ".c")
    return place in tree.folders or any(tree.exists(place + ending) for ending in endings)
