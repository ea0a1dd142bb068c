"""A review as data: verdict, summary and findings; its readable Markdown, and lenient reading of both forms. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from studio.domain.answer_json import (
    Object,
    find_list,
    find_object,
    line_of,
    text_of,
    trimmed,
    whole_objects,
    whole_string,
)
from studio.domain.errors import BadInput
from studio.domain.finding import Problem, Severity
from studio.domain.sections import guard, split, unguard

FINDINGS_LIMIT = 60
DEFAULT_RULE = "review"
_MESSAGE_LIMIT = 600
_PATH_LIMIT = 400


class Verdict(StrEnum):
    PASS = "pass"
    RETURN = "return"


def review_schema(*, findings: int = FINDINGS_LIMIT, summary: int = 4000, words: int = 600) -> dict[str, object]:
    """The answer asked for where a model supports JSON schema; `findings` in number, the others in characters."""
    finding = {
        "type": "object",
        "properties": {
            "severity": {"type": "string", "enum": [severity.value for severity in Severity]},
            "path": {"type": "string", "maxLength": 200},
            "line": {"type": "integer"},
            "rule": {"type": "string", "maxLength": 40},
            "message": {"type": "string", "maxLength": words},
            "suggestion": {"type": "string", "maxLength": words},
            "quote": {"type": "string", "maxLength": words},
        },
        "required": ["severity", "path", "line", "rule", "message", "suggestion", "quote"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": [verdict.value for verdict in Verdict]},
            "summary": {"type": "string", "maxLength": summary},
            "findings": {"type": "array", "maxItems": findings, "items": finding},
        },
        "required": ["verdict", "summary", "findings"],
        "additionalProperties": False,
    }


REVIEW_SCHEMA = review_schema()


@dataclass(frozen=True, slots=True)
class Review:
    """`findings` are a reviewer's (`FindingSource.REVIEWER`); a path is relative to the application, empty for all of it."""

    verdict: Verdict = Verdict.PASS
    summary: str = ""
    findings: tuple[Problem, ...] = ()


# Reading a model's answer

_PASS = frozenset({"pass", "passed", "approve", "approved", "accept", "accepted", "ok", "yes"})
_RETURN = frozenset({"return", "returned", "reject", "rejected", "fail", "failed", "changes", "request changes", "no"})
_SEVERITIES = {
    "error": Severity.ERROR, "critical": Severity.ERROR, "blocker": Severity.ERROR, "high": Severity.ERROR,
    "major": Severity.ERROR, "warning": Severity.WARNING, "medium": Severity.WARNING, "minor": Severity.WARNING,
    "note": Severity.NOTE, "info": Severity.NOTE, "low": Severity.NOTE, "nit": Severity.NOTE,
}  # fmt: skip
_RULE = re.compile(r"[^a-z0-9._/-]+")
_PLACE = re.compile(r":(\d{1,7})$")


def parse(raw: str) -> Review:
    """A review from JSON (fenced, embedded in words, or a bare list of findings). Raises BadInput when none is there."""
    found = find_object(raw, lambda row: "verdict" in row or isinstance(row.get("findings"), list))
    if found is None:
        rows = find_list(raw, _finding_like)
        found = {"findings": rows} if rows else None
    if found is None:
        raise BadInput("The review could not be read.", hint="Ask for it again, or write it yourself.")
    listed = found.get("findings")
    return _review(found.get("verdict"), text_of(found, "summary"), listed if isinstance(listed, list) else [])


def finished(partial: str) -> Review | None:
    """What was whole when a review broke off; None when nothing was. Its verdict is no one's last word."""
    rows = whole_objects(partial, _finding_like)
    summary = whole_string(partial, "summary")
    return _review(whole_string(partial, "verdict"), summary, rows) if rows or summary else None


def _finding_like(row: Object) -> bool:
    return "message" in row and bool(row.keys() & {"severity", "path", "rule"})


def _review(verdict: object, summary: str, rows: Sequence[object]) -> Review:
    found = tuple(filter(None, (_finding(row) for row in rows if isinstance(row, dict))))
    return Review(_verdict(verdict, found), trimmed(summary), found)


def _verdict(word: object, found: Sequence[Problem]) -> Verdict:
    """What the reviewer said; where that is no known word, errors send back."""
    said = str(word or "").strip(" .*_`").casefold().replace("_", " ")
    if said in _PASS:
        return Verdict.PASS
    if said in _RETURN or any(problem.severity is Severity.ERROR for problem in found):
        return Verdict.RETURN
    return Verdict.PASS


def _finding(row: Object) -> Problem | None:
    message = line_of(row, "message", "problem", "description", limit=_MESSAGE_LIMIT)
    if not message:
        return None
    line = row.get("line")
    path, at = _path(line_of(row, "path", "file", limit=2 * _PATH_LIMIT))
    return Problem(
        rule=_rule(line_of(row, "rule")),
        path=path,
        line=(line if isinstance(line, int) and not isinstance(line, bool) and 0 < line < 10_000_000 else at) if path else 0,
        message=message,
        severity=_SEVERITIES.get(line_of(row, "severity").casefold(), Severity.WARNING),
        suggestion=_block(text_of(row, "suggestion", "fix")),
        quote=_block(text_of(row, "quote")),
    )  # fmt: skip


def _path(words: str) -> tuple[str, int]:
    """The path without marks around it, `./` and `:line`, and that line."""
    path, line = " ".join(words.replace("`", "").split()), 0
    while match := _PLACE.search(path):
        path, line = path[: match.start()].rstrip(), int(match[1])
    while path.startswith(("./", "/")):
        path = path.removeprefix(".").lstrip("/").lstrip()
    if len(path) > _PATH_LIMIT:
        path = path[:_PATH_LIMIT].rstrip(" :0123456789")
    return path, line if path else 0


def _rule(words: str) -> str:
    return _RULE.sub("-", words.casefold()).strip("-")[:40].strip("-") or DEFAULT_RULE


def _block(text: str) -> str:
    """Several lines without blank ones, so that a finding is one entry of a list."""
    return "\n".join(line for line in trimmed(text).split("\n") if line)


# The readable form

READABLE = re.compile(r"^[*_# ]{0,4}verdict[*_ ]{0,4}:|^ {0,3}##[ \t]+findings[ \t]*+#*+[ \t]*+$", re.I | re.M)
"""What only the readable form has."""
_IN_SUMMARY = re.compile(r"##[ \t]+findings[ \t]*+#*+[ \t]*+$|\W{0,4}verdict\W{0,4}:", re.I)
_VERDICT = re.compile(r"^\W{0,4}verdict[*_`]*+:[*_`\s]*+(?P<word>[\w ]++)[*_`.\s]*+$", re.I)
_ENTRY = re.compile(
    r"^[-*][ ]+(?:(?P<severity>error|warning|note)\b[ ]*(?:`(?P<path>[^`]+)`[ ]*)?(?:\((?P<rule>[^)\s]{1,40})\)[ ]*)?:[ ]+)?"
    r"(?P<message>\S.*)$",
    re.I,
)
_QUOTED = re.compile(r"^[ ]{2,}>[ ]?(?P<text>.*)$")
_ADVICE = re.compile(r"^[ ]{2,}suggestion:[ ]*(?P<text>.*)$", re.I)


def render(review: Review) -> str:
    """Readable Markdown; `read_text` reads it back."""
    parts = [f"Verdict: {review.verdict.value}", guard(review.summary, _IN_SUMMARY)]
    if review.findings:
        parts += ["## Findings", "\n".join(map(_entry, review.findings))]
    return "\n\n".join(filter(None, parts))


def _entry(problem: Problem) -> str:
    at = f" `{problem.path}{f':{problem.line}' if problem.line else ''}`" if problem.path else ""
    lines = [f"- {problem.severity.value}{at} ({problem.rule}): {problem.message}"]
    lines += [f"  > {line}" for line in problem.quote.split("\n") if line]
    if problem.suggestion:
        first, *more = problem.suggestion.split("\n")
        lines += [f"  Suggestion: {first}", *(f"    {line}" for line in more)]
    return "\n".join(lines)


def read_text(markdown: str) -> Review:
    """The review of its readable form, as a person edited it.

    A point of the findings' list without severity and place is a finding about the whole; other words there go to the summary.
    """
    sections = split(trimmed(markdown), ("findings",))
    before, _, rest = sections[""].partition("\n")
    match = _VERDICT.match(before)
    loose, rows = _entries(sections.get("findings", ""))
    summary = unguard((rest if match else sections[""]).strip(), _IN_SUMMARY)
    return _review(match["word"] if match else None, "\n\n".join(filter(None, (summary, loose))), rows)


def _entries(section: str) -> tuple[str, list[dict[str, str]]]:
    """What is no finding, and the findings' fields."""
    loose: list[str] = []
    rows: list[dict[str, list[str]]] = []
    for line in section.split("\n"):
        match = _ENTRY.match(line)
        if match:
            rows.append({name: [text] for name, text in match.groupdict().items() if text})
        elif rows and line.startswith("  "):
            _continue(rows[-1], line)
        elif line.strip():
            loose.append(line)
    return "\n".join(loose), [{name: "\n".join(lines) for name, lines in row.items()} for row in rows]


def _continue(row: dict[str, list[str]], line: str) -> None:
    if "suggestion" in row:
        row["suggestion"].append(line.removeprefix("  ").removeprefix("  "))
    elif quoted := _QUOTED.match(line):
        row.setdefault("quote", []).append(quoted["text"])
    elif advice := _ADVICE.match(line):
        row["suggestion"] = [advice["text"]]
    else:
        row["message"].append(line)


# As it is stored


def to_json(review: Review) -> str:
    rows = [
        {
            "severity": one.severity.value, "path": one.path, "line": one.line, "rule": one.rule,
            "message": one.message, "suggestion": one.suggestion, "quote": one.quote,
        }
        for one in review.findings
    ]  # fmt: skip
    made = {"verdict": review.verdict.value, "summary": review.summary, "findings": rows}
    return json.dumps(made, ensure_ascii=False)


def from_json(data: str) -> Review:
    """The review that `to_json` wrote; raises BadInput when it did not."""
    return parse(data)
