"""A worker's bench for tests of tools: a real folder, real kept bytes, and hooks that note what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from studio.domain.tooling import BrokenCall, FileChange, ToolCall, ToolOutcome
from studio.tools.base import Caps, Claims, Hooks, WriteGate, open_gate
from studio.tools.catalog import ACTIONS
from studio.tools.toolbox import ToolBox
from studio.workspace.app_files import AppFiles
from studio.workspace.snapshots import Objects


class FakeHooks(Hooks):
    def __init__(self) -> None:
        self.words: list[tuple[str, int | None, str]] = []
        self.conflicts: list[tuple[str, str | None, str | None]] = []
        self.planned: list[FileChange] = []
        self.ended: list[ToolOutcome] = []
        self.left: set[str] = set()

    async def undecided(self, path: str) -> bool:
        return path in self.left

    async def progress(self, stage: str, percent: int | None, message: str) -> None:
        self.words.append((stage, percent, message))

    async def snapshot(self, label: str) -> str:
        return "1.0.1"

    async def conflict(self, path: str, theirs: str | None, ours: str | None) -> None:
        self.conflicts.append((path, theirs, ours))

    async def writing(self, change: FileChange) -> None:
        self.planned.append(change)

    async def called(self, call_id: str, name: str, outcome: ToolOutcome, seconds: float) -> None:
        assert seconds >= 0
        self.ended.append(outcome)


class Bench:
    """A project in `folder` whose application holds `texts`, and workers at it."""

    def __init__(self, folder: Path, texts: Mapping[str, str] | None = None) -> None:
        self.project = folder
        self.app = folder / "app"
        for path, text in (texts or {}).items():
            self.save(path, text)
        self.files = AppFiles(self.app, Objects(folder))
        self.claims = Claims({path: state.digest for path, state in self.files.snapshot().items()})
        self.hooks = FakeHooks()

    def save(self, path: str, text: str) -> None:
        """What a person does in an editor."""
        target = self.app / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8", newline="")

    def text(self, path: str) -> str:
        return (self.app / path).read_bytes().decode()

    def kept(self, digest: str | None) -> str:
        assert digest is not None
        return self.files.objects.get(digest).decode()

    def worker(self, *, gate: WriteGate = open_gate, caps: Caps | None = None, allowed: tuple[str, ...] = ()) -> Worker:
        box = ToolBox(
            self.files, allowed=allowed or tuple(ACTIONS), gate=gate, claims=self.claims, caps=caps, hooks=self.hooks
        )
        return Worker(box)


class Worker:
    """A box of tools with a short way to call one."""

    def __init__(self, box: ToolBox) -> None:
        self.box = box

    async def call(self, name: str, **arguments: object) -> ToolOutcome:
        return (await self.box.run([ToolCall("c1", name, arguments)]))[0]

    async def answer(self, *calls: tuple[str, dict[str, object]]) -> list[ToolOutcome]:
        return await self.box.run([ToolCall(f"c{number}", name, given) for number, (name, given) in enumerate(calls)])

    async def broken(self, name: str, raw: str, reason: str = "cut off") -> ToolOutcome:
        return (await self.box.run([BrokenCall("c1", name, raw, reason)]))[0]


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file, folder and link below a folder with what it holds."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        elif path.is_file():
            found[name] = path.read_bytes()
    return found
