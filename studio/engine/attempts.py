"""Attempts: what one working of a stage gathers, and its execution rows, one per request to a model, with tokens, price and error."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from studio.domain.errors import ProviderError, StudioError
from studio.domain.ids import new_id
from studio.domain.run import Execution, Run, RunStatus, Usage
from studio.engine.desk import Plan
from studio.engine.live import LiveRun
from studio.engine.replies import Reply
from studio.providers import tokens
from studio.providers.base import Finished
from studio.store import executions
from studio.store.transaction import Tx, utc_now

Pricer = Callable[[str, str, Usage], tuple[float | None, str, str | None]]
"""(provider, model, usage) -> (US dollars or None, source, price table)."""


@dataclass(slots=True)
class Working:
    """What one working of a stage has gathered; `execution` is the request under way."""

    run: Run
    live: LiveRun
    plan: Plan
    execution: Execution | None = None
    asked_at: float = 0.0
    first_token_ms: float | None = None
    finished: Finished | None = None
    seen: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, before it is written down."""

    status: RunStatus
    reply: Reply | None = None
    error: StudioError | None = None


def begin(run: Run, plan: Plan, number: int) -> Execution:
    return Execution(
        id=new_id(),
        run_id=run.id,
        attempt=number,
        role=plan.role,
        provider=plan.model.provider,
        model=plan.model.model,
        started_at=utc_now(),
        status="running",
        prompt_digest=plan.prompt_digest,
        template_digest=plan.template_digest,
    )


def insert(tx: Tx, execution: Execution) -> None:
    executions.insert(tx, execution)


def update(tx: Tx, execution: Execution) -> None:
    executions.update(tx, execution)


def failed(execution: Execution, error: ProviderError, latency_ms: float) -> Execution:
    """A request that failed before its first text: nothing was delivered, so nothing is priced."""
    return replace(
        execution, status="failed", latency_ms=latency_ms, error_code=error.code, error_message=str(error), cost_usd=0.0
    )


def running_cost(plan: Plan, output_tokens: int) -> float | None:
    """US dollars so far, by estimate; None when the price is unknown."""
    if plan.price_low is None or plan.price_usual is None or plan.output_low >= plan.output_high:
        return None
    per_token = (plan.price_usual - plan.price_low) / (plan.output_high - plan.output_low)
    return max(0.0, plan.price_low + (output_tokens - plan.output_low) * per_token)


def ended(working: Working, live: LiveRun, ending: Ending, price: Pricer) -> Execution | None:
    """The row of the last request, priced; None when no request was open."""
    execution = working.execution
    if execution is None:
        return None
    usage = working.finished.usage if working.finished else _estimated(working, live)
    plan = working.plan
    cost, source, version = price(plan.model.provider, plan.model.model, usage)
    error = ending.error
    return replace(
        execution,
        status={RunStatus.COMPLETED: "completed", RunStatus.STOPPED: "stopped"}.get(ending.status, "failed"),
        usage=usage,
        cost_usd=cost,
        cost_source=source,
        price_version=version,
        latency_ms=(time.monotonic() - working.asked_at) * 1000,
        first_token_ms=working.first_token_ms,
        finish_reason=(working.finished.detail or working.finished.reason.value) if working.finished else None,
        error_code=error.code if error else None,
        error_message=str(error) if error else None,
    )


def _estimated(working: Working, live: LiveRun) -> Usage:
    """A broken stream's usage: what the service said before it broke, and our own count of what arrived."""
    seen = working.seen
    arrived = live.text[len(working.run.partial) :]
    if working.first_token_ms is None and seen.input_tokens is None:
        return Usage(input_tokens=0, output_tokens=0, estimated=True)
    return replace(
        seen,
        input_tokens=seen.input_tokens if seen.input_tokens is not None else working.plan.tokens,
        output_tokens=max(seen.output_tokens or 0, tokens.estimate(arrived)),
        estimated=True,
    )
