"""Which redirects the download of weights follows."""

from __future__ import annotations

import pytest

from studio.providers.local.address import _redirected
from studio.providers.local.part_file import SourceFailed


@pytest.mark.parametrize(
    ("origin", "location", "target"),
    [
        ("https://hub.example/a", "https://cdn.example/b", "https://cdn.example/b"),
        ("https://hub.example/a", "/b", "https://hub.example/b"),
        ("http://127.0.0.1:1/a", "http://localhost:2/b", "http://localhost:2/b"),
    ],
)
def test_a_safe_redirect_is_followed(origin: str, location: str, target: str) -> None:
    assert _redirected(origin, location) == target


@pytest.mark.parametrize(
    ("origin", "location"),
    [
        ("https://hub.example/a", "http://cdn.example/b"),
        ("https://hub.example/a", "http://127.0.0.1:8000/b"),
        ("https://hub.example/a", "file:///etc/passwd"),
        ("http://127.0.0.1:1/a", "https://cdn.example/b"),
        ("https://hub.example/a", ""),
    ],
)
def test_an_unsafe_redirect_is_refused(origin: str, location: str) -> None:
    with pytest.raises(SourceFailed, match="not followed"):
        _redirected(origin, location)
