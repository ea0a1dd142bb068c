"""What reaches the two streams: data apart from words, columns that line up, text that only grows, nothing a terminal obeys."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from studio.cli.live_text import LiveText, LogLines, Rows
from studio.cli.local_setup import ProgressLine
from studio.cli.output import Output, table
from studio.protocol.local import LocalProgress


def test_columns_line_up_and_no_cell_breaks_a_row() -> None:
    assert table([("a", "long cell", "x"), ("bbb", "two\nlines\x1b[2J", "")]) == [
        "a    long cell     x",
        "bbb  two lines[2J",
    ]
    assert table([]) == []


def test_quiet_silences_words_and_never_data(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(quiet=True)
    out.say("words")
    out.line("data")
    assert capsys.readouterr() == ("data\n", "")


def test_a_growing_text_is_printed_once_whatever_is_heard_twice_or_missed(capsys: pytest.CaptureFixture[str]) -> None:
    screen = LiveText(Output(), "prose")
    for offset, text in ((0, "One two "), (4, "two three "), (40, "lost"), (14, "four ")):
        screen.add(offset, text)
    screen.finish("One two three four five.")
    assert capsys.readouterr().out == "One two three four five.\n"


def test_an_escape_split_over_two_pieces_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    screen = LiveText(Output(), "prose")
    screen.add(0, "a\x1b")
    screen.add(1, "]0;t\x07b")
    screen.finish("a]0;tb")
    assert capsys.readouterr().out == "a]0;tb\n"


def test_the_log_of_a_run_is_shown_as_it_grows_and_its_report_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    screen = LiveText(Output(), "code")
    screen.add(0, "page · begins\n")
    screen.add(14, "page · done\n")
    screen.finish("Version 1.0.0.")
    assert capsys.readouterr().out == "page · begins\npage · done\n\nVersion 1.0.0.\n"


def test_what_a_model_writes_as_json_is_shown_once_it_can_be_read_and_never_when_it_broke_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = LiveText(Output(), "plan")
    screen.add(0, '{"summary": "One pa')
    screen.finish('{"summary": "One pa', whole=False)
    assert capsys.readouterr().out == ""
    screen.finish("One page.")
    assert capsys.readouterr().out == "One page.\n"


def test_without_a_terminal_the_log_goes_to_standard_error_by_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LogLines(Output())
    lines.add(0, "page · beg")
    assert capsys.readouterr() == ("", "")
    lines.add(10, "ins\npage · d")
    lines.add(0, "page · begins\npage · done\n")
    assert capsys.readouterr() == ("", "page · begins\npage · done\n")


def test_without_a_terminal_progress_is_one_line_for_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine(Output())
    for done in range(0, 100, 10):
        line(LocalProgress(step="downloading", note="from here", done=done, total=100))
    line(LocalProgress(step="checking", note="", done=0, total=0))
    line.end()
    assert capsys.readouterr().err == "downloading from here\nchecking\n"


@pytest.mark.parametrize("columns", [120, 80, 50, 24, 6])
def test_a_progress_line_stays_in_its_row_and_keeps_the_percentage(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Output, "watched", True)
    monkeypatch.setattr("studio.cli.output._columns", lambda stream: columns)
    name = "qwen2.5-coder-1.5b-instruct-q4_k_m-from-the-package-index.gguf"
    line = ProgressLine(Output())
    line(LocalProgress(step="downloading", note=name, done=559_000_000, total=1_117_000_000))
    line(LocalProgress(step="loading", note=name, done=0, total=0))
    rows = capsys.readouterr().err.split("\r\x1b[K")[1:]
    assert len(rows) == 2
    assert all(cell_len(row) < columns and "\n" not in row for row in rows)
    assert "50%" in rows[0]
    assert ("559 of 1117 MB" in rows[0]) == (columns >= 50)
    assert ("[#######.......]" in rows[0]) == (columns >= 80)


def test_words_to_the_person_never_begin_inside_a_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Output, "watched", True)
    out = Output(live=True)
    out.piece("The fog came up")
    out.say("… waiting for the model")
    out.piece(" the Wend.\n")
    out.say("Done.")
    assert capsys.readouterr() == ("The fog came up\n the Wend.\n", "… waiting for the model\nDone.\n")


def test_columns_are_shortened_to_the_width_and_what_names_a_row_last() -> None:
    rows = [("[v]", "1/3", "the-crossing-of-the-throat", "page approved", "Ilse counts the rings and one is missing"),
            ("[?]", "1/12", "fog", "narration waits for you", "静かな海の夜明けの静かな海")]  # fmt: skip
    assert table(rows, 200, whole=(1, 3)) == table(rows)
    for width in (80, 60, 40):
        lines = table(rows, width, whole=(1, 3))
        assert max(cell_len(line) for line in lines) <= width
        assert [line.split()[1] for line in lines] == ["1/3", "1/12"]
    assert "waits for you" in table(rows, 60, whole=(1, 3))[1]
    assert all(cell_len(line) <= 13 for line in table(rows, 13))


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_growing_text_is_broken_at_words_however_it_comes(size: int) -> None:
    sentence = "Ilse counts the rings by thumb on her cord. \n\n"
    text = sentence * 3 + "Bram " * 20 + "x" * 50 + " end 静かな海の夜明けの静かな海\n"
    rows = Rows()
    shown = "".join(rows.add(text[at : at + size], 20) for at in range(0, len(text), size))
    assert "".join(shown.split()) == "".join(text.split())
    lines = shown.split("\n")
    assert all(cell_len(line) <= 20 for line in lines if "xxx" not in line and "静" not in line)
    assert [line.rstrip() for line in lines[:4]] == ["Ilse counts the", "rings by thumb on", "her cord.", ""]
    assert "Bram Bram Bram Bram" in [line.rstrip() for line in lines]
    assert Rows().add("One tw", 0) == "One tw"
