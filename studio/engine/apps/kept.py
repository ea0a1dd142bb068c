"""What a worker wanted to write and a person had changed: the kept text of a conflict, found by its file and digest."""

from __future__ import annotations

import shlex

from studio.domain.errors import BadInput, NotFound
from studio.domain.finding import Finding, FindingSource, FindingState
from studio.domain.text import one_line
from studio.store import findings
from studio.store.naming import nearby
from studio.store.transaction import Tx

SHOWN = 12
"""Digits of a digest as a finding prints it."""


def advice(path: str, digest: str) -> str:
    """How a person looks at both texts and decides."""
    named = f"{shlex.quote(one_line(path, 200))} --kept {digest[:SHOWN]}"
    return f"Compare: studio files diff {named}. Take it: studio files take {named}. Keep yours: settle this finding as intended."


def find(tx: Tx, path: str, kept: str) -> Finding:
    """The conflict about a file with a kept text, open ones first, of these the newest; `kept` is how its digest begins."""
    wanted = kept.strip().casefold()
    every = [one for one in findings.listing(tx) if one.source is FindingSource.CONFLICT and one.problem.quote]
    mine = [one for one in every if one.problem.path == path]
    found = [one for one in mine if one.problem.quote.startswith(wanted)]
    if not found:
        raise NotFound(_nothing(path, wanted, mine), hint=_there_is(path, mine, every))
    if len({one.problem.quote for one in found}) > 1 and wanted:
        raise BadInput(
            f"More than one kept text of {one_line(path, 120)} begins with {one_line(wanted, 70)}.",
            hint="Give more digits.",
        )
    return max(found, key=lambda one: (one.state is FindingState.OPEN, one.created_at, one.id))


def _nothing(path: str, wanted: str, mine: list[Finding]) -> str:
    if mine:
        return f"No text of {one_line(path, 120)} is kept as {one_line(wanted, 70)}."
    return f"No worker's text of {one_line(path, 120)!r} is kept."


def _there_is(path: str, mine: list[Finding], every: list[Finding]) -> str:
    if mine:
        return f"Kept are {', '.join(dict.fromkeys(one.problem.quote[:SHOWN] for one in mine))}."
    paths = dict.fromkeys(one.problem.path for one in every)
    return nearby(path, paths, "A text is kept where a worker met a file that you had changed: `studio findings`.")
