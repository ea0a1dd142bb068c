"""Passages: found once and replaced, found loosely and told so, or refused with the place and the first line that differs."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.tools.passages import Unmatched, apply, places

CODE = """function greet(name) {
    if (!name) {
        return "nobody";
    }
    return `Hello, ${name}`;
}

function leave(name) {
    return "Bye";
}
"""


def one(text: str, old: str, new: str) -> str:
    return apply(text, [(old, new)]).text


def refusal(text: str, *edits: tuple[str, str]) -> Unmatched:
    with pytest.raises(Unmatched) as caught:
        apply(text, edits)
    return caught.value


def test_an_exact_passage_is_replaced_and_its_lines_are_told() -> None:
    done = apply(CODE, [('return "Bye";', 'say("bye");\n    return "Bye";')])
    assert done.text == CODE.replace('return "Bye";', 'say("bye");\n    return "Bye";')
    assert done.lines == ((9, 10),)
    assert done.note == ""


def test_several_edits_are_all_made_against_the_text_as_it_is() -> None:
    done = apply("a\nb\nc\nd\n", [("d\n", "D\nE\n"), ("a", "b"), ("b\n", "")])
    assert done.text == "b\nc\nD\nE\n"
    assert places(done.lines) == "line 1, line 2, lines 3-4"


def test_all_edits_are_made_or_none() -> None:
    assert refusal("a\nb\n", ("a", "A"), ("x", "X")).reason == "missing"


def test_edits_of_the_same_lines_are_refused() -> None:
    error = refusal("one two three\n", ("one two", "x"), ("two three", "y"))
    assert error.reason == "overlap"
    assert "Edits 1 and 2" in str(error)


def test_an_ambiguous_passage_is_refused_with_the_lines_of_all_its_places() -> None:
    error = refusal("x = 1\ny = 2\nx = 1\n\nx = 1\n", ("x = 1", "x = 2"))
    assert error.reason == "ambiguous"
    assert "3 times (lines 1, 3, 5)" in str(error)
    assert "more than 12 times" in str(refusal("a\n" * 5_000, ("a", "b")))


def test_an_ambiguous_edit_among_several_is_named() -> None:
    assert str(refusal("a\nb\nb\n", ("a", "x"), ("b", "y"))).startswith(
        "Edit 2: the old passage is in the file 2 times"
    )


def test_a_loose_match_is_refused_when_there_are_two() -> None:
    error = refusal("say “a”\nsay ”a“\n", ('say "a"', "x"))
    assert error.reason == "ambiguous"
    assert "lines 1, 2" in str(error)


def test_an_exact_passage_wins_over_a_loose_one() -> None:
    assert one('say “a”\nsay "a"\n', 'say "a"', "x") == "say “a”\nx\n"


@pytest.mark.parametrize(
    ("text", "old", "new", "result"),
    [
        ("She said “go” — twice.", 'She said "go" - twice.', 'She said "stop" - twice.', "She said “stop” — twice."),
        ("don’t stop", "don't stop", "don't go", "don’t go"),
        ("a\u00a0b c", "a b c", "a b d", "a\u00a0b d"),
        ("the ‘old’ way", "the 'old' way", "", ""),
        ("x = 'it’s'", "x = 'it's'", "x = 'it's' + y", "x = 'it’s' + y"),
    ],
)
def test_quotes_dashes_and_odd_spaces_do_not_count_and_stay_where_the_edit_leaves_them(
    text: str, old: str, new: str, result: str
) -> None:
    done = apply(text, [(old, new)])
    assert done.text == result
    assert "quotes or dashes" in done.note


def test_cjk_punctuation_is_not_taken_for_another() -> None:
    text = "「はい」、と言った。\n"
    assert refusal(text, ('"はい",と言った.', "x")).reason == "missing"
    assert refusal("（一）\n", ("(一)", "x")).reason == "missing"
    assert one(text, "「はい」", "「いいえ」") == "「いいえ」、と言った。\n"


def test_white_space_at_the_ends_of_lines_does_not_count_and_untouched_lines_keep_theirs() -> None:
    text = "one  \ntwo\t\nthree\n"
    assert one(text, "one\ntwo\nthree", "one\nTWO\nthree") == "one  \nTWO\nthree\n"
    assert one("one\ntwo\n", "one   \ntwo  ", "one\n2") == "one\n2\n"
    assert one("a\n   \nb\n", "a\n\nb", "a\n\nB") == "a\n   \nB\n"


def test_an_indentation_that_is_shifted_is_put_on_the_new_lines_too() -> None:
    old = 'if (!name) {\n    return "nobody";\n}'
    new = 'if (!name) {\n    log();\n    return "no one";\n}'
    done = apply(CODE, [(old, new)])
    assert '    if (!name) {\n        log();\n        return "no one";\n    }\n    return `Hello' in done.text
    assert "indentation" in done.note


def test_a_passage_at_its_own_indentation_wins_over_one_that_is_shifted() -> None:
    text = "if x:\n    go()  \n    end\nloop:\n        go()\n        end\n"
    done = apply(text, [("    go()\n    end", "    stop()\n    end")])
    assert done.text == "if x:\n    stop()\n    end\nloop:\n        go()\n        end\n"
    assert done.note == "Found it although white space differed."


def test_lines_between_that_the_edit_leaves_keep_their_own_white_space() -> None:
    text = "a  \nb\t\nc  \nd\ne  \n"
    assert one(text, "a\nb\nc\nd\ne", "a\nB\nc\nnew\nD\ne") == "a  \nB\nc  \nnew\nD\ne  \n"
    assert one(text, "a\nb\nc\nd\ne", "a\ne") == "a  \ne  \n"
    assert one("x  \nx\n.\n", "x\nx\n.", "x\n.") == "x  \n.\n"


def test_an_indentation_that_is_too_deep_is_taken_off() -> None:
    assert one(
        "def f():\n    return 1\n",
        "        def f():\n            return 1",
        "        def f():\n            return 2\n        # end",
    ) == ("def f():\n    return 2\n# end\n")


def test_tabs_in_the_file_are_put_for_spaces_in_the_passage_and_the_other_way() -> None:
    assert one(
        "if x:\n\tif y:\n\t\tgo()\n", "if x:\n    if y:\n        go()", "if x:\n    if y:\n        stop()\n        go()"
    ) == ("if x:\n\tif y:\n\t\tstop()\n\t\tgo()\n")
    assert (
        one("if x:\n  if y:\n    go()\n", "if x:\n\tif y:\n\t\tgo()", "if x:\n\tif y:\n\t\tstop()")
        == "if x:\n  if y:\n    stop()\n"
    )


def test_lines_that_are_shifted_unevenly_are_not_taken_for_the_same() -> None:
    error = refusal("if x:\n    a()\n    b()\n", ("if x:\n    a()\nb()", "y"))
    assert error.reason == "missing"
    assert "line 3" in str(error)


def test_line_ends_of_the_file_are_kept() -> None:
    text = "one\r\ntwo\r\nthree\r\n"
    assert one(text, "one\ntwo", "1\n2\n2b") == "1\r\n2\r\n2b\r\nthree\r\n"
    assert one(text, "two\n", "") == "one\r\nthree\r\n"
    assert one(text, "two", "zwei") == "one\r\nzwei\r\nthree\r\n"
    assert one(text, "\nthree", "") == "one\r\ntwo\r\n"


def test_mixed_line_ends_outside_of_the_passage_stay() -> None:
    text = "a\r\nb\nc\r\nd\n"
    assert one(text, "b", "B\nbb") == "a\r\nB\nbb\nc\r\nd\n"
    assert one(text, "d", "D") == "a\r\nb\nc\r\nD\n"


def test_a_last_line_without_a_newline_is_found_by_a_passage_with_one() -> None:
    assert one("a\nb", "b\n", "c\n") == "a\nc"
    assert one("a\nb", "b", "c\n") == "a\nc\n"


def test_a_whole_line_is_removed_with_its_newline() -> None:
    assert one("a  \nb\n", "a\n", "") == "b\n"


def test_an_empty_file_is_filled_by_an_empty_passage_and_only_such_a_file() -> None:
    assert one("", "", "text\n") == "text\n"
    assert one("\n", "", "text\n") == "text\n"
    assert refusal("x\n", ("", "text")).reason == "empty"
    assert refusal("x\n", ("\n", "text")).reason == "empty"
    assert refusal("x\n").reason == "empty"


def test_an_edit_that_changes_nothing_is_refused() -> None:
    assert refusal("a\nb\n", ("a", "a")).reason == "same"


def test_a_miss_names_the_nearest_place_and_the_first_line_that_differs_with_both_texts() -> None:
    error = refusal(CODE, ('    if (!name) {\n        return "no-one";\n    }', "x"))
    words = str(error)
    assert "The nearest place is line 2; the first line that differs is line 3." in words
    assert 'The file has:\n        return "nobody";\nYou gave:\n        return "no-one";' in words
    assert "Lines 1-10 of 10, as they are now:\nfunction greet(name) {" in words


def test_a_miss_of_one_line_finds_the_line_most_like_it() -> None:
    assert "The nearest place is line 5" in str(refusal(CODE, ("    return `Hello ${nam}`;", "x")))


def test_a_miss_without_anything_alike_says_so_and_shows_the_beginning() -> None:
    words = str(refusal(CODE, ("SELECT * FROM accounts WHERE 1", "x")))
    assert "nor anything like it" in words
    assert "Lines 1-10 of 10" in words


def test_a_miss_at_the_end_says_that_the_file_ends_there() -> None:
    assert "(the file ends here)" in str(refusal("one thing\n", ("one thing\nother thing", "x")))


def test_an_edit_that_was_made_already_is_told() -> None:
    assert "the new one is there already (line 9)" in str(refusal(CODE, ('return "Ciao";', 'return "Bye";')))


def test_the_words_of_a_miss_stay_short_for_long_lines_and_long_passages() -> None:
    assert len(str(refusal("x" * 200_000 + "\n", ("x" * 100_000 + "y", "z")))) < 2_000
    text = "".join(f"line number {number}\n" for number in range(3_000))
    assert len(str(refusal(text, (text.replace("number 2000", "nummer 2000"), "z")))) < 10_000


LINES = st.lists(
    st.sampled_from(["a", "b", "  a", "  b", "", "x = 1", "“q”", "}", "\tt", "c  "]), min_size=1, max_size=14
)


@settings(max_examples=400, deadline=None)
@given(lines=LINES, data=st.data())
def test_whatever_is_replaced_is_what_was_named_and_nothing_else(lines: list[str], data: st.DataObject) -> None:
    """An edit is made where its passage stands, or refused; what is outside of it is the same byte for byte."""
    start = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(start + 1, len(lines)))
    text = "\n".join(lines) + "\n"
    old = "\n".join(lines[start:end])
    loose = data.draw(st.sampled_from([old, old.replace("“", '"').replace("”", '"'), old.replace("c  ", "c")]))
    try:
        done = apply(text, [(loose, "NEW")])
    except Unmatched as error:
        reason = error.reason
    else:
        reason = ""
    if reason:
        assert reason in ("ambiguous", "empty") or (reason == "missing" and loose != old)
        return
    head, _, tail = done.text.partition("NEW")
    assert text.startswith(head)
    assert text.endswith(tail)
    replaced = text[len(head) : len(text) - len(tail)]
    assert replaced.split() == old.split()


@settings(max_examples=200, deadline=None)
@given(lines=LINES, unix=st.text("ab \n", max_size=6))
def test_a_file_with_windows_line_ends_is_edited_as_the_same_file_with_unix_ones(lines: list[str], unix: str) -> None:
    text = "\n".join(["top", *lines, "MARK", *lines, "end"]) + "\n"
    edits = [("MARK\n", unix)]
    assert apply(text.replace("\n", "\r\n"), edits).text == apply(text, edits).text.replace("\n", "\r\n")


def test_hostile_passages_are_answered_in_reasonable_work() -> None:
    """Nothing here is quadratic in a way that a 256 kB file would feel: a fault shows as the timeout of the test."""
    rng = random.Random(7)
    spaces = " " * 250_000
    flat = "a\n" * 120_000
    noise = "\n".join("".join(rng.choice("ab{} ") for _ in range(40)) for _ in range(6_000))
    for text, old in (
        (spaces, "  x"),
        (spaces + "\n", "x \n" * 1_000),
        (flat, "a\n" * 2_000 + "b"),
        (noise, noise.replace("{", "}", 1)),
        (noise, "zz\n" * 6_000),
        ("}\n" * 100_000, "}\n" * 500 + "{"),
    ):
        assert refusal(text, (old, "new")).reason in ("missing", "ambiguous")
