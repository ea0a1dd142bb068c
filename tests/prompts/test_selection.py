"""Canon picked by name, alias, link and hand, in several scripts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.canon import CanonDocument, Include, Reason
from studio.domain.text import slugify
from studio.prompts.selection import EXCLUDED, MISSING, NEVER, Selection, select


def doc(
    name: str, *aliases: str, include: Include = Include.MENTION, priority: int = 0, path: str = "", **more: object
) -> CanonDocument:
    body, links = str(more.get("body", f"About {name}.")), more.get("links", ())
    assert isinstance(links, tuple)
    place = path or f"characters/{slugify(name)}.md"
    return CanonDocument(
        place, name, "character", body, f"digest of {name}", aliases, include=include, priority=priority, links=links
    )


def names(selection: Selection) -> list[str]:
    return [pick.document.name for pick in selection.mentioned]


def found(text: str, *documents: CanonDocument) -> list[str]:
    return names(select(documents, [("brief", text)]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ilse", "Ilse waits."),
        ("Ilse", "ILSE WAITS"),
        ("Ilse", "ilse"),
        ("Ilse", "(Ilse)"),
        ("Ilse", "«Ilse»"),
        ("Ilse", "_Ilse_"),
        ("Ilse", "**Ilse**"),
        ("Ilse", "Ilse's hands"),
        ("Ilse", "Ilse’s hands"),
        ("Vane", "the Vanes arrive"),
        ("Vane", "the Vanes' house"),
        ("Marsh", "three marshes"),
        ("City", "two cities"),
        ("Faeries", "one faery"),
        ("Ilse Vane", "Ilse\nVane"),
        ("Ilse Vane", "Ilse  Vane"),
        ("Ash-Wharf", "ash wharf"),
        ("Ash Wharf", "Ash-Wharf"),
        ("The Salt Gate", "at the salt gate"),
        ("The Salt Gate", "by Salt Gate"),
        ("O'Brien", "O’Brien left"),
        ("St. Mary", "to St. Mary"),
        ("Dr. Čapek", "dr. čapek"),
        ("Straße", "STRASSE"),
        ("Zoë", "Zoe\u0308"),
        ("ACE", "the ACE landed"),
        ("ACE", "two ACEs"),
        ("C++", "written in C++."),
        ("Ольга", "с ОЛЬГА"),
        ("Ελένη", "η ελένη"),
        ("ליאור", "עם ליאור."),
        ("سلمى", "مع سلمى."),
        ("राम", "राम की घड़ी"),
        ("道静", "昨日道静は笑った"),
        ("林道静", "我看见林道静了"),
        ("イルゼ", "イルゼは歩く"),
        ("ソルト・ゲート", "ソルト・ゲートで"),
        ("일세", "일세는 걷는다"),
        ("สมชาย", "วันนี้สมชายมา"),
        ("Ilse", "イルゼとIlseは"),
        ("Ilse", "Ｉｌｓｅは"),
        ("★", "the ★ falls"),
        ("R2-D2", "r2-d2 beeps"),
    ],
)
def test_a_name_is_found(name: str, text: str) -> None:
    assert found(text, doc(name)) == [name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ilse", "Ilsebill"),
        ("Ilse", "Wilse"),
        ("Vane", "vanes2"),
        ("Ilse Vane", "Ilse. And then the Vane"),
        ("Ilse Vane", "Vane Ilse"),
        ("ACE", "an ace of spades"),
        ("IT", "it rains"),
        ("C++", "a C note"),
        ("राम", "रामायण"),
        ("アン", "アンナは"),
        ("", "anything"),
        ("   ", "anything"),
    ],
)
def test_a_name_is_not_found(name: str, text: str) -> None:
    assert found(text, doc(name, path="x/a.md")) == []


def test_the_longer_name_wins_where_it_stands_and_the_shorter_elsewhere() -> None:
    both = (doc("Ilse Vane"), doc("Vane"))
    assert found("Ilse Vane goes.", *both) == ["Ilse Vane"]
    assert found("Ilse Vane goes. A vane turns.", *both) == ["Ilse Vane", "Vane"]
    assert found("昨日林道静", doc("林道静"), doc("道静")) == ["林道静"]


def test_two_documents_with_the_same_alias_are_both_found() -> None:
    assert sorted(found("The captain", doc("Ilse", "Captain"), doc("Otto", "captain"))) == ["Ilse", "Otto"]


def test_reason_and_detail_say_what_matched_where() -> None:
    selection = select([doc("Ilse Vane", "the Mender")], [("brief", "x"), ("prior page", "The mender's lamp")])
    (pick,) = selection.mentioned
    assert (pick.reason, pick.detail) == (Reason.ALIAS, '"The mender" in the prior page')


@pytest.mark.parametrize(
    "link",
    [
        "[[Ilse Vane]]",
        "[[ilse vane|she]]",
        "[[characters/ilse-vane]]",
        "[[characters/ilse-vane.md]]",
        "[[ilse-vane#Childhood|her]]",
        "[[Mender]]",
    ],
)
def test_a_link_picks_its_document_whatever_form_it_has(link: str) -> None:
    (pick,) = select([doc("Ilse Vane", "Mender")], [("brief", f"See {link}.")]).mentioned
    assert pick.reason is Reason.LINK


def test_the_words_shown_for_a_link_are_read_and_its_target_is_not() -> None:
    documents = [doc("Ilse Vane"), doc("Vane"), doc("Otto")]
    assert found("[[Ilse Vane|Otto's friend]]", *documents) == ["Ilse Vane", "Otto"]


def test_links_inside_documents_pull_nothing_in() -> None:
    linked = [
        doc("Ilse", body="Friend of [[Otto]].", links=("Otto",)),
        doc("Otto"),
        doc("World", body="[[Otto]]", include=Include.ALWAYS),
    ]
    assert found("Ilse waits.", *linked) == ["Ilse"]


@pytest.mark.parametrize(
    "noise",
    [
        "{{ Ilse",
        "{% for x in y %}",
        "[[",
        "]]",
        "[[|]]",
        "[[ ]]",
        "[[" * 2_000,
        "\\",
        "(?P<x>",
        "\x00",
        "$^.*+?()[]{}|",
    ],
)
def test_names_and_texts_full_of_signs_are_harmless(noise: str) -> None:
    documents = [doc("Ilse"), doc(noise, noise, path="x/noise.md")]
    assert "Ilse" in found(f"{noise} Ilse {noise}", *documents)


def test_pins_exclusions_and_never() -> None:
    documents = [
        doc("Always", include=Include.ALWAYS),
        doc("Dropped", include=Include.ALWAYS),
        doc("Out"),
        doc("In"),
        doc("Secret", include=Include.NEVER),
        doc("Unnamed secret", include=Include.NEVER),
        doc("Shown secret", include=Include.NEVER),
    ]
    pins = {
        documents[1].path: "out",
        documents[2].path: "out",
        documents[3].path: "in",
        documents[6].path: "in",
        "gone.md": "in",
    }
    selection = select(documents, [("brief", "Out and Secret")], pins)  # type: ignore[arg-type]
    assert [pick.document.name for pick in selection.always] == ["Always"]
    assert [(pick.document.name, pick.reason) for pick in selection.mentioned] == [
        ("In", Reason.BY_HAND),
        ("Shown secret", Reason.BY_HAND),
    ]
    assert [(pick.document.name, pick.left_out) for pick in selection.left_out] == [
        ("Dropped", EXCLUDED),
        ("Out", EXCLUDED),
        ("Secret", NEVER),
    ]
    assert selection.unknown == ("gone.md",)
    assert MISSING


def test_always_documents_stand_by_priority_then_path() -> None:
    documents = [doc(name, include=Include.ALWAYS, priority=rank) for name, rank in (("B", 0), ("A", 0), ("Z", 5))]
    assert [pick.document.name for pick in select(documents, []).always] == ["Z", "A", "B"]


def test_a_later_source_only_adds_at_the_end() -> None:
    documents = [doc("Otto"), doc("Ilse"), doc("Mira")]
    first = names(select(documents, [("brief", "Mira, then Ilse")]))
    later = names(select(documents, [("brief", "Mira, then Ilse"), ("narration", "Otto sees Ilse")]))
    assert first == ["Mira", "Ilse"]
    assert later == ["Mira", "Ilse", "Otto"]


LETTERS = st.one_of(
    st.text("abcdefgABC", min_size=2, max_size=8),
    st.text("абвгдеАБВ", min_size=2, max_size=8),
    st.text("αβγδεΑΒΓ", min_size=2, max_size=8),
    st.text("אבגדה", min_size=2, max_size=6),
    st.text("道静林海山", min_size=2, max_size=4),
    st.text("กขคงจ", min_size=2, max_size=5),
    st.text("가나다라", min_size=2, max_size=4),
)


@given(LETTERS, st.text("abcгд道 .,!\n", max_size=30), st.text("xyzёж山 .,!\n", max_size=30))
def test_a_name_between_blanks_is_always_found(name: str, before: str, after: str) -> None:
    assert found(f"{before} {name} {after}", doc(name, path="x/a.md")) == [name]


@given(st.lists(LETTERS, unique=True, max_size=5), st.lists(LETTERS, max_size=6), LETTERS)
def test_more_sources_never_remove_or_reorder(canon: list[str], words: list[str], extra: str) -> None:
    documents = [doc(name, path=f"x/{number}.md") for number, name in enumerate(canon)]
    first = names(select(documents, [("brief", " ".join(words))]))
    later = names(select(documents, [("brief", " ".join(words)), ("draft", extra)]))
    assert later[: len(first)] == first


@given(st.lists(st.text(max_size=20), max_size=6), st.text(max_size=200))
def test_any_names_and_any_text_are_survived(canon: list[str], text: str) -> None:
    documents = [doc(name, name[::-1], path=f"x/{number}.md") for number, name in enumerate(canon)]
    select(documents, [("brief", text)])


def test_a_large_canon_is_searched_word_by_word_not_name_by_name() -> None:
    """Work counted in look-ups, not seconds: 1,003 documents cost no more per word than one."""
    from studio.prompts.phrases import Phrase, compile_phrases

    many = compile_phrases([Phrase(number, f"name{number} of{number}") for number in range(1_003)])
    text = "a plain sentence of eight ordinary words here " * 200
    looked = 0

    class FakeIndex(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            nonlocal looked
            looked += 1
            return super().get(key, default)

    many._by_word = FakeIndex(many._by_word)
    assert many.find(text) == []
    assert looked == len(text.split())
