"""Bytes of the keyboard before Textual parses them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser

from studio.tui.typed import TypedText

START, END = "\x1b[200~", "\x1b[201~"


def heard(*pieces: bytes) -> tuple[list[str], list[str]]:
    """The texts pasted and the keys pressed, as Textual understands what came."""
    typed, parser = TypedText(), XTermParser(False)
    found = [event for piece in pieces for event in parser.feed(typed.decode(piece))]
    pasted = [event.text for event in found if isinstance(event, events.Paste)]
    return pasted, [event.key for event in found if isinstance(event, events.Key)]


def test_escapes_in_a_paste_neither_lose_its_text_nor_press_keys() -> None:
    text = "The lamp \x1b[31mburned red, all the night through, and quietly\x1b[0m. \x1b]52;c;cm0=\x07Then a."
    pasted, keys = heard(f"{START}{text}{END}".encode())
    assert pasted == [text.replace("\x1b", "")]
    assert keys == []


def test_keys_around_a_paste_are_keys() -> None:
    pasted, keys = heard(f"a\x1b[A{START}one{END}b{START}two{END}\x1b[B".encode())
    assert pasted == ["one", "two"]
    assert keys == ["a", "up", "b", "down"]


def test_bytes_that_are_no_text_are_passed_over() -> None:
    assert heard(b"a\xff\xfe\xe9b") == ([], ["a", "b"])


@given(
    text=st.text(st.sampled_from("ab[201~\x1bé語"), max_size=30),
    cuts=st.lists(st.integers(0, 80), max_size=6),
)
def test_any_paste_in_any_pieces_arrives_whole(text: str, cuts: list[int]) -> None:
    body = text.replace(END, "")
    while END in body:
        body = body.replace(END, "")
    data = f"x{START}-{body}-{END}y".encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[begin:end] for begin, end in pairwise(places)]
    typed = TypedText()
    assert "".join(typed.decode(piece) for piece in pieces) == f"x{START}-{body.replace(chr(27), '')}-{END}y"
