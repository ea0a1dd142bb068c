"""Names of thousands of characters: stored bounded, drawn cut, at the smallest size too."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from studio.domain.errors import BadInput
from studio.domain.text import one_line
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.project import add_page
from tests.tui.app_bench import shop
from tests.tui.bench import Bench, real

LONG = ("静かな海 \U0001f3ee e\u0301 [bold]" + "unbroken" * 9 + "\x1b[31m\nsecond line\t") * 40
STORED = 200


def drawn(at: Bench) -> list[str]:
    """The rows of the screen; none is wider than the terminal."""
    rows = at.screen().split("\n")
    assert len(rows) == at.app.size.height
    assert max(cell_len(row) for row in rows) <= at.app.size.width
    return rows


async def _everywhere(at: Bench) -> None:
    """Every pane and the screens that list names."""
    for key in (
        "tab",
        "tab",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "?",
        "escape",
        "ctrl+p",
        "escape",
        ":",
        "escape",
        "/",
        "escape",
    ):
        await at.press(key)
        drawn(at)
    assert at.app.is_running


async def _checked(client: InProcessClient) -> None:
    project = await client.query(q.GetProject())
    for chapter in project.chapters:
        for name in (chapter.title, chapter.slug, *(page.title for page in chapter.pages)):
            assert 0 < len(name) <= STORED
            assert "\x1b" not in name
            assert "\n" not in name


@pytest.mark.parametrize("size", [(60, 20), (120, 32)])
async def test_chapters_pages_and_canon_with_names_of_kilobytes_are_cut(tmp_path: Path, size: tuple[int, int]) -> None:
    assert len(LONG.encode()) > 4_000
    async with real(tmp_path, size=size) as (at, client, _server):
        page = await add_page(client)
        await client.execute(c.AddChapter(title=one_line(LONG)))
        await client.execute(c.AddPage(chapter="2", title=one_line(LONG), brief=LONG))
        await client.execute(c.RenameChapter(chapter="1", title=one_line(f"x{LONG}")))
        await client.execute(c.RenamePage(page=page, title=one_line(f"x{LONG}")))
        name = LONG.split("[", 1)[0] * 120
        (tmp_path / "book" / "canon" / f"{'n' * 250}.md").write_text(
            f"---\nname: {name}\ntype: {'t' * 4096}\n---\nText.\n"
        )
        await client.execute(c.CopyCanon(name="craft/page-craft.md"))  # it reads the folder again
        (document,) = [one for one in (await client.query(q.GetCanon())).documents if one.path.startswith("nnn")]
        assert (len(document.name), len(document.type)) == (STORED, STORED)
        await _checked(client)
        await at.until(lambda: at.app.session.page is not None)
        await _everywhere(at)
        await at.press("f2")
        await at.type("y" * 300)
        drawn(at)
        await at.press("enter")
        assert "at most 200 are allowed" in at.message
        await at.press("escape")
        drawn(at)
        await _checked(client)


async def test_a_task_with_a_title_of_kilobytes_is_refused_and_a_long_one_is_cut_on_the_screen(tmp_path: Path) -> None:
    async with shop(tmp_path, size=(60, 20), stands="user_reviewing_planning") as at:
        with pytest.raises(BadInput, match="at most 120 are allowed"):
            await at.client.execute(b.AddTask(page=at.page, title=LONG, type="docs", description=LONG))
        await at.client.execute(b.AddTask(page=at.page, title=one_line(LONG, 120), type="docs", description=LONG))
        tasks = (await at.client.query(bq.GetTasks(page=at.page))).tasks
        assert max(len(task.title) for task in tasks) == 120
        assert not any("\x1b" in task.title + task.description for task in tasks)
        await _everywhere(at.at)
