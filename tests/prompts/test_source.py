"""Reading one template file: front matter, role lines, and files that are not what they should be."""

from __future__ import annotations

import pytest

from studio.prompts.source import MAX_BYTES, TemplateError, decode, parse


def test_a_body_without_role_lines_is_one_user_message() -> None:
    source = parse("a.md.j2", "Write {{ brief }}.\n")
    assert [(block.role, block.text) for block in source.blocks] == [("user", "Write {{ brief }}.\n")]
    assert not source.roles


def test_role_lines_split_the_source_and_blocks_know_their_line() -> None:
    source = parse("a.md.j2", "---\nname: x\n---\nsystem:\nBe brief.\nuser:  \nGo.\nassistant:\nI\n")
    assert [(block.role, block.text, block.line) for block in source.blocks] == [
        ("system", "Be brief.", 5),
        ("user", "Go.", 7),
        ("assistant", "I\n", 9),
    ]


@pytest.mark.parametrize("line", [" user:", "user: go", "User:", "a user:", "developer:"])
def test_only_a_bare_role_at_the_start_of_a_line_is_a_role_line(line: str) -> None:
    assert not parse("a", f"{line}\n").roles


def test_front_matter_is_read_under_prompty_names() -> None:
    text = (
        "---\nname: n\ndescription: what it does\nmodel:\n  options: {temperature: 0.5, stop: [x]}\n"
        "inputs:\n  - {name: tone, default: dry}\n  - {name: brief}\n"
        "metadata:\n  studio: {role: narrator, output: dialogue, prefix: none}\nother: 2026-01-01\n---\nbody\n"
    )
    front = parse("a", text).front
    assert (front.name, front.description, front.role, front.output, front.prefix) == (
        "n",
        "what it does",
        "narrator",
        "dialogue",
        "none",
    )
    assert front.options == {"temperature": 0.5, "stop": ["x"]}
    assert front.defaults == {"tone": "dry"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "empty"),
        (" \n\n", 0, "empty"),
        ("---\nname: x\n---\n", 0, "no text below"),
        ("---\nname: x\nbody", 1, "never closed"),
        ("---\nname: x\n bad: y\n---\nbody", 3, "not valid YAML"),
        ("---\n- a\n---\nbody", 2, "key: value"),
        ("---\nmetadata: 3\n---\nbody", 1, "`metadata`"),
        ("---\nmetadata:\n  studio:\n    prefix: some\n---\nbody", 4, "`shared` or `none`"),
        ("---\ninputs: 3\n---\nbody", 2, "`inputs`"),
        ("---\ninputs: [{name: day, default: 2026-01-01}]\n---\nbody", 2, "`default`"),
        ("---\ntemplate: {format: {kind: mustache}}\n---\nbody", 2, "mustache"),
        ("---\na: &x [1]\nb: *x\n---\nbody", 3, "alias"),
        ("---\na: " + "[" * 3_000 + "]" * 3_000 + "\n---\nbody", 2, "nested"),
        ("---\na: " + "x" * 20_000 + "\n---\nbody", 1, "larger than 16 KB"),
        ("---\na: 1\na: 2\n---\nbody", 3, "duplicate key"),
        ("---\na: !!python/object/apply:os.system [id]\n---\nbody", 2, "not valid YAML"),
        ("hello\nuser:\nx", 1, "before the first role line"),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_reason(text: str, line: int, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse("story/x.md.j2", text)
    assert caught.value.line == line
    assert words in caught.value.reason
    assert caught.value.message.startswith("story/x.md.j2")
    assert "\n" not in str(caught.value)


def test_a_comment_may_stand_before_the_first_role_line() -> None:
    assert len(parse("a", "{# why\nso #}\nuser:\nx").blocks) == 1


def test_a_part_may_consist_of_a_comment() -> None:
    assert parse("_parts/a", "{# nothing #}").blocks


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"x" * (MAX_BYTES + 1), "larger than 256 KB"),
        (b"a\x00b", "not text"),
        ("hé\n".encode("utf-16"), "not text"),
        (b"one\ntwo \xff\n", "not UTF-8"),
    ],
)
def test_bytes_that_are_no_template_are_refused_with_one_sentence(raw: bytes, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        decode("a", raw)
    assert words in caught.value.reason


def test_a_wrong_encoding_is_reported_at_its_line() -> None:
    with pytest.raises(TemplateError) as caught:
        decode("a", b"one\ntwo \xff\n")
    assert caught.value.line == 2


def test_a_byte_order_mark_carriage_returns_and_escapes_do_not_survive() -> None:
    assert decode("a", b"\xef\xbb\xbfone\r\ntwo \x1b]52;c;x\x07") == "one\ntwo ]52;c;x"
