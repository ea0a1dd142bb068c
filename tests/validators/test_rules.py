"""Rules of standards documents: how a block is read, what it says about files, and that the packaged ones bind and are silent."""

from pathlib import Path

import pytest

from studio.domain.finding import Severity
from studio.validators.globs import matches
from studio.validators.registry import check_file, check_tree
from studio.validators.rules import Rules
from studio.validators.rules_block import parse_rules

STANDARDS = Path(__file__).resolve().parents[2] / "canon" / "standards"


def rules_of(block: str) -> Rules:
    rules, problems = parse_rules(f"# A\n\n```rules\n{block}\n```\n", "a.md")
    assert problems == ()
    return rules


def packaged(name: str) -> Rules:
    rules, problems = parse_rules((STANDARDS / name).read_text("utf-8"), name)
    assert problems == ()
    return rules


@pytest.mark.parametrize(
    ("glob", "path", "wanted"),
    [
        ("*.js", "a.js", True),
        ("*.js", "src/b/a.js", True),
        ("*.js", "a.jsx", False),
        ("*.{js,jsx}", "src/a.jsx", True),
        ("src/*.js", "src/a.js", True),
        ("src/*.js", "src/b/a.js", False),
        ("src/**/*.js", "src/a.js", True),
        ("src/**/*.js", "src/b/c/a.js", True),
        ("src/**", "src/b/c", True),
        ("src/", "src/b", True),
        ("/a.js", "b/a.js", False),
        ("**", "a/b", True),
        ("**/test/**", "a/test/b", True),
        ("*a*a*a*a*a*a*a*b", "a" * 900, False),
    ],
)
def test_a_glob_matches_as_in_gitignore(glob: str, path: str, wanted: bool) -> None:
    assert matches(path, (glob,)) is wanted


def test_a_forbidden_pattern_is_told_with_its_line_and_blocks() -> None:
    rules = rules_of(
        '[[forbid]]\nid = "no-eval"\nin = ["*.js"]\npattern = \'\\beval\\(\'\nmessage = "No eval."\nsuggestion = "Parse."'
    )
    checked = check_file("a.js", "let a = 1;\neval(a);\n", rules=rules)
    assert [(p.rule, p.line, p.message, p.suggestion, p.quote) for p in checked.verdicts] == [
        ("no-eval", 2, "No eval.", "Parse.", "eval(a);")
    ]
    assert checked.blocked
    assert checked.verdicts[0] in checked.problems
    assert check_file("a.py", "eval(a)\n", rules=rules).verdicts == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.js", "// never eval(x)\nlet é = 1; /* eval(x) */\n"),
        ("a.jsx", "const A = () => <p>{/* eval(x) */}</p>;\n"),
        ("a.html", "<!-- eval(x) --><script>// eval(x)\n</script><style>/* eval( */</style>\n"),
        ("a.py", "# eval(x)\n"),
        ("a.css", "/* eval(x) */\n"),
        ("a.yaml", "a: 1 # eval(x)\n"),
    ],
)
def test_comments_are_passed_over_unless_a_rule_wants_them(path: str, text: str) -> None:
    block = '[[forbid]]\nid = "no-eval"\npattern = \'\\beval\\(\'\nmessage = "No eval."'
    assert check_file(path, text, rules=rules_of(block)).verdicts == ()
    assert check_file(path, text, rules=rules_of(f"{block}\ncomments = true")).blocked


def test_a_warning_does_not_block() -> None:
    rules = rules_of('[[forbid]]\nid = "a"\npattern = "x"\nmessage = "No x."\nseverity = "warning"')
    checked = check_file("a.txt", "x", rules=rules)
    assert [problem.severity for problem in checked.verdicts] == [Severity.WARNING]
    assert not checked.blocked


def test_a_required_pattern_is_missed_and_found() -> None:
    rules = rules_of(
        '[[require]]\nid = "lang"\nin = ["*.html"]\npattern = "<html[^>]* lang="\nmessage = "Say the language."'
    )
    assert check_file("a.html", "<html></html>", rules=rules).blocked
    assert not check_file("a.html", "<html lang=en></html>", rules=rules).verdicts


def test_limits_of_lines_bytes_and_width() -> None:
    rules = rules_of(
        '[[limits]]\nid = "size"\nin = ["*.py"]\nexcept = ["big.py"]\nmax_lines = 2\nmax_bytes = 12\nmax_line_length = 9'
    )
    assert check_file("a.py", "a = 1\nb=2\n", rules=rules).verdicts == ()
    words = [problem.message for problem in check_file("a.py", "a = 1\nb = 2\nc = 300000\n", rules=rules).verdicts]
    assert words == [
        "a.py has 3 lines; the limit is 2.",
        "a.py has 23 bytes; the limit is 12.",
        "Line 3 of a.py has 10 characters; the limit is 9.",
    ]
    assert check_file("big.py", "a = 1\n" * 9, rules=rules).verdicts == ()


def test_forbidden_and_required_files() -> None:
    rules = rules_of(
        '[[files]]\nid = "f"\nforbid = ["*.ts"]\nexcept = ["*.d.ts"]\nrequire = ["index.html"]\nmessage = "Plain."'
    )
    assert check_file("src/a.ts", "", rules=rules).blocked
    assert not check_file("src/a.d.ts", "", rules=rules).blocked
    assert [(p.rule, p.path) for p in check_tree({"a.css": ""}, rules)] == [("f", "index.html")]
    assert check_tree({"index.html": ""}, rules) == ()


def test_dependencies_of_npm_python_and_hosts() -> None:
    rules = rules_of(
        '[dependencies.npm]\nallow = ["react", "@types/*"]\ndeny = ["@types/bad"]\n'
        '[dependencies.python]\ndeny = ["Left_Pad"]\n[dependencies.cdn]\nallow = ["esm.sh"]'
    )
    package = '{"dependencies": {"react": "1",\n"vue": "3"}, "devDependencies": {"@types/a": "1", "@types/bad": "1"}}'
    assert [(p.line, p.message.split()[-1]) for p in check_file("package.json", package, rules=rules).verdicts] == [
        (2, "vue."),
        (2, "@types/bad."),
    ]
    assert [
        p.line for p in check_file("requirements.txt", "# a\nflask>=3\nleft-pad[x]==1\n", rules=rules).verdicts
    ] == [3]
    project = '[project]\ndependencies = ["flask"]\n[dependency-groups]\ndev = [\n  "left.pad",\n]\n'
    assert [p.line for p in check_file("pyproject.toml", project, rules=rules).verdicts] == [5]
    page = '<script src="https://esm.sh/a"></script>\n<script src="//evil.example/b"></script><img src="https://c.example/d">\n<link rel=stylesheet href=/a.css>'
    assert [(p.line, "evil.example" in p.message) for p in check_file("a.html", page, rules=rules).verdicts] == [
        (2, True)
    ]
    script = "import a from 'https://esm.sh/a';\nimport b from 'https://b.example/c';\n"
    assert [p.line for p in check_file("a.js", script, rules=rules).verdicts] == [2]


def test_a_document_may_replace_and_switch_off_rules_of_another() -> None:
    base = rules_of('[[forbid]]\nid = "a"\npattern = "x"\nmessage = "No x."\n[[limits]]\nid = "b"\nmax_lines = 1')
    more = rules_of('off = ["b"]\n[[forbid]]\nid = "a"\npattern = "y"\nmessage = "No y."')
    both = base.merge(more)
    assert both.ids == ("a",)
    assert not check_file("t.txt", "x\nx\n", rules=both).blocked
    assert check_file("t.txt", "y", rules=both).blocked
    assert base.without({"a"}).ids == ("b",)


@pytest.mark.parametrize(
    ("block", "line", "word"),
    [
        ("[[forbid]]\nid = 'a'\npattern = '('\nmessage = 'm'", 7, "not sound"),
        ("[[forbid]]\nid = 'a'\nmessage = 'm'", 5, "needs a pattern"),
        ("[[forbid]]\npattern = 'x'", 5, "needs a message"),
        ("[[forbid]]\npattern = 'x'\nmessage = 'm'\nseverity = 'fatal'", 8, "severity"),
        ("[[forbid]]\npattern = 'x'\nmessage = 'm'\npath = 'a'", 8, "not known"),
        ("[[forbid]]\nid = 'A b'\npattern = 'x'\nmessage = 'm'", 6, "id"),
        ("[[limits]]\nmax_lines = 0", 6, "whole number"),
        ("[[limits]]\nin = ['*']", 5, "names no limit"),
        ("[[files]]\nmessage = 'm'", 5, "names no files"),
        ("[[files]]\nforbid = 3", 6, "list of words"),
        ("[dependencies.gem]\nallow = []", 5, "kind"),
        ("[[wishes]]\na = 1", 5, "knows no"),
        ("a = ", 5, "not TOML"),
        ("[[limits]]\nid='a'\nmax_lines=1\n[[limits]]\nid='a'\nmax_lines=2", 9, "Two rules"),
        ("off = 3", 5, "list of words"),
    ],
)
def test_each_fault_of_a_block_is_told_with_its_line_in_the_document(block: str, line: int, word: str) -> None:
    _, problems = parse_rules(f"---\nname: a\n---\n```rules\n{block}\n```\n", "canon/standards/a.md")
    told = [(problem.path, problem.line) for problem in problems if word in problem.message]
    assert told == [("canon/standards/a.md", line)]


def test_sound_rules_stand_beside_broken_ones() -> None:
    rules, problems = parse_rules(
        "```rules\n[[limits]]\nmax_lines = 1\n[[forbid]]\npattern='('\nmessage='m'\n```\n", "a.md"
    )
    assert (rules.ids, len(problems)) == (("limits-1",), 1)


def test_only_fences_named_rules_are_read_and_an_open_one_is_told() -> None:
    rules, problems = parse_rules(
        "````md\n```rules\nnonsense\n```\n````\n```toml\nx\n```\n~~~rules\n[[limits]]\nmax_lines = 3\n", "a.md"
    )
    assert rules.limits[0].max_lines == 3
    assert [(problem.line, "not closed" in problem.message) for problem in problems] == [(9, True)]


WEB = {
    "index.html": '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
    '<title>a</title><script type="importmap">{"imports": {"react": "https://esm.sh/react@19.1.0"}}</script>\n'
    '<script src="https://cdn.jsdelivr.net/npm/@tailwindcss/browser@4"></script></head>\n'
    '<body><a href="https://x.example" target="_blank" rel="noopener">x</a><script type="module" src="./js/app.js"></script></body></html>\n',
    "js/app.js": 'import React from "react";\n// never eval(this)\nroot.innerHTML = "";\nroot.innerHTML = `<p></p>`;\nif (a.innerHTML === b) evaluate(c);\n',
}  # fmt: skip


def test_the_web_standards_are_silent_on_a_sound_application() -> None:
    rules = packaged("web.md")
    assert check_tree(WEB | {"js/app.js": WEB["js/app.js"]}, rules) == ()
    for path, text in WEB.items():
        assert check_file(path, text, rules=rules).verdicts == ()


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("a.js", "eval(a);", "web.no-eval"),
        ("a.js", "new Function('a');", "web.no-eval"),
        ("a.js", "document.write(a);", "web.no-document-write"),
        ("a.js", "b.innerHTML = a;", "web.no-inner-html-data"),
        ("a.js", "b.innerHTML += `<p>${a}</p>`;", "web.no-inner-html-data"),
        ("a.js", "var a = 1;", "web.no-var"),
        ("a.js", "alert('a');", "web.no-boxes"),
        ("a.js", "const key = 'sk-ant-" + "a" * 24 + "';", "web.no-secret"),
        ("a.html", "<a href=x target=_blank>y</a><a target='_blank' href=x>z</a>", "web.no-blank-without-noopener"),
        ("index.html", "<p>a</p>", "web.doctype"),
        ("a.css", "a{}\n" * 1100, "web.file-size"),
        ("vite.config.js", "", "web.no-build"),
        ("src/a.tsx", "", "web.no-typescript"),
        ("a.html", "<script src='https://evil.example/a.js'></script>", "web.cdn"),
    ],
)
def test_the_web_standards_bind(path: str, text: str, rule: str) -> None:
    assert rule in {problem.rule for problem in check_file(path, text, rules=packaged("web.md")).verdicts}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("try:\n    a()\nexcept:\n    b()\n", "python.no-bare-except"),
        ("eval(a)\n", "python.no-eval"),
        ("run(a, shell=True)\n", "python.no-shell"),
        ("pickle.loads(a)\n", "python.no-pickle"),
        ("yaml.load(a)\n", "python.no-pickle"),
        ("from a import *\n", "python.no-star-import"),
        ("def f(a, b=[]):\n    return b\n", "python.no-mutable-default"),
        ("datetime.utcnow()\n", "python.no-naive-time"),
        ("a = 1\n" * 501, "python.file-size"),
    ],
)
def test_the_python_standards_bind(text: str, rule: str) -> None:
    assert rule in {problem.rule for problem in check_file("a.py", text, rules=packaged("python.md")).verdicts}


def test_the_python_standards_are_silent_on_this_program() -> None:
    rules = packaged("python.md")
    for path in sorted((STANDARDS.parents[1] / "studio" / "domain").glob("*.py")):
        assert check_file(path.name, path.read_text("utf-8"), rules=rules).verdicts == ()
