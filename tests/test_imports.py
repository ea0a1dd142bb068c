"""What is imported, proven at run time: the contracts of import-linter, no cycles, and a light start."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("duckdb", "openai", "anthropic", "jinja2", "watchfiles", "httpx2", "genai_prices")


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after `code`."""
    report = f"import sys\n{code}\nprint('LOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, env=env, cwd=ROOT)
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_a_heavy_package_would_be_seen() -> None:
    assert loaded_by("import jinja2") == {"jinja2"}


def test_the_workbench_is_imported_without_database_sdks_or_templates() -> None:
    assert loaded_by("import studio.tui.app") == set()


@pytest.mark.parametrize("words", [["--help"], ["new", "--help"], ["--version"], ["no-such-command"]])
def test_the_command_line_starts_without_them(words: list[str]) -> None:
    code = f"from studio.cli.main import main\ntry:\n    main({words!r})\nexcept SystemExit:\n    pass"
    assert loaded_by(code) == set()


@pytest.mark.parametrize(
    "module",
    [
        "studio.config.load",
        "studio.config.secrets",
        "studio.config.write",
        "studio.workflows.library",
        "studio.workspace.lock",
    ],
)
def test_settings_are_read_without_slow_packages(module: str) -> None:
    code = (
        f"import {module}, sys\nassert not {{'tomlkit', 'platformdirs', 'ruamel.yaml', 'textual'}} & set(sys.modules)"
    )
    assert loaded_by(code) == set()


def test_the_import_contracts_hold() -> None:
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--no-cache",
        "--config",
        str(ROOT / ".importlinter"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 0, done.stdout[-3_000:]
    assert re.search(r"Contracts: (\d\d) kept, 0 broken", done.stdout)


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("studio", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}
    assert sorted(_cycles(imports)) == []


def _cycles(imports: dict[str, list[str]]) -> Iterator[str]:
    """One `a -> b -> a` for each module that closes a cycle in a walk in depth."""
    done: set[str] = set()
    for start in imports:
        path: list[str] = []
        waiting = [(start, iter(imports[start]))] if start not in done else []
        while waiting:
            module, following = waiting[-1]
            if not path or path[-1] != module:
                path.append(module)
            inner = next((name for name in following if name not in done), None)
            if inner is None:
                done.add(path.pop())
                waiting.pop()
            elif inner in path:
                yield " -> ".join([*path[path.index(inner) :], inner])
            else:
                waiting.append((inner, iter(imports[inner])))


def test_a_cycle_would_be_found() -> None:
    assert list(_cycles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})) == ["a -> b -> c -> a"]
    assert list(_cycles({"a": ["b", "c"], "b": ["c"], "c": []})) == []
