"""A review keeps its verdict and findings in both forms, and a reviewer's habits are read for what they mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.errors import BadInput
from studio.domain.finding import Problem, Severity
from studio.domain.review import REVIEW_SCHEMA, Review, Verdict, finished, from_json, parse, read_text, render, to_json

REVIEW = Review(
    Verdict.RETURN,
    "The list works.\n\nThe form does not.",
    (
        Problem("labels", "src/form.js", 12, "The field has no label.", Severity.ERROR, "Add a <label>.\n  for=\"q\"", "<input>"),
        Problem("review", "index.html", 0, "Two titles.", Severity.WARNING),
        Problem("scope", "", 0, "Nothing is tested.", Severity.NOTE, "", "a\n  b"),
    ),
)  # fmt: skip


def test_both_forms_come_back_as_they_were() -> None:
    assert read_text(render(REVIEW)) == REVIEW
    assert parse(to_json(REVIEW)) == REVIEW
    assert from_json(to_json(REVIEW)) == REVIEW


def test_the_readable_form_is_regular() -> None:
    lines = render(REVIEW).split("\n")
    assert lines[0] == "Verdict: return"
    assert "- error `src/form.js:12` (labels): The field has no label." in lines
    assert "  > <input>" in lines
    assert "  Suggestion: Add a <label>." in lines
    assert "- warning `index.html` (review): Two titles." in lines
    assert "- note (scope): Nothing is tested." in lines


WORDS = st.one_of(
    st.text(alphabet=st.sampled_from("ab1:#\\`-*.>() \n\t/"), max_size=30),
    st.sampled_from(["## Findings", "Verdict: pass", "- error `a:1` (x): y", "  > q", "  Suggestion: s", "**Verdict**: no"]),
    st.text(max_size=20),
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=4).map("\n".join)
ROWS = st.fixed_dictionaries(
    {
        "severity": st.sampled_from(["error", "warning", "note", "critical", "odd", ""]),
        "path": WORDS,
        "line": st.one_of(st.integers(-3, 10**8), st.none(), st.booleans()),
        "rule": WORDS,
        "message": TEXTS,
        "suggestion": TEXTS,
        "quote": TEXTS,
    }
)


@given(st.sampled_from(["pass", "return", "?"]), TEXTS, st.lists(ROWS, max_size=5))
def test_any_review_that_was_read_comes_back_from_both_forms(verdict: str, summary: str, rows: list[object]) -> None:
    review = parse(json.dumps({"verdict": verdict, "summary": summary, "findings": rows}))
    assert read_text(render(review)) == review
    assert from_json(to_json(review)) == review


@given(TEXTS)
def test_no_word_of_an_edited_text_is_lost(text: str) -> None:
    kept = render(read_text(text)).casefold()
    for word in {word.casefold() for word in text.split() if word.isalpha()} - {"findings", "verdict", "pass", "no"}:
        assert word in kept


@given(st.text(max_size=300))
def test_no_reply_does_worse_than_being_refused(reply: str) -> None:
    try:
        review = parse(reply)
    except BadInput:
        return
    assert from_json(to_json(review)) == review


@pytest.mark.parametrize("wrapped", ["```json\n{}\n```", "My review:\n{}\nDone.", '{{"review": {}}}'])
def test_json_is_found_where_it_stands(wrapped: str) -> None:
    assert parse(wrapped.format(to_json(REVIEW))) == REVIEW


def test_a_bare_list_of_findings_is_a_review_that_goes_by_them() -> None:
    rows = json.loads(to_json(REVIEW))["findings"]
    assert parse(json.dumps(rows)) == Review(Verdict.RETURN, "", REVIEW.findings)
    assert parse(json.dumps(rows[1:])).verdict is Verdict.PASS


@pytest.mark.parametrize("reply", ["", "Looks good to me.", '{"verdict', "[[[[", "{}"])
def test_what_is_no_review_is_refused(reply: str) -> None:
    with pytest.raises(BadInput):
        parse(reply)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("Approved.", Verdict.PASS), ("request_changes", Verdict.RETURN), ("FAIL", Verdict.RETURN), ("perhaps", Verdict.PASS)],
)  # fmt: skip
def test_other_words_for_a_verdict_are_understood(said: str, meant: Verdict) -> None:
    assert parse(json.dumps({"verdict": said, "summary": "", "findings": []})).verdict is meant


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("./src/a.js", 3, ("src/a.js", 3)),
        ("`src/a.js:14`", 0, ("src/a.js", 14)),
        ("src/a.js:14:2", None, ("src/a.js", 14)),
        ("/index.html", "7", ("index.html", 0)),
        ("", 9, ("", 0)),
    ],
)
def test_a_place_is_read_in_the_ways_it_is_written(path: str, line: object, found: tuple[str, int]) -> None:
    row = {"severity": "error", "path": path, "line": line, "message": "m"}
    problem = parse(json.dumps({"verdict": "return", "findings": [row]})).findings[0]
    assert (problem.path, problem.line) == found


def test_a_person_may_write_findings_by_hand() -> None:
    review = read_text("""**Verdict:** Return

Not yet.

## Findings

- The button is too small
- error `src/a.js:3`: It throws.
  > boom()
And one more word.""")
    assert review == Review(
        Verdict.RETURN,
        "Not yet.\n\nAnd one more word.",
        (
            Problem("review", "", 0, "The button is too small", Severity.WARNING),
            Problem("review", "src/a.js", 3, "It throws.", Severity.ERROR, "", "boom()"),
        ),
    )


def test_of_a_cut_review_the_whole_findings_are_found() -> None:
    whole = to_json(REVIEW)
    cut = finished(whole[: whole.index("Two titles")])
    assert cut == Review(Verdict.RETURN, REVIEW.summary, REVIEW.findings[:1])
    assert finished('{"verdict": "pa') is None


def test_the_schema_closes_and_requires_everything() -> None:
    finding = REVIEW_SCHEMA["properties"]["findings"]["items"]  # type: ignore[index]  # a JSON schema is plain dicts of object
    assert finding["required"] == list(finding["properties"])
    assert finding["additionalProperties"] is False
