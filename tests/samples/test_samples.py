"""The sample project and the packaged canon hold together: links, front matter, sizes, a history that can be replayed."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.domain import dialogue
from studio.domain.text import clean, slugify, word_count
from tests.samples.reading import PROMPTS, ROOT, SAMPLE, Document, documents

TYPES = {"character", "location", "lore", "object", "style", "standards", "bible"}
LINK = re.compile(r"\[\[([^\]|#]+)(?:#[^\]|]*)?(?:\|[^\]]*)?\]\]")
FENCED = re.compile(r"^```.*?^```", re.M | re.S)
"""Code holds double brackets of its own: `[[forbid]]` is TOML."""
LINE = re.compile(r"^[A-Z][A-Z' ]* \((speech|thought|caption|sfx)\): \S.*$")

SAMPLE_CANON = documents(SAMPLE / "canon")
PACKAGED_CANON = documents(ROOT / "canon")
ALL_CANON = [*SAMPLE_CANON, *PACKAGED_CANON]
BOOK = tomllib.loads((SAMPLE / "book.toml").read_text(encoding="utf-8"))
PAGES = [page for chapter in BOOK["chapter"] for page in chapter["page"]]


def steps_with_latest() -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Each step of each page, with the newest text of each stage before it."""
    for page in PAGES:
        latest: dict[str, str] = {}
        for step in page.get("step", []):
            yield page["slug"], step, dict(latest)
            if "text" in step:
                latest[step["stage"]] = step["text"].strip()


@pytest.mark.parametrize("document", ALL_CANON, ids=lambda document: document.path.stem)
def test_front_matter_has_the_known_keys_in_their_forms(document: Document) -> None:
    meta = document.meta
    assert isinstance(meta["name"], str)
    assert meta["name"]
    assert meta["type"] in TYPES
    assert meta["include"] in {"always", "mention", "never"}
    assert isinstance(meta["priority"], int)
    for key in ("aliases", "tags"):
        assert all(isinstance(word, str) and word for word in meta[key])
    assert meta["tags"]
    assert document.body.lstrip().startswith("# ")


@pytest.mark.parametrize("path", sorted([*SAMPLE.rglob("*.*"), *PROMPTS.rglob("*.*"), *(ROOT / "canon").rglob("*.md")]))
def test_no_file_holds_a_control_character(path: Path) -> None:
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        assert clean(text) == text


@pytest.mark.parametrize("folder", [SAMPLE_CANON, PACKAGED_CANON], ids=["sample", "packaged"])
def test_every_link_names_a_document_as_obsidian_would_find_it(folder: list[Document]) -> None:
    stems = {document.path.stem.casefold() for document in folder}
    broken = [
        (document.path.name, target)
        for document in folder
        for target in LINK.findall(FENCED.sub("", document.body))
        if target.strip().casefold() not in stems
    ]
    assert broken == []


def test_the_sample_canon_is_linked_and_of_many_types() -> None:
    assert len(SAMPLE_CANON) >= 14
    assert len({document.meta["type"] for document in SAMPLE_CANON}) >= 6
    assert {document.meta["include"] for document in SAMPLE_CANON} == {"always", "mention", "never"}
    linking = [document for document in SAMPLE_CANON if LINK.search(document.body)]
    assert len(linking) >= 14
    assert sum(word_count(document.body) > 600 for document in SAMPLE_CANON) >= 3


def test_names_and_aliases_of_the_sample_canon_each_mean_one_document() -> None:
    names = [
        word.casefold() for document in SAMPLE_CANON for word in {document.meta["name"], *document.meta["aliases"]}
    ]
    assert sorted(names) == sorted(set(names))


def test_the_canon_that_is_always_in_is_a_prefix_worth_caching_and_no_larger() -> None:
    always = [document.body for document in SAMPLE_CANON if document.meta["include"] == "always"]
    tokens = math.ceil(sum(len(body.encode()) for body in always) / 4)
    assert len(always) >= 4
    assert 4_500 <= tokens <= 6_500


def test_what_is_picked_by_mention_is_short() -> None:
    for document in SAMPLE_CANON:
        if document.meta["include"] == "mention":
            assert 100 <= word_count(document.body) <= 600, document.path.name


def test_the_sample_project_names_its_title_and_workflow() -> None:
    project = tomllib.loads((SAMPLE / "studio.toml").read_text(encoding="utf-8"))["project"]
    assert project == {"title": "The Lantern Ferry", "workflow": "story", "language": "en"}


def test_the_book_has_two_chapters_and_eight_briefs() -> None:
    assert [chapter["title"] for chapter in BOOK["chapter"]] == ["The Crossing", "The Toll"]
    assert len(PAGES) == 8
    for part in [*BOOK["chapter"], *PAGES]:
        assert part["slug"] == slugify(part["title"])
    for page in PAGES:
        assert 2 <= len(re.findall(r"[.!?](?:\s|$)", page["brief"])) <= 5, page["slug"]
        assert 30 <= word_count(page["brief"]) <= 100, page["slug"]


def test_two_pages_are_approved_in_both_stages_and_six_have_no_steps() -> None:
    approved = [
        page["slug"]
        for page in PAGES
        if [step["stage"] for step in page.get("step", []) if step["do"] == "approve"] == ["narration", "dialogue"]
    ]
    assert approved == ["fog", "the-green-lantern"]
    assert sum("step" not in page for page in PAGES) == 6


@pytest.mark.parametrize(("slug", "step", "latest"), list(steps_with_latest()))
def test_each_step_can_be_replayed_after_the_ones_before_it(
    slug: str, step: dict[str, Any], latest: dict[str, str]
) -> None:
    needs = {
        "draft": {"model", "text"},
        "revise": {"model", "text", "feedback"},
        "edit": {"text"},
        "comment": {"feedback"},
        "dismiss": set(),
        "approve": set(),
    }[step["do"]]
    assert needs <= set(step) - {"do", "stage"} <= needs | {"quote"}
    before = latest.get(step["stage"])
    assert (before is None) == (step["do"] == "draft"), slug
    if "quote" in step:
        assert step["quote"] in (before or "")
    if step["do"] in {"revise", "edit"}:
        assert step["text"].strip() != before


def test_dialogue_lines_are_in_the_readable_form_and_follow_a_narration() -> None:
    texts = [
        (step["text"].strip(), latest)
        for _, step, latest in steps_with_latest()
        if step["stage"] == "dialogue" and "text" in step
    ]
    assert len(texts) == 4
    for text, latest in texts:
        assert [line for line in text.split("\n") if not LINE.match(line)] == []
        assert dialogue.render(dialogue.parse(text)) == text
        assert "narration" in latest


def test_approved_pages_keep_the_rules_of_their_own_canon() -> None:
    for page in PAGES[:2]:
        texts = {step["stage"]: step["text"].strip() for step in page["step"] if "text" in step}
        assert 120 <= word_count(texts["narration"]) <= 185
        lines = dialogue.parse(texts["dialogue"])
        captions = [line for line in lines if line.kind is dialogue.LineKind.CAPTION]
        assert len(lines) <= 9
        assert len(captions) <= 3
        assert all(word_count(line.text) <= 12 for line in captions)
        assert not any(line.kind is dialogue.LineKind.THOUGHT for line in lines)
