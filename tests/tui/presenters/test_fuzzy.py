"""Finding a title by some of its letters."""

from studio.tui.presenters.fuzzy import match, rank

TITLES = ["The green lantern", "Teodor boards", "A note on fog", "Next pane: outline", "Élise et l'été"]


def best(query):
    return [hit.item for hit in rank(query, TITLES, str)]


def test_a_phrase_comes_before_letters_and_chance_does_not_count():
    assert best("note") == ["A note on fog"]


def test_words_may_come_in_any_order():
    assert best("lantern green") == ["The green lantern"]


def test_first_letters_find_a_title():
    assert best("tgl")[0] == "The green lantern"


def test_case_and_accents_do_not_count_and_marks_point_at_the_letters():
    score, marks = match("ete", "Élise et l'été")
    assert score
    assert "".join("Élise et l'été"[at] for at in marks) == "été"


def test_an_empty_query_keeps_all_in_order():
    assert best("  ") == TITLES


def test_nothing_matches_nothing():
    assert best("zzz") == []
