"""The book as Markdown."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.errors import BadInput, Refused, StorageError
from studio.exporters import output
from studio.exporters.markdown import export_file, export_folder, render
from studio.exporters.registry import SUFFIXES, export
from studio.protocol.views import ApprovedSection, BookPage, BookView


def page(chapter: int, number: int, title: str = "Fog", text: str = "Fog lay.\n# Not a heading\n") -> BookPage:
    return BookPage(
        chapter_number=chapter,
        chapter_title=f"Chapter {chapter}",
        number=number,
        slug=title.lower(),
        title=title,
        sections=(
            ApprovedSection(stage="narration", label="Narration", text=text),
            ApprovedSection(
                stage="dialogue", label="Dialogue", text="BRAM (speech): Forty-three.\nILSE (thought): No."
            ),
        ),
    )


def book(*pages: BookPage, title: str = "The Lantern Ferry", skipped: int = 0) -> BookView:
    return BookView(title=title, language="en", pages=pages, skipped=skipped)


def test_the_whole_book_in_order() -> None:
    assert "".join(render("The [Ferry]", "en", [page(1, 1), page(1, 2, "Tide"), page(2, 1)])) == (
        '---\ntitle: "The [Ferry]"\nlang: "en"\ngenerator: studio\n---\n\n# The \\[Ferry\\]\n'
        "\n## 1. Chapter 1\n\n### 1. Fog\n\n#### Narration\n\nFog lay.\n\\# Not a heading\n"
        "\n#### Dialogue\n\n**BRAM**: Forty-three.\n\n**ILSE** (thought): No.\n"
        "\n### 2. Tide\n\n#### Narration\n\nFog lay.\n\\# Not a heading\n"
        "\n#### Dialogue\n\n**BRAM**: Forty-three.\n\n**ILSE** (thought): No.\n"
        "\n## 2. Chapter 2\n\n### 1. Fog\n\n#### Narration\n\nFog lay.\n\\# Not a heading\n"
        "\n#### Dialogue\n\n**BRAM**: Forty-three.\n\n**ILSE** (thought): No.\n"
    )


def test_a_text_that_is_markdown_goes_out_as_it_is() -> None:
    text = "## What is wanted\n\n- A *cart*\n\nILSE (speech): No.\n"
    one = BookPage(
        chapter_number=1, chapter_title="Changes", number=1, slug="cart", title="A cart",
        sections=(ApprovedSection(stage="requirements", label="Requirements", text=text, markdown=True),),
    )  # fmt: skip
    assert "".join(render("Shop", "en", [one])).endswith(f"\n#### Requirements\n\n{text}")
    assert "\\## What" in "".join(render("Shop", "en", [page(1, 1, text=text)]))


def test_a_file_is_written_whole_and_may_be_exported_again(tmp_path: Path) -> None:
    target = tmp_path / "out" / "book.md"
    done = export("markdown", book(page(1, 1), skipped=3), target)
    assert (done.path, done.pages, done.skipped) == (target, 1, 3)
    first = target.read_bytes()
    export("markdown", book(page(1, 1)), target)
    assert target.read_bytes() == first
    assert os.listdir(target.parent) == ["book.md"]


@pytest.mark.parametrize("change", ["a line more", "an older export"])
def test_an_export_that_was_edited_is_kept_beside_the_new_one(tmp_path: Path, change: str) -> None:
    target = tmp_path / "book.md"
    assert export("markdown", book(page(1, 1)), target).kept is None
    fresh = target.read_bytes()
    for name in ("book.edited.md", "book.edited-2.md"):
        edited = fresh + b"My own line.\n" if change == "a line more" else re.sub(rb"digest: .*\n", b"", fresh)
        target.write_bytes(edited)
        assert export("markdown", book(page(1, 1)), target).kept == tmp_path / name
        assert (tmp_path / name).read_bytes() == edited
        assert target.read_bytes() == fresh
    assert export("markdown", book(page(1, 1), page(1, 2)), target).kept is None
    assert len(os.listdir(tmp_path)) == 3


def test_a_file_of_somebody_s_own_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "notes.md"
    target.write_text("mine")
    with pytest.raises(Refused, match="not an export"):
        export_file(book(page(1, 1)), target)
    assert target.read_text() == "mine"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused):
        export_file(book(page(1, 1)), tmp_path / "pipe")
    with pytest.raises(Refused, match="folder"):
        export_file(book(page(1, 1)), tmp_path)


def test_a_folder_holds_a_file_per_page_and_is_only_made_new(tmp_path: Path) -> None:
    export("markdown", book(page(1, 1), page(2, 14, "Tide")), tmp_path / "out", folder=True)
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.md"))
    assert found == ["01-chapter-1/001-fog.md", "02-chapter-2/014-tide.md"]
    assert (tmp_path / "out" / found[0]).read_text().startswith('---\ntitle: "Fog"\nbook: "The Lantern Ferry"\n')
    with pytest.raises(Refused, match="not empty"):
        export_folder(book(page(1, 1)), tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"]


def test_when_writing_fails_nothing_half_done_is_left_and_an_older_export_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "book.md"
    export_file(book(page(1, 1)), target)
    before = target.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        export_file(book(page(1, 1), page(1, 2)), target)
    with pytest.raises(StorageError):
        export_folder(book(page(1, 1)), tmp_path / "folder")
    assert os.listdir(tmp_path) == ["book.md"]
    assert target.read_bytes() == before


def test_ten_thousand_pages_are_gone_through_without_being_held() -> None:
    seen = 0
    for _ in render("T", "en", (page(number // 100, number % 100) for number in range(10_000))):
        seen += 1
    assert seen > 10_000


def test_an_unknown_format_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised:
        export("docx", book(), tmp_path / "x")
    assert all(name in raised.value.hint for name in SUFFIXES)


@given(st.text(), st.text())
def test_any_title_and_text_is_written_without_control_characters(title: str, text: str) -> None:
    whole = "".join(render(title, "en", [page(1, 1, title, text)]))
    assert "\x1b" not in whole
    assert whole.count("\n# ") == 1
    whole.encode()
