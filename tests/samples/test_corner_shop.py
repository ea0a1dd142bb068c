"""The sample application holds together: its files pass the checks and its own standards, and its history replays into real versions."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from studio.domain.errors import BadInput, StudioError
from studio.domain.text import clean, slugify
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.validators.registry import check_file, check_tree
from studio.validators.rules import Rules
from studio.validators.rules_block import parse_rules
from studio.workspace import scaffold
from tests.fakes.project import opened
from tests.samples.reading import ROOT, documents

SHOP = ROOT / "sample_projects" / "corner-shop"
FOLDERS = {"1.0.0": SHOP / "versions" / "1.0.0", "1.1.0": SHOP / "app"}
BOOK = tomllib.loads((SHOP / "book.toml").read_text("utf-8"))
CANON = documents(SHOP / "canon")


def texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }


def rules() -> Rules:
    standards = next(one for one in CANON if one.meta["type"] == "standards")
    found, problems = parse_rules(standards.body, standards.path.name)
    assert problems == ()
    return found


def quiet(tmp_path: Path) -> dict[str, str]:
    names = ("STUDIO_CONFIG_HOME", "STUDIO_STATE_HOME", "STUDIO_CACHE_HOME", "STUDIO_MODELS_DIR")
    return {name: str(tmp_path / "xdg" / name) for name in names}


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[InProcessClient]:
    root = tmp_path / "shop"
    scaffold.copy_sample("corner-shop", root)
    async with opened(root, quiet(tmp_path), watch=False) as client:
        await client.execute(c.ImportBook(path=scaffold.BOOK_FILE))
        yield client


@pytest.mark.parametrize("number", FOLDERS)
def test_both_versions_pass_every_check_and_the_shops_own_standards(number: str) -> None:
    files = texts(FOLDERS[number])
    found = [one for path, text in files.items() for one in check_file(path, text, rules=rules()).problems]
    assert found + list(check_tree(files, rules())) == []


def test_the_standards_bind() -> None:
    bad = check_file("js/page.js", "const line = document.createElement('p');\nline.innerHTML = text;\n", rules=rules())
    assert bad.blocked


@pytest.mark.parametrize("number", FOLDERS)
def test_every_id_that_the_script_looks_for_is_in_the_page(number: str) -> None:
    files = texts(FOLDERS[number])
    looked_for = set(re.findall(r'\$\("([\w-]+)"\)', files["js/page.js"]))
    assert len(looked_for) >= 5
    assert looked_for <= set(re.findall(r'id="([\w-]+)"', files["index.html"]))


def test_the_sample_is_small_enough_for_a_small_model() -> None:
    assert all(len(text) < 3_000 for text in texts(SHOP / "app").values())
    always = [one.body for one in CANON if one.meta["include"] == "always"]
    assert sum(map(len, always)) < 2_000


def test_texts_are_clean_and_slugs_follow_titles() -> None:
    for path in SHOP.rglob("*"):
        if path.is_file():
            assert clean(path.read_text("utf-8")) == path.read_text("utf-8"), path
    parts = [part for chapter in BOOK["chapter"] for part in (chapter, *chapter["page"])]
    assert [part["slug"] for part in parts] == [slugify(part["title"]) for part in parts]


async def test_two_changes_are_complete_and_the_third_waits_for_its_first_draft(shop: InProcessClient) -> None:
    project = await shop.query(q.GetProject())
    assert [len(chapter.pages) for chapter in project.chapters] == [2, 1]
    states = [page.state for chapter in project.chapters for page in chapter.pages]
    assert states == ["complete", "complete", "generating_discovery"]
    first, second, third = [await shop.query(bq.GetBuild(page=ref)) for ref in ("1/1", "1/2", "2/1")]
    assert (first.operation, second.operation, third.operation) == ("create", "update", "update")
    assert (first.tasks_done, second.tasks_done, third.tasks_total) == (4, 3, 0)
    assert [one.to_role for one in first.handoffs] == [
        "q_assistant", "code_writer", "test_auditor", "verification_overseer", "release_manager", "person"
    ]  # fmt: skip
    assert "js/page.js" in first.handoffs[2].note
    assert first.findings_open == second.findings_open == 0
    found = (await shop.query(bq.GetFindings(page="1/1"))).findings
    assert {one.rule: one.state for one in found} == {"basket-is-lost": "intended", "same-label": "waived"}
    assert all(one.reason and one.version for one in found)


async def test_the_two_versions_are_real_compared_and_restored(shop: InProcessClient, tmp_path: Path) -> None:
    newest, oldest = (await shop.query(bq.GetVersions())).versions
    assert [(one.number, one.approved, one.parent) for one in (oldest, newest)] == [
        ("1.0.0", True, ""), ("1.1.0", True, "1.0.0")
    ]  # fmt: skip
    diff = await shop.query(bq.GetVersionDiff(version="1.1.0"))
    assert {one.path: one.change for one in diff.files} == {
        "css/shop.css": "modified", "index.html": "modified", "js/page.js": "modified",
        "js/hours.js": "added", "js/kept.js": "added",
    }  # fmt: skip
    done = await shop.execute(b.RestoreVersion(version="1.0.0"))
    assert "1.1.1" in done.message
    assert texts(tmp_path / "shop" / "app") == texts(FOLDERS["1.0.0"])
    await shop.execute(b.UndoVersion())
    assert texts(tmp_path / "shop" / "app") == texts(FOLDERS["1.1.0"])


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ('folder = "versions/1.0.0"', 'folder = "../outside"'),
        ('folder = "versions/1.0.0"', 'folder = "versions/9.9.9"'),
        ('folder = "versions/1.0.0"', 'folder = "versions/linked"'),
        ('goods = "Five goods, prices in pence."', 'nobody = "Five goods."'),
        ('rule = "same-label"', 'rule = "unknown"'),
    ],
)
async def test_a_history_that_cannot_be_replayed_leaves_nothing(tmp_path: Path, find: str, put: str) -> None:
    root = tmp_path / "shop"
    scaffold.copy_sample("corner-shop", root)
    outside = tmp_path / "outside"
    shutil.copytree(FOLDERS["1.0.0"], outside)
    (root / "versions" / "linked").symlink_to(outside)
    book = root / scaffold.BOOK_FILE
    text = book.read_text("utf-8")
    assert text.count(find) == 1
    book.write_text(text.replace(find, put), "utf-8")
    async with opened(root, quiet(tmp_path), watch=False) as client:
        with pytest.raises(StudioError) as refused:
            await client.execute(c.ImportBook(path=scaffold.BOOK_FILE))
        assert isinstance(refused.value, BadInput)
        assert (await client.query(q.GetProject())).chapters == ()
        assert (await client.query(bq.GetVersions())).versions == ()


async def test_a_story_has_no_versions_to_replay(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    scaffold.copy_sample("corner-shop", root)
    settings = root / "studio.toml"
    settings.write_text(settings.read_text("utf-8").replace('workflow = "app"', 'workflow = "story"'), "utf-8")
    async with opened(root, quiet(tmp_path), watch=False) as client:
        with pytest.raises(StudioError):
            await client.execute(c.ImportBook(path=scaffold.BOOK_FILE))
        assert (await client.query(q.GetProject())).chapters == ()


async def test_the_audit_trail_of_a_finished_change_goes_from_phase_to_phase_by_who_did_what(
    shop: InProcessClient,
) -> None:
    for ref in ("1/1", "1/2"):
        lines = (await shop.query(bq.GetAudit(page=ref))).lines
        stages = [one.stage for one in lines if one.stage not in ("", "brief")]
        phases = ["discovery", "planning", "implementation", "testing", "verification", "deployment"]
        assert list(dict.fromkeys(stages)) == phases
        assert [phases.index(one) for one in stages] == sorted(phases.index(one) for one in stages)
        said = {one.stage: one.who for one in lines if one.kind == "message"}
        assert list(said.items()) == [
            ("discovery", "q_assistant"), ("planning", "q_assistant"), ("implementation", "code_writer"),
            ("testing", "test_auditor"), ("verification", "verification_overseer"), ("deployment", "release_manager"),
        ]  # fmt: skip
        acts = [(one.line.partition(":")[0], one.who) for one in lines if one.kind == "transition"]
        assert {who for act, who in acts if act == "a text arrived"} == {""}
        assert all(who for act, who in acts if act in ("brief written", "approved"))
        assert lines[-1].line == "approved: complete"
        times = [one.created_at for one in lines]
        assert times == sorted(times)
        assert len(set(times)) > len(phases) * 2
