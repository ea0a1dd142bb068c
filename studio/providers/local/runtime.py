"""Whether xllamacpp, the runtime that serves a model, is installed here, and its installation when a person asks for it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from studio.domain.errors import ConnectionFailed, ProviderError
from studio.providers.local import messages
from studio.providers.local.part_file import SourceFailed
from studio.providers.local.pip_child import failure_reason, run_pip
from studio.providers.local.progress import Progress, Step, Tell, silent

REQUIREMENT = "xllamacpp>=2026.10"


def runtime_version() -> str | None:
    """The installed version, None when the runtime is missing. Does not import it (100 MB of native code)."""
    spec = find_spec("xllamacpp")
    if spec is None:
        # It may have been installed a moment ago.
        importlib.invalidate_caches()
        spec = find_spec("xllamacpp")
    return None if spec is None else _version_of(spec.origin)


@lru_cache(maxsize=1)
def _version_of(origin: str | None) -> str:
    """Kept for each place it is installed at: reading its metadata takes 12 ms, and the default model is asked for often."""
    try:
        return metadata.version("xllamacpp")
    except metadata.PackageNotFoundError:
        return "unknown"


async def install_runtime(
    *, tell: Tell = silent, env: Mapping[str, str] | None = None, requirement: str = REQUIREMENT
) -> None:
    """`pip install xllamacpp` into this environment (34 MB, no dependencies). Raises MissingModel where no wheel fits the system."""
    tell(Progress(Step.DOWNLOADING, note=requirement))
    try:
        arguments = ["install", "--no-deps", "--only-binary", ":all:", requirement]
        code, output = await run_pip(arguments, os.environ if env is None else env, Path("/"), lambda: None)
    except SourceFailed as error:
        raise ProviderError(
            f"xllamacpp could not be installed: {error}.", hint=f"Run: {messages.INSTALL_RUNTIME}"
        ) from error
    if code == 0:
        return
    reason = failure_reason(output, requirement)
    if "could not be reached" in reason:
        raise ConnectionFailed(f"xllamacpp could not be installed: {reason}.", hint="Check the network and try again.")
    if "has no wheel" in reason:
        raise messages.no_wheel()
    raise ProviderError(f"xllamacpp could not be installed: {reason}.", hint=f"Run: {messages.INSTALL_RUNTIME}")
