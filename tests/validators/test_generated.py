"""What a model wraps around a file, leaves out of it or writes instead of it: flagged or mended, and silent on sound text."""

import pytest

from studio.domain.finding import Severity
from studio.validators.registry import check_file

ELISIONS = [
    ("a.js", "// ... rest of the code"),
    ("a.js", "// rest of the code remains the same"),
    ("a.js", "/* ... existing code ... */"),
    ("a.js", "// ... (rest of the component)"),
    ("a.js", "// Rest of your code here"),
    ("a.js", "// ... other imports"),
    ("a.js", "// (other methods remain unchanged)"),
    ("a.js", "// ... keep existing code"),
    ("a.js", "// Your code here"),
    ("a.js", "// ... same as before"),
    ("a.js", "// code omitted for brevity"),
    ("a.js", "// … remaining code …"),
    ("a.jsx", "const A = () => <p>{/* ... rest of the JSX ... */}</p>;"),
    ("a.ts", "// ... all other routes stay the same"),
    ("a.py", "# existing code unchanged"),
    ("a.py", "# ... existing code ..."),
    ("a.py", "# Rest of the file remains unchanged"),
    ("a.html", "<!-- ... rest of the page ... -->"),
    ("a.html", "<!-- existing content here -->"),
    ("a.html", "<script>\n// ... existing code ...\n</script>"),
    ("a.css", "/* rest of your styles remain the same */"),
    ("a.yaml", "# ... existing settings ..."),
]  # fmt: skip

PROSE = [
    ("a.js", "// the rest of the code assumes that x is set"),
    ("a.js", "const { a, ...rest } = b; // ...rest is spread into the props"),
    ("a.js", "// existing code may call this"),
    ("a.js", "const a = '// ... rest of the code';"),
    ("a.js", "// ..."),
    ("a.js", "/**\n * @example\n * // ... existing code ...\n * f(a)\n */"),
    ("a.py", "# other methods"),
    ("a.py", "# Same as before, but faster"),
    ("a.py", "def f() -> None: ..."),
    ("a.py", "x = '# ... existing code ...'"),
    ("a.html", "<!-- Content -->"),
    ("a.css", "/* Rest of page numbers */"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "line"), ELISIONS)
def test_a_comment_that_stands_for_code_is_flagged(path: str, line: str) -> None:
    problem = check_file(path, f"\n{line}\n").problems[-1]
    assert (problem.rule, problem.severity) == ("elision", Severity.ERROR)
    assert problem.line in (2, 3)


@pytest.mark.parametrize(("path", "line"), PROSE)
def test_prose_in_a_comment_is_not_taken_for_left_out_code(path: str, line: str) -> None:
    assert check_file(path, f"\n{line}\n").problems == ()


FENCED = [
    ("a.py", "```python\nx = 1\n```", "x = 1\n"),
    ("a.js", "```\nlet a = `b`;\n```\n", "let a = `b`;\n"),
    ("a.jsx", "Here is the updated file:\n\n```jsx\nlet a = 1;\n```\n\nThis adds the variable.\n", "let a = 1;\n"),
    ("a.css", "~~~css\na { color: red }\n~~~", "a { color: red }\n"),
    ("a.json", "```json\n{}\n```", "{}\n"),
    ("a.html", "````html\n<pre>\n```\n</pre>\n````", "<pre>\n```\n</pre>\n"),
    ("a.py", "```python\nx = '''\n```js\ny\n'''\n", None),
    ("README.md", "```sh\nls\n```\n", "```sh\nls\n```\n"),
    ("a.py", 'x = """\n```\ny\n```\n"""\n', 'x = """\n```\ny\n```\n"""\n'),
    ("a.js", "let a = b`\n`;\n", "let a = b`\n`;\n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "wanted"), FENCED)
def test_a_fence_around_a_file_is_taken_off_and_told(path: str, text: str, wanted: str | None) -> None:
    checked = check_file(path, text)
    if wanted is None:
        assert checked.text == text
        assert checked.problems[0].rule == "code-fence"
        return
    assert checked.text == wanted
    assert checked.problems == ()
    assert bool(checked.fixed) == (wanted != text)
    assert {problem.rule for problem in checked.fixed} <= {"code-fence"}


def test_an_open_fence_is_a_file_that_may_be_cut_off() -> None:
    checked = check_file("a.py", "```python\nx = 1\n")
    assert checked.text == "```python\nx = 1\n"
    assert checked.problems[0].rule == "code-fence"


def test_a_sentence_before_a_file_is_taken_off() -> None:
    checked = check_file("a.py", "Here is the file:\n\nx = 1\n")
    assert (checked.text, checked.problems) == ("x = 1\n", ())
    assert [problem.line for problem in checked.fixed] == [1]
    checked = check_file("a.html", "Sure! Here's the page:\n<p>a</p>\n")
    assert checked.text == "<p>a</p>\n"


def test_a_sentence_that_belongs_to_the_file_stays() -> None:
    text = "here:\n  - a\n"
    assert check_file("a.yaml", text).text == text
    assert check_file("notes.txt", "Here is the list:\na\n").text == "Here is the list:\na\n"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> b\n", "merge-marker"),
        ("<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n", "merge-marker"),
        ("diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\n", "diff"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\n", "diff"),
        ("@@ -1,2 +1,3 @@\n x\n", "diff"),
        ("*** Begin Patch\n*** Update File: a.py\n", "diff"),
        ("# Your code goes here\n", "placeholder"),
        ("# TODO: implement\npass\n", "placeholder"),
        ("# placeholder\n", "placeholder"),
    ],
)
def test_what_is_not_the_file_is_flagged(text: str, rule: str) -> None:
    assert rule in {problem.rule for problem in check_file("a.py", text).problems}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "x = 1 << 7\n'''\n=======\n'''\n"),
        ("a.patch", "--- a/a\n+++ b/a\n@@ -1 +1 @@\n"),
        ("__init__.py", '"""The package."""\n'),
        ("a.py", "# Placeholder for the name of a column\nNAME = '%s'\n"),
        ("a.md", "<<<<<<< HEAD\na\n>>>>>>> b\n"),
        ("a.css", "/* ====== */\n"),
    ],
)
def test_what_looks_like_it_is_not(path: str, text: str) -> None:
    assert check_file(path, text).problems == ()
