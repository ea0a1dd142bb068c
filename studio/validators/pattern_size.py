"""How large a pattern becomes when it is compiled: `(?:a{2500}){2500}` is written out by the compiler, six million parts of it."""

from __future__ import annotations

import re
from math import prod

SIZE_LIMIT = 5_000
"""Parts of a pattern once its counted repeats are written out: 5,000 take 20 ms and 5 MB. The packaged standards have at most 200."""

_PARTS = re.compile(
    r"""(?P<escape>\\(?:[pPN]\{[^{}]*\}|.))
    | (?P<set>\[\^?+\]?+(?:\\.|[^\]\\])*\]?+)
    | (?P<comment>\(\?\#[^)]*+\)?+)
    | (?P<open>\() | (?P<close>\))
    | (?P<count>\{(?P<least>\d++)(?:,\d*+)?\}) | (?P<fuzzy>\{[^{}]*\})
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_COUNTS = re.compile(r"\{(\d+)(?:,\d*)?\}")
# White space that does not count, and names of sets whose end depends on whether the name is known, are not told apart here.
_UNCLEAR = re.compile(r"\(\?[\w-]*x|\[:")


def too_large(pattern: str) -> bool:
    """Whether a pattern has more than SIZE_LIMIT parts, at least by an estimate that is never too low."""
    counts = [max(1, int(least[:9])) for least in _COUNTS.findall(pattern)]
    if len(pattern) * prod(counts) <= SIZE_LIMIT:
        return False
    return _UNCLEAR.search(pattern) is not None or _size(pattern) > SIZE_LIMIT


def _size(pattern: str) -> int:
    groups, last = [0], 0
    for part in _PARTS.finditer(pattern):
        kind = part.lastgroup
        if kind == "open":
            groups.append(0)
        elif kind == "count":
            times = max(1, int(part["least"][:9]))
            groups[-1] += last * (times - 1)
            last *= times
        elif kind not in ("fuzzy", "comment"):
            last = groups.pop() if kind == "close" and len(groups) > 1 else 1
            groups[-1] += last
    return sum(groups)
