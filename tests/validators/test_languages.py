"""Each language: sound text is silent, broken text is flagged in its line."""

import pytest

from studio.validators.registry import check_file

SOUND = {
    "a.py": "import asyncio\n\n\nasync def f(x: int | None = None) -> str:\n    match x:\n        case 1:\n            return f'{x!r:>{3}}'\n        case _:\n            return '\\d'\n",
    "empty.py": "",
    "a.js": "#!/usr/bin/env node\n'use strict';\nconst a = b?.c ?? 1n;\nfor await (const x of y) { a ||= x; } for (const {z} of y) {} [,a] = b; f(a,);\nclass A { #p = 1; static { this.q = #p in this; } }\nexport { a as default, A as if };\n",
    "old.js": "var a = function () { return /[/]\\/(?<n>x)/u.test('}') };\nlabel: for (;;) break label\nawait (1)\n",
    "raw.js": "const a = String.raw`\\uc1 \\x`;\n",
    "a.jsx": 'export default () => <A in={1} href="x?a=b&type=code" {...rest}>a &amp; b {/* c */}<b.C />&#8203 a &b</A>;\n',
    "text.jsx": "let x = a & b; const A = () => (\n <div>\n <p>Terms & Conditions, R&D</p>\n <b>x &#8203] </b>&copy; 1</div>);\nlet y = c&d;\n",
    "a.ts": "enum E { A }\nexport interface X<in out T> { as?: T }\nexport type * from './y';\nlet a = <any>b satisfies c.d.E;\nabstract class Q { constructor(private readonly z: string) {} }\n",
    "a.d.ts": "export default function (): { a: string };\nexport declare const b: import('react').Context<string>;\ndeclare module 'x' {\n  global {\n    var y: string;\n  }\n}\n",
    "a.tsx": "const A = <T,>(p: { x: T }): JSX.Element => <div>{p.x as any}</div>;\nconst B = styled(A)< { y: string } >`color: red;`;\n",
    "a.html": "<!doctype html>\n<html lang=en><head><title>a < b</title><meta charset=utf-8>\n<style>a { color: red }</style></head>\n<body><p>one<p>two<ul><li>a<li>b</ul><br/><svg><path d='M0 0'/></svg>\n<script type=module>import a from 'https://esm.sh/a'; if (1 < 2) a();</script>\n<script type='text/babel'>const A = () => <p>x</p>;</script>\n<script type='application/ld+json'>{\"a\": 1}</script><table><tr><td>1<td>2</table>\n</body></html>\n",
    "part.html": "<div>{% if a %}<p>{% else %}<p class='b'>{% endif %}{{ url('x') }}</p></div>\n",
    "jinja.html": "<a href=\"{{ url_for(\"x\") }}\">{{ a }}</a>\n",
    "a.css": "@import 'b.css';\n@layer base { .a:is(b, c) { &:hover { color: red } --x: {a:b}; --y: c:d; width: calc(1px + (2em)) } }\n@media (width >= 1px) { a::before { content: '\\201C;'; background: url(data:image/png;base64,AA==) } }\n@tailwind base;\n.b { @apply p-4; filter: progid:DX.M(a=1) }\n",
    "a.json": '{"a": [1, 2.5e3, null, "\\u00e9"]}\n',
    "bom.json": '\ufeff{"a": 1}\n',
    "tsconfig.json": '{\n  // strict\n  "a": "//no", /* x */ "b": [1,],\n}\n',
    "a.toml": "[a]\nb = 1979-05-27T07:32:00Z\n[[c]]\nd = '''x'''\n",
    "a.yaml": "%YAML 1.2\n---\na: &x {b: 1}\nc: *x\nd: !Ref e\n---\n- |\n  text: {\n- <<: 1\n",
    "notes.txt": "<<<<<<< not a file that is checked {{{\n",
    "a.svg": "<svg>",
}  # fmt: skip

BROKEN = [
    ("a.py", "x = 1\ndef f(:\n    pass\n", 2),
    ("a.py", "def f():\nreturn 1\n", 2),
    ("a.py", "return 1\n", 1),
    ("a.py", "x = 1\0\n", 0),
    ("a.py", "def f():\n    x = 1\n    nonlocal x\n", 3),
    ("a.js", "function f() {\n  if (a) {\n    b();\n}\n", 1),
    ("a.js", "const a = [1, 2;\n", 1),
    ("a.js", "f(');\n", 1),
    ("a.js", "const a = 1;\nx|y = 2;\n", 2),
    ("a.js", "function f() {\n  await g();\n}\n", 2),
    ("a.js", "f()\ncatch(x);\n", 2),
    ("a.js", "let a = /* b;\n", 1),
    ("a.js", "f(a,\n,b);\n", 2),
    ("a.js", "const a;\n", 1),
    ("a.js", "const { a&b } = c;\n", 1),
    ("a.js", "let { a };\n", 1),
    ("a.js", "a = { #b: 1 };\n", 1),
    ("a.js", "const a = ({ b }) = (b);\n", 1),
    ("a.jsx", "const A = () => <div>\n<p></div>;\n", 2),
    ("a.jsx", "const A = () => <Abc>\n</Abd>;\n", 2),
    ("a.jsx", "const A = () => <a b{c} />;\n", 1),
    ("a.jsx", "function A({b c}) { return <a>{b}</a> }\n", 1),
    ("a.ts", "interface A { b: string\nlet c = 1;\n", 1),
    ("a.tsx", "const A = (p: {x: string) => <a/>;\n", 1),
    ("a.html", "<div>\n<span>a</div>\n", 2),
    ("a.html", "<div>\n</section></div>\n", 2),
    ("a.html", "<main>\n<p>a\n", 1),
    ("a.html", "<p>a</p>\n<!-- b\n<p>c</p>\n", 2),
    ("a.html", "<a href=\"x>y</a>\n", 1),
    ("a.html", '<a href="x class="y">z</a>\n', 1),
    ("a.html", "<p>\n<script>if (a {</script>\n", 2),
    ("a.html", "<p>\n<style>\na { color: red\n</style>\n", 3),
    ("a.html", "<script src=a.js>\n", 1),
    ("a.html", "<script src='a.js'/>\n</script>", 1),
    ("a.html", '<script type="importmap">\n{"imports": {,}}</script>\n', 2),
    ("a.css", "a { color: red;\n", 1),
    ("a.css", "a { color: red; }\n}\n", 2),
    ("a.css", "a {\n  color red;\n}\n", 2),
    ("a.css", "a {\n  color: red\n  width: 1px;\n}\n", 3),
    ("a.css", "a { width: calc(1px; }\n", 1),
    ("a.css", "a { content: 'x\n}\n", 1),
    ("a.css", "/* a\nb { }\n", 1),
    ("a.css", "color: red;\n", 1),
    ("a.json", '{"a": 1,\n}\n', 2),
    ("a.json", "{'a': 1}\n", 1),
    ("a.json", "[NaN]\n", 0),
    ("package.json", '{\n  // no\n  "a": 1}\n', 2),
    ("a.toml", "a = 1\na = 2\n", 2),
    ("a.toml", "a = \n", 1),
    ("a.yaml", "a: 1\n  b: 2\n", 2),
    ("a.yaml", "a: 1\na: 2\n", 2),
    ("a.yaml", "a: *b\n", 1),
    ("a.yml", "a: [1, 2\n", 2),
]  # fmt: skip


@pytest.mark.parametrize("path", SOUND)
def test_sound_text_is_silent(path: str) -> None:
    checked = check_file(path, SOUND[path])
    assert (checked.problems, checked.fixed, checked.text) == ((), (), SOUND[path])


@pytest.mark.parametrize(("path", "text", "line"), BROKEN)
def test_broken_text_is_flagged_in_its_line(path: str, text: str, line: int) -> None:
    checked = check_file(path, text)
    assert [problem.rule for problem in checked.problems][:1] == ["syntax"]
    assert line in {problem.line for problem in checked.problems}
    assert checked.text == text


def test_an_unclosed_bracket_is_named_with_its_line() -> None:
    (problem, *_) = check_file("a.js", "f(function () {\n  g();\n").problems
    assert "'{' opened in line 1 is not closed" in problem.message


def test_a_warning_of_the_compiler_is_no_error(recwarn: pytest.WarningsRecorder) -> None:
    assert check_file("a.py", "x = '\\d'\nassert (x, 1)\nx is 1\n").problems == ()
    assert not recwarn


def test_jsx_in_a_ts_file_is_told_as_such() -> None:
    (problem,) = check_file("a.ts", "const a = (b: string) => <p>{b}</p>;\n").problems
    assert (problem.rule, problem.suggestion) == ("jsx-in-typescript", "Name the file .tsx.")


def test_lines_of_a_script_in_a_page_are_those_of_the_page() -> None:
    page = "<!doctype html>\n<title>a</title>\n<script>\nlet a = 1;\nlet b = ;\n</script>\n"
    (problem, *_) = check_file("a.html", page).problems
    assert (problem.line, problem.quote) == (5, "let b = ;")


def test_a_python_file_is_neither_run_nor_imported() -> None:
    assert check_file("a.py", "raise SystemExit(1)\n").problems == ()
    assert check_file("a.py", "import no_such_module_anywhere\n").problems == ()
