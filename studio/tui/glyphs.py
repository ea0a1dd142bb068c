"""Signs on the screen, with ASCII fallbacks: which one stands for which state of a page or a cell."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """`bar` marks the cursor and heads of cells; `here` is the page on this screen, `other` one on somebody else's; `up` and
    `down` say that there is more above or below."""

    empty: str = "○"
    drafting: str = "◌"
    waiting: str = "●"
    approved: str = "✓"
    stale: str = "~"
    failed: str = "!"
    locked: str = "▪"
    bar: str = "▎"
    here: str = "▸"
    other: str = "▹"
    folded: str = "+"
    unfolded: str = "▾"
    rule: str = "─"
    wall: str = "│"
    dot: str = "·"
    up: str = "↑"
    down: str = "↓"
    more: str = "…"
    pilcrow: str = "¶"


UNICODE = Glyphs()
ASCII = Glyphs(
    empty=".", drafting="*", waiting="?", approved="v", locked="#", bar="|", here=">", other="@", folded="+", unfolded="-",
    rule="-", wall="|", dot="-", up="^", down="v", more="...", pilcrow="P",
)  # fmt: skip


def choose(setting: bool | None, environ: Mapping[str, str] = os.environ) -> Glyphs:
    """ASCII where the setting or the terminal asks for it (`TERM=linux`, `dumb`, or a locale that is not UTF-8)."""
    if setting is not None:
        return ASCII if setting else UNICODE
    named = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    encoding = named.upper() or locale.getpreferredencoding(False).upper()
    poor = environ.get("TERM", "") in ("linux", "dumb", "vt100", "vt220")
    return ASCII if poor or not ("UTF-8" in encoding or "UTF8" in encoding) else UNICODE
