"""A release keeps its words in both forms, and follow-ups are only ever offers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.errors import BadInput
from studio.domain.release import (
    RELEASE_SCHEMA,
    Bump,
    FollowUp,
    Release,
    finished,
    from_json,
    parse,
    read_text,
    render,
    to_json,
)

RELEASE = Release(
    Bump.MINOR,
    "Search",
    "Entries can be searched.",
    "- A search field\n- Results as you type",
    "Add search\n\nThe index is built when the page loads.",
    (FollowUp("Keep the last search", "People come back to it."), FollowUp("A logo")),
)


def test_both_forms_come_back_as_they_were() -> None:
    assert read_text(render(RELEASE)) == RELEASE
    assert parse(to_json(RELEASE)) == RELEASE
    assert from_json(to_json(RELEASE)) == RELEASE


def test_the_readable_form_is_regular() -> None:
    lines = render(RELEASE).split("\n")
    assert lines[0] == "# Search"
    assert lines[2] == "Version: minor"
    assert "- **Keep the last search**: People come back to it." in lines
    assert "- **A logo**" in lines


WORDS = st.one_of(
    st.text(alphabet=st.sampled_from("ab1:#\\`-* \n\t"), max_size=30),
    st.sampled_from(["## Changelog", "## commit message", "# Title", "Version: major", "- **x**: y", "**version**: x"]),
    st.text(max_size=20),
)
TEXTS = st.lists(WORDS, max_size=4).map("\n".join)
FOLLOW_UPS = st.lists(st.fixed_dictionaries({"title": WORDS, "why": TEXTS}), max_size=3)


@given(st.sampled_from(["major", "minor", "patch", "huge"]), WORDS, TEXTS, TEXTS, TEXTS, FOLLOW_UPS)
def test_any_release_that_was_read_comes_back_from_both_forms(
    bump: str, title: str, summary: str, changelog: str, message: str, follow_ups: list[object]
) -> None:
    row = {
        "bump": bump, "title": title, "summary": summary, "changelog": changelog,
        "commit_message": message, "follow_ups": follow_ups,
    }  # fmt: skip
    release = parse(json.dumps(row))
    assert read_text(render(release)) == release
    assert from_json(to_json(release)) == release


@given(TEXTS)
def test_no_word_of_an_edited_text_is_lost(text: str) -> None:
    kept = render(read_text(text)).casefold()
    gone = {"changelog", "commit", "message", "version", "major", "x"}
    for word in {word.casefold() for word in text.split() if word.isalpha()} - gone:
        assert word in kept


@given(st.text(max_size=300))
def test_no_reply_does_worse_than_being_refused(reply: str) -> None:
    try:
        release = parse(reply)
    except BadInput:
        return
    assert from_json(to_json(release)) == release


@pytest.mark.parametrize("wrapped", ["```json\n{}\n```", "Notes:\n{}\nDone.", '{{"release": {}}}'])
def test_json_is_found_where_it_stands(wrapped: str) -> None:
    assert parse(wrapped.format(to_json(RELEASE))) == RELEASE


@pytest.mark.parametrize("reply", ["", "Version 1.2 is out.", '{"bump', "{}"])
def test_what_is_no_release_is_refused(reply: str) -> None:
    with pytest.raises(BadInput):
        parse(reply)


def test_a_changelog_given_as_a_list_becomes_one() -> None:
    release = parse(
        json.dumps({"bump": "MAJOR", "title": "T", "changelog": ["One", "- Two"], "follow_ups": ["A logo"]})
    )
    assert release.changelog == "- One\n- Two"
    assert release.bump is Bump.MAJOR
    assert release.follow_ups == (FollowUp("A logo"),)
    assert release.commit_message == "T", "a commit has a message"


def test_a_person_may_write_a_release_by_hand() -> None:
    release = read_text("""It is out.

## Commit message

Add search

## Follow-ups

- Dark mode: many ask
- Tests
Later.""")
    assert release == Release(
        Bump.PATCH, "", "It is out.\n\nLater.", "", "Add search", (FollowUp("Dark mode", "many ask"), FollowUp("Tests"))
    )


def test_of_a_cut_release_the_whole_texts_are_found() -> None:
    whole = to_json(RELEASE)
    cut = finished(whole[: whole.index("The index")])
    assert cut == Release(Bump.MINOR, "Search", RELEASE.summary, RELEASE.changelog, "Search")
    later = finished(whole[: whole.index("A logo")])
    assert later is not None
    assert later.follow_ups == RELEASE.follow_ups[:1]
    assert finished('{"bump": "mi') is None


def test_the_schema_closes_and_requires_everything() -> None:
    assert RELEASE_SCHEMA["required"] == list(RELEASE_SCHEMA["properties"])  # type: ignore[call-overload]  # a JSON schema is plain dicts of object
    assert RELEASE_SCHEMA["additionalProperties"] is False
