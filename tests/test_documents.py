"""The documents agree with the program: keys, settings, links, commands and exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from studio.cli.table import FAMILIES
from studio.config.describe import describe
from studio.config.settings import Settings
from studio.domain.build import TaskStatus
from studio.domain.run import RunStatus
from studio.providers.local.weights import CATALOGUE

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "AGENTS.md", "CHANGELOG.md", "THIRD_PARTY.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_keys_are_those_of_the_keymap() -> None:
    code = "import runpy; print(runpy.run_path('docs/make_keys.py')['page'](), end='')"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert text_of("docs/guide/keys.md") == made.stdout, "run: python docs/make_keys.py"


def test_every_setting_is_described_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]*) \|", text_of("docs/guide/settings.md"), re.MULTILINE))
    for one in describe(Settings()):
        assert one.key in rows, one.key
        if one.key not in ("project.slug", "ui.author"):
            assert rows[one.key] == one.value, one.key


def test_every_command_is_in_the_guide() -> None:
    guide = text_of("docs/guide/command-line.md")
    assert [name for name in FAMILIES if f"`{name}`" not in guide] == []


def test_each_way_of_ending_early_has_its_word_in_the_guide() -> None:
    rows = set(re.findall(r"^\| ([a-z ]+) \| ([^|]*) \|", text_of("docs/guide/words.md"), re.MULTILINE))
    of_runs = {one.value for one in RunStatus if not one.live} - {RunStatus.COMPLETED}
    of_tasks = {TaskStatus.INTERRUPTED, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.DROPPED}
    assert of_runs <= {word for word, of in rows if "a run" in of}
    assert of_tasks <= {word for word, of in rows if "a task" in of}


def test_the_weights_are_named_with_their_digests() -> None:
    words = text_of("THIRD_PARTY.md")
    for weights in CATALOGUE.values():
        assert weights.sha256 in words
        assert weights.licence in words


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target) and not target.startswith("docs/screens/"):
            assert (path.parent / target).exists(), target
