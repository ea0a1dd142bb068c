"""Commands carried out in this process, by the console script's own `main`; an engine of its own is started where one is needed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio.cli.main import main


@dataclass(frozen=True, slots=True)
class Said:
    out: str
    err: str


@dataclass(slots=True)
class Here:
    """Starting Python and its imports costs a second for each command: a walk of sixty takes them once."""

    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str, code: int = 0) -> Said:
        self.capsys.readouterr()
        found = main(words)
        said = Said(*self.capsys.readouterr())
        assert "Traceback" not in said.out + said.err
        assert found == code, (words, found, said)
        return said

    def data(self, *words: str, code: int = 0) -> Any:
        """The one JSON document that a command answers."""
        return json.loads(self(*words, "--json", code=code).out)

    def enter(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        """Work in `folder` from now on; with `env` and nothing else, where that is given."""
        if env is not None:
            for name in list(os.environ):
                if name not in env and not name.startswith(("PYTEST_", "COV_")):
                    self.patch.delenv(name)
            for name, value in env.items():
                self.patch.setenv(name, value)
        self.patch.chdir(folder)
