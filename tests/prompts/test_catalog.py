"""Templates on disk: overriding, reloading however an editor saves, the last good version, and files that are no templates."""

from __future__ import annotations

import asyncio
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


# Saves that are not finished


WRITER = """
import sys, time
path, pause, *parts = sys.argv[1:]
with open(path, "w") as file:
    for part in parts:
        file.write(part.encode().decode("unicode_escape")); file.flush()
        print("wrote", flush=True)
        sys.stdin.readline()
"""


async def writer(path: Path, *parts: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), "0", *parts, stdin=pipe, stdout=pipe
    )
    assert process.stdout
    await process.stdout.readline()
    return process


async def go_on(process: asyncio.subprocess.Process) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n")
    await process.stdin.drain()
    await process.stdout.readline()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a read lease")
async def test_a_file_that_another_program_is_still_writing_is_not_used(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "Good {{ brief }}\n")
    await catalog.refresh()
    # The half parses, and differs in every line from the version in use.
    process = await writer(path, "Half of {{ brief }}\\n", "and the rest\\n")
    reading = asyncio.create_task(text_in_use(catalog))
    await asyncio.sleep(0.3)
    assert not reading.done()
    await go_on(process)
    await go_on(process)
    await process.wait()
    assert await reading == "Half of {{ brief }}\nand the rest\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a read lease")
async def test_a_program_that_never_ends_its_save_does_not_hold_up_the_draft(
    catalog: Catalog, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.prompts.saves.WRITING_SECONDS", 0.3)
    path = folders.write(NARRATION, "Good {{ brief }}\n")
    await catalog.refresh()
    process = await writer(path, "Half of {{ brief }}\\n")
    template = await catalog.get("story", "narration")
    assert template.source.text == "Good {{ brief }}\n"
    assert "still writing" in template.problems[0].reason
    again = asyncio.create_task(catalog.get("story", "narration"))
    assert (await asyncio.wait_for(again, 30)).source.text == "Good {{ brief }}\n"
    await go_on(process)
    await process.wait()
    assert (await catalog.get("story", "narration")).source.text == "Half of {{ brief }}\n"
    assert catalog.problems() == ()


async def test_a_text_cut_short_and_completed_in_a_moment_is_never_seen_short(
    catalog: Catalog, folders: Folders
) -> None:
    whole = "First line {{ brief }}\nSecond line\n"
    path = folders.write(NARRATION, whole)
    await catalog.refresh()
    path.write_text(whole[:20])
    reading = asyncio.create_task(text_in_use(catalog))
    await asyncio.sleep(0.25)
    path.write_text(whole + "Third\n")
    assert await reading == whole + "Third\n"


async def test_every_prefix_of_a_save_leaves_a_template_that_works(catalog: Catalog, folders: Folders) -> None:
    """Whatever moment a copy breaks off for good at, a draft has a usable template."""
    whole = "---\nname: x\n---\nsystem:\nYou.\nuser:\n{% if draft %}\n{{ draft }}\n{% endif %}\n{{ brief }}\n"
    path = folders.write(NARRATION, whole)
    assert await text_in_use(catalog) == whole
    for cut in range(0, len(whole), 11):
        path.write_text(whole[:cut])
        template = await catalog.get("story", "narration")
        assert template.source.blocks
        assert template.problems or template.source.text == whole[:cut]


async def test_a_look_that_is_cancelled_half_way_loses_no_change(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "One {{ brief }}\n")
    await catalog.refresh()
    path.write_text("Two {{ brief }}\n")
    for ticks in range(0, 40, 4):
        reading = asyncio.create_task(catalog.get("story", "narration"))
        for _ in range(ticks):
            await asyncio.sleep(0.005)
        reading.cancel()
        await asyncio.wait({reading})
    assert await text_in_use(catalog) == "Two {{ brief }}\n"


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


# Files that are no templates


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
