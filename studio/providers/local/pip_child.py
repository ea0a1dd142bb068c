"""Running pip as a child process of this Python: the command, its end when the task is cancelled, its failures in words."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from studio.domain.text import one_line
from studio.providers.local.part_file import SourceFailed

_POLL_SECONDS = 0.2
_NO_NETWORK = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "Connection refused",
    "Max retries exceeded",
    "Network is unreachable",
    "ProxyError",
    "timed out",
)


async def run_pip(
    arguments: list[str], env: Mapping[str, str], folder: Path, while_waiting: Callable[[], None]
) -> tuple[int, str]:
    """Run pip in `folder`; returns its exit code and what it printed. Cancelling kills it with its children."""
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2"]
    process = await asyncio.create_subprocess_exec(
        *pip_command(), arguments[0], *options, *arguments[1:],
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=env, cwd=folder, start_new_session=True,
    )  # fmt: skip
    talk = asyncio.ensure_future(process.communicate())
    try:
        while not talk.done():
            await asyncio.wait({talk}, timeout=_POLL_SECONDS)
            while_waiting()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(talk)
    return process.returncode or 0, talk.result()[0].decode("utf-8", "replace")


def pip_command() -> list[str]:
    """How to run pip: as a module, else from the wheel that Python carries for `ensurepip` (environments made by uv have no pip).

    `-P` keeps the current folder off the import path: a project folder may hold a `pip.py`.
    """
    if find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]
    spec = find_spec("ensurepip")
    bundled = Path(spec.origin).parent / "_bundled" if spec is not None and spec.origin else None
    wheels = sorted(bundled.glob("pip-*.whl")) if bundled is not None else []
    if not wheels:
        raise SourceFailed("this Python environment has no pip to ask the package index with")
    return [sys.executable, "-P", str(wheels[-1] / "pip")]


def failure_reason(output: str, requirement: str) -> str:
    """Pip's failure as a clause. Without a network it also says that nothing matches, so the network is looked for first."""
    if any(sign in output for sign in _NO_NETWORK):
        return "the package index could not be reached"
    if "No space left" in output:
        return "pip found no space left on the disk"
    if "No matching distribution" in output or "Could not find a version" in output:
        return f"the package index has no wheel for {requirement}"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")] or output.splitlines()
    return f"pip could not fetch {requirement}: {one_line(errors[-1] if errors else 'no reason given')}"
