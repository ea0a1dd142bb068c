"""The child process that renders templates, so that it can be killed: JSON lines in and out, no file read, limits on itself.

Started as `python -m studio.prompts.render_child`. It imports nothing of the program and knows nothing but what a request
holds: `{"op": "render"|"inspect", "sources": {name: [[role, text, line], ...]}, "jobs": [[name, data], ...]}`.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

CPU_SECONDS = 2.0
MEMORY_BYTES = 512 * 1024 * 1024
OUTPUT_CHARS = 4 * 1024 * 1024
# Random words would make each prompt unlike the one before, so that no provider's cache could serve it.
_UNSTEADY = ("random",)
_KEPT_ENVIRONMENTS = 8

Sources = Mapping[str, list[tuple[str, str, int]]]
Reply = dict[str, Any]


class TooLong(Exception):
    """The rendered text is longer than OUTPUT_CHARS."""


def limit_process() -> None:
    """Bound memory above what the interpreter needs, and refuse every new file, socket and core dump."""
    import resource

    try:
        with open("/proc/self/statm", "rb") as file:
            baseline = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        baseline = 256 * 1024 * 1024
    wishes = [
        (resource.RLIMIT_AS, baseline + MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 3),
    ]
    for kind, value in wishes:
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            continue  # macOS has no RLIMIT_AS; the clock and the output limit still hold there


def environment(sources: Sources) -> Any:
    """A sandboxed, strict environment whose only templates are `sources`.

    Each message is a template of its own, padded with newlines so that its line numbers are those of the file.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    texts: dict[str, tuple[str, str]] = {}
    for name, blocks in sources.items():
        for number, (_, text, line) in enumerate(blocks):
            texts[f"{name}#{number}"] = ("\n" * (line - 1) + text, f"{name}#{number}")
        # A part is included in the middle of a message, so it cannot be padded; `_place` adds its first line.
        if len(blocks) == 1:
            texts[name] = (blocks[0][1], name)

    class Loader(jinja2.BaseLoader):
        def get_source(self, environment: Any, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
            if template not in texts:
                raise jinja2.TemplateNotFound(template)
            text, filename = texts[template]
            return text, filename, None

    made = ImmutableSandboxedEnvironment(
        loader=Loader(),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.globals.pop("lipsum", None)
    for name in _UNSTEADY:
        made.filters.pop(name, None)
    return made


_environments: dict[str, Any] = {}


def _cached_environment(sources: Sources) -> Any:
    key = hashlib.sha256(json.dumps(sources, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    if key not in _environments:
        while len(_environments) >= _KEPT_ENVIRONMENTS:
            _environments.pop(next(iter(_environments)))
        _environments[key] = environment(sources)
    return _environments[key]


def render(request: Reply) -> Reply:
    """`{"results": [[[role, text], ...] per job]}`, or `{"error": {...}, "job": number}` at the first failure."""
    sources: Sources = request["sources"]
    results: list[list[tuple[str, str]]] = []
    left = OUTPUT_CHARS
    for job, (name, data) in enumerate(request["jobs"]):
        try:
            texts = _messages(name, data, sources, left)
        except Exception as error:
            return {"error": explain(error, name, sources), "job": job}
        left -= sum(len(text) for _, text in texts)
        results.append([(role, text.strip()) for role, text in texts if text.strip()])
    return {"results": results}


def _messages(name: str, data: Reply, sources: Sources, left: int) -> list[tuple[str, str]]:
    env = _cached_environment(sources)
    found: list[tuple[str, str]] = []
    for number, (role, _, _) in enumerate(sources[name]):
        text = _bounded(env.get_template(f"{name}#{number}").generate(data), left)
        left -= len(text)
        found.append((role, text))
    return found


def _bounded(pieces: Iterator[str], limit: int) -> str:
    kept: list[str] = []
    for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise TooLong
        kept.append(piece)
    return "".join(kept)


def explain(error: BaseException, name: str, sources: Sources) -> Reply:
    """File, line and reason of a failure, in words for the author of the template."""
    import jinja2

    where, line = _place(error, name, sources)
    match error:
        case jinja2.TemplateSyntaxError():
            reason = (error.message or "the syntax is wrong").rstrip(".")
        case jinja2.TemplateNotFound():
            reason = f"it asks for {error.name!r}, which does not exist"
        case jinja2.UndefinedError():
            reason = (error.message or "a name is not defined").rstrip(".")
        case jinja2.exceptions.SecurityError():
            reason = f"this is not allowed in a template: {error}".rstrip(".")
        case TooLong():
            reason = f"the rendered text is longer than {OUTPUT_CHARS // (1024 * 1024)} million characters"
        case MemoryError():
            reason = "rendering it needs too much memory"
        case RecursionError():
            reason = "it includes or calls itself without end"
        case _:
            reason = f"{type(error).__name__}: {error}".rstrip(".: ")
    return {"name": where, "line": line, "reason": reason[:400]}


def _place(error: BaseException, name: str, sources: Sources) -> tuple[str, int]:
    import jinja2

    if isinstance(error, jinja2.TemplateSyntaxError):
        return _in_file(error.filename or name, error.lineno, sources)
    found = (name, 0)
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename.partition("#")[0] in sources:
            found = _in_file(filename, trace.tb_lineno, sources)
        trace = trace.tb_next
    return found


def _in_file(filename: str, line: int, sources: Sources) -> tuple[str, int]:
    """Messages (`name#0`) are padded; the lines of an included part count from where its text starts."""
    name, message, _ = filename.partition("#")
    first = sources[name][0][2] if name in sources and not message else 1
    return name, line + first - 1


def inspect(request: Reply) -> Reply:
    """Per source: what it includes, names that nothing in it defines, or the error that keeps it from being parsed."""
    sources: Sources = request["sources"]
    return {"files": {name: _inspect_one(name, sources) for name in sources}}


def _inspect_one(name: str, sources: Sources) -> Reply:
    env = environment({})
    references: list[tuple[str, int, bool]] = []
    undeclared: list[tuple[str, int]] = []
    for _, text, line in sources[name]:
        try:
            tree = env.parse("\n" * (line - 1) + text, name, f"{name}#0")
            references += _references(tree)
            undeclared += _undeclared(tree)
        except Exception as error:
            return {"error": explain(error, name, sources)}
    return {"references": references, "undeclared": undeclared}


def _references(tree: Any) -> Iterator[tuple[str, int, bool]]:
    """Name, line, and whether it must exist, of each include, import and extends."""
    from jinja2 import TemplateSyntaxError, nodes

    for node in tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)):
        target: Any = node.template
        optional = bool(getattr(node, "ignore_missing", False))
        if isinstance(target, nodes.Const) and isinstance(target.value, str):
            yield target.value, node.lineno, not optional
        elif isinstance(target, nodes.Tuple | nodes.List) and all(
            isinstance(item, nodes.Const) for item in target.items
        ):
            for item in target.items:
                yield str(getattr(item, "value", "")), node.lineno, False
        else:
            raise TemplateSyntaxError("an include must name its file in quotes", node.lineno)


def _undeclared(tree: Any) -> Iterator[tuple[str, int]]:
    """Names read but defined nowhere in the text and never asked for by `is defined` or `default`.

    `jinja2.meta.find_undeclared_variables` takes imported macros used inside blocks for undeclared; names are counted here as
    defined when anything in the file stores them.
    """
    from jinja2 import nodes

    known = {"range", "dict", "cycler", "joiner", "namespace", "loop", "self", "super", "caller", "varargs", "kwargs"}
    known |= {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}
    known |= {node.name for node in tree.find_all(nodes.Macro)}
    known |= {node.target for node in tree.find_all(nodes.Import)}
    for node in tree.find_all(nodes.FromImport):
        known |= {item[1] if isinstance(item, tuple) else item for item in node.names}
    guards = [*tree.find_all(nodes.Test), *(node for node in tree.find_all(nodes.Filter) if node.node is not None)]
    for guard in guards:
        if guard.name in ("defined", "undefined", "default", "d") and isinstance(guard.node, nodes.Name):
            known.add(guard.node.name)
    seen: set[str] = set()
    for node in tree.find_all(nodes.Name):
        if node.name not in known and node.name not in seen:
            seen.add(node.name)
            yield node.name, node.lineno


_WARM_UP = (
    "{% for a in [1.5, 2, 'b\\n'] %}{{ a | string | upper }}{% endfor %}{{ [x] | join | tojson }}{{ x | pprint }}{{ {} | xmlattr }}",
    "{{ x | wordwrap(5) | indent | urlize }}{{ [{'k': 1}] | groupby('k') | list }}{{ '%s' | format(x) }}{{ x | urlencode }}",
    "{% macro m(v) %}{{ v }}{% endmacro %}{% call m(x) %}{% endcall %}{{ x | striptags | wordcount }}{{ 5 | filesizeformat }}",
    "{{ missing }}",
    "{% if %}",
    "{{ x.__class__ }}",
)


def main() -> int:
    # After the limits no file can be opened any more, so whatever jinja2 and the codecs import late is used once before.
    for text in _WARM_UP:
        render({"sources": {"warm": [["user", text, 1]]}, "jobs": [["warm", {"x": "a\u00e9"}]]})
    limit_process()
    out = sys.stdout.buffer
    out.write(b'{"ready": true}\n')
    out.flush()
    for line in sys.stdin.buffer:
        # SIGPROF ends the process wherever it is, also inside one long C call, and also when its parent is gone.
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        try:
            request = json.loads(line)
            reply = inspect(request) if request["op"] == "inspect" else render(request)
        except (MemoryError, RecursionError) as error:
            reply = {"error": {"name": "", "line": 0, "reason": f"rendering needs too much ({type(error).__name__})"}}
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write(json.dumps(reply).encode("ascii") + b"\n")
        out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
