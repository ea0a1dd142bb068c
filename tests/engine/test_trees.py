"""Two trees compared: renamings, both texts, unified diffs and their bounds."""

from __future__ import annotations

from hashlib import sha256

import pytest

from studio.domain.tooling import ChangeKind
from studio.engine.views import trees
from studio.protocol.build_views import FileDiff
from studio.workspace.app_files import FileState


def side(files: dict[str, bytes], modes: dict[str, int] | None = None) -> trees.Side:
    tree = {
        path: FileState(sha256(data).hexdigest(), len(data), (modes or {}).get(path, 0o644))
        for path, data in files.items()
    }
    return trees.Side(tree, lambda path, digest: files.get(path))


def only(before: trees.Side, after: trees.Side, path: str | None = None) -> FileDiff:
    (found,) = trees.diffs(before, after, path)
    return found


def test_files_of_the_same_bytes_are_paired_once_and_empty_ones_never() -> None:
    before = side({"a.js": b"x", "b.js": b"x", "c.js": b"x", "empty": b""}).tree
    after = side({"d.js": b"x", "e.js": b"x", "void": b""}).tree
    found = [(one.path, one.kind, one.renamed_from) for one in trees.compare(before, after)]
    assert found == [
        ("c.js", ChangeKind.DELETED, ""),
        ("d.js", ChangeKind.RENAMED, "a.js"),
        ("e.js", ChangeKind.RENAMED, "b.js"),
        ("empty", ChangeKind.DELETED, ""),
        ("void", ChangeKind.ADDED, ""),
    ]
    assert trees.compare(before, before) == []


def test_a_renamed_file_is_found_by_either_of_its_names() -> None:
    before, after = side({"a.js": b"x"}), side({"b.js": b"x"})
    assert only(before, after, "a.js") == only(before, after, "b.js")
    assert list(trees.diffs(before, after, "c.js")) == []


def test_a_missing_newline_at_the_end_is_said_as_git_says_it() -> None:
    found = only(side({"a": b"one\ntwo"}), side({"a": b"one\ntwo\n"}))
    assert found.unified == ("--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+two\n")
    assert (found.added, found.removed) == (1, 1)


def test_lines_that_look_like_a_header_are_counted() -> None:
    found = only(side({"a": b"-- x\n"}), side({"a": b"++ y\n++ z\n"}))
    assert (found.added, found.removed) == (2, 1)


@pytest.mark.parametrize("separator", ["\u2028", "\x0c", "\x85"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    text = f"a{separator}b\nc\n".encode()
    found = only(side({}), side({"a.txt": text}))
    assert found.added == 2


def test_a_change_of_line_ends_or_of_the_mode_is_said_in_words() -> None:
    ends = only(side({"a": b"one\r\n"}), side({"a": b"one\n"}))
    assert ends.unified == "a differs only in line ends or invisible characters.\n"
    mode = only(side({"run": b"x"}), side({"run": b"x"}, {"run": 0o755}))
    assert (mode.change, mode.unified) == ("modified", "old mode 644\nnew mode 755\n")


@pytest.mark.parametrize("data", [b"\0\1", b"\xff\xfe", b"x" * (trees.TEXT_BYTES + 1)])
def test_what_is_no_text_or_too_long_has_no_text(data: bytes) -> None:
    found = only(side({"a": b"one\n"}), side({"a": data}))
    assert (found.before, found.after, found.added) == ("one\n", None, 0)
    assert f"4 bytes -> {len(data)} bytes" in found.unified


def test_a_file_that_went_away_meanwhile_is_shown_by_its_size() -> None:
    now = trees.Side(side({"a": b"one\n"}).tree, lambda path, digest: None)
    assert "no file -> 4 bytes" in only(side({}), now).unified


def test_an_answer_is_bounded_and_a_file_past_the_bound_can_be_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "TEXTS_TOTAL", 30)
    before, after = side({}), side(dict.fromkeys(("a", "b"), b"0123456789\n" * 2))
    first, second = trees.diffs(before, after)
    assert (first.after is not None, second.after) == (True, None)
    assert "Ask for this file alone" in second.unified
    assert only(before, after, "b").after is not None
    huge = only(before, side({"a.png": b"\0" * (trees.TEXT_BYTES + 1)}))
    assert huge.unified == "a.png is not shown as text: no file -> 2000001 bytes.\n"


def test_a_file_of_very_many_lines_is_not_compared_line_by_line() -> None:
    many = b"x\n" * 20_001
    found = only(side({"a": many}), side({"a": many + b"y\n"}))
    assert "too long to compare" in found.unified
    assert found.after is not None


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.JSX", "jsx"),
        ("x.py", "python"),
        ("Dockerfile", "docker"),
        ("no", ""),
        ("a.unknown", ""),
        ("x.d.ts", "typescript"),
    ],
)
def test_the_language_is_known_by_the_name(path: str, language: str) -> None:
    assert trees.language(path) == language
