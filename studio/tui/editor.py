"""The external editor: which one, and running it on a file while the screen stands aside. Where the file lies is `workspace.edits`'.

The engine works on its own thread, so a stream goes on while the editor holds the terminal.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from studio.domain.errors import BadInput
from studio.domain.text import one_line

if TYPE_CHECKING:
    from textual.app import App

FALLBACKS = ("nano", "vim", "vi")


@dataclass(frozen=True, slots=True)
class EditorCommand:
    """`source` says where the choice comes from (`$VISUAL`, `$EDITOR`, or the fallback's own name)."""

    argv: tuple[str, ...]
    source: str

    @property
    def name(self) -> str:
        return Path(self.argv[0]).name


class Editor(Protocol):
    """Opens a file for the person, at a line where the editor can, and returns when they are done. Raises BadInput with a sentence
    when that is not possible."""

    def edit(self, path: Path, line: int = 1) -> None: ...


def find_editor(
    env: Mapping[str, str] | None = None, which: Callable[[str], str | None] = shutil.which
) -> EditorCommand:
    """$VISUAL, then $EDITOR, then the first known editor on PATH.

    Raises BadInput when a variable names a program that is not there, or when nothing is found: falling through to another
    editor would put a writer into `vi` without a word.
    """
    env = os.environ if env is None else env
    for variable in ("VISUAL", "EDITOR"):
        if words := _split(env.get(variable, ""), variable):
            if which(words[0]) is None:
                raise BadInput(
                    f"${variable} names {one_line(words[0], 60)}, which is not on the PATH.",
                    hint=f"Set ${variable} to an editor that is installed, or unset it.",
                )
            return EditorCommand(tuple(words), f"${variable}")
    for name in FALLBACKS:
        if which(name) is not None:
            return EditorCommand((name,), name)
    raise BadInput(
        "No editor was found.", hint="Set $EDITOR to one that is installed; the text can be edited in place with i."
    )


def _split(value: str, variable: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        raise BadInput(f"${variable} cannot be read: {error}.", hint=f"Mend the quotes in ${variable}.") from error


class TerminalEditor:
    """Runs the person's editor in this terminal, with the app suspended meanwhile."""

    def __init__(self, app: App[int], env: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._env = env

    def edit(self, path: Path, line: int = 1) -> None:
        """Blocks the app's loop until the editor ends. Raises BadInput when it is missing or fails; the file is left as it is."""
        from textual.app import SuspendNotSupported

        command = find_editor(self._env)
        try:
            with self._app.suspend():
                code = _run(command, path, line)
        except SuspendNotSupported as error:
            raise BadInput(
                "This terminal cannot make room for another program.", hint="Edit in place instead (key i)."
            ) from error
        if code:
            raise BadInput(f"{command.name} ended with code {code}.")


_PLUS = frozenset(
    [
        "vi",
        "vim",
        "nvim",
        "gvim",
        "nano",
        "rnano",
        "pico",
        "emacs",
        "emacsclient",
        "micro",
        "kak",
        "joe",
        "jed",
        "mg",
        "ne",
        "mcedit",
    ]
)
_COLON = frozenset(["hx", "helix", "subl", "zed", "zeditor"])
_GOTO = frozenset(["code", "code-insiders", "codium", "cursor", "windsurf"])


def argv_at(argv: Sequence[str], path: Path, line: int) -> list[str]:
    """The command line that opens `path` at `line`, as each editor's manual has it; an unknown one gets the file alone.

    Those of the VS Code family return at once without `--wait`, and the text would seem unchanged.
    """
    name = Path(argv[0]).name
    if name in _GOTO:
        wait = () if {"-w", "--wait"} & set(argv) else ("--wait",)
        return [*argv, *wait, "--goto", f"{path}:{line}"]
    if line <= 1:
        return [*argv, str(path)]
    if name in _PLUS:
        return [*argv, f"+{line}", str(path)]
    return [*argv, f"{path}:{line}" if name in _COLON else str(path)]


def _run(command: EditorCommand, path: Path, line: int) -> int:
    try:
        return subprocess.run(argv_at(command.argv, path, line), check=False).returncode
    except OSError as error:
        raise BadInput(
            f"{command.name} could not be started: {error.strerror or error}.", hint=f"Check {command.source}."
        ) from error
