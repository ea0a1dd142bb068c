"""Which words a diff strikes and adds, where a reader would otherwise see confetti."""

from hypothesis import given
from hypothesis import strategies as st

from studio.domain.diff import diff, paragraphs


def marked(old: str, new: str) -> str:
    signs = {"same": "{}", "del": "[-{}-]", "add": "[+{}+]"}
    return "\n".join("".join(signs[span.op].format(span.text) for span in part.spans) for part in diff(old, new))


def test_a_small_edit_stays_exact() -> None:
    found = marked("He stood with his gloves.", "He stood, his grey gloves.")
    assert found == "He stood[- with-][+,+] his [+grey +]gloves."


def test_a_rewritten_half_is_one_change_although_both_hold_a_the() -> None:
    old = "The boy promised to wait until the bell. He held the lantern out over the drop."
    new = "Rain came over the harbour in long sheets. He held the lantern out over the drop."
    assert marked(old, new) == (
        "[-The boy promised to wait until the bell-][+Rain came over the harbour in long sheets+]. "
        "He held the lantern out over the drop."
    )


@given(st.text("ab the,.\n", max_size=80), st.text("ab the,.\n", max_size=80))
def test_kept_and_added_words_are_the_new_text_and_kept_and_struck_the_old(old: str, new: str) -> None:
    spans = [part.spans for part in diff(old, new)]
    after = ["".join(span.text for span in part if span.op != "del") for part in spans]
    before = ["".join(span.text for span in part if span.op != "add") for part in spans]
    assert [text for text in after if text] == paragraphs(new)
    assert [text for text in before if text] == paragraphs(old)
