"""`studio note`: notes by their numbers, which never change."""

from __future__ import annotations

from tests.cli.conftest import Studio
from tests.fakes.wire_server import WireServer


def test_notes_are_written_changed_dismissed_and_listed(studio: Studio) -> None:
    assert "no draft" in studio("note", "add", "next", "No moths.", code=2).stderr
    studio("generate", "next")
    studio("note", "add", "1/1", "No moths.")
    studio("note", "add", "1/1", "-", "--stage", "narration", stdin="No owls.\n")
    studio("note", "edit", "1/1", "1", "No moths here.")
    dismissed = studio("note", "dismiss", "1/1", "2")
    assert dismissed.stderr == "Note dismissed; it stays in the history.\n"
    listed = studio("note", "1/1")
    assert [line.split()[:4] for line in listed.stdout.splitlines()] == [
        ["1", "open", "narration", "r1"], ["2", "dismissed", "narration", "r1"],
    ]  # fmt: skip
    assert "No moths here." in listed.stdout
    assert listed.stderr == "2 notes, 1 open.\n"
    (is_open,) = studio.data("note", "list", "1/1", "--open")["notes"]
    assert (is_open["number"], is_open["state"], is_open["resolved"]) == (1, "open", False)
    assert studio("approve", "1/1").stderr.startswith("Narration approved; 1 note stays open.")
    studio("note", "reopen", "1/1", "2")
    assert {one["state"] for one in studio.data("note", "list", "1/1")["notes"]} == {"open"}


def test_a_note_that_is_not_there_or_was_given_to_a_draft_is_refused_in_a_sentence(studio: Studio) -> None:
    studio("generate", "next")
    assert "no note, and none with the number 1" in studio("note", "dismiss", "1/1", "1", code=2).stderr
    studio("note", "add", "1/1", "No moths.")
    assert "The note is empty" in studio("note", "edit", "1/1", "1", " ", code=2).stderr
    studio("revise", "1/1", "--feedback", "Colder.")
    assert "has been given this note" in studio("note", "edit", "1/1", "1", "No owls.", code=3).stderr
    assert "dismissed" not in studio("history", "1/1").stdout


def test_the_context_of_a_draft_under_review_is_that_of_a_revision_with_its_notes(studio: Studio) -> None:
    assert studio.data("context", "next")["kind"] == "draft"
    studio("generate", "next")
    studio("note", "add", "1/1", "No moths here.")
    revision = studio("context", "1/1").stdout
    assert "=== revise of narration" in revision
    assert "No moths here." in revision
    again = studio("context", "1/1", "--again").stdout
    assert "=== draft of narration" in again
    assert "No moths here." not in again
    assert "given no feedback" in studio("context", "1/1", "--again", "--feedback", "Colder.", code=2).stderr


def test_what_a_model_was_sent_for_a_revision_is_shown_word_for_word(studio: Studio, server: WireServer) -> None:
    before = studio.data("context", "next")
    studio("generate", "next")
    studio("note", "add", "1/1", "No moths here.")
    studio("revise", "1/1", "--feedback", "Colder.")
    studio("page", "brief", "1/1", "Something else.")
    first = studio.data("context", "1/1", "--revision", "1")
    assert first["messages"] == before["messages"]
    assert first["prompt_digest"] == before["prompt_digest"]
    second = studio("context", "1/1", "--revision", "2")
    assert "No moths here." in second.stdout
    assert "note 1" in second.stdout
    assert "tokens in" in second.stderr
    run = studio.data("history", "1/1")["runs"][0]["id"]
    assert studio("context", "1/1", "--run", run).stdout == second.stdout
    studio("edit", "1/1", "--file", "-", stdin="Mine.")
    assert "No model wrote r3" in studio("context", "1/1", "--revision", "3", code=2).stderr
    studio("context", "1/1", "--revision", "1", "--feedback", "Colder.", code=2)
