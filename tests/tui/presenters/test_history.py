"""A history as lines on the screen."""

from datetime import UTC, datetime, timedelta

from studio.protocol.views import FeedbackView, HistoryView, RevisionView, RunView
from studio.tui.presenters.history import base_for, entries, row, story

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def revision(number, **given):
    values = {
        "id": f"r{number}", "page": "p", "stage": "narration", "number": number, "text": f"text {number}", "data": None, "origin": "agent",
        "author": "ana", "outcome": "complete", "created_at": NOW - timedelta(hours=10 - number), "words": 2, "model": "openai:gpt",
    }  # fmt: skip
    return RevisionView(**{**values, **given})


def run(id, **given):
    values = {
        "id": id, "page": "p", "stage": "narration", "kind": "draft", "status": "failed", "model": "openai:gpt", "outcome": None,
        "partial": "half a", "revision": None, "error_code": "x", "error": "The line broke.", "hint": "Try again.",
        "started_at": NOW - timedelta(minutes=30), "ended_at": NOW - timedelta(minutes=20),
    }  # fmt: skip
    return RunView(**{**values, **given})


SAID = FeedbackView(
    id="f", stage="narration", revision="r1", revision_number=1, kind="revise", text="colder", quote="the rain", author="ana",
    created_at=NOW, used=True, resolved=False,
)  # fmt: skip
HISTORY = HistoryView(
    page="p",
    revisions=(
        revision(1, approved=True),
        revision(2, feedback="f", parent="r1"),
        revision(3, origin="restore", parent="r1"),
    ),
    feedback=(SAID,),
    runs=(run("broken"), run("made", revision="r2", status="completed")),
)


def test_rows_are_newest_first_and_runs_with_a_revision_are_not_told_twice():
    assert [entry.id for entry in entries(HISTORY, "narration")] == ["broken", "r3", "r2", "r1"]


def test_a_row_says_who_when_how_much_and_the_words_behind_it():
    second = entries(HISTORY, "narration")[2]
    top, below = row(second, 60, NOW)
    assert "r2" in top.text
    assert "openai:gpt" in top.text
    assert top.text.endswith("8 h")
    assert 'words · "colder"' in below.text
    assert top.width <= 60


def test_a_restored_revision_says_so_and_a_cut_off_one_too():
    assert "restored by ana" in row(entries(HISTORY)[1], 60, NOW)[0].text
    cut = HistoryView(page="p", revisions=(revision(1, outcome="cut_off"),), feedback=(), runs=())
    assert "cut off" in row(entries(cut)[0], 60, NOW)[1].text


def test_a_broken_run_is_listed_with_what_it_kept_and_why_it_broke():
    broken = entries(HISTORY)[0]
    assert "2 words kept" in row(broken, 60, NOW)[1].text
    assert story(broken) == ["The line broke. Try again."]


def test_what_a_revision_is_compared_with():
    rows = entries(HISTORY, "narration")
    broken, third, second, first = rows
    assert base_for(third, rows, "previous") == first
    assert base_for(second, rows, "newest") == third
    assert base_for(second, rows, "approved") == first
    assert base_for(second, rows, "marked", "broken") == broken
    assert base_for(first, rows, "previous") is None


def test_the_whole_feedback_and_its_quote_are_told():
    assert story(entries(HISTORY)[2])[0] == 'Asked about "the rain": colder'


def test_a_revision_made_from_notes_alone_shows_them():
    noted = FeedbackView(
        id="n", stage="narration", revision="r1", revision_number=1, kind="note", text="the fog should move", quote=None, author="ana",
        created_at=NOW, used=True, resolved=False, used_by="run2",
    )  # fmt: skip
    made = HistoryView(page="p", revisions=(revision(1), revision(2, run="run2")), feedback=(noted,), runs=())
    second = next(entry for entry in entries(made) if entry.id == "r2")
    assert "the fog should move" in row(second, 60, NOW)[1].text
    assert story(second) == ["Noted: the fog should move"]


def test_a_run_that_is_still_written_is_no_row_yet():
    from msgspec.structs import replace

    live = replace(HISTORY, runs=(run("now", status="running"), run("next", status="queued"), run("broken")))
    assert [entry.id for entry in entries(live, "narration")] == ["broken", "r3", "r2", "r1"]
