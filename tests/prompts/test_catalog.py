"""Templates on disk: overriding, reloading however an editor saves, the last good version, and files that are no templates."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.errors import NotFound, StorageError
from studio.prompts.catalog import Catalog, Reload, Template
from studio.prompts.files import Origin
from studio.prompts.render import Renderer
from studio.prompts.source import TemplateError
from tests.prompts.conftest import PACKAGED, STAGE, FakeMemory, Folders

NARRATION = "story/narration.md.j2"


async def text_in_use(catalog: Catalog, variant: str | None = None) -> str:
    return (await catalog.get("story", "narration", variant)).source.text


async def only_reload(catalog: Catalog) -> Reload:
    news = await catalog.refresh()
    assert len(news) == 1, news
    return news[0]


async def test_every_packaged_template_passes_with_sample_inputs(renderer: Renderer) -> None:
    infos = await Catalog(None, PACKAGED, renderer=renderer).check_all()
    assert {info.name for info in infos} >= {NARRATION, "story/dialogue.md.j2", "story/narration.small.md.j2"}
    assert [info.problem for info in infos if info.problem] == []
    assert all(info.description for info in infos if not info.part)


async def test_the_project_wins_over_the_package_and_deleting_gives_the_package_back(
    catalog: Catalog, folders: Folders
) -> None:
    assert (await catalog.get("story", "narration")).origin is Origin.PACKAGED
    path = folders.write(NARRATION, "Mine: {{ brief }}\n")
    mine = await catalog.get("story", "narration")
    assert (mine.origin, mine.path, mine.source.text) == (Origin.PROJECT, path, "Mine: {{ brief }}\n")
    path.unlink()
    assert await text_in_use(catalog) == STAGE
    assert (await catalog.get("story", "narration")).origin is Origin.PACKAGED


async def test_a_variant_falls_back_to_plain_and_an_authors_plain_wins_over_a_packaged_variant(
    catalog: Catalog, folders: Folders
) -> None:
    assert await text_in_use(catalog, "small") == STAGE
    (folders.packaged / "story/narration.small.md.j2").write_text("Small: {{ brief }}\n")
    assert await text_in_use(catalog, "small") == "Small: {{ brief }}\n"
    folders.write(NARRATION, "Mine: {{ brief }}\n")
    assert await text_in_use(catalog, "small") == "Mine: {{ brief }}\n"
    folders.write("story/narration.small.md.j2", "My small: {{ brief }}\n")
    assert await text_in_use(catalog, "small") == "My small: {{ brief }}\n"
    assert await text_in_use(catalog) == "Mine: {{ brief }}\n"


async def test_the_digest_covers_parts_and_the_shared_opening(catalog: Catalog, folders: Folders) -> None:
    digests = [(await catalog.get("story", "narration")).digest]
    for name in ("_parts/notes.md.j2", "story/_prefix.md.j2", "story/_prior_page.md.j2", "story/_mentioned.md.j2"):
        folders.write(name, (folders.packaged / name).read_text() + "More.\n")
        digests.append((await catalog.get("story", "narration")).digest)
    assert len(set(digests)) == 5
    folders.write("_parts/unused.md.j2", "Nobody includes this.\n")
    assert (await catalog.get("story", "narration")).digest == digests[-1]


async def test_a_template_without_the_shared_opening_is_not_tied_to_it(catalog: Catalog, folders: Folders) -> None:
    folders.write(NARRATION, "---\nmetadata: {studio: {prefix: none}}\n---\nAll mine: {{ brief }}\n")
    template = await catalog.get("story", "narration")
    assert template.shared == {}
    folders.write("story/_prefix.md.j2", "system:\nOther.\n")
    assert (await catalog.get("story", "narration")).digest == template.digest


def overwrite(path: Path, text: str) -> None:
    path.write_text(text)


def atomic(path: Path, text: str) -> None:
    other = path.with_name(".narration.tmp")
    other.write_text(text)
    os.replace(other, path)


def vim(path: Path, text: str) -> None:
    backup = path.with_name(path.name + "~")
    os.rename(path, backup)
    path.write_text(text)
    backup.unlink()


def truncate_then_write(path: Path, text: str) -> None:
    with path.open("r+") as file:
        file.truncate(0)
        file.flush()
        file.write(text)


@pytest.mark.parametrize("save", [overwrite, atomic, vim, truncate_then_write])
async def test_a_save_of_any_kind_is_what_the_next_get_uses(catalog: Catalog, folders: Folders, save: object) -> None:
    assert callable(save)
    path = folders.write(NARRATION, "One {{ brief }}\n")
    assert await text_in_use(catalog) == "One {{ brief }}\n"
    await catalog.refresh()
    save(path, "Two, and longer {{ brief }}\n")
    assert await text_in_use(catalog) == "Two, and longer {{ brief }}\n"
    reload = await only_reload(catalog)
    assert (reload.name, reload.problem) == (NARRATION, None)
    assert await catalog.refresh() == ()


async def test_an_edit_of_the_same_length_in_the_same_instant_counts(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "One {{ brief }}\n")
    await text_in_use(catalog)
    times = path.stat()
    path.write_text("Two {{ brief }}\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert await text_in_use(catalog) == "Two {{ brief }}\n"


async def test_touching_a_file_is_no_news(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "One {{ brief }}\n")
    await text_in_use(catalog)
    await catalog.refresh()
    path.touch()
    assert await catalog.refresh() == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n{% if %}\n", 2, "Expected"),
        ("a\n{{ breif }}\n", 2, "'breif' is not defined"),
        ("{% if draft and not feedback and page.number > 90 %}\n{{ breif }}{% endif %}\n", 2, "'breif' is not defined"),
        ("a\n\n{{ brief.nope }}\n", 3, "nope"),
        ("---\nname: [\n---\na\n", 2, "YAML"),
        ("", 0, "empty"),
        ("a\n{% include '_parts/nope.md.j2' %}\n", 2, "no usable file"),
        ("a\n{% include brief %}\n", 2, "quotes"),
        ("{% include 'story/_prefix.md.j2' %}\n", 1, "cannot start a message"),
        ("{{ 'a' * 10**9 }}\n", 1, "memory"),
    ],
)
async def test_a_broken_save_keeps_the_last_good_version_until_mended(
    catalog: Catalog, folders: Folders, text: str, line: int, words: str
) -> None:
    path = folders.write(NARRATION, "Good {{ brief }}\n")
    good = await catalog.get("story", "narration")
    await catalog.refresh()
    path.write_text(text)
    held = await catalog.get("story", "narration")
    assert (held.source.text, held.digest) == (good.source.text, good.digest)
    problem = (await only_reload(catalog)).problem
    assert problem
    assert (problem.path, problem.last_good) == (path, True)
    assert words in problem.reason
    if "story/_prefix" not in text:
        assert problem.line == line
    assert held.problems == (problem,)
    assert catalog.problems() == (problem,)
    path.write_text("Mended {{ brief }}\n")
    mended = await catalog.get("story", "narration")
    assert (mended.source.text, mended.problems) == ("Mended {{ brief }}\n", ())
    assert (await only_reload(catalog)).problem is None
    assert catalog.problems() == ()


async def test_mending_back_to_the_version_in_use_is_told(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "Good {{ brief }}\n")
    await catalog.refresh()
    path.write_text("{% if %}\n")
    await catalog.refresh()
    path.write_text("Good {{ brief }}\n")
    assert (await only_reload(catalog)).problem is None


async def test_a_broken_first_copy_leaves_the_packaged_template_in_use(catalog: Catalog, folders: Folders) -> None:
    folders.write(NARRATION, "{{ breif }}\n")
    template = await catalog.get("story", "narration")
    assert (template.origin, template.source.text) == (Origin.PACKAGED, STAGE)
    assert template.problems[0].last_good


async def test_a_broken_template_without_any_good_version_is_refused_with_its_line(
    catalog: Catalog, folders: Folders
) -> None:
    folders.write("story/letters.md.j2", "a\n{{ breif }}\n")
    with pytest.raises(TemplateError) as caught:
        await catalog.get("story", "letters")
    assert caught.value.line == 2
    assert (await catalog.get("story", "narration")).problems == ()


async def test_a_stage_without_template_is_not_found(catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="letters"):
        await catalog.get("story", "letters")


async def test_a_workflow_of_ones_own_needs_its_opening_or_says_that_it_has_none(
    catalog: Catalog, folders: Folders
) -> None:
    folders.write("film/scene.md.j2", "Write {{ brief }}\n")
    with pytest.raises(TemplateError, match="_prefix"):
        await catalog.get("film", "scene")
    folders.write("film/scene.md.j2", "---\nmetadata: {studio: {prefix: none}}\n---\nWrite {{ brief }}\n")
    assert (await catalog.get("film", "scene")).shared == {}


async def test_an_edited_part_reaches_the_template_that_includes_it(catalog: Catalog, folders: Folders) -> None:
    folders.write("_parts/notes.md.j2", "Notes here: {{ feedback | length }}\n")
    template = await catalog.get("story", "narration")
    assert template.sources["_parts/notes.md.j2"].text == "Notes here: {{ feedback | length }}\n"


async def test_a_broken_part_is_held_back_for_all_that_include_it(catalog: Catalog, folders: Folders) -> None:
    before = await catalog.get("story", "narration")
    await catalog.refresh()
    folders.write("_parts/notes.md.j2", "one\n{{ breif }}\n")
    template = await catalog.get("story", "narration")
    assert template.digest == before.digest
    problem = (await only_reload(catalog)).problem
    assert problem
    assert (problem.name, problem.line) == ("_parts/notes.md.j2", 2)
    assert template.problems == (problem,)


async def test_a_part_that_starts_a_message_is_refused_with_its_line(catalog: Catalog, folders: Folders) -> None:
    folders.write("_parts/notes.md.j2", "one\nsystem:\ntwo\n")
    problem = (await catalog.get("story", "narration")).problems[0]
    assert (problem.name, problem.line) == ("_parts/notes.md.j2", 2)
    assert "`system:`" in problem.reason


async def test_a_template_and_a_new_part_saved_together_are_both_taken(catalog: Catalog, folders: Folders) -> None:
    await catalog.listing()
    folders.write(NARRATION, "{% include '_parts/new.md.j2' %}\n")
    folders.write("_parts/new.md.j2", "New {{ brief }}\n")
    template = await catalog.get("story", "narration")
    assert template.origin is Origin.PROJECT
    assert template.problems == ()


async def test_a_template_broken_for_want_of_a_part_is_taken_once_the_part_is_there(
    catalog: Catalog, folders: Folders
) -> None:
    folders.write(NARRATION, "{% include '_parts/new.md.j2' %}\n")
    assert (await catalog.get("story", "narration")).problems
    folders.write("_parts/new.md.j2", "New {{ brief }}\n")
    template = await catalog.get("story", "narration")
    assert (template.origin, template.problems) == (Origin.PROJECT, ())


async def test_one_broken_file_of_two_does_not_hold_the_other_back(catalog: Catalog, folders: Folders) -> None:
    await catalog.listing()
    folders.write(NARRATION, "Mine {{ brief }}{% include '_parts/notes.md.j2' %}\n")
    folders.write("_parts/notes.md.j2", "{{ breif }}\n")
    template = await catalog.get("story", "narration")
    assert template.origin is Origin.PROJECT
    assert [problem.name for problem in template.problems] == ["_parts/notes.md.j2"]


async def test_a_part_that_vanishes_while_it_is_included_stays_in_use(catalog: Catalog, folders: Folders) -> None:
    folders.write(NARRATION, "{% include '_parts/new.md.j2' %}\n")
    part = folders.write("_parts/new.md.j2", "New {{ brief }}\n")
    before = await catalog.get("story", "narration")
    part.unlink()
    template = await catalog.get("story", "narration")
    assert template.digest == before.digest
    assert template.problems


async def test_a_removed_template_of_ones_own_is_gone(catalog: Catalog, folders: Folders) -> None:
    path = folders.write("story/letters.md.j2", "Letters {{ brief }}\n")
    await catalog.get("story", "letters")
    await catalog.refresh()
    path.unlink()
    assert (await only_reload(catalog)).digest == ""
    with pytest.raises(NotFound):
        await catalog.get("story", "letters")


async def test_a_default_in_the_front_matter_is_a_name_the_template_may_use(catalog: Catalog, folders: Folders) -> None:
    folders.write(NARRATION, "---\ninputs: [{name: tone, default: dry}]\n---\n{{ tone }}: {{ brief }}\n")
    assert (await catalog.get("story", "narration")).problems == ()


async def test_an_imported_macro_is_not_taken_for_an_unknown_name(catalog: Catalog, folders: Folders) -> None:
    folders.write("_parts/m.md.j2", "{% macro shout(x) %}{{ x | upper }}{% endmacro %}\n")
    text = "{% import '_parts/m.md.j2' as m %}{% from '_parts/m.md.j2' import shout as s %}{{ m.shout(brief) }}{{ s(brief) }}\n"
    folders.write(NARRATION, text)
    assert (await catalog.get("story", "narration")).problems == ()


# Restart


async def test_the_last_good_text_survives_a_restart(folders: Folders, renderer: Renderer) -> None:
    memory = FakeMemory()
    first = Catalog(folders.project, folders.packaged, renderer=renderer, memory=memory)
    path = folders.write(NARRATION, "Good {{ brief }}\n")
    good = await first.get("story", "narration")
    path.write_text("{{ breif }}\n")
    assert (await first.get("story", "narration")).digest == good.digest
    second = Catalog(folders.project, folders.packaged, renderer=renderer, memory=memory)
    template = await second.get("story", "narration")
    assert (template.digest, template.source.text) == (good.digest, "Good {{ brief }}\n")
    assert template.problems[0].last_good
    assert memory.texts == {NARRATION: "Good {{ brief }}\n"}


async def test_a_remembered_text_that_no_longer_works_gives_way_to_the_packaged_one(
    folders: Folders, renderer: Renderer
) -> None:
    memory = FakeMemory({NARRATION: "{{ from_another_version }}\n"})
    folders.write(NARRATION, "{{ breif }}\n")
    catalog = Catalog(folders.project, folders.packaged, renderer=renderer, memory=memory)
    assert await text_in_use(catalog) == STAGE


async def test_what_the_memory_could_not_take_is_offered_again(folders: Folders, renderer: Renderer) -> None:
    class FakeFullDisk(FakeMemory):
        full = True

        async def remember(self, name: str, digest: str, text: str) -> None:
            if self.full:
                raise StorageError("The disk is full.")
            self.texts[name] = text

    memory = FakeFullDisk()
    catalog = Catalog(folders.project, folders.packaged, renderer=renderer, memory=memory)
    folders.write(NARRATION, "Good {{ brief }}\n")
    assert await text_in_use(catalog) == "Good {{ brief }}\n"
    memory.full = False
    await catalog.refresh()
    assert memory.texts == {NARRATION: "Good {{ brief }}\n"}


# Asking


async def test_names_are_resolved_short_and_long_and_texts_are_given_as_they_stand(
    catalog: Catalog, folders: Folders
) -> None:
    folders.write(NARRATION, "{{ broken\n")
    for wanted in ("narration", "story/narration", NARRATION, "narration.md.j2"):
        assert await catalog.resolve(wanted) == NARRATION
    assert await catalog.texts(NARRATION) == ("{{ broken\n", STAGE)
    assert await catalog.texts("story/_prefix.md.j2") == (None, (folders.packaged / "story/_prefix.md.j2").read_text())
    with pytest.raises(NotFound, match="letters"):
        await catalog.resolve("letters")


async def test_a_template_in_hand_does_not_change_when_the_file_does(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "One {{ brief }}\n")
    held: Template = await catalog.get("story", "narration")
    path.write_text("Two {{ brief }}\n")
    await catalog.get("story", "narration")
    assert held.source.text == "One {{ brief }}\n"


def test_the_catalog_does_not_load_jinja2_or_watchfiles() -> None:
    code = (
        "import sys, studio.prompts.catalog, studio.prompts.context, studio.prompts.watcher\n"
        "print(sorted({'jinja2', 'watchfiles', 'ruamel', 'ruamel.yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
