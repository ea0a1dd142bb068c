"""Every error of the tree has its exit code; what nobody foresaw becomes a sentence that names the log."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.cli import edge
from studio.domain import errors
from tests.cli.conftest import Studio


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.StudioError("x"), 1),
        (errors.ProjectBusy("x"), 1),
        (errors.StorageError("x"), 1),
        (errors.BadInput("x"), 2),
        (errors.NotFound("x"), 2),
        (errors.Refused("x"), 3),
        (errors.LimitReached("x"), 3),
        (errors.Conflict("x"), 3),
        (errors.ProviderError("x"), 4),
        (errors.MissingModel("x"), 4),
        (errors.RateLimited("x"), 4),
        (errors.BudgetExceeded("x"), 5),
        (errors.Interrupted("x"), 130),
    ],
)
def test_the_exit_code_of_each_error(error: errors.StudioError, code: int) -> None:
    assert edge.exit_code(error) == code


def test_every_error_of_the_tree_has_a_code_of_its_kind() -> None:
    assert {edge.exit_code(kind("x")) for kind in errors.ERRORS.values()} == {1, 2, 3, 4, 5, 130}


def test_an_error_is_a_sentence_and_a_hint_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.NotFound("No page \x1b[31mred\x1b[0m.", hint="Look \x07elsewhere.")
    assert edge.report(error, as_json=False) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "studio: No page [31mred[0m.\nLook elsewhere.\n"


def test_with_json_the_error_is_data_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    edge.report(errors.ProjectBusy("Busy.", hint="Wait.", data={"pid": 7}), as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert body == {"error": {"code": "project_busy", "message": "Busy.", "hint": "Wait.", "data": {"pid": 7}}}


def test_what_nobody_foresaw_is_a_sentence_and_the_traceback_is_in_the_log(outside: Studio) -> None:
    code = (
        "import sys\nfrom studio.cli.commands import config\n"
        "def broken(args, host):\n    raise RuntimeError('sk-test-0123456789 boom \\x1b[2J')\nconfig._path = broken\n"
        "from studio.cli.main import main\nsys.exit(main(['config', 'path']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=outside.env, cwd=outside.folder
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    log = Path(outside.env["STUDIO_STATE_HOME"]) / "engine.log"
    assert str(log) in done.stderr
    kept = log.read_text("utf-8")
    assert "RuntimeError" in kept
    assert "sk-test-0123456789" not in kept
