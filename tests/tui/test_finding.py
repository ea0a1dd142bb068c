"""Search, jump, palette and help: where they lead. Over a real engine."""

from __future__ import annotations

from pathlib import Path

from textual import events

from studio.protocol import commands as c
from studio.tui.actions.composing import open_composer
from studio.tui.app_keys import APP_IDS
from studio.tui.presenters.search import Hits
from studio.tui.screens.document import DocumentScreen
from studio.tui.screens.help import HelpScreen
from studio.tui.screens.palette import PaletteScreen
from studio.tui.screens.search import SearchScreen
from tests.tui.desk import Desk, desk


async def with_pages(at: Desk) -> None:
    await at.client.execute(c.AddChapter(title="The Toll"))
    for chapter, title in (("1", "The green lantern"), ("2", "A price"), ("2", "Forty-four")):
        await at.client.execute(c.AddPage(chapter=chapter, title=title, brief=f"{title}, with a lantern."))
    await at.until(lambda: at.app.session.project and len(at.app.session.project.chapters) == 2)
    await at.until(lambda: at.app.session.project and at.app.session.project.chapters[1].total == 2)


async def test_enter_typed_right_after_the_words_goes_to_the_passage(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("slash")
        await at.type("Which ring")
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.app.workbench and at.app.hits)
        assert at.app.workbench.page_view.cursor == ("narration", 1)


async def test_n_and_capital_n_step_through_the_hits_from_the_page(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await with_pages(at)
        await at.pilot.press("slash")
        await at.type("lantern")
        screen = at.app.screen
        assert isinstance(screen, SearchScreen)
        await at.until(lambda: screen.found and len(screen.found.hits) >= 3)
        await at.pilot.press("enter")
        hits = at.app.hits
        assert isinstance(hits, Hits)
        visited = [hits.at]
        for key in ("n", "N", "N"):
            await at.pilot.press(key)
            if isinstance(at.app.screen, DocumentScreen):
                await at.pilot.press("escape")
            assert at.app.hits is not None
            visited.append(at.app.hits.at)
        assert visited == [0, 1, 0, len(hits.hits) - 1]


async def test_a_search_that_is_opened_again_offers_its_words_and_typing_replaces_them(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("slash")
        await at.type("lantern")
        await at.pilot.press("enter", "escape")
        await at.pilot.press("slash")
        await at.type("Which ring")
        screen = at.app.screen
        assert isinstance(screen, SearchScreen)
        assert screen.typed == "Which ring"
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.app.workbench and at.app.hits)
        await at.pilot.press("slash")
        again = at.app.screen
        assert isinstance(again, SearchScreen)
        assert again.typed == "Which ring"
        again.query_line.post_message(events.Paste("Bram\ncoughed"))
        await at.until(lambda: again.typed == "Bram coughed")


async def test_a_hit_in_canon_opens_the_document_at_its_line(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        folder = at.root / "canon" / "characters"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "teodor.md").write_text("---\nname: Teodor Caul\n---\nCollects the toll.\n\nHas a zeppelin.\n")
        await at.until(lambda: any("teodor" in str(path) for path in folder.iterdir()))
        for _ in range(100):
            await at.pilot.press("slash")
            await at.type("zeppelin")
            screen = at.app.screen
            assert isinstance(screen, SearchScreen)
            await screen.ask()
            if screen.found and screen.found.hits:
                break
            await at.pilot.press("escape")
            await at.pilot.pause(0.1)
        await at.pilot.press("enter")
        await at.until(lambda: isinstance(at.app.screen, DocumentScreen))


async def test_the_jump_line_knows_numbers_slugs_and_parts_of_titles(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await with_pages(at)
        for typed, title in (
            ("2/2", "Forty-four"),
            ("price", "A price"),
            ("the-green", "The green lantern"),
            ("1/1", "Fog"),
        ):
            await at.pilot.press("colon")
            await at.type(typed)
            await at.pilot.press("enter")
            await at.until(lambda title=title: at.app.session.page and at.app.session.page.title == title)


async def test_the_palette_runs_an_action_by_its_words(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("ctrl+p")
        assert isinstance(at.app.screen, PaletteScreen)
        await at.type("brief")
        await at.pilot.press("enter")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.request.place == "brief"


async def test_the_palette_says_when_an_action_is_not_possible_and_changes_themes(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("ctrl+p")
        screen = at.app.screen
        assert isinstance(screen, PaletteScreen)
        assert screen.entries["stop"].now is False
        assert screen.entries["revise"].now is True
        await at.type("theme nord")
        await at.pilot.press("enter")
        assert at.app.theme == "nord"


async def test_enter_in_the_palette_acts_on_what_is_typed_by_then(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("ctrl+p")
        screen = at.app.screen
        assert isinstance(screen, PaletteScreen)
        screen.query_line.value = "left-over"  # the list has not heard of it yet
        await screen.take()
        assert at.app.message is not None
        assert "left" in at.app.message.text
        assert at.app.pending is None


async def test_a_theme_that_is_chosen_is_kept_in_the_persons_settings(tmp_path: Path) -> None:
    file = tmp_path / "own" / "config.toml"
    async with desk(tmp_path) as at:
        object.__setattr__(at.app.options, "config", file)
        await at.pilot.press("ctrl+p")
        await at.type("theme nord")
        await at.pilot.press("enter")
        await at.until(lambda: file.exists())
        assert 'theme = "nord"' in file.read_text()
        assert at.app.message is not None
        assert str(file) in at.app.message.text


async def test_the_approved_book_is_exported_to_a_file_that_is_named(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("x")
        await at.until(lambda: at.app.message)
        assert at.app.message is not None
        assert "Nothing is approved" in at.app.message.text
        await at.client.execute(c.Approve(page="1/1"))
        await at.client.execute(c.Deliver(page="1/1", stage="dialogue", text="ILSE: Forty-four."))
        await at.client.execute(c.Approve(page="1/1"))
        await at.pilot.press("x")
        await at.until(lambda: at.app.message and "1 page written" in at.app.message.text)
        files = [path for path in at.root.glob("*.md") if "Forty-four" in path.read_text()]
        assert len(files) == 1
        assert files[0].name in at.app.message.text
        assert at.app.message.text.endswith("studio export markdown --help")
        assert "Other forms" not in at.app.message.text


async def test_help_in_a_field_is_on_a_key_that_types_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("i")
        await at.pilot.pause()
        footer = at.app.workbench.footer.lines[-1].text
        assert "f1 more" in footer
        assert "save" in footer
        await at.pilot.press("f1")
        screen = at.app.screen
        assert isinstance(screen, HelpScreen)
        assert screen.place == "Composer"


async def test_every_action_with_a_key_stands_in_the_help_and_can_be_searched(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("question_mark")
        screen = at.app.screen
        assert isinstance(screen, HelpScreen)
        stops = {stop for stop, _, _ in screen.list.stops}
        assert stops == {row.id for row in at.app.keymap.actions if row.keys and row.id not in APP_IDS}
        await at.type("approval")
        assert screen.list.cursor == "reopen"


async def test_every_row_of_the_keymap_has_a_handler_and_every_handler_a_row(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("escape")
        assert set(at.app.handlers) == set(at.app.keymap.by_id)
