"""The sample's waiting change with the real tiny model, through the command line. Structure is asserted, never content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.providers.local.weights import models_folder
from studio.workspace import scaffold

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(
        os.environ.get("STUDIO_REQUIRE_LOCAL") != "1", reason="takes minutes: run with STUDIO_REQUIRE_LOCAL=1"
    ),
]

ROOT = Path(__file__).resolve().parents[3]
BOUNDS = "iterations = 2\ntask_tries = 1\n"
"""135 million parameters seldom end a task: two answers are enough to see what is kept of it."""


def studio(env: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "studio.cli.main", *words], capture_output=True, text=True, check=False, timeout=540,
        cwd=folder, env=env, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


@pytest.mark.timeout(600)
def test_the_samples_change_comes_to_an_approved_version_or_to_a_failure_that_can_be_retried(tmp_path: Path) -> None:
    homes = ("STUDIO_CONFIG_HOME", "STUDIO_STATE_HOME", "STUDIO_CACHE_HOME", "STUDIO_DATA_HOME")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env = {
        **kept, **{name: str(tmp_path / "xdg" / name) for name in homes},
        "STUDIO_MODELS_DIR": str(models_folder()), "PYTHONPATH": str(ROOT), "STUDIO_ENGINE_IDLE_MINUTES": "0.1",
    }  # fmt: skip
    root = tmp_path / "shop"
    scaffold.copy_sample("corner-shop", root)
    settings = root / "studio.toml"
    settings.write_text(settings.read_text("utf-8") + BOUNDS, "utf-8")
    done = studio(env, tmp_path, "demo", "--headless", "--local", "tiny", "--json", "shop")
    page = json.loads(studio(env, root, "page", "show", "2/1", "--json").stdout)
    versions = json.loads(studio(env, root, "versions", "list", "--json").stdout)["versions"]
    costs = json.loads(studio(env, root, "costs", "--page", "2/1", "--calls", "--json").stdout)
    assert costs["total"]["calls"] >= 3
    assert costs["total"]["output_tokens"] > 0
    assert all(one["status"] in ("completed", "failed") for one in versions)
    assert [one["number"] for one in versions[-2:]] == ["1.1.0", "1.0.0"]
    if done.returncode == 0:
        assert page["state"] == "complete"
        assert versions[0]["approved"]
        return
    assert done.returncode in (4, 5), done.stderr
    assert page["state"].startswith("failed_")
    assert len(done.stderr.strip().splitlines()) >= 2
