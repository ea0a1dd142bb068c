"""Costs: the service's own figure, the price table with cache reads and writes, nothing for local, unknown for unknown."""

from __future__ import annotations

import pytest

from studio.domain.run import Usage
from studio.providers.pricing import estimate_range, price, prices_per_million


def test_the_services_own_figure_comes_first() -> None:
    found = price("openrouter", "anthropic/claude-sonnet-5.5", Usage(input_tokens=10, output_tokens=10, cost_usd=0.25))

    assert (found.cost_usd, found.source) == (0.25, "provider")


def test_cache_reads_and_writes_have_their_own_prices() -> None:
    usage = Usage(input_tokens=10_000, cached_tokens=8_000, cache_write_tokens=1_000, output_tokens=1_000)

    found = price("anthropic", "claude-sonnet-5-5", usage)

    # 1,000 fresh at $2, 8,000 read at $0.10, 1,000 written at $2.50, 1,000 out at $10, each per million.
    assert found.cost_usd == pytest.approx(0.002 + 0.0008 + 0.0025 + 0.01)
    assert found.source == "price_table"
    assert found.version is not None
    assert found.version.startswith("genai-prices ")


def test_a_local_model_costs_nothing_and_that_is_known() -> None:
    assert price("local", "small", Usage(input_tokens=9, output_tokens=9)).source == "local"
    assert price("ollama", "llama3.3", Usage()).cost_usd == 0
    assert price("den", "m", Usage(input_tokens=1), local=True).cost_usd == 0


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("xai", "grok-unheard-of", Usage(input_tokens=1, output_tokens=1)),
        ("somewhere", "gpt-4.1", Usage(input_tokens=1, output_tokens=1)),
        ("openai", "gpt-4.1", Usage()),
    ],
)
def test_an_unknown_price_is_unknown_and_not_nothing(provider: str, model: str, usage: Usage) -> None:
    found = price(provider, model, usage)

    assert (found.cost_usd, found.source) == (None, "unknown")


def test_counts_that_contradict_each_other_are_still_priced() -> None:
    usage = Usage(input_tokens=100, cached_tokens=150, cache_write_tokens=80, output_tokens=10)

    assert (price("openai", "gpt-6.1-terra", usage).cost_usd or 0) > 0


def test_a_broken_stream_is_priced_by_what_is_known() -> None:
    assert (price("anthropic", "claude-sonnet-5-5", Usage(input_tokens=1_000_000)).cost_usd or 0) == pytest.approx(2.0)


def test_a_range_spans_from_cached_and_short_to_written_and_long() -> None:
    found = estimate_range("anthropic", "claude-sonnet-5-5", 10_000, 200, 1_000, cached=9_000)

    assert found is not None
    low, high = found
    assert low == pytest.approx(1_000 * 2e-6 + 9_000 * 0.1e-6 + 200 * 10e-6)
    assert high == pytest.approx(10_000 * 2.5e-6 + 1_000 * 10e-6)


def test_a_range_without_a_write_price_is_the_plain_one() -> None:
    found = estimate_range("openai", "gpt-4.1", 10_000, 200, 1_000)

    assert found is not None
    assert found[1] == pytest.approx(10_000 * 2e-6 + 1_000 * 8e-6)


def test_ranges_for_local_and_unknown_models() -> None:
    assert estimate_range("local", "small", 10, 1, 2) == (0.0, 0.0)
    assert estimate_range("somewhere", "m", 10, 1, 2) is None


def test_prices_per_million_are_those_of_an_ordinary_prompt() -> None:
    assert prices_per_million("anthropic", "claude-sonnet-5-5") == pytest.approx((2.0, 10.0))
    assert prices_per_million("anthropic", "claude-haiku-5-5") == pytest.approx((0.1, 0.5))
    assert prices_per_million("xai", "grok-unheard-of") is None
