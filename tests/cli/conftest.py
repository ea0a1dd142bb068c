"""The program as a person runs it: in its own process, in a temporary folder, with the scripted server behind the SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.project import environment
from tests.fakes.warm_start import shared
from tests.fakes.wire_server import WireServer, running_wire_server

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "studio.cli.main")


@dataclass(slots=True)
class Studio:
    """Runs `studio ...` in `folder` with nothing of the caller's settings or keys."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *words: str,
        stdin: str = "",
        code: int | None = 0,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        done = shared().run(words, stdin=stdin, cwd=cwd or self.folder, env={**self.env, **(env or {})}, timeout=90)
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        if code is not None:
            assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def at(self, folder: str) -> Studio:
        """The program in a folder below this one."""
        return replace(self, folder=self.folder / folder)

    def data(self, *words: str, **given: Any) -> Any:
        """The JSON that a command answers."""
        return json.loads(self(*words, "--json", **given).stdout)

    def start(self, *words: str, **given: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.folder, env=self.env, **given,
        )  # fmt: skip


def clean_environment(server: WireServer, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, **environment(server, tmp_path), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "USER": "ana"}


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server() as running:
        yield running


@pytest.fixture
def outside(tmp_path: Path, server: WireServer) -> Studio:
    """The program in an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Studio(folder, clean_environment(server, tmp_path))


@pytest.fixture
def studio(outside: Studio) -> Studio:
    """The program in a project that has one chapter and one page with a brief."""
    outside("new", "book", "--title", "The Lantern Ferry")
    inside = outside.at("book")
    inside("chapter", "add", "The Crossing")
    inside("page", "add", "1", "Fog", "--brief", "Ilse counts the rings.")
    return inside
