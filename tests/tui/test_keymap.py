"""The keymap: one table, a person's own keys, and every row with something to do."""

from __future__ import annotations

import pytest

from studio.domain.errors import BadInput
from studio.tui import keymap
from studio.tui.actions import registry


def test_every_row_has_a_handler_and_every_handler_a_row() -> None:
    assert set(registry.load()) == {action.id for action in keymap.ACTIONS}


def test_no_two_actions_share_a_key_in_one_place() -> None:
    keymap.build()


def test_own_keys_replace_the_defaults() -> None:
    built = keymap.build({"approve": "ctrl+y", "generate": ["f5", "f6"], "cursor.end": "end"})
    assert [action.id for action in built.lookup("f6", None, ("workbench",))] == ["generate"]
    assert built.by_id["approve"].keys == ("ctrl+y",)
    assert [action.id for action in built.lookup("ctrl+y", None, ("workbench",))] == ["approve"]
    assert "approve" not in [action.id for action in built.lookup("a", "a", ("workbench",))]


def test_an_empty_binding_unbinds() -> None:
    built = keymap.build({"approve": ""})
    assert built.shown("approve") == ""


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        keymap.build({"aprove": "a", "stop": "ctrl+nokey", "reopen": "g"})
    sentence = caught.value.message
    assert "`aprove`" in sentence
    assert "`ctrl+nokey`" in sentence
    assert "generate" in sentence
    assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "character"), [("question_mark", "?"), ("left_square_bracket", "["), ("upper_j", "J"), ("slash", "/")]
)
def test_printable_keys_are_found_by_what_they_type(key: str, character: str) -> None:
    assert keymap.build().lookup(key, character, ("workbench", "anywhere"))


def test_the_nearest_place_comes_first() -> None:
    found = keymap.build().lookup("enter", None, ("inspector", "workbench", "anywhere"))
    assert found[0].scopes[0] == "inspector"
