"""The external editor: which one is found, and that its text is saved, offered back, and never lost."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.domain.errors import BadInput
from studio.protocol import commands as c
from studio.tui.actions.composing import open_composer
from studio.tui.editor import argv_at, find_editor
from studio.workspace import edits
from tests.tui.desk import NARRATION, desk


class FakeEditor:
    """Rewrites the text of the file it is given, leaving the header; `before` runs while it is open."""

    def __init__(self, change: Callable[[str], str], *, fails: str = "") -> None:
        self.change = change
        self.fails = fails
        self.seen: list[str] = []
        self.at: list[str] = []

    def edit(self, path: Path, line: int = 1) -> None:
        whole = path.read_text()
        self.at.append(whole.split("\n")[line - 1])
        head, end, text = whole.partition("-->\n\n")
        self.seen.append(text)
        path.write_text(head + end + self.change(text))
        if self.fails:
            raise BadInput(self.fails)


def files(root: Path) -> list[Path]:
    return list((root / ".studio" / "edits").glob("*"))


def test_visual_comes_before_editor_and_may_hold_arguments() -> None:
    found = find_editor({"VISUAL": "code --wait", "EDITOR": "vi"}, lambda name: f"/bin/{name}")
    assert (found.argv, found.source) == (("code", "--wait"), "$VISUAL")


def test_a_variable_that_names_nothing_installed_is_said_instead_of_starting_another_editor() -> None:
    with pytest.raises(BadInput, match=r"\$EDITOR names nope"):
        find_editor({"EDITOR": "nope"}, lambda name: None if name == "nope" else f"/bin/{name}")


def test_without_variables_the_first_known_editor_is_taken() -> None:
    assert find_editor({}, lambda name: "/bin/vim" if name == "vim" else None).name == "vim"


def test_without_any_editor_the_sentence_says_what_to_do() -> None:
    with pytest.raises(BadInput) as caught:
        find_editor({}, lambda name: None)
    assert "$EDITOR" in caught.value.hint


def test_broken_quotes_in_the_variable_are_named() -> None:
    with pytest.raises(BadInput, match=r"\$VISUAL cannot be read"):
        find_editor({"VISUAL": 'vim "x'}, lambda name: f"/bin/{name}")


async def test_a_text_changed_outside_becomes_a_revision_and_its_file_goes(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: text.replace("grey", "white"))
    async with desk(tmp_path, editor=editor) as at:
        await at.pilot.press("e")
        head = (await at.view()).cells[0].head
        assert head is not None
        assert head.text.strip() == NARRATION.replace("grey", "white").strip()
        assert editor.seen[0].strip() == NARRATION.strip()
        assert files(at.root) == []


async def test_a_text_left_unchanged_saves_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, editor=FakeEditor(lambda text: text)) as at:
        await at.pilot.press("e")
        assert (await at.view()).cells[0].revisions == 1
        assert files(at.root) == []


async def test_an_editor_that_fails_is_said_and_what_it_saved_stays(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: "Half a page.\n", fails="vim ended with code 1.")
    async with desk(tmp_path, editor=editor) as at:
        await at.pilot.press("e")
        assert at.app.message is not None
        assert "vim ended with code 1" in at.app.message.text
        assert (await at.view()).cells[0].revisions == 1
        assert [edits.read(path).text.strip() for path in files(at.root)] == ["Half a page."]


async def test_an_editor_left_with_an_error_and_nothing_written_says_that_the_text_is_as_it_was(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: text, fails="vim ended with code 1.")
    async with desk(tmp_path, editor=editor) as at:
        await at.pilot.press("e")
        assert at.app.message is not None
        assert at.app.message.text == "vim ended with code 1. The text is as it was."
        assert files(at.root) == []


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["nvim"], ["nvim", "+9", "f.md"]),
        (["/usr/bin/nano", "-w"], ["/usr/bin/nano", "-w", "+9", "f.md"]),
        (["hx"], ["hx", "f.md:9"]),
        (["code", "-w"], ["code", "-w", "--goto", "f.md:9"]),
        (["code"], ["code", "--wait", "--goto", "f.md:9"]),
        (["an-editor-of-mine"], ["an-editor-of-mine", "f.md"]),
    ],
)
def test_an_editor_that_can_is_sent_to_the_line(argv: list[str], wanted: list[str]) -> None:
    assert argv_at(argv, Path("f.md"), 9) == wanted


async def test_the_editor_opens_at_the_passage_under_the_cursor_below_the_header(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: text)
    async with desk(tmp_path, editor=editor) as at:
        at.app.workbench.page_view.set_cursor(("narration", 1))
        await at.pilot.press("e")
        at.app.workbench.page_view.set_cursor(("narration", "head"))
        await at.pilot.press("e")
        assert editor.at == ['"Which ring?" he said.', NARRATION.split("\n")[0]]


async def test_words_of_an_editor_that_was_left_with_an_error_are_opened_again_by_the_same_key(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: text.replace("grey", "white"), fails="vim ended with code 1.")
    async with desk(tmp_path, editor=editor) as at:
        await at.pilot.press("e")
        assert at.app.message is not None
        assert ".studio/edits/fog.narration.md" in at.app.message.text
        assert "e opens it again" in at.app.message.text
        editor.fails = ""
        await at.pilot.press("e")
        assert "white gloves" in editor.seen[1]
        head = (await at.view()).cells[0].head
        assert head is not None
        assert "white gloves" in head.text
        assert files(at.root) == []


async def test_words_of_an_editor_that_was_left_with_an_error_are_taken_up_in_place(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: text.replace("grey", "white"), fails="vim ended with code 1.")
    async with desk(tmp_path, editor=editor) as at:
        await at.pilot.press("e", "i")
        composer = open_composer(at.app)
        assert composer is not None
        assert "white gloves" in composer.text
        assert "white gloves" in await at.kept("edit:narration")
        assert files(at.root) == []


async def test_words_typed_here_and_words_an_editor_left_are_both_kept(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: text.replace("grey", "white"), fails="vim ended with code 1.")
    async with desk(tmp_path, editor=editor) as at:
        await at.pilot.press("i", "ctrl+home")
        await at.type("Typed. ")
        await at.pilot.press("escape")
        await at.until(lambda: at.app.session.page and at.app.session.page.kept)
        page = await at.view()
        path = edits.write(
            at.root,
            page_id=at.page,
            page_slug=page.slug,
            stage="narration",
            revision_id=None,
            title="Fog",
            text="x",
            typed="Left.",
        )
        await at.pilot.press("i")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text.startswith("Typed. ")
        assert files(at.root) == [path]
        await at.pilot.press("escape")
        editor.fails = ""
        editor.change = lambda text: "Left, and finished."
        await at.pilot.press("e")
        head = (await at.view()).cells[0].head
        assert head is not None
        assert head.text == "Left, and finished."
        assert (await at.kept("edit:narration")).startswith("Typed. ")


async def test_ctrl_o_takes_the_composers_words_out_and_brings_them_back(tmp_path: Path) -> None:
    async with desk(tmp_path, editor=FakeEditor(lambda text: text.strip() + ", and slower\n")) as at:
        await at.pilot.press("c")
        await at.type("colder")
        await at.pilot.press("ctrl+o")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text == "colder, and slower"
        assert await at.kept("comment:narration") == "colder, and slower"
        assert files(at.root) == []


async def test_a_conflict_after_the_editor_opens_the_composer_with_the_text(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        app = at.app

        def while_open(text: str) -> str:
            return text.replace("grey", "white")

        page = app.session.page
        await at.client.execute(c.Edit(page=at.page, stage="narration", text="Somebody else was here."))
        app.session.page = page  # the screen has not heard of it yet
        object.__setattr__(app.options, "editor", FakeEditor(while_open))
        await at.pilot.press("e")
        composer = open_composer(app)
        assert composer is not None
        assert "white gloves" in composer.text
        assert "white gloves" in await at.kept("edit:narration")
        assert files(at.root) == []


async def test_what_an_editor_left_after_a_crash_is_offered_at_the_start_and_enter_opens_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        head = (await at.view()).cells[0].head
        assert head is not None
        path = edits.write(
            at.root,
            page_id=at.page,
            page_slug="fog",
            stage="narration",
            revision_id=head.id,
            title="Fog",
            text=head.text,
        )
        path.write_text(path.read_text().replace("grey", "white"))
    async with desk(tmp_path) as at:
        await at.until(lambda: at.app.pending)
        await at.pilot.press("enter")
        await at.until(lambda: open_composer(at.app))
        composer = open_composer(at.app)
        assert composer is not None
        await at.until(lambda: not files(at.root))
        assert "white gloves" in composer.text
        assert "white gloves" in await at.kept("edit:narration")


async def test_a_left_over_that_is_not_opened_stays_on_disk(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        path = edits.write(
            at.root, page_id=at.page, page_slug="fog", stage="narration", revision_id=None, title="Fog", text="x"
        )
        path.write_text(path.read_text().replace("\nx\n", "\nwords\n"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with desk(tmp_path) as at:
        await at.until(lambda: at.app.pending)
        await at.pilot.press("escape")
        assert files(at.root) == [path]


async def test_a_cursor_out_of_sight_does_not_decide_what_is_edited(tmp_path: Path) -> None:
    editor = FakeEditor(lambda text: text)
    async with desk(tmp_path, editor=editor, size=(80, 20), text="\n\n".join(["A long night."] * 30)) as at:
        view = at.app.workbench.page_view
        view.set_cursor(("brief", "head"))
        view.scroll_lines(30)
        await at.pilot.press("e")
        assert editor.seen[0].startswith("A long night.")
