"""Things in a prompts folder that are no templates, or lead out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.prompts.catalog import Catalog
from studio.prompts.files import Origin
from studio.prompts.render import Renderer
from tests.prompts.conftest import STAGE, Folders

NARRATION = "story/narration.md.j2"


async def text_in_use(catalog: Catalog) -> str:
    return (await catalog.get("story", "narration")).source.text


async def problem_of(catalog: Catalog, name: str) -> str:
    infos = {info.name: info for info in await catalog.listing()}
    problem = infos[name].problem
    assert problem
    assert "\n" not in problem.message
    return problem.reason


async def test_a_folder_named_like_a_template_is_said_to_be_one(catalog: Catalog, folders: Folders) -> None:
    (folders.project / NARRATION).mkdir(parents=True)
    assert "folder" in await problem_of(catalog, NARRATION)
    assert await text_in_use(catalog) == STAGE


async def test_a_link_out_of_the_prompts_folder_is_not_followed(
    catalog: Catalog, folders: Folders, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.j2"
    secret.write_text("secret {{ brief }}\n")
    (folders.project / "story").mkdir(parents=True)
    (folders.project / NARRATION).symlink_to(secret)
    (folders.project / "_parts").symlink_to(tmp_path)
    assert "link" in await problem_of(catalog, NARRATION)
    assert await text_in_use(catalog) == STAGE


async def test_a_prompts_folder_that_leads_out_of_the_project_is_not_used(
    folders: Folders, renderer: Renderer, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "story"
    elsewhere.mkdir(parents=True)
    (elsewhere / "narration.md.j2").write_text("Theirs {{ brief }}\n")
    folders.project.parent.mkdir(parents=True)
    folders.project.symlink_to(elsewhere.parent)
    catalog = Catalog(folders.project, folders.packaged, renderer=renderer)
    assert "out of the project" in await problem_of(catalog, NARRATION)
    assert await text_in_use(catalog) == STAGE


async def test_a_link_inside_the_prompts_folder_works(catalog: Catalog, folders: Folders) -> None:
    folders.write("story/mine.j2", "Mine {{ brief }}\n")
    (folders.project / NARRATION).symlink_to("mine.j2")
    assert await text_in_use(catalog) == "Mine {{ brief }}\n"


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"\xff\xfe", "UTF-8"), (b"a\x00", "not text"), (b"x" * 300_000, "larger than 256 KB")],
)
async def test_bytes_that_are_no_text_are_said_to_be_none(
    catalog: Catalog, folders: Folders, raw: bytes, words: str
) -> None:
    folders.write(NARRATION, "").write_bytes(raw)
    assert words in await problem_of(catalog, NARRATION)


async def test_a_pipe_and_a_dangling_link_do_not_hang(catalog: Catalog, folders: Folders) -> None:
    (folders.project / "story").mkdir(parents=True)
    os.mkfifo(folders.project / NARRATION)
    (folders.project / "story" / "gone.j2").symlink_to("nowhere.j2")
    assert "ordinary file" in await problem_of(catalog, NARRATION)
    assert "cannot be read" in await problem_of(catalog, "story/gone.j2")


async def test_editor_leftovers_are_not_templates(catalog: Catalog, folders: Folders) -> None:
    for name in (f"{NARRATION}~", "story/.narration.md.j2.swp", "story/.#narration.md.j2", "story/#narration.md.j2"):
        folders.write(name, "{% broken")
    assert not [info for info in await catalog.listing() if info.origin is Origin.PROJECT]
