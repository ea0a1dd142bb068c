"""Where the log goes, and where it never goes."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.config.logs import start_logging
from studio.config.secrets import Secrets
from studio.config.settings import Settings
from studio.config.trust import TrustBook, claims_of


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    top = logging.getLogger()
    before, level = list(top.handlers), top.level
    yield
    for handler in [one for one in top.handlers if one not in before]:
        top.removeHandler(handler)
        handler.close()
    top.setLevel(level)


def test_keys_of_the_environment_do_not_reach_the_log(tmp_path: Path) -> None:
    path = start_logging(tmp_path, {"SOME_API_KEY": "sk-0123456789abcdef"})
    assert path is not None
    logging.getLogger("studio").warning("refused: %s", "sk-0123456789abcdef")
    assert "refused" in path.read_text()
    assert "0123456789" not in path.read_text()


def test_a_key_of_a_trusted_env_file_does_not_reach_the_log(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OTHER_API_KEY=plain-words-that-look-like-nothing\n")
    path = start_logging(tmp_path, {})
    trust = TrustBook(
        env={"STUDIO_STATE_HOME": str(tmp_path / "state"), "STUDIO_CONFIG_HOME": str(tmp_path / "config")}
    )
    trust.record(tmp_path, claims_of(tmp_path))
    secrets = Secrets(Settings(), tmp_path, {}, trust=trust)
    key = secrets.lookup(("OTHER_API_KEY",))
    logging.getLogger("studio").warning("refused: %s", key)
    assert path is not None
    assert key == "plain-words-that-look-like-nothing"
    assert "refused" in path.read_text()
    assert "plain-words" not in path.read_text()


def test_a_log_that_is_a_link_is_not_written(tmp_path: Path) -> None:
    outside = tmp_path / "profile"
    outside.write_text("mine\n")
    (tmp_path / ".studio").mkdir()
    (tmp_path / ".studio" / "engine.log").symlink_to(outside)
    assert start_logging(tmp_path, {}) is None
    logging.getLogger("studio").warning("a warning")
    assert outside.read_text() == "mine\n"


def test_a_state_folder_that_is_a_link_gets_no_log(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    root = tmp_path / "book"
    root.mkdir()
    (root / ".studio").symlink_to(outside)
    assert start_logging(root, {}) is None
    assert list(outside.iterdir()) == []
