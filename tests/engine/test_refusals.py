"""Refusals for one reason are counted until the file gets through; other reasons and other files count for themselves."""

from __future__ import annotations

import pytest

from studio.domain.errors import LimitReached
from studio.domain.tooling import CallStatus, ChangeKind, FileChange, ToolOutcome
from studio.engine.apps.refusals import Refusals


def no(path: str, line: str, reason: str = "blocked") -> ToolOutcome:
    return ToolOutcome("1", "update_file", CallStatus.REFUSED, "No.", line, path, data={"reason": reason})


def yes(path: str) -> ToolOutcome:
    change = FileChange(path, ChangeKind.MODIFIED, "a", "b")
    return ToolOutcome("1", "update_file", CallStatus.OK, "Done.", f"Updated {path}", path, (change,))


def test_the_third_refusal_tells_and_the_fourth_ends_the_task() -> None:
    seen = Refusals("Cart")
    assert [seen.after([no("a.js", "a.js: blocked")] * 2) for _ in range(2)] == ["", ""]
    assert "3 times for the same reason: a.js: blocked." in seen.after([no("a.js", "a.js: blocked")])
    with pytest.raises(LimitReached, match="'Cart' was refused 4 times for the same reason: a.js: blocked"):
        seen.after([no("a.js", "a.js: blocked")])


def test_a_success_at_the_file_starts_anew_and_one_elsewhere_does_not() -> None:
    seen = Refusals("Cart")
    for path, told in (("a.js", False), ("b.js", True)):
        for _ in range(2):
            assert seen.after([no("a.js", "a.js: no such passage")]) == ""
        assert seen.after([yes(path)]) == ""
        assert bool(seen.after([no("a.js", "a.js: no such passage")])) is told
        seen.after([yes("a.js")])


def test_an_end_that_came_too_early_is_no_refusal_of_its_own() -> None:
    seen = Refusals("Cart")
    assert [seen.after([no("", "finish_app: not yet", "unready")]) for _ in range(6)] == [""] * 6
