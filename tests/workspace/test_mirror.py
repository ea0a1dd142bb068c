"""The plain-text mirror: what is written is read back, and a person's edit is told from none."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from studio.domain.errors import BadInput, Conflict
from studio.domain.text import clean, slugify
from studio.workspace.mirror import (
    Approved,
    MirrorPage,
    MirrorSection,
    changes,
    conflict_path,
    is_conflict,
    parse,
    relative_path,
    render,
    same_text,
    section_digest,
)
from studio.workspace.mirror_files import MirrorFolder, duplicates

LABELS = {"narration": "Narration", "dialogue": "Dialogue"}
NARRATION = "Fog lay over the Wend.\n\n---\n\nIlse pushed."
DIALOGUE = "BRAM (speech): Forty-three.\nILSE (thought): No."

lines = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "## Narration",
            "## dialogue ",
            "\\## Narration",
            "\\\\## x",
            "---",
            "...",
            "# x",
            "##",
            "  ## Dialogue",
            "",
            " ",
            "```",
            "id: x",
        ]
    ),
)
texts = st.lists(lines, max_size=12).map("\n".join)


def page(narration: str = NARRATION, dialogue: str | None = DIALOGUE, title: str = "Fog") -> MirrorPage:
    sections = [MirrorSection("narration", "Narration", narration, "r-n", 3, "openai:gpt")]
    if dialogue is not None:
        sections.append(MirrorSection("dialogue", "Dialogue", dialogue, "r-d", 1))
    return MirrorPage("0192f0c1-0000-7000-8000-000000000001", title, "The Crossing", "page_approved", tuple(sections))


def current(narration: str = NARRATION, dialogue: str = DIALOGUE) -> dict[str, Approved]:
    return {"narration": Approved("r-n", narration), "dialogue": Approved("r-d", dialogue)}


def without_outer_blank_lines(text: str) -> str:
    rows = clean(text).rstrip().split("\n")
    while rows and not rows[0].strip():
        rows = rows[1:]
    return "\n".join(rows)


def test_the_file_reads_as_a_page() -> None:
    text = render(page())
    assert text.startswith('---\nid: "0192f0c1-0000-7000-8000-000000000001"\ntitle: "Fog"\n')
    assert "\n---\n\n## Narration\n\nFog lay over the Wend.\n" in text
    assert text.endswith("\n## Dialogue\n\nBRAM (speech): Forty-three.\nILSE (thought): No.\n")
    assert text == render(page())


@settings(max_examples=300)
@given(narration=texts, dialogue=texts, title=st.text(max_size=40))
@example(narration="## Dialogue\nx", dialogue="---\nid: y\n---", title='": x\n---')
def test_any_text_and_title_survive_a_round_trip_and_are_no_edit(narration: str, dialogue: str, title: str) -> None:
    found = parse(render(page(narration, dialogue, title)), LABELS)
    assert found.problems == ()
    assert found.unplaced == ""
    assert found.page_id == "0192f0c1-0000-7000-8000-000000000001"
    for stage, text in (("narration", narration), ("dialogue", dialogue)):
        section = found.sections[stage]
        assert section.text == without_outer_blank_lines(text)
        assert not section.edited
        assert section.base_digest == section_digest(text)
    outcome = changes(found, current(narration, dialogue))
    assert (outcome.edits, outcome.older, outcome.emptied, outcome.missing) == ((), (), (), ())


@settings(max_examples=200)
@given(old=texts, new=texts)
def test_an_edit_of_one_section_is_seen_there_and_only_there(old: str, new: str) -> None:
    written = render(page(old, DIALOGUE))
    edited = render(page(new, DIALOGUE))
    body = written[: written.index("\n---\n") + 5] + edited[edited.index("\n---\n") + 5 :]
    outcome = changes(parse(body, LABELS), current(old, DIALOGUE))
    if same_text(old, new):
        assert outcome.edits == ()
    elif not new.strip() or not without_outer_blank_lines(new):
        assert outcome.emptied == ("narration",)
    else:
        (edit,) = outcome.edits
        assert (edit.stage, edit.text, edit.base_revision) == ("narration", without_outer_blank_lines(new), "r-n")
        assert not edit.conflict


def test_line_ends_and_blanks_that_editors_change_are_no_edit() -> None:
    text = render(page()).replace("\n", "\r\n").replace("pushed.", "pushed.   ")
    assert changes(parse("\ufeff" + text, LABELS), current()).edits == ()


def test_an_edit_of_a_text_that_went_on_meanwhile_is_a_conflict_that_keeps_both() -> None:
    text = render(page()).replace("Ilse pushed.", "Ilse waited.")
    now = {"narration": Approved("r-newer", "Something else."), "dialogue": Approved("r-d", DIALOGUE)}
    (edit,) = changes(parse(text, LABELS), now).edits
    assert edit.conflict
    assert edit.base_revision == "r-n"
    assert "Ilse waited." in edit.text


def test_an_older_file_that_nobody_edited_is_only_written_again() -> None:
    outcome = changes(parse(render(page()), LABELS), current(narration="Newer text."))
    assert outcome.older == ("narration",)
    assert outcome.edits == ()


def test_the_same_text_typed_by_hand_is_no_edit() -> None:
    now = {"narration": Approved("r-newer", "Ilse waited."), "dialogue": Approved("r-d", DIALOGUE)}
    outcome = changes(parse(render(page()).replace(NARRATION, "Ilse waited."), LABELS), now)
    assert (outcome.older, outcome.edits) == ((), ())


def test_without_front_matter_sections_are_still_found() -> None:
    found = parse("## NARRATION ##\n\nMine.\n\n## dialogue\nBRAM: No.\n", LABELS)
    assert found.page_id is None
    outcome = changes(found, current())
    assert [(edit.stage, edit.text) for edit in outcome.edits] == [("narration", "Mine."), ("dialogue", "BRAM: No.")]
    assert all(edit.base_revision is None and not edit.conflict for edit in outcome.edits)


def test_broken_front_matter_is_a_problem_and_the_text_is_read() -> None:
    found = parse("---\nid: {{x}}\n---\n## Narration\n\nMine.", LABELS)
    assert found.problems[0][0] == 2
    assert found.sections["narration"].text == "Mine."


def test_text_that_belongs_nowhere_is_handed_back() -> None:
    found = parse(
        "---\nid: x\n---\n\nAdded above.\n\n## Narration\n\nA\n\n## Notes\n\nB\n\n## Narration\n\nC\n", LABELS
    )
    assert found.unplaced == "Added above."
    assert found.sections["narration"].text == "A\n\n## Notes\n\nB\n\n## Narration\n\nC"
    assert [line for line, _ in found.problems] == [15]
    assert changes(found, current()).unplaced == "Added above."


def test_a_removed_and_an_emptied_section_are_named_and_are_no_edit() -> None:
    outcome = changes(parse('---\nid: "x"\n---\n## Narration\n\n   \n', LABELS), current())
    assert (outcome.emptied, outcome.missing, outcome.edits) == (("narration",), ("dialogue",), ())


def test_a_section_written_for_a_stage_that_has_no_text_yet_is_an_edit() -> None:
    text = render(page(dialogue=None)) + "\n## Dialogue\n\nBRAM: Forty-three.\n"
    (edit,) = changes(parse(text, LABELS), {"narration": Approved("r-n", NARRATION)}).edits
    assert (edit.stage, edit.approved, edit.conflict) == ("dialogue", False, False)


@given(texts)
def test_any_file_can_be_read_and_none_of_its_lines_is_lost(text: str) -> None:
    found = parse(f"x\n{text}", LABELS)
    kept = [found.unplaced, *(section.text for section in found.sections.values())]
    rows = {row.strip() for part in kept for row in part.split("\n")}
    for row in clean(text).split("\n"):
        if row.strip().casefold() not in ("", "## narration", "## dialogue"):
            assert row.strip() in rows or row.strip().removeprefix("\\") in rows


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_path_is_safe_for_every_title(chapter: str, title: str) -> None:
    path = relative_path(slugify(chapter), slugify(title))
    first, second, third = path.split("/")
    assert first == "manuscript"
    assert second not in ("", ".", "..")
    assert third.endswith(".md")
    assert len(conflict_path(path, 999).split("/")[2].encode()) <= 255
    assert is_conflict(conflict_path(path, 3))
    assert not is_conflict(path)


def test_files_are_found_by_their_id_wherever_they_were_moved(tmp_path: Path) -> None:
    folder = MirrorFolder(tmp_path)
    written = folder.write("manuscript/one/fog.md", render(page()))
    (tmp_path / "manuscript" / "two").mkdir()
    os.replace(tmp_path / "manuscript/one/fog.md", tmp_path / "manuscript/two/renamed.md")
    (file,) = folder.scan()
    assert (file.path, file.page_id, file.digest) == ("manuscript/two/renamed.md", page().id, written)
    folder.rename(file.path, "manuscript/one/fog.md")
    assert not (tmp_path / "manuscript" / "two").exists()
    assert folder.read("manuscript/one/fog.md") == render(page())


def test_a_copy_made_by_hand_is_told_from_the_page(tmp_path: Path) -> None:
    folder = MirrorFolder(tmp_path)
    folder.write("manuscript/one/fog.md", render(page()))
    folder.write("manuscript/one/fog copy.md", render(page()))
    folder.write("manuscript/one/notes.md", "My notes.")
    assert duplicates(folder.scan()) == {page().id: ("manuscript/one/fog copy.md", "manuscript/one/fog.md")}


def test_only_changed_files_are_read_again(tmp_path: Path) -> None:
    folder = MirrorFolder(tmp_path)
    folder.write("manuscript/one/a.md", render(page()))
    folder.write("manuscript/one/b.md", render(page()))
    before = folder.scan()
    folder.write("manuscript/one/b.md", render(page("Other.")))
    after = folder.scan()
    assert after[0] is before[0]
    assert after[1].digest != before[1].digest


def test_a_text_that_cannot_be_taken_over_is_kept_beside_the_file_and_never_over_another(tmp_path: Path) -> None:
    folder = MirrorFolder(tmp_path)
    folder.write("manuscript/one/fog.md", render(page()))
    names = [folder.keep_conflict("manuscript/one/fog.md", text) for text in ("first", "second")]
    assert names == ["manuscript/one/fog.conflict-1.md", "manuscript/one/fog.conflict-2.md"]
    assert [folder.read(name) for name in names] == ["first", "second"]
    assert [file.path for file in folder.scan()] == ["manuscript/one/fog.md"]
    assert folder.conflicts() == tuple(names)


def test_bad_files_are_named_and_links_are_not_followed(tmp_path: Path) -> None:
    folder = MirrorFolder(tmp_path)
    assert folder.scan() == ()
    (tmp_path / "manuscript").mkdir()
    (tmp_path / "manuscript" / "latin.md").write_bytes(b"---\nid: x\n---\n\xe9")
    (tmp_path / "manuscript" / "one").symlink_to(tmp_path)
    assert {file.path: bool(file.problem) for file in folder.scan()} == {
        "manuscript/latin.md": True,
        "manuscript/one": True,
    }
    with pytest.raises(BadInput):
        folder.write("manuscript/one/fog.md", "x")
    with pytest.raises(BadInput):
        folder.write("../outside.md", "x")


def test_a_rename_never_replaces_a_file(tmp_path: Path) -> None:
    folder = MirrorFolder(tmp_path)
    folder.write("manuscript/a/x.md", "1")
    folder.write("manuscript/a/y.md", "2")
    with pytest.raises(Conflict):
        folder.rename("manuscript/a/x.md", "manuscript/a/y.md")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(text=texts)
def test_the_digest_that_a_write_gives_is_that_of_the_next_scan(tmp_path: Path, text: str) -> None:
    folder = MirrorFolder(tmp_path)
    written = folder.write("manuscript/a/x.md", render(page(text)))
    assert [file.digest for file in folder.scan()] == [written]
