"""`studio serve` as a process: what it prints, whom it refuses, how it ends, and the walk of its guide with curl."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fakes.engine_process import end_engine
from tests.fakes.project import environment, make_project
from tests.fakes.wire_server import WireServer
from tests.server.build_walk import make_app

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "api.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = [sys.executable, "-m", "studio.cli.main"]
# bash, curl and jq are what the guide asks its reader to have.
TOOLS = [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]


def process_env(server: WireServer, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return {**kept, **environment(server, tmp_path)}


async def start(root: Path, env: dict[str, str], *words: str) -> Process:
    return await asyncio.create_subprocess_exec(*COMMAND, "serve", *words, cwd=root, env=env, stdout=PIPE, stderr=PIPE)


@contextlib.asynccontextmanager
async def served(root: Path, env: dict[str, str]) -> AsyncIterator[tuple[Process, Any]]:
    """The running command, and what it said about itself."""
    process = await start(root, env, "--port", "0", "--json")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
        assert line, (await process.communicate())[1].decode()
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()
        await end_engine(root)


async def walked(root: Path, env: dict[str, str], headings: tuple[str, ...]) -> list[str]:
    """The lines that the guide's blocks before its first heading and under these print, in a project that is served."""
    if TOOLS:
        pytest.skip(f"not installed: {', '.join(TOOLS)}")
    opening, *sections = re.split(r"^## (.+)\n", GUIDE.read_text("utf-8"), flags=re.MULTILINE)
    named = dict(zip(sections[::2], sections[1::2], strict=True))
    found = [BLOCK.findall(text) for text in (opening, *(named[heading] for heading in headings))]
    assert [len(blocks) for blocks in found] == [1] * len(found)
    async with served(root, env) as (_, said):
        script = "".join(block for blocks in found for block in blocks).replace("http://127.0.0.1:8765", said["url"])
        walk = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script, cwd=root, env=env, stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(60):
            out, err = await walk.communicate()
    assert walk.returncode == 0, (out.decode(), err.decode())
    return out.decode().splitlines()


async def test_the_guides_walk_leads_from_a_new_page_to_an_approved_one(
    wire_server: WireServer, tmp_path: Path
) -> None:
    told = await walked(
        make_project(tmp_path),
        process_env(wire_server, tmp_path),
        ("From a new page to an approved one", "An agent that writes itself", "Commands, views and events"),
    )
    assert told.count("page_approved") == 2
    assert any(line.startswith("narration 2 by ") for line in told)
    assert '"The pole"' in told


async def test_the_guides_walk_takes_a_change_through_all_phases(wire_server: WireServer, tmp_path: Path) -> None:
    root = make_app(tmp_path)
    told = await walked(root, process_env(wire_server, tmp_path), ("An application, phase by phase",))
    assert told[0] == "DISCOVERY -> PLANNING, next Q_ASSISTANT"
    assert told[5] == "DEPLOYMENT -> COMPLETE, next null"
    assert told[6] == "COMPLETE, 100%"
    assert told[-1] == "1.0.0 completed, 1 file"
    assert len(told) == 6 + 1 + 6 + 1
    assert "export const minutes" in (root / "app" / "minutes.js").read_text("utf-8")
    assert "Minutes until the next ferry." in (root / "prompt.txt").read_text("utf-8")
    assert wire_server.calls == []


async def test_the_link_opens_a_browser_and_the_token_a_program(wire_server: WireServer, tmp_path: Path) -> None:
    root = make_project(tmp_path)
    async with served(root, process_env(wire_server, tmp_path)) as (_, said):
        token = root / ".studio" / "token"
        assert said["token"] == str(token)
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(said["openapi"])).status_code == 401
            assert (await http.get(said["login"])).status_code == 200
            assert (await http.get(said["openapi"])).status_code == 200
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.get(said["openapi"], headers={"authorization": f"Bearer {token.read_text().strip()}"})
            assert answer.status_code == 200
    log = (root / ".studio" / "engine.log").read_text()
    assert token.read_text().strip() not in log
    assert said["login"].partition("code=")[2] not in log


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
async def test_it_ends_in_order_while_a_stream_is_open(
    wire_server: WireServer, tmp_path: Path, number: int, code: int
) -> None:
    root = make_project(tmp_path)
    async with served(root, process_env(wire_server, tmp_path)) as (process, said):
        bearer = {"authorization": f"Bearer {(root / '.studio' / 'token').read_text().strip()}"}
        async with (
            httpx2.AsyncClient(trust_env=False, headers=bearer) as http,
            http.stream("GET", f"{said['url']}/api/events") as answer,
        ):
            assert answer.status_code == 200
            process.send_signal(number)
            async with asyncio.timeout(10):
                _, err = await process.communicate()
    assert process.returncode == code
    assert b"Traceback" not in err


async def test_another_address_needs_that_you_know_what_it_means(wire_server: WireServer, tmp_path: Path) -> None:
    root, env = make_project(tmp_path), process_env(wire_server, tmp_path)
    process = await start(root, env, "--host", "0.0.0.0")
    _, err = await process.communicate()
    assert process.returncode == 3
    assert b"--i-know-this-exposes-my-project" in err


async def test_a_port_in_use_is_said_in_a_sentence(wire_server: WireServer, tmp_path: Path) -> None:
    root, env = make_project(tmp_path), process_env(wire_server, tmp_path)
    process = await start(root, env, "--port", str(wire_server.port))
    _, err = await process.communicate()
    assert process.returncode == 1
    assert f"Port {wire_server.port} is in use." in err.decode()


async def test_without_its_packages_it_says_how_to_install_them(wire_server: WireServer, tmp_path: Path) -> None:
    code = (
        "import importlib.util, sys; real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'uvicorn' else real(name, *rest)\n"
        "from studio.cli.main import main; sys.exit(main(['serve']))"
    )
    root, env = make_project(tmp_path), process_env(wire_server, tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=root, env=env, stdout=PIPE, stderr=PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert "pip install '.[server]'" in err.decode()


async def test_help_loads_none_of_its_packages(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom studio.cli.main import main\nmain(['serve', '--help'])\n"
        "sys.exit(len({'starlette', 'uvicorn', 'websockets', 'studio.server'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE)
    await process.communicate()
    assert process.returncode == 0
