"""What every test process does once."""

from __future__ import annotations

import gc

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take what the collection has loaded out of the garbage collector's way: it looked at all of it again in each test."""
    gc.collect()
    gc.freeze()
