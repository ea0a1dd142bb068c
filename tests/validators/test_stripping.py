"""Types are taken out in place: what is left is the JavaScript that was meant, on the same lines."""

import pytest

from studio.validators.registry import check_file
from studio.validators.stripping import strip_types

ERASED = [
    ("let a: string = 'b';", "let a = 'b';"),
    ("function f<T>(this: X, a?: T, ...b: T[]): a is string { return b! as any }", "function f(a, ...b) { return b }"),
    ("interface A { b: string }\ntype C = A | null;\nlet d;", "\n;\nlet d;"),
    ("import type { A } from 'a'; import { type B, c } from 'b'; c();", "; import { c } from 'b'; c();"),
    ("import { Props, use } from 'a';\nuse((p: Props) => p);", "import { use } from 'a';\nuse((p) => p);"),
    ("import D, { T } from 'd';\nlet x: T = D;", "import D from 'd';\nlet x = D;"),
    ("import './side'; import unused from 'u';", "import './side';"),
    ("export type { A } from 'a'; export type B = 1; export { c, type D };let c;", "; ; export { c, };let c;"),
    ("class A<T> extends B<T> implements C { private x?: T = 1; declare y: U; static readonly z = 2; m(): void; m() {} }",
     "class A extends B { x = 1; ; static z = 2; ; m() {} }"),
    ("abstract class A { abstract b(): void; c(): void {} }", "class A { ; c() {} }"),
    ("const f = async <T,>(x: T): Promise<T> => x satisfies T;", "const f = async (x) => x;"),
    ("const f = (x: A):\n  B => x;", "const f = (x\n  ) => x;"),
    ("const x = y as a.b.C;", "const x = y;"),
    ("const x = y as () => A | null;", "const x = y;"),
    ("const s = css.div<P>`a`;", "const s = css.div`a`;"),
    ("let a = b as C\n(d)", "let a = b ;\n(d)"),
    ("declare global { interface W { a: 1 } }\ndeclare const b: string;\nb;", "\n\nb;"),
    ("for (const a of b as C[]) {}", "for (const a of b) {}"),
    ("try {} catch (e: unknown) {}", "try {} catch (e) {}"),
    ("namespace N { export type A = 1 }\nlet n;", "\nlet n;"),
    ("const ü: string = 'ä'; let b: Ç;", "const ü = 'ä'; let b;"),
]  # fmt: skip


def squeezed(text: str) -> list[str]:
    """Lines without white space: where spaces are is no part of what was meant."""
    return ["".join(line.split()).strip(";") for line in text.split("\n")]


@pytest.mark.parametrize(("text", "wanted"), ERASED)
def test_types_go_and_lines_stay(text: str, wanted: str) -> None:
    stripped = strip_types(text, tsx=False)
    assert stripped.not_erasable == ()
    assert [line.replace(";", "") for line in squeezed(stripped.text)] == [
        line.replace(";", "") for line in squeezed(wanted)
    ]
    assert stripped.text.count("\n") == text.count("\n")
    assert stripped.notes


def test_a_line_that_a_type_kept_apart_stays_apart() -> None:
    assert ";" in strip_types("let a = b as C\n(d)", tsx=False).text
    assert strip_types("let a = b\ntype T = 1\n(d)", tsx=False).text.split("\n")[1].strip() == ";"


def test_a_local_name_does_not_keep_an_import_of_a_type() -> None:
    text = "import { Props } from 'a';\nexport const f = ({ Props }: { Props: Props }) => Props;\n"
    assert strip_types(text, tsx=False).text.startswith(" ")


def test_react_stays_for_jsx() -> None:
    text = "import React from 'react';\nexport const A = (p: P) => <a/>;\n"
    assert strip_types(text, tsx=True).text.startswith("import React")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("enum A { B }", "enum"),
        ("const enum A { B }", "enum"),
        ("namespace N { export const a = 1 }", "namespace"),
        ("class A { constructor(private b: string) {} }", "parameter property"),
        ("import a = require('b');", "import name"),
        ("export = a;", "export ="),
    ],
)
def test_what_has_no_javascript_is_told_and_left(text: str, word: str) -> None:
    stripped = strip_types(f"\n{text}\n", tsx=False)
    assert stripped.text == f"\n{text}\n"
    ((line, words),) = stripped.not_erasable
    assert (line, word in words) == (2, True)


def test_plain_javascript_comes_back_as_it_is() -> None:
    text = "import a from 'a';\nexport const b = a ? 1 : 2;\n"
    assert strip_types(text, tsx=True) == type(strip_types(text, tsx=True))(text)


def test_types_in_a_javascript_file_are_taken_out_and_told() -> None:
    checked = check_file("a.jsx", "export const A = ({ b }: { b: string }) => <p>{b as any}</p>;\n")
    assert checked.problems == ()
    assert squeezed(checked.text)[0] == "exportconstA=({b})=><p>{b}</p>"
    (fixed,) = checked.fixed
    assert (fixed.rule, fixed.line) == ("typescript-in-javascript", 1)


def test_an_enum_in_a_javascript_file_goes_back_to_the_writer() -> None:
    checked = check_file("a.js", "let a: number = 1;\nenum B { C }\n")
    assert checked.fixed == ()
    assert [(problem.rule, problem.line) for problem in checked.problems] == [("typescript-in-javascript", 2)]


def test_a_typescript_file_keeps_its_types() -> None:
    text = "export const a: number = 1;\n"
    assert check_file("a.ts", text).text == text


def test_broken_javascript_is_not_taken_for_typescript() -> None:
    checked = check_file("a.js", "let a: = 1;\n")
    assert {problem.rule for problem in checked.problems} == {"syntax"}
