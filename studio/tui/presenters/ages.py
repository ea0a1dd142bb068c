"""How long ago something was and how long it took, in words short enough for a row. No Textual."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def age(then: datetime, now: datetime | None = None) -> str:
    """`now`, `4 min`, `3 h`, `2 d`, then the date."""
    now = now or datetime.now(UTC)
    seconds = (now - then).total_seconds()
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h"
    if seconds < 7 * _DAY:
        return f"{int(seconds // _DAY)} d"
    return then.astimezone(now.tzinfo).strftime("%Y-%m-%d")


def lasted(seconds: float | None) -> str:
    """`4.2 s`, `1:05 min`; `-` where nothing was measured."""
    if seconds is None:
        return "-"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // _MINUTE}:{int(seconds) % _MINUTE:02d} min"
