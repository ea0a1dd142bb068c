"""Files for an external editor."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.domain.errors import BadInput
from studio.domain.text import clean
from studio.workspace import edits


def hand_out(root: Path, text: str = "Old text.", page: str = "p-1", title: str = "The -->\nFog") -> Path:
    return edits.write(
        root, page_id=page, page_slug="fog", stage="narration", revision_id="r-1", title=title, text=text
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(), title=st.text(max_size=50))
def test_an_untouched_file_is_no_change_for_any_text_and_title(tmp_path: Path, text: str, title: str) -> None:
    path = hand_out(tmp_path, text, title=title)
    found = edits.read(path)
    assert not found.changed
    assert found.text == clean(text).rstrip("\n")
    assert (found.page_id, found.stage, found.revision_id) == ("p-1", "narration", "r-1")
    edits.remove(path)


def test_an_edit_is_found_with_what_it_was_made_from(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    path.write_text(path.read_text().replace("Old", "New").replace("\n", "\r\n"), newline="")
    found = edits.read(path)
    assert (found.text, found.changed, found.base) == ("New text.", True, True)
    assert [edit.text for edit in edits.leftovers(tmp_path)] == ["New text."]
    edits.remove(path)
    assert edits.leftovers(tmp_path) == ()


def test_without_its_header_the_text_is_still_known_by_the_file_s_name(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    path.write_text("Only this.\n")
    found = edits.read(path)
    assert (found.text, found.page_slug, found.stage, found.base) == ("Only this.", "fog", "narration", False)
    assert found.changed


def test_an_emptied_file_changes_nothing(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    path.write_text("")
    assert not edits.read(path).changed


def test_a_leftover_is_never_written_over(tmp_path: Path) -> None:
    first = hand_out(tmp_path)
    first.write_text(first.read_text().replace("Old", "Typed before the crash"))
    second = hand_out(tmp_path)
    assert first != second
    assert "Typed before the crash" in first.read_text()
    assert edits.read(second).stage == "narration"
    assert hand_out(tmp_path) == second, "an unchanged file of the same page is used again"
    assert hand_out(tmp_path, page="p-2") not in (first, second)


def test_a_file_that_is_not_text_any_more_stays_and_is_said(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    path.write_bytes(b"\xff\xfex\x00")
    with pytest.raises(BadInput, match="UTF-16"):
        edits.read(path)
    assert edits.leftovers(tmp_path) == ()
    assert path.exists()
    assert hand_out(tmp_path) != path


def test_the_file_is_private(tmp_path: Path) -> None:
    assert hand_out(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_line_written_above_the_header_is_text_and_the_header_is_not(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    path.write_text("A new first line.\n" + path.read_text())
    found = edits.read(path)
    assert (found.text, found.changed, found.revision_id) == ("A new first line.\nOld text.", True, "r-1")


def test_a_link_among_the_files_for_editors_is_neither_read_nor_written(tmp_path: Path) -> None:
    folder = tmp_path / ".studio" / "edits"
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("A secret.")
    (folder / "fog.narration.md").symlink_to(tmp_path / "secret")
    (folder / "fog.narration~2.md").symlink_to(tmp_path / "not-there")
    assert edits.leftovers(tmp_path) == ()
    path = edits.write(
        tmp_path, page_id="p", page_slug="fog", stage="narration", revision_id=None, title="Fog", text="Mine."
    )
    assert path.name == "fog.narration~3.md"
    assert (tmp_path / "secret").read_text() == "A secret."
    assert not (tmp_path / "not-there").exists()
