"""What importing the room costs: no SDK, no HTTP client, no price table before the first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = "openai anthropic httpx2 genai_prices pydantic"


def loaded_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*(name for name in {HEAVY.split()} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "registry",
        "base",
        "classify",
        "retry",
        "pricing",
        "tokens",
        "scripted",
        "endpoints",
        "openai_chat",
        "openai_responses",
        "anthropic_messages",
    ],
)
def test_importing_a_module_loads_no_sdk(module: str) -> None:
    assert loaded_after(f"import studio.providers.{module}") == set()


def test_resolving_a_name_and_making_a_provider_loads_no_sdk() -> None:
    code = """
from studio.providers.registry import ProviderRegistry
registry = ProviderRegistry(env={"ANTHROPIC_API_KEY": "k"})
ref = registry.require_default()
registry.profile(ref), registry.known_models(), registry.provider(ref.provider)
"""
    assert loaded_after(code) == set()


def test_prewarming_loads_the_sdk_of_that_model_alone() -> None:
    code = """
import asyncio
from studio.providers.registry import ProviderRegistry
registry = ProviderRegistry(env={"OPENAI_API_KEY": "k"})
asyncio.run(registry.prewarm(registry.parse_ref("openai")))
"""
    loaded = loaded_after(code)
    assert {"openai", "httpx2", "genai_prices"} <= loaded
    assert "anthropic" not in loaded
