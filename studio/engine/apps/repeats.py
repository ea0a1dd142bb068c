"""An answer to a phase that is sent again: what is the same word for word is the same request."""

from __future__ import annotations

import hashlib

from studio.domain.build import Handoff
from studio.domain.page import Page
from studio.protocol.build_commands import CompletePhase


def key(command: CompletePhase, page: Page, at: str, handoffs: list[Handoff]) -> str:
    """The request's name. One that names its phase is told apart from the same words for the same phase after work was sent back.

    `at` is the phase that the page stands at, in capitals.
    """
    digest = hashlib.sha256()
    for part in (
        page.id,
        command.phase or "",
        command.response,
        command.result,
        str(_round(command.phase, at, handoffs)),
    ):
        digest.update(len(part).to_bytes(8))
        digest.update(part.encode("utf-8", "surrogatepass"))
    return f"phase/{digest.hexdigest()}"


def _round(phase: str | None, at: str, handoffs: list[Handoff]) -> int:
    """How often the phase had been left when it was this request's turn: each time leaves one handoff."""
    if phase is None:
        return 0
    left = sum(1 for one in handoffs if one.from_stage.upper() == phase.upper())
    return left if at == phase.upper() else max(left - 1, 0)
