"""A live text in lines: the same as the finished text, whatever the pieces were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.tui.presenters.stream import LiveText, StreamLines, readable
from studio.tui.presenters.text import text_lines

TEXTS = st.lists(st.text("abc déf.\n 川", max_size=12), max_size=30)


@given(TEXTS, st.integers(4, 30), st.sampled_from(["prose", "dialogue"]))
def test_any_split_of_a_stream_ends_in_the_same_lines(pieces: list[str], width: int, output: str) -> None:
    stream = StreamLines("narration", output, width)
    text = ""
    lines: list[object] = []
    for piece in pieces:
        text += piece
        start, fresh = stream.feed(text)
        lines[start:] = fresh
    finished = text_lines(text, "narration", output, width)
    while lines and not lines[-1].text:  # type: ignore[attr-defined]
        lines.pop()
    while finished and not finished[-1].text:
        finished.pop()
    assert [line.text for line in lines] == [line.text for line in finished]  # type: ignore[attr-defined]


def test_a_feed_tells_the_first_line_that_changed() -> None:
    stream = StreamLines("narration", "prose", 20)
    stream.feed("One paragraph.\n\nThe sec")
    start, fresh = stream.feed("One paragraph.\n\nThe second grows")
    assert start == 2
    assert [line.text for line in fresh] == ["The second grows"]


def test_a_delta_heard_twice_is_not_shown_twice_and_a_gap_is_told() -> None:
    live = LiveText("run", "page", "narration")
    assert live.add(0, "Fog lay")
    assert live.add(4, "lay on")
    assert live.text == "Fog lay on"
    assert not live.add(99, "lost")
    assert live.text == "Fog lay on"


def test_json_of_a_dialogue_is_readable_before_it_is_whole() -> None:
    text = '```json\n{"lines": [{"speaker": "Ilse", "kind": "speech", "text": "For\\"ty\\u2026"}, {"speaker": "Bram", "text": "Sh'
    assert readable(text) == 'ILSE (speech): For"ty…\nBRAM: Sh'


def test_escapes_inside_json_never_become_control_characters() -> None:
    assert "\x1b" not in readable('{"lines": [{"speaker": "A", "text": "x\\u001b[31m"}]}')
