"""What a call cost and what one may cost, in US dollars: the service's own figure first, then genai-prices, else unknown (never 0)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from studio.domain.run import Usage

if TYPE_CHECKING:
    from decimal import Decimal

CostSource = Literal["provider", "price_table", "local", "unknown"]

PRICE_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "xai": "x-ai", "openrouter": "openrouter"}
"""The price table's name of a provider, by ours."""

LOCAL_PROVIDERS = frozenset({"local", "ollama", "llamacpp", "vllm"})
"""Providers that run on the person's own machines: their price is 0, and known."""


@dataclass(frozen=True, slots=True)
class Price:
    """`cost_usd` None means that no price is known. `version` names the table, so that costs can be computed again."""

    cost_usd: float | None
    source: CostSource
    version: str | None = None


UNKNOWN = Price(None, "unknown")


def price(provider: str, model: str, usage: Usage, *, table: str | None = None, local: bool = False) -> Price:
    """The cost of one call. `table` overrides the price table's provider; `local` says that it runs on one's own machine."""
    if usage.cost_usd is not None:
        return Price(usage.cost_usd, "provider")
    if local or provider in LOCAL_PROVIDERS:
        return Price(0.0, "local")
    if usage.input_tokens is None and usage.output_tokens is None:
        return UNKNOWN
    counts = _Counts(
        usage.input_tokens or 0, usage.cached_tokens or 0, usage.cache_write_tokens or 0, usage.output_tokens or 0
    )
    cost = _table_cost(table or PRICE_PROVIDERS.get(provider), model, counts)
    return UNKNOWN if cost is None else Price(cost, "price_table", table_version())


def estimate_range(
    provider: str,
    model: str,
    input_tokens: int,
    output_low: int,
    output_high: int,
    cached: int = 0,
    *,
    table: str | None = None,
    local: bool = False,
) -> tuple[float, float] | None:
    """What a call may cost: (low, high), or None when no price is known.

    Low takes `cached` input tokens from the cache and the short answer; high reads nothing from the cache, pays for writing all
    of it where writing has a price (1.25 times the input at Anthropic and from gpt-5.6 on), and gets the long answer.
    """
    if local or provider in LOCAL_PROVIDERS:
        return (0.0, 0.0)
    ids = table or PRICE_PROVIDERS.get(provider)
    low = _table_cost(ids, model, _Counts(input_tokens, min(cached, input_tokens), 0, output_low))
    plain = _table_cost(ids, model, _Counts(input_tokens, 0, 0, output_high))
    written = _table_cost(ids, model, _Counts(input_tokens, 0, input_tokens, output_high))
    if low is None or plain is None:
        return None
    return (low, max(plain, written or 0.0))


def prices_per_million(provider: str, model: str, *, table: str | None = None) -> tuple[float, float] | None:
    """(input, output) in US dollars per million tokens for a prompt of ordinary size, or None when unknown."""
    if provider in LOCAL_PROVIDERS:
        return (0.0, 0.0)
    ids = table or PRICE_PROVIDERS.get(provider)
    # Per thousand, times a thousand: a prompt of a million would be priced in the tier for long prompts.
    given = _table_cost(ids, model, _Counts(1000, 0, 0, 0))
    taken = _table_cost(ids, model, _Counts(0, 0, 0, 1000))
    return None if given is None or taken is None else (given * 1000, taken * 1000)


def prepare() -> None:
    """Import the price table (about half a second of CPU); may be called from a thread before the first use."""
    from genai_prices import data_snapshot

    data_snapshot.get_snapshot()


@cache
def table_version() -> str:
    from genai_prices import __version__

    return f"genai-prices {__version__}"


@dataclass(frozen=True, slots=True)
class _Counts:
    """`input` includes `read` and `write`, as the price table wants it."""

    input: int
    read: int
    write: int
    output: int


def _table_cost(table: str | None, model: str, counts: _Counts) -> float | None:
    if table is None:
        return None
    from genai_prices import Usage as TableUsage
    from genai_prices import calc_price

    read = min(counts.read, counts.input)
    usage = TableUsage(
        input_tokens=counts.input,
        cache_read_tokens=read,
        cache_write_tokens=min(counts.write, counts.input - read),
        output_tokens=counts.output,
    )
    try:
        total: Decimal = calc_price(usage, model, provider_id=table).total_price
    except (LookupError, ValueError):
        return None
    return float(total)
