"""Models, prompts, the exact prompt and the first run: what they write. Over a real engine where one is open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio.domain.errors import Refused
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.app import StudioApp
from studio.tui.options import WorkbenchOptions
from studio.tui.screens.exact import ExactScreen
from studio.tui.screens.first_run import FirstRunScreen
from studio.tui.screens.models import ModelsScreen
from studio.tui.screens.prompts import PromptsScreen
from tests.fakes.fake_engine import FakeEngine
from tests.tui.app_bench import shop
from tests.tui.desk import Desk, desk
from tests.tui.keys import burst


def shown(app: StudioApp) -> list[str]:
    """The rows on the screen."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


class Appending:
    """An editor that adds a line at the end of any file."""

    def edit(self, path: Path, line: int = 1) -> None:
        path.write_text(path.read_text() + "\nWrite slowly.\n")


async def models(at: Desk) -> ModelsScreen:
    await at.pilot.press("m")
    screen = at.app.screen
    assert isinstance(screen, ModelsScreen)
    await at.until(lambda: screen.view)
    return screen


async def test_a_typed_model_is_written_to_the_project_file(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await models(at)
        await at.type("openai:gpt-test")
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.app.workbench)
        assert "openai:gpt-test" in (at.root / "studio.toml").read_text()


async def test_tab_chooses_for_one_role_only(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        screen = await models(at)
        await at.pilot.press("tab")
        role = screen.target.role
        assert role is not None
        await at.type("openai:gpt-test")
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.app.workbench)
        text = (at.root / "studio.toml").read_text()
        assert role in text
        assert "openai:gpt-test" in text


async def test_a_role_is_called_by_its_stage_and_its_own_model_is_under_the_cursor(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(120, 32)) as at:
        await at.client.execute(c.SetModel(model="openai:gpt-test", role="dialogist"))
        screen = await models(at)
        await at.pilot.press("tab", "tab")
        await at.until(lambda: "[dialogue] dialogist in studio.toml" in screen.head.lines[0].text)
        row = next(line for line in screen.list.lines if line.stop == screen.list.cursor)
        assert row.text.split()[1:3] == ["openai:gpt-test", "dialogue"]
        await at.pilot.press("home")
        await burst(at.pilot, *["up"] * 30)
        row = next(line for line in screen.list.lines if line.stop == screen.list.cursor)
        assert row.text.strip() == "same as the project's"
        await at.pilot.press("enter")
        await at.until(lambda: at.app.screen is at.app.workbench)
        await at.until(lambda: at.app.message is not None)
        assert at.app.message is not None
        assert at.app.message.text == "The model for dialogue is the same as the project's."
        assert "openai:gpt-test" not in (at.root / "studio.toml").read_text()


async def test_models_without_a_key_say_why_they_cannot_be_used(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        screen = await models(at)
        assert screen.view is not None
        reasons = [model.reason for model in screen.view.models if not model.available]
        shown = "\n".join(row.text for row in screen.list.lines)
        assert reasons
        assert all(reason[:12] in shown for reason in reasons)


async def prompts(at: Desk) -> PromptsScreen:
    await at.pilot.press("p")
    screen = at.app.screen
    assert isinstance(screen, PromptsScreen)
    await at.until(lambda: screen.templates and screen.source.template)
    return screen


async def test_before_the_first_template_is_there_the_screen_says_what_it_is_and_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: PromptsScreen) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(PromptsScreen, "ask", never)
    async with desk(tmp_path, size=(80, 24)) as at:
        await at.pilot.press("p")
        await at.pilot.pause()
        rows = shown(at.app)
        assert "Prompt templates" in rows[0]
        text = "\n".join(rows)
        assert "Trying each template out..." in text
        assert "The text of the template under the cursor stands here." in text


async def test_the_question_whose_model_it_is_is_whole_on_a_narrow_screen(tmp_path: Path) -> None:
    async with shop(tmp_path, size=(80, 24)) as at:
        await at.at.press("m")
        screen = at.at.app.screen
        assert isinstance(screen, ModelsScreen)
        await at.at.until(lambda: screen.view)
        labels = [target.label for target in screen.targets]
        assert len(labels) > 5
        for number, label in enumerate(labels, start=1):
            await at.at.pilot.pause()
            row = shown(at.at.app)[0].rstrip()
            assert f"Model for  [{label}]" in row
            assert row.endswith(f"{number} of {len(labels)}")
            await at.at.press("tab")


async def test_editing_a_packaged_template_makes_the_projects_own_copy_first(tmp_path: Path) -> None:
    async with desk(tmp_path, editor=Appending()) as at:
        screen = await prompts(at)
        assert screen.current is not None
        name = screen.current.name
        await at.pilot.press("e")
        await at.until(lambda: screen.current and screen.current.source == "project")
        own = [path for path in (at.root / "prompts").rglob("*.j2") if "Write slowly." in path.read_text()]
        assert len(own) == 1
        assert screen.current is not None
        assert screen.current.name == name


async def test_a_slash_leaves_only_the_templates_that_a_word_is_about(tmp_path: Path) -> None:
    async with desk(tmp_path, editor=Appending(), size=(80, 24)) as at:
        screen = await prompts(at)
        assert screen.current is not None
        assert screen.current.name.startswith("story/")
        every = len(screen.list.stops)
        await at.pilot.press("slash")
        await at.type("narration")
        await at.until(lambda: len(screen.list.stops) < every)
        await at.pilot.press("escape")
        assert len(screen.list.stops) == every
        await at.pilot.press("slash")
        await at.type("narration")
        await at.pilot.press("enter")
        assert screen.drawer is None
        assert screen.current is not None
        assert screen.current.name == "story/narration.md.j2"
        await at.pilot.press("e")
        await at.until(lambda: screen.current and screen.current.source == "project")
        assert (at.root / "prompts" / "story" / "narration.md.j2").is_file()
        await at.pilot.press("escape")
        assert at.app.screen is screen
        assert len(screen.list.stops) == every
        await at.pilot.press("escape")
        assert at.app.screen is at.app.workbench


async def test_the_row_of_the_template_that_was_edited_stays_in_sight(tmp_path: Path) -> None:
    async with desk(tmp_path, editor=Appending(), size=(80, 24)) as at:
        screen = await prompts(at)
        await burst(at.pilot, *["down"] * 30)
        assert screen.current is not None
        name = screen.current.name
        await at.pilot.press("e")
        await at.until(lambda: screen.current and screen.current.source == "project")
        await at.pilot.pause()
        assert screen.list.cursor == name
        row = next(n for n, one in enumerate(screen.list.lines) if one.stop == name)
        assert screen.list.top <= row < screen.list.top + screen.list.size.height


async def test_reset_goes_back_to_the_packaged_one_and_u_puts_the_own_text_back(tmp_path: Path) -> None:
    async with desk(tmp_path, editor=Appending()) as at:
        screen = await prompts(at)
        await at.pilot.press("e")
        await at.until(lambda: screen.current and screen.current.source == "project")
        await at.pilot.press("R")
        assert not list((at.root / "prompts").rglob("*.j2"))
        await at.pilot.press("u")
        assert any("Write slowly." in path.read_text() for path in (at.root / "prompts").rglob("*.j2"))


async def test_the_exact_prompt_is_shown_word_for_word(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(130, 200)) as at:
        await at.app.open_screen("exact", page=at.page)
        screen = at.app.screen
        assert isinstance(screen, ExactScreen)
        await at.until(lambda: screen.messages.view)
        view = await at.client.query(q.GetContext(page=at.page))
        shown = " ".join(" ".join(row.text for row in screen.messages.lines).split())
        for message in view.messages:
            assert " ".join(message.text.split())[:60] in shown


class FakeLauncher:
    def __init__(self, folder: Path, refuses: str = "") -> None:
        self.folder = folder
        self.model_hint = "Set OPENAI_API_KEY."
        self.refuses = refuses
        self.made: list[str] = []

    async def create(self, title: str, workflow: str) -> Path:
        if self.refuses:
            raise Refused(self.refuses)
        self.made.append(f"{workflow}: {title}")
        return self.folder

    async def open_demo(self, workflow: str) -> Path:
        self.made.append(f"{workflow} demo")
        return self.folder


async def first_run(tmp_path: Path, *keys: str, refuses: str = "") -> tuple[FakeLauncher, StudioApp, bool]:
    launcher = FakeLauncher(tmp_path, refuses)

    async def connect() -> FakeEngine:
        return FakeEngine("made")

    app = StudioApp(connect, WorkbenchOptions(launcher=launcher))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.1)
        await pilot.press(*keys)
        await pilot.pause(0.2)
        still = isinstance(app.screen, FirstRunScreen)
    return launcher, app, still


async def test_a_new_story_asks_its_title_and_opens(tmp_path: Path) -> None:
    launcher, app, still = await first_run(tmp_path, "enter", *"Ferry", "enter")
    assert launcher.made == ["story: Ferry"]
    assert not still
    assert app.session.project is not None


async def test_an_application_and_its_demo_are_offered_beside_the_book(tmp_path: Path) -> None:
    launcher, _, still = await first_run(tmp_path, "j", "enter", *"Shop", "enter")
    assert launcher.made == ["app: Shop"]
    assert not still
    launcher, _, still = await first_run(tmp_path, *"jjj", "enter")
    assert launcher.made == ["app demo"]
    assert not still


async def test_escape_leaves_the_title_and_the_demo_can_be_chosen(tmp_path: Path) -> None:
    launcher, _, still = await first_run(tmp_path, "enter", "x", "escape", "j", "j", "enter")
    assert launcher.made == ["story demo"]
    assert not still


async def test_a_project_that_cannot_be_made_is_said_and_the_screen_stays(tmp_path: Path) -> None:
    launcher, app, still = await first_run(tmp_path, "enter", *"Ferry", "enter", refuses="A file is in the way.")
    assert still
    assert launcher.made == []
    assert app.message is None or "in the way" in app.message.text


async def test_quit_writes_nothing(tmp_path: Path) -> None:
    launcher, _, _ = await first_run(tmp_path, *"jjjj", "enter")
    assert launcher.made == []
