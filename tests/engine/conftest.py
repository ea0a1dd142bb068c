"""A project, the scripted server, and a client on both, for each API that the loop must work through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.engine.inprocess import InProcessClient
from tests.fakes.project import environment, make_project, opened
from tests.fakes.wire_server import WireServer


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    async with WireServer() as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.fixture
def env(server: WireServer, tmp_path: Path) -> dict[str, str]:
    return environment(server, tmp_path)


@pytest.fixture
async def client(root: Path, env: dict[str, str]) -> AsyncIterator[InProcessClient]:
    async with opened(root, env) as connected:
        yield connected
