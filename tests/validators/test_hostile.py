"""Nothing a file or a rule holds keeps the checks busy: 64 kB of the worst that is known.

What takes quadratic time here takes minutes at the 256 kB that a tool may write; the limits in the code are of time, not of size."""

import pytest

from studio.validators.registry import check_file, check_tree
from studio.validators.rules import PatternRule, Rules

SIZE = 64_000
RULES = Rules(patterns=(PatternRule("a", r"(?<![\w.])eval\(", "no"),))


def filled(piece: str) -> str:
    return piece * (SIZE // len(piece))


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    ("path", "piece"),
    [
        *[("a.js", piece) for piece in ("(", "{", "[,", "<a>", "a`${", "x=>", "/*", "'\n", "if(a)else ", "async (", ")", "a as b ", "=\"&")],
        *[("a.ts", piece) for piece in ("a<b>(", "<", "type A<", "({a:b,", "export type *\n", ">`", "import('a')", "a: {", "@")],
        *[("a.html", piece) for piece in ("<!--", "<a ", "<a b='", "</", "<div>", "<![CDATA[", "<!", "<script>", "{{", "<%", "<a b=\"{{")],
        *[("a.css", piece) for piece in ("/*", "a{", "\"", "url(", "(", "a:b;", "@import ", "\\", "a\n:")],
        *[("a.json", piece) for piece in ("[", '{"a":', '"', "//", "/*")],
        *[("tsconfig.json", piece) for piece in ("/*", ",", '"', ", ")],
        *[("a.yaml", piece) for piece in ("- ", "[", "{a: ", "&a *a ", "? ", "|\n", "a: &a\n", "#")],
        *[("a.toml", piece) for piece in ("[a.", "a=[", "#\n", '"""')],
        *[("a.py", piece) for piece in ("(", "-", "'''", "if a:\n", "lambda:", "#", "not ", '"""\n', "a.b")],
        *[("a.md", piece) for piece in ("<!--", "```", "> ")],
    ],
)  # fmt: skip
def test_a_hostile_file_is_answered(path: str, piece: str) -> None:
    text = filled(piece)
    assert check_file(path, text, rules=RULES, exists=lambda name: False).text is not None
    check_tree({path: text}, RULES)


def test_an_alias_bomb_is_not_blown_up() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert check_file("a.yaml", "\n".join(levels) + "\n").problems == ()


@pytest.mark.timeout(30)
def test_a_pattern_without_end_is_given_up_and_told_as_broken() -> None:
    rules = Rules(patterns=(PatternRule("slow", r"(a+)+$", "no"),))
    checked = check_file("a.txt", "a" * 5000 + "b", rules=rules)
    assert [problem.rule for problem in checked.verdicts] == ["slow"]
    assert "takes too long" in checked.verdicts[0].message
    assert checked.blocked


def test_a_file_over_the_limit_is_not_parsed_and_says_so() -> None:
    checked = check_file("a.js", "(" * 1_000_001)
    assert [problem.rule for problem in checked.problems] == ["too-large"]
    assert not checked.blocked
