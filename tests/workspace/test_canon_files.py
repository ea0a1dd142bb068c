"""Canon as people and Obsidian write it; every trap is a warning with file and line, never an error."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.canon import CanonDocument, Include
from studio.domain.errors import StudioError
from studio.domain.text import digest
from studio.workspace import front_matter
from studio.workspace.canon_files import FILE_LIMIT, CanonFolder, CanonScan, parse_document
from studio.workspace.canon_links import LinkIndex, link_targets, missing_links
from studio.workspace.scaffold import samples


def put(root: Path, path: str, content: str | bytes) -> Path:
    file = root / "canon" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def one(root: Path, content: str | bytes, path: str = "characters/ilse.md") -> tuple[CanonDocument, CanonScan]:
    put(root, path, content)
    found = CanonFolder(root).scan()
    (document,) = found.documents
    return document, found


def test_all_keys_are_read_and_unknown_ones_kept(tmp_path: Path) -> None:
    text = """---
name: Ilse Vane
type: character
aliases: [Ilse, "the cartographer"]
tags:
  - "#lead"
  - north
include: always
priority: 5
born: 1871-03-02
home: "[[Sallow Quay]]"
---

# Ilse

She knows [[Bram Odell|Bram]] and [[The Wren#Deck]].
"""
    document, found = one(tmp_path, text)
    assert (document.name, document.type, document.include, document.priority) == (
        "Ilse Vane",
        "character",
        Include.ALWAYS,
        5,
    )
    assert document.aliases == ("Ilse", "the cartographer")
    assert document.tags == ("lead", "north")
    assert document.extra == {"born": "1871-03-02", "home": "[[Sallow Quay]]"}
    assert document.links == ("Bram Odell", "The Wren", "Sallow Quay")
    assert document.body.startswith("# Ilse")
    assert document.digest == digest(text)
    assert CanonFolder(tmp_path).text(document.path) == text
    assert found.warnings == ()


def test_without_front_matter_name_and_type_come_from_file_and_folder(tmp_path: Path) -> None:
    document, found = one(tmp_path, "Just text.", "locations/Sallow Quay.md")
    assert (document.name, document.type, document.include) == ("Sallow Quay", "location", Include.MENTION)
    assert found.warnings == ()


@pytest.mark.parametrize("path", ["canon.md", "glass/rim.md", "weather/fog.md"])
def test_a_folder_that_is_no_plural_keeps_its_name(tmp_path: Path, path: str) -> None:
    document, _ = one(tmp_path, "x", path)
    assert document.type == {"canon.md": "note"}.get(path, path.split("/")[0])


def test_null_and_single_aliases_as_obsidian_leaves_them(tmp_path: Path) -> None:
    assert one(tmp_path, "---\naliases:\ntags: null\npublish:\n---\nx")[0].aliases == ()
    assert one(tmp_path, "---\nalias: Ilse, Miss Vane\naliases: [3, null, 2024-01-01]\n---\nx")[0].aliases == (
        "3",
        "2024-01-01",
        "Ilse",
        "Miss Vane",
    )


@pytest.mark.parametrize(
    ("yaml", "line"),
    [
        ("created: {{date}}", 2),
        ("name: A\n{{title}}: x", 3),
        ("name: A\ntype: a: b", 3),
        ("name: A\nname: B", 3),
        ("name: A\nx:\n\t- tab", 4),
        ("- a\n- b", 2),
        ("just words", 2),
        ("x: !!python/object/apply:os.system [ls]", 2),
        ("x: " + "[" * 5_000, 2),
        ("d: 2024-99-99", 2),
        ("a: 0x" + "9" * 6_000, 2),
        ("b: &a\n  c: *a", 2),
    ],
)
def test_broken_front_matter_is_a_warning_with_the_line_and_the_text_is_used(
    tmp_path: Path, yaml: str, line: int
) -> None:
    document, found = one(tmp_path, f"---\n{yaml}\n---\nThe text.")
    assert document.body == "The text."
    assert document.name == "ilse"
    (warning,) = found.warnings
    assert (warning.path, warning.line) == ("characters/ilse.md", line)
    assert "\n" not in warning.message


def test_an_alias_bomb_is_a_warning(tmp_path: Path) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(12)
    )
    document, found = one(tmp_path, f"---\n{bomb}\n---\nThe text.")
    assert document.body == "The text."
    assert "too many values" in found.warnings[0].message


def test_front_matter_that_is_never_closed_is_text_with_a_warning(tmp_path: Path) -> None:
    document, found = one(tmp_path, "---\nname: A\n\nText")
    assert "name: A" in document.body
    assert "not closed" in found.warnings[0].message


@pytest.mark.parametrize(
    ("key", "value"),
    [("include", "sometimes"), ("priority", "high"), ("priority", ".nan"), ("name", "[a, b]"), ("aliases", "{a: b}")],
)
def test_a_value_of_the_wrong_kind_is_a_warning_with_its_line(tmp_path: Path, key: str, value: str) -> None:
    document, found = one(tmp_path, f"---\ntype: x\n{key}: {value}\n---\nText")
    (warning,) = found.warnings
    assert warning.line == 3
    assert key in warning.message
    assert (document.name, document.include, document.priority) == ("ilse", Include.MENTION, 0)


def test_what_cannot_be_read_is_left_out_with_a_warning_each(tmp_path: Path) -> None:
    put(tmp_path, "good.md", "text")
    put(tmp_path, "latin.md", "ok\nd\xe9j\xe0".encode("latin-1"))
    put(tmp_path, "utf16.md", "hello".encode("utf-16"))
    put(tmp_path, "binary.md", b"\x00\x01\x02")
    put(tmp_path, "huge.md", b"x" * (FILE_LIMIT + 1))
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "canon" / "link.md").symlink_to(tmp_path / "secret")
    (tmp_path / "canon" / "folder-link").symlink_to(tmp_path)
    (tmp_path / "canon" / "gone.md").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "canon" / "pipe.md")
    put(tmp_path, "image.png", b"\x89PNG\x00")
    found = CanonFolder(tmp_path).scan()
    assert [document.path for document in found.documents] == ["good.md"]
    words = {warning.path: warning.message for warning in found.warnings}
    assert set(words) == {
        "latin.md",
        "utf16.md",
        "binary.md",
        "huge.md",
        "link.md",
        "folder-link",
        "gone.md",
        "pipe.md",
    }
    assert "UTF-16" in words["utf16.md"]
    assert "too large" in words["huge.md"]
    assert "link" in words["link.md"]
    assert {warning.line for warning in found.warnings if warning.path == "latin.md"} == {2}


def test_folders_of_obsidian_and_its_templates_are_passed_over(tmp_path: Path) -> None:
    for path in (".obsidian/x.md", ".trash/x.md", "Templates/Character.md", "Meta/Patterns/x.md", "README.md"):
        put(tmp_path, path, "---\ncreated: {{date}}\n---\n")
    put(tmp_path, ".obsidian/templates.json", '{"folder": "Meta/Patterns"}')
    put(tmp_path, "a/b/c/deep.md", "x")
    found = CanonFolder(tmp_path).scan()
    assert [document.path for document in found.documents] == ["a/b/c/deep.md"]
    assert found.warnings == ()


def test_two_documents_of_one_name_are_both_used_and_said(tmp_path: Path) -> None:
    put(tmp_path, "a/Fog.md", "x")
    put(tmp_path, "b/fog.md", "y")
    found = CanonFolder(tmp_path).scan()
    assert len(found.documents) == 2
    (warning,) = found.warnings
    assert "a/Fog.md" in warning.message


def test_only_what_changed_is_read_again_and_named(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, f"n{number}.md", f"text {number}")
    folder = CanonFolder(tmp_path)
    assert len(folder.scan().changed) == 5
    again = folder.scan()
    assert again.changed == ()
    put(tmp_path, "n1.md", "text x")
    (tmp_path / "canon" / "n2.md").unlink()
    put(tmp_path, "n9.md", "new")
    before = {document.path: document for document in again.documents}
    after = folder.scan()
    assert after.changed == ("n1.md", "n2.md", "n9.md")
    assert next(document for document in after.documents if document.path == "n0.md") is before["n0.md"]


def test_a_file_saved_in_place_of_another_of_the_same_size_and_time_is_read_again(tmp_path: Path) -> None:
    file = put(tmp_path, "a.md", "one")
    times = file.stat()
    folder = CanonFolder(tmp_path)
    folder.scan()
    other = put(tmp_path, "a.tmp", "two")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    os.replace(other, file)
    assert folder.scan().changed == ("a.md",)


def test_no_canon_folder_is_an_empty_canon(tmp_path: Path) -> None:
    assert CanonFolder(tmp_path).scan() == CanonScan((), (), ())


def test_a_canon_that_is_a_file_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "canon").write_text("x")
    assert len(CanonFolder(tmp_path).scan().warnings) == 1


def test_links_in_code_and_comments_are_none() -> None:
    text = """[[Real]] ![[Embedded|100]] [[A#Part]] [[B#^block|shown]] [[Real]]
`[[inline]]` and ``x ` [[inline 2]]`` %%[[hidden]]%%
```md
[[fenced]]
```
~~~
[[tilde]]
~~~
\\`[[After]]
"""
    assert link_targets(text) == ("Real", "Embedded", "A", "B", "After")


@given(st.text(alphabet="`[]|#^% \na~", max_size=200))
def test_links_of_any_text_are_found_without_an_error(text: str) -> None:
    for target in link_targets(text):
        assert target.strip() == target


def test_hostile_runs_of_ticks_and_brackets_end_soon() -> None:
    for text in ("`" * 1_000 + "x" * 400_000, "` `` ``` " * 40_000, "[[" * 300_000, "%%" * 200_001, "[[a#" * 100_000):
        link_targets(text)


def test_a_link_is_found_by_path_file_name_and_alias_without_case(tmp_path: Path) -> None:
    put(
        tmp_path,
        "characters/ilse-vane.md",
        "---\nname: Ilse Vane\naliases: [the ferrywoman]\n---\n[[Nowhere]] [[bram]]",
    )
    put(tmp_path, "characters/bram.md", "x")
    documents = CanonFolder(tmp_path).scan().documents
    index = LinkIndex(documents)
    for target in (
        "Ilse Vane",
        "ilse vane",
        "characters/ilse-vane",
        "ilse-vane.md",
        "The Ferrywoman",
        "canon/characters/ilse-vane",
    ):
        found = index.resolve(target)
        assert found is not None, target
        assert found.path == "characters/ilse-vane.md"
    assert missing_links(documents) == {"characters/ilse-vane.md": ("Nowhere",)}


@given(st.text())
def test_any_text_is_a_document(text: str) -> None:
    document, _ = parse_document("a/b.md", text)
    assert document.name


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`\n ?,0", max_size=120))
def test_any_front_matter_is_read_or_refused_in_one_line(yaml: str) -> None:
    found = front_matter.split(f"---\n{yaml}\n---\nbody")
    assert found.problem is None or "\n" not in found.problem[1]


def test_the_samples_read_without_a_warning_and_all_their_links_lead_somewhere() -> None:
    for sample in samples():
        found = CanonFolder(sample.path).scan()
        assert found.warnings == ()
        assert len(found.documents) >= (12 if sample.name == "lantern-ferry" else 3)
        assert missing_links(found.documents) == {}


def test_a_canon_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "private"
    outside.mkdir()
    (outside / "secret.md").write_text("---\ninclude: always\n---\nA secret.\n")
    root = tmp_path / "book"
    root.mkdir()
    (root / "canon").symlink_to(outside)
    folder = CanonFolder(root)
    scan = folder.scan()
    assert scan.documents == ()
    assert [warning.message for warning in scan.warnings] == ["canon/ is a link, and links are not followed."]
    with pytest.raises(StudioError):
        folder.text("secret.md")
