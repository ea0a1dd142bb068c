"""Rules of a document that nobody meant well with: what they may cost, and that each fault ends in words."""

import pytest

from studio.domain.finding import Severity
from studio.validators.dependencies import NAMES_LIMIT, SHOWN
from studio.validators.pattern_size import too_large
from studio.validators.patterns import fault_of
from studio.validators.registry import check_file
from studio.validators.rule_check import FILE_SECONDS
from studio.validators.rules import Rules
from studio.validators.rules_block import BLOCK_CHARACTERS, parse_rules


def read(block: str) -> tuple[Rules, list[tuple[int, str]]]:
    rules, problems = parse_rules(f"# A\n```rules\n{block}\n```\n", "app/AGENTS.md")
    assert all((one.path, one.severity) == ("app/AGENTS.md", Severity.WARNING) for one in problems)
    return rules, [(one.line, one.message) for one in problems]


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:(?:a{65535}){65535}){65535}",
        "(?:a{2500}){2500}",
        "(?:a{2500}){2500,}?",
        "(?:[(]a{2500}\\)){2500}",
        "(?:\\p{L}{2500}){2500}",
        "(?:a{2500}(?#(){1}){2500}",
        "(?:a{2500}){e<=1}{2500}",
        "(?x)(?:a{2500})#(\n{2500}",
        "[[:x:](?:(?:a{2500}){2500})]",
        "a{" + "9" * 900 + "}",
    ],
)
def test_a_pattern_whose_repeats_multiply_is_refused_before_it_is_compiled(pattern: str) -> None:
    assert "counted repeats" in fault_of(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"^(?:[^\n]{120}){1,}[^\n]+$",
        r"(?:\w{0,999}\s){0,999}",
        "a{3000}b{1500}",
    ],
)
def test_a_pattern_of_a_usual_size_is_compiled(pattern: str) -> None:
    assert not too_large(pattern)
    assert fault_of(pattern) == ""


def test_a_pattern_that_is_too_large_is_a_warning_and_the_other_rules_hold() -> None:
    block = "[[forbid]]\nid='a'\npattern='(?:a{2500}){2500}'\nmessage='m'\n[[limits]]\nid='b'\nmax_lines=3"
    rules, told = read(block)
    assert rules.ids == ("b",)
    assert [line for line, words in told if "counted repeats" in words] == [5]


@pytest.mark.parametrize("number", ["1" * 5000, "0x" + "f" * 5000, "1e999", "-1", "1_000_000_001", "inf", "1979-05-27"])
def test_no_number_is_more_than_a_warning(number: str) -> None:
    rules, told = read(f"[[limits]]\nmax_lines = {number}")
    assert rules == Rules()
    assert told


@pytest.mark.parametrize(
    ("block", "word"),
    [
        ("[[limits]]\n" * 4000, "at most 200 rules"),
        ("forbid = [" + "{}," * 5000 + "]", "at most 200 rules"),
        ("\n".join(f"k{number} = 1" for number in range(4000)), "More than 100 things"),
        ("a = '" + "x" * BLOCK_CHARACTERS + "'", "is left out"),
        (".".join("a" * 20_000) + " = 1", "thousands of dots"),
        ("[[limits]]\nin = " + "[" * 5000, "not TOML"),
    ],
)
def test_a_block_of_nothing_but_noise_costs_little_and_is_told(block: str, word: str) -> None:
    rules, told = read(block)
    assert rules == Rules()
    assert len(told) <= 101
    assert any(word in words for _, words in told)


def test_the_blocks_of_a_document_have_one_limit_together() -> None:
    block = f"```rules\n[[limits]]\nmax_lines = 1\nmessage = '{'x' * 9000}'\n```\n"
    rules, problems = parse_rules(block * 100, "a.md")
    assert len(problems) == 1
    assert "is left out" in problems[0].message
    assert rules.ids == ("limits-1",)


def test_all_patterns_on_a_file_have_one_limit_and_the_rules_after_it_are_told_under_their_names() -> None:
    slow = "".join(f"[[forbid]]\nid='slow-{number}'\npattern='(a|a|aa)+$'\nmessage='m'\n" for number in range(40))
    rules, told = read(slow + "[[forbid]]\nid='last'\npattern='x'\nmessage='m'\nseverity='note'")
    assert told == []
    said = {one.rule: one.message for one in check_file("a.txt", "a" * 200 + "!", rules=rules).verdicts}
    assert "takes too long" in said["slow-0"]
    assert f"took {FILE_SECONDS:g} seconds" in said["slow-39"]
    assert "could not be checked" in said["last"]


def test_a_manifest_of_thousands_is_checked_as_far_as_is_said() -> None:
    rules, _ = read("[dependencies.npm]\nallow = []")
    names = ",\n".join(f'"\\u0061{number}": "1"' for number in range(30_000))
    found = check_file("package.json", f'{{"dependencies": {{{names}}}}}', rules=rules).verdicts
    assert len(found) == SHOWN + 1
    assert f"more than {NAMES_LIMIT:,}" in found[-1].message
