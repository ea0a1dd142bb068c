"""The program's sentences in the words of a workflow: names, commands and settings in them stay as they are."""

from __future__ import annotations

import pytest

from studio.domain.words import words_of

APP = words_of({"chapter": "Release", "page": "Change", "brief": "Request"}, writes_files=True)


@pytest.mark.parametrize(
    ("said", "put"),
    [
        ("There is no page 1/9. Chapter 1 has 3 pages.", "There is no change 1/9. Release 1 has 3 changes."),
        ("There is no page 'page-two' in the chapter 'one'.", "There is no change 'page-two' in the release 'one'."),
        (
            "canon/page.md is larger than a page, as stage.toml is.",
            "canon/page.md is larger than a change, as stage.toml is.",
        ),
        ("See: studio chapter list", "See: studio chapter list"),
        ("Name it: `studio page add 1 TITLE` makes a page.", "Name it: `studio page add 1 TITLE` makes a change."),
        (
            "The page's stage is '--stage'; --page is no option.",
            "The change's phase is '--stage'; --page is no option.",
        ),
        (
            "The stage “My page” of [page.book] is not the page's.",
            "The phase “My page” of [page.book] is not the change's.",
        ),
    ],
)
def test_only_words_of_the_program_are_put_otherwise(said: str, put: str) -> None:
    assert APP.put_around_names(said) == put
    assert words_of({}, writes_files=False).put_around_names(said) == said
