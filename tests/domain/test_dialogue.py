"""Dialogue is read leniently, and what is no dialogue is not mistaken for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.dialogue import DialogueLine, LineKind, finished, parse, render, to_json
from studio.domain.errors import BadInput

LINES = (
    DialogueLine("ILSE", "The rings: forty-four.", LineKind.SPEECH),
    DialogueLine("TEODOR", "She knows.", LineKind.THOUGHT),
    DialogueLine("CAPTION", "Later.", LineKind.CAPTION),
    DialogueLine("SFX", "KRAK", LineKind.SFX),
)


def test_both_forms_come_back_as_they_were() -> None:
    assert parse(render(LINES)) == LINES
    assert parse(to_json(LINES)) == LINES


@pytest.mark.parametrize(
    "wrapped",
    [
        "```json\n{}\n```",
        "Here you are:\n\n{}\n\nI hope that helps.",
        '{{"lines": [{{"speaker": "ILSE", "te{}',
        "[1, 2] {}",
    ],
)
def test_json_is_found_among_words_and_after_a_broken_beginning(wrapped: str) -> None:
    assert parse(wrapped.format(to_json(LINES))) == LINES


def test_a_bare_list_and_other_names_are_taken() -> None:
    rows = [{"name": "ilse", "line": "Forty-four.", "type": "thinking"}]
    assert parse(json.dumps(rows)) == (DialogueLine("ILSE", "Forty-four.", LineKind.THOUGHT),)


def test_markdown_and_continuation_lines_are_read() -> None:
    assert parse("**ILSE** (speech): The rings\nare forty-four.\n- BRAM: No.") == (
        DialogueLine("ILSE", "The rings are forty-four."),
        DialogueLine("BRAM", "No."),
    )


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I would rather not write lines today.",
        'Here is the dialogue you asked for: {"lines": [ {"speaker": "MARA", "te',
        '[{"speaker": "MARA", "text": "Half a li',
        "[" * 5_000,
    ],
)
def test_what_is_no_dialogue_is_refused(reply: str) -> None:
    with pytest.raises(BadInput):
        parse(reply)


def test_of_a_cut_reply_the_whole_lines_are_found() -> None:
    whole = to_json(LINES)
    assert finished(whole[: whole.index("KRAK")]) == LINES[:3]
    assert finished(render(LINES[:2])) == LINES[:2]
    assert finished('{"lines": [{"speaker": "IL') == ()


@given(st.text(max_size=300))
def test_no_reply_does_worse_than_being_refused(reply: str) -> None:
    try:
        lines = parse(reply)
    except BadInput:
        return
    assert parse(render(lines)), "what was read once can be read again"
