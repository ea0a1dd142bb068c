"""What takes a second to import is imported beside the engine's loop: on it, a busy machine's clients hear nothing for that long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio
import sys
from pathlib import Path

SLOW = {"openai", "openai.resources.chat", "anthropic", "anthropic.resources.messages", "genai_prices.data"}
seen = {}


class Recorder:
    def find_spec(self, name, path=None, target=None):
        if name in SLOW:
            seen[name] = "loop" if asyncio._get_running_loop() is not None else "thread"


sys.meta_path.insert(0, Recorder())

from studio.protocol import commands as c
from tests.fakes.project import add_page, draft, environment, make_project, opened
from tests.fakes.wire_server import WireServer


async def main(folder):
    async with WireServer() as server:
        env = environment(server, folder, sys.argv[2])
        async with opened(make_project(folder), env, watch=False) as client:
            assert (await draft(client, await add_page(client))).status == "completed"


asyncio.run(main(Path(sys.argv[1])))
print(*(f"{name}={where}" for name, where in sorted(seen.items())))
"""


@pytest.mark.parametrize(
    ("api", "modules"),
    [("chat", {"openai", "openai.resources.chat"}), ("messages", {"anthropic", "anthropic.resources.messages"})],
)
def test_a_first_draft_imports_nothing_slow_on_the_loop(tmp_path: Path, api: str, modules: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), api],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    found = dict(one.split("=") for one in done.stdout.split())
    assert found.keys() >= modules | {"genai_prices.data"}
    assert set(found.values()) == {"thread"}
