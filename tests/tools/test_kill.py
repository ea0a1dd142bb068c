"""A process that is killed while its tools write leaves whole files, and its own work is not taken for a person's."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.domain.tooling import ChangeKind, FileChange
from studio.tools.base import Claims
from studio.workspace.app_files import AppFiles
from studio.workspace.snapshots import Objects

WRITER = """
import asyncio, json, sys
from pathlib import Path
from studio.domain.tooling import ToolCall
from studio.tools.base import Claims, Hooks, open_gate
from studio.tools.toolbox import ToolBox
from studio.workspace.app_files import AppFiles
from studio.workspace.snapshots import Objects

root = Path(sys.argv[1])
journal = open(root / "journal", "a", buffering=1)

class Journal(Hooks):
    async def writing(self, change):
        row = [change.path, change.kind, change.before, change.after, change.renamed_from]
        journal.write(json.dumps(row) + "\\n")

async def main():
    files = AppFiles(root / "app", Objects(root))
    base = {path: state.digest for path, state in files.snapshot().items()}
    tools = ["create_file", "delete_file", "rename_file"]
    box = ToolBox(files, allowed=tools, gate=open_gate, claims=Claims(base), hooks=Journal(), seen=dict(base))
    print("ready", flush=True)
    for number in range(10_000):
        whole = f"{number} " * 3_000 + "end\\n"
        name = f"{number % 3}.txt"
        await box.run([
            ToolCall("1", "create_file", {"path": name, "content": whole}),
            ToolCall("2", "create_file", {"path": f"new/{number}.txt", "content": whole}),
            ToolCall("3", "rename_file", {"path": f"new/{number}.txt", "new_path": f"moved/{number % 5}.txt"}),
            ToolCall("4", "delete_file", {"path": f"moved/{(number + 2) % 5}.txt"}),
        ])

asyncio.run(main())
"""


@pytest.mark.parametrize("changes_made", [1, 7, 30, 61])
def test_a_kill_in_the_middle_leaves_whole_files_and_no_false_conflict(tmp_path: Path, changes_made: int) -> None:
    files = AppFiles(tmp_path / "app", Objects(tmp_path))
    files.write("person.txt", b"mine\n", expected=None)
    base = {path: state.digest for path, state in files.snapshot().items()}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"ready\n"
    journal = tmp_path / "journal"
    while journal.read_bytes().count(b"\n") < changes_made:
        assert writer.poll() is None
        time.sleep(0.002)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    files.sweep()
    now = {path: state.digest for path, state in files.scan().items()}
    left = {path.relative_to(files.root).as_posix() for path in files.root.rglob("*") if path.is_file()}
    assert left == set(now)
    for path in left - {"person.txt"}:
        text = files.read_text(path)[0]
        assert text.endswith("end\n")
        assert len(set(text.split())) == 2
    rows = [json.loads(line) for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")]
    changes = [FileChange(path, ChangeKind(kind), *rest) for path, kind, *rest in rows]
    assert len(changes) >= changes_made
    claims = Claims.resumed(base, changes, now)
    for path in {*now, *claims.written}:
        assert not claims.is_persons(path, now.get(path)), path
    assert all(files.objects.has(change.before) for change in changes[:-4] if change.before)
