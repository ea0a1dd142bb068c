"""Command lines are understood, or refused in one sentence, before anything heavy is imported."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from studio.cli.arguments import read_given
from studio.cli.parser import build, command_in, parse
from studio.cli.table import FAMILIES, GROUPS
from studio.domain.errors import BadInput, NotFound

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").glob("guide/*.md"))]


@pytest.mark.parametrize(
    "words",
    [
        ["-C", "x", "--json", "status"],
        ["status", "-C", "x", "--json"],
        ["--project=x", "status", "--json"],
        ["--json", "-Cx", "status"],
    ],
)
def test_global_flags_stand_before_or_after_the_command(words: list[str]) -> None:
    args = parse(words)
    assert (args.command, args.project, args.json, args.quiet, args.in_process) == ("status", "x", True, False, False)


def test_a_flag_before_a_command_below_a_command_is_kept() -> None:
    args = parse(["--quiet", "page", "add", "1", "Fog", "--json"])
    assert (args.quiet, args.json, args.project) == (True, True, None)


def test_the_command_is_the_first_word_that_is_no_flag() -> None:
    assert command_in(["-C", "page", "--json", "status"]) == "status"
    assert command_in(["--json"]) is None


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["tasks"], ["tasks", "list"]),
        (["tasks", "2/1", "--json"], ["tasks", "list", "2/1", "--json"]),
        (["-C", "tasks", "tasks", "-C", "add", "2/1"], ["-C", "tasks", "tasks", "list", "-C", "add", "2/1"]),
        (["versions", "--page", "2/1"], ["versions", "list", "--page", "2/1"]),
        (["tasks", "--json", "drop", "cart"], ["tasks", "drop", "cart", "--json"]),
        (["files", "show", "list"], ["files", "show", "list"]),
    ],
)
def test_a_command_of_several_actions_lists_when_none_is_named(words: list[str], meant: list[str]) -> None:
    assert vars(parse(words)) == vars(parse(meant))


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize(
    "words",
    [
        ["new"],
        ["new", "shop", "--workflow", "app", "--from"],
        ["demo"],
        ["status", "-C"],
        ["-C"],
        ["export", "markdown", "-o"],
        ["edit", "1/1", "--file"],
        ["prompts", "edit", "story/narration", "--file"],
    ],
)
def test_a_folder_or_file_without_a_name_is_no_other_folder(words: list[str], empty: str) -> None:
    with pytest.raises(BadInput, match="the name is empty"):
        parse([*words, empty])


def test_help_shows_every_command_once_under_a_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    shown = build().format_help()
    for title, rows in GROUPS.items():
        assert f"\n  {title}:\n" in shown
        for name, (_, text) in rows.items():
            assert len(re.findall(rf"^    {name} +{re.escape(text)}$", shown, re.MULTILINE)) == 1, name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generat"], "There is no command 'generat'"),
        (["generate"], "required: PAGE"),
        (["page"], "required: ACTION"),
        (["chapter", "move", "1", "zero"], "not a number from 1 on"),
        (["resume", "next"], "ne of the arguments --continue --keep --discard is required"),
        (["resume", "next", "--keep", "--discard"], "not allowed with"),
        (["status", "--jso"], "nrecognized arguments"),
        (["\x1b]0;owned\x07"], "There is no command"),
    ],
)
def test_a_wrong_line_is_one_sentence_with_a_hint(words: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as caught:
        parse(words)
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)
    assert "\n" not in caught.value.message


def test_each_command_has_an_example_that_it_understands() -> None:
    for parser in every_parser(build(everything=True)):
        if parser.get_default("run") is None or parser.prog == "studio":
            continue
        lines = command_lines(str(parser.epilog))
        assert lines, parser.prog
        for line in lines:
            assert line.startswith(parser.prog), (parser.prog, line)
            parse(shlex.split(line)[1:])


def test_each_command_takes_json_and_describes_itself() -> None:
    names = set()
    for parser in every_parser(build(everything=True)):
        names.add(parser.prog)
        assert parser.description, parser.prog
        assert "--json" in parser.format_help(), parser.prog
    assert {f"studio {name}" for name in FAMILIES} <= names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_line_in_the_documents_is_understood(path: Path) -> None:
    lines = documented_lines(path.read_text("utf-8"))
    wrong: object
    for line in lines:
        try:
            parse(shlex.split(line)[1:])
        except SystemExit as leaving:
            wrong = leaving.code
        except BadInput as error:
            wrong = error
        else:
            continue
        if wrong:
            pytest.fail(f"{path.name}: {line}: {wrong}")


def every_parser(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found += every_parser(child)
    return found


def command_lines(text: str) -> list[str]:
    """The lines that begin with `studio`, cut at a pipe, a redirection, a comment or a column of explanations."""
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    cut = [re.split(r"\s(?:\||>|#|&&|;)\s|\s{3,}", line)[0].strip() for line in lines if re.match(r"studio( |$)", line)]
    return [line for line in cut if not re.search(r"\bCOMMAND\b", line)]


def documented_lines(text: str) -> list[str]:
    """The command lines of fenced blocks, and those in backticks; `A|B` and words in capitals are not to be typed as they stand."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spoken = re.findall(r"`(studio [^`\n]+)`", text)
    lines = [line for block in (*blocks, *spoken) for line in command_lines(block)]
    return [line for line in lines if not re.search(r"[|\[]|\.\.\.$|\bACTION\b", line)]


def test_a_text_is_given_as_it_is_or_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "brief.txt"
    path.write_text("From a file.\n", "utf-8")
    assert read_given("Colder.") == "Colder."
    assert read_given(f"@{path}") == "From a file.\n"
    assert read_given("@@ana said so") == "@ana said so"


def test_a_text_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        read_given(f"@{tmp_path / 'none.txt'}")
    with pytest.raises(BadInput, match="not a file"):
        read_given(f"@{tmp_path}")
    binary = tmp_path / "b.bin"
    binary.write_bytes(b"\x00\x01")
    with pytest.raises(BadInput, match="binary"):
        read_given(f"@{binary}")
    with pytest.raises(BadInput):
        read_given("@")
    with pytest.raises((BadInput, NotFound)):
        read_given("@a\x00b")


def test_a_word_too_many_after_a_command_of_several_points_to_all_of_them() -> None:
    with pytest.raises(BadInput) as named:
        parse(["files", "list", "cart.js"])
    assert named.value.hint == "See: studio files list --help"
    with pytest.raises(BadInput) as unnamed:
        parse(["files", "cart.js"])
    assert unnamed.value.message == "'cart.js' is nothing that `studio files` takes."
    assert unnamed.value.hint.startswith("There are: list, ")
    with pytest.raises(BadInput) as near:
        parse(["versions", "shw"])
    assert near.value.hint == "Did you mean: studio versions show?"
