"""Search in titles, briefs and the newest revisions of pages. Without an index: 670 MB of text take 1.3 s."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.protocol.views import SearchHit
from studio.store import sql
from studio.store.transaction import Tx

_AROUND = 60
# Letters whose case pairs are not one to one (final sigma, sharp s, accents, ligatures): the database is asked with a
# wildcard in their place and the answer is checked here by casefolding.
_ODD = re.compile("[sS][sS]|[σςΣßẞſŉǰΐΰᲀ-ᲈẖ-ẛἀ-ᾯﬀ-ﬗ]")
_TITLES = """
SELECT p.id, p.title, '' AS stage, p.title AS text, c.position AS a, c.id AS b, p.position AS d, 0 AS e
FROM story_pages p JOIN chapters c ON c.id = p.chapter_id WHERE NOT p.archived AND p.title ILIKE $1 ESCAPE '\\'
"""
_TEXTS = """
SELECT p.id, p.title, s.stage, r.text, c.position, c.id, p.position, CASE WHEN s.stage = 'brief' THEN 1 ELSE 2 END
FROM page_stages s JOIN page_revisions r ON r.id = s.revision_id JOIN story_pages p ON p.id = s.page_id
JOIN chapters c ON c.id = p.chapter_id WHERE NOT p.archived AND r.text ILIKE $1 ESCAPE '\\'
"""


def pages(tx: Tx, text: str, limit: int) -> list[SearchHit]:
    """One hit per line that holds `text` (case aside, any script), in book order; at most `limit`.

    A page's hits come as title, brief, then the stages by name; `line` counts the lines of the text from 1, 0 for a title.
    """
    wanted = " ".join(text.split())
    if not wanted or limit < 1:
        return []
    hits: list[SearchHit] = []
    rows = tx.all(
        f"SELECT id, title, stage, text FROM ({_TITLES} UNION ALL {_TEXTS}) AS found ORDER BY a, b, d, id, e, stage",
        _loose_pattern(wanted),
    )
    for page, title, stage, body in rows:
        for hit in _hits(page, title, stage, body, wanted):
            hits.append(hit)
            if len(hits) == limit:
                return hits
    return hits


def _loose_pattern(wanted: str) -> str:
    return _ODD.sub("%", sql.pattern(wanted))


def _hits(page: str, title: str, stage: str, body: str, wanted: str) -> Iterator[SearchHit]:
    for number, line in enumerate(body.split("\n"), 1):
        place = _find(line, wanted)
        if place is None:
            continue
        start, end = place
        yield SearchHit(
            kind="page",
            title=title,
            page=page,
            stage=stage,
            path="",
            line=number if stage else 0,
            before=line[max(0, start - _AROUND) : start],
            match=line[start:end],
            after=line[end : end + _AROUND],
        )


def _find(line: str, wanted: str) -> tuple[int, int] | None:
    """Where `wanted` stands in `line`, compared by casefolding, which can change the length of a text."""
    folded, target = line.casefold(), wanted.casefold()
    at = folded.find(target)
    if at < 0:
        return None
    if len(folded) == len(line):
        return at, at + len(target)
    origins = [index for index, letter in enumerate(line) for _ in letter.casefold()]
    return origins[at], origins[at + len(target) - 1] + 1
