"""Which standards bind: a person's, else the packaged ones; what lies in the application's folder adds to them and takes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.canon import CanonDocument, Include
from studio.domain.finding import Severity
from studio.engine.apps import standards
from studio.engine.apps.standards import Standards
from studio.validators.registry import check_file

OURS = '```rules\n[[forbid]]\nid = "no-call"\npattern = \'secretCall\'\nmessage = "Never."\n```\n'


async def in_force(root: Path, *own: str, kind: str = "web") -> Standards:
    documents = tuple(
        CanonDocument(f"standards/{number}.md", str(number), "standards", body, str(number), include=Include.ALWAYS)
        for number, body in enumerate(own)
    )
    return (await standards.load(root, documents, kind, use_packaged=True))[1]


def bring(root: Path, name: str, block: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# S\n\n```rules\n{block}\n```\n", "utf-8")


@pytest.mark.parametrize("name", ["AGENTS.md", "CLAUDE.md", ".cursorrules"])
async def test_a_file_of_the_application_switches_off_no_rule_of_a_person(tmp_path: Path, name: str) -> None:
    bring(tmp_path, f"app/{name}", 'off = ["no-call"]')
    found = await in_force(tmp_path, OURS)
    assert check_file("data.js", "secretCall();\n", rules=found.rules).blocked
    told = [(one.path, one.line) for one in found.warnings if "switches no standard off: no-call" in one.message]
    assert told == [(f"app/{name}", 4)]


async def test_the_same_id_with_a_milder_severity_replaces_nothing(tmp_path: Path) -> None:
    mild = '[[forbid]]\nid = "no-call"\npattern = \'other\'\nmessage = "Hm."\nseverity = "note"'
    bring(tmp_path, "app/AGENTS.md", mild)
    found = await in_force(tmp_path, OURS)
    assert check_file("data.js", "secretCall();\n", rules=found.rules).blocked
    said = check_file("data.js", "other();\n", rules=found.rules).verdicts
    assert [one.severity for one in said] == [Severity.NOTE]


async def test_a_file_of_the_application_leaves_the_packaged_standards_in_force_and_adds_to_them(
    tmp_path: Path,
) -> None:
    before = await in_force(tmp_path)
    bring(tmp_path, "app/AGENTS.md", f'off = {list(before.rules.ids)}\n[[limits]]\nid = "short"\nmax_lines = 2')
    found = await in_force(tmp_path)
    assert found.packaged == {"standards/web.md"}
    assert set(found.rules.ids) == {*before.rules.ids, "short"}
    assert check_file("data.js", 'eval("1");\n', rules=found.rules).blocked
    assert check_file("a.txt", "1\n2\n3\n", rules=found.rules).blocked
    assert [one.path for one in found.documents] == ["standards/web.md", "app/AGENTS.md"]


async def test_what_a_dependency_may_be_is_narrowed_and_not_widened(tmp_path: Path) -> None:
    bring(tmp_path, "app/AGENTS.md", '[dependencies.npm]\nallow = ["react", "left-pad"]')
    found = await in_force(tmp_path, '```rules\n[dependencies.npm]\nallow = ["react", "vue"]\n```\n')
    for name, blocked in (("react", False), ("vue", True), ("left-pad", True)):
        manifest = f'{{"dependencies": {{"{name}": "1"}}}}'
        assert check_file("package.json", manifest, rules=found.rules).blocked is blocked


async def test_instructions_in_the_projects_folder_are_a_persons(tmp_path: Path) -> None:
    bring(tmp_path, "AGENTS.md", 'off = ["no-call"]')
    found = await in_force(tmp_path, OURS)
    assert (found.rules.ids, found.packaged, found.warnings) == ((), frozenset(), ())
    assert (await in_force(tmp_path)).packaged == frozenset()


async def test_all_documents_together_have_a_limit_and_a_persons_come_first(tmp_path: Path) -> None:
    def many(name: str) -> str:
        return "\n".join(f'[[limits]]\nid = "{name}{number}"\nmax_lines = 1' for number in range(190))

    bring(tmp_path, "app/AGENTS.md", many("c"))
    found = await in_force(tmp_path, *(f"```rules\n{many(name)}\n```\n" for name in "ab"))
    assert len(found.rules.ids) == 380
    assert [one.path for one in found.warnings if "at most 400 rules" in one.message] == ["app/AGENTS.md"]


async def test_globs_of_all_documents_together_have_a_limit(tmp_path: Path) -> None:
    wide = "{" + ",".join("abcdefgh") + "}"
    globs = [f"{wide}{wide}{number}" for number in range(40)]
    bring(tmp_path, "app/AGENTS.md", f'[[limits]]\nid = "wide"\nmax_lines = 1\nin = {globs}')
    found = await in_force(tmp_path, OURS)
    assert found.rules.ids == ("no-call",)
    assert any("at most 2,000 globs" in one.message for one in found.warnings)
