"""Workflow files: the packaged story, a project's own, every problem at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.errors import BadInput, NotFound
from studio.domain.workflow import Action, OutputKind, advance
from studio.workflows.library import load, names
from studio.workflows.schema import parse

OWN = """
name = "story"
title = "Mine"
[labels]
page = "Scene"
[[stage]]
name = "draft"
output = "prose"
"""


def own(root: Path, text: str, name: str = "story") -> None:
    (root / "workflows").mkdir(exist_ok=True)
    (root / "workflows" / f"{name}.toml").write_text(text, "utf-8")


def test_the_story_goes_from_brief_to_approved_over_the_states_of_its_stages() -> None:
    workflow = load("story")
    assert [(stage.name, stage.role, stage.template) for stage in workflow.stages] == [
        ("narration", "narrator", "narration"),
        ("dialogue", "dialogist", "dialogue"),
    ]
    assert workflow.stages[1].output is OutputKind.DIALOGUE
    seen = [workflow.awaiting_state]
    state = workflow.parse_state(workflow.awaiting_state)
    for action in (Action.BRIEF, Action.DRAFT_READY, Action.APPROVE, Action.DRAFT_READY, Action.APPROVE):
        state = advance(workflow, state, action)
        seen.append(workflow.state_name(state))
    assert seen == [
        "awaiting_user_input",
        "generating_narration",
        "user_reviewing_narration",
        "generating_dialogue",
        "user_reviewing_dialogue",
        "page_approved",
    ]


def test_a_project_s_own_file_wins_over_the_packaged_one(tmp_path: Path) -> None:
    own(tmp_path, OWN)
    own(tmp_path, OWN.replace('"story"', '"poem"'), "poem")
    workflow = load("story", tmp_path, auto_draft=True)
    assert [stage.name for stage in workflow.stages] == ["draft"]
    assert workflow.stages[0].label == "Draft"
    assert workflow.labels == {"page": "Scene"}
    assert workflow.auto_draft
    assert names(tmp_path) == ("app", "poem", "story")
    assert names() == ("app", "story")


def test_a_name_that_is_unknown_or_no_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        load("novel")
    assert "story" in raised.value.hint
    with pytest.raises(BadInput):
        load("../../etc/passwd", tmp_path)


def test_a_file_that_calls_itself_otherwise_is_refused(tmp_path: Path) -> None:
    own(tmp_path, OWN, "poem")
    with pytest.raises(BadInput, match="calls itself 'story'"):
        load("poem", tmp_path)


def test_every_mistake_is_named_at_once_with_file_line_and_key(tmp_path: Path) -> None:
    text = """name = "Story Two"
nmae = 1
final_state = "generating_end"
[labels]
page = 3
[[stage]]
name = "brief"
gate = "maybe"
[[stage]]
target_words = -1
[[stage]]
name = "one"
label = "Same"
[[stage]]
name = "one"
label = "same"
"""
    own(tmp_path, text)
    with pytest.raises(BadInput) as raised:
        load("story", tmp_path)
    listed = raised.value.data["problems"]
    assert isinstance(listed, list)
    found = {(one["key"], one["line"]) for one in listed}
    assert {one["file"] for one in listed} == {"workflows/story.toml"}
    assert found == {
        ("name", 1),
        ("nmae", 2),
        ("final_state", 3),
        ("labels.page", 5),
        ("stage[1].name", 7),
        ("stage[1].gate", 8),
        ("stage[2].name", 9),
        ("stage[2].target_words", 10),
        ("stage[4].name", 15),
    }


@pytest.mark.parametrize(
    "text", ["", 'name = "x"', 'name = "x"\nstage = 3', 'name = "x"\nstage = []', "[[stage]\n", "stage = [[1]]"]
)
def test_a_file_without_stages_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse(text, "x.toml")


def test_labels_differ_without_regard_to_case_as_they_head_sections_of_the_mirror() -> None:
    with pytest.raises(BadInput, match="label"):
        parse('name = "x"\n[[stage]]\nname = "a"\nlabel = "Text"\n[[stage]]\nname = "b"\nlabel = "TEXT"\n', "x.toml")


@given(
    st.dictionaries(
        st.sampled_from(["name", "title", "final_state", "stage", "labels", "x"]),
        st.one_of(st.integers(), st.text(), st.booleans()),
    )
)
def test_any_values_are_read_or_refused_in_words(table: dict[str, object]) -> None:
    import tomlkit

    with pytest.raises(BadInput):
        parse(tomlkit.dumps(table), "x.toml")
