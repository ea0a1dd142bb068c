"""Texts of a model, a file or an API that expressions with adjoining repeats read for minutes, holding every other thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.config.dotenv import parse_dotenv
from studio.config.redaction import Redactor
from studio.config.schema import line_of
from studio.domain import dialogue, plan, release, review
from studio.domain.answer_json import find_object, tries
from studio.domain.errors import BadInput
from studio.prompts import source
from studio.providers import tool_calls
from studio.providers.classify import _TOO_LONG
from studio.publishers import follow_ups
from studio.tui.presenters import search, structured
from studio.tui.presenters.markdown import markdown_lines
from studio.validators import comments, data_files, generated, grammar_gaps
from studio.validators.languages import Language
from studio.validators.rules_block import without_blocks
from studio.workspace import canon_links, edits, front_matter, mirror

MANY = 300_000
BLANKS = " " * MANY


def _lenient(read: Callable[[str], object]) -> Callable[[str], object]:
    def reading(text: str) -> object:
        try:
            return read(text)
        except BadInput:
            return None

    return reading


def _of_comments(language: Language) -> Callable[[str], object]:
    return lambda text: comments.spans(text, language)


def _edit(text: str, folder: Path = Path()) -> object:
    path = folder / "page.draft.md"
    path.write_text(text, "utf-8")
    return edits.read(path)


PUMPED: dict[str, tuple[Callable[[str], object], str]] = {
    "a verdict and blanks": (review.read_text, f"verdict: {BLANKS}x!"),
    "a heading of findings": (review.READABLE.search, f"## findings{BLANKS}x"),
    "a heading of tasks": (plan.READABLE.search, f"## tasks{BLANKS}x"),
    "a heading with hashes": (plan.read_text, "## " + "#" * MANY + "x"),
    "a heading with blanks": (plan.read_text, f"## a{BLANKS}x"),
    "a changelog": (release.READABLE.search, f"## changelog{BLANKS}x"),
    "a version and marks": (release.read_text, "version: " + "_" * MANY + "x!"),
    "a speaker and blanks": (_lenient(dialogue.parse), f"A: hi\nBo{BLANKS}x\n"),
    "marks in a line": (_lenient(dialogue.parse), "A: hi\nBo" + "*" * MANY + "x\n"),
    "lines that go on": (_lenient(dialogue.parse), "A: hi\n" + "x\n" * 1_000_000),
    "a reply of blank lines": (_lenient(dialogue.parse), "a" + "\n" * MANY + "b"),
    "brackets of a broken reply": (_lenient(dialogue.parse), ("[" + "1," * 200) * 10_000),
    "blank lines of an answer": (lambda text: find_object(text, bool), "a" + "\n" * MANY + "b"),
    "a table's line": (follow_ups.tables_in, f"## Tables\n\n- a: {BLANKS}x)y"),
    "a heading on the screen": (lambda text: markdown_lines(text, "plan", 80), f"# a{BLANKS}x"),
    "strong words on the screen": (lambda text: markdown_lines(text, "plan", 80), "**a " * 100_000),
    "a number looked for": (search._NUMBERS.match, f"1{BLANKS}x"),
    "an answer's first words": (structured.is_json, f"```{chr(10) * MANY}x"),
    "a section of the manuscript": (lambda text: mirror.parse(text, {"draft": "Draft"}), f"## a{BLANKS}x"),
    "a fence of canon": (canon_links.link_targets, "`" * MANY),
    "a key of a front matter": (lambda text: front_matter.key_line(text, "b"), f"a{BLANKS}x"),
    "a header of settings": (lambda text: line_of(text, "b"), f"[a{BLANKS}x"),
    "a key of settings": (lambda text: line_of(text, "b"), f"{BLANKS}!"),
    "a variable": (parse_dotenv, f"A=a{BLANKS}x"),
    "a variable's comment": (parse_dotenv, f"A=a{BLANKS}x#"),
    "what a service says of a key": (Redactor(), f"authorization: {BLANKS},"),
    "what a service says of length": (_TOO_LONG.search, "maximum " * 100_000),
    "comments of a template": (lambda text: source.parse("a.md", text), "{# " * 100_000),
    "headers of an edit": (_edit, "<!-- studio\n" * 100_000),
    "a fence around a file": (lambda text: generated.unwrap(text, Language.CSS), f"```{BLANKS}`"),
    "texts of Python": (_of_comments(Language.PYTHON), '"""\n' + '\\"""\n' * 100_000),
    "a text of YAML": (_of_comments(Language.YAML), '"' + '\\"' * MANY),
    "a text of CSS": (_of_comments(Language.CSS), '"' + '\\"' * MANY),
    "a text of loose JSON": (data_files.without_comments, '"' + '\\"' * MANY),
    "a type taken apart": (lambda text: grammar_gaps.calmed(text, "typescript"), "({a" + BLANKS + "x"),
    "rules that are not closed": (without_blocks, "\n".join("`" * ticks + "rules" for ticks in range(1500, 3, -1))),
}  # fmt: skip


@pytest.mark.parametrize("name", PUMPED)
def test_a_text_is_read_in_time_that_grows_with_its_length(name: str, tmp_path: Path) -> None:
    read, text = PUMPED[name]
    if read is _edit:
        _edit(text, tmp_path)
    else:
        read(text)


def test_a_name_that_comes_twice_among_thousands_is_found_at_once() -> None:
    names = ", ".join(f'"{number}": 1' for number in range(MANY))
    with pytest.raises(tool_calls.ArgumentsError, match="'last' twice"):
        tool_calls._json(f'{{{names}, "last": 1, "last": 2}}')


def test_a_number_of_thousands_of_digits_is_no_place() -> None:
    assert search._numbered("1" * 5_000, (), None) == []


def test_the_brackets_of_a_long_answer_are_tried_less_often() -> None:
    assert [tries("[" * length) for length in (10, 64_000, 640_000, 6_400_000)] == [400, 399, 40, 40]
