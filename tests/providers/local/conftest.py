"""Fixtures of the local model's tests. Tests marked `local_model` need the tiny weights and are skipped, with a word, without them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.providers.local.runtime import runtime_version
from studio.providers.local.weights import TINY, installed_path, models_folder
from tests.providers.local.mirror import FakeMirror


def _what_is_missing() -> str:
    if runtime_version() is None:
        return "xllamacpp is not installed"
    if installed_path(TINY, models_folder()) is None:
        return "the tiny weights are not in the models folder: python -m studio.providers.local.fetch tiny"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("local_model")]
    missing = _what_is_missing() if marked else ""
    if missing and os.environ.get("STUDIO_REQUIRE_LOCAL") != "1":
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture
def mirror() -> Iterator[FakeMirror]:
    serving = FakeMirror()
    yield serving
    serving.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models"
    made.mkdir()
    return made
