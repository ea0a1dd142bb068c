"""An open store in a temporary folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.store.database import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / ".studio" / "studio.duckdb"


@pytest.fixture
async def store(database: Path) -> AsyncIterator[Store]:
    opened = await Store.open(database)
    yield opened
    await opened.aclose()
