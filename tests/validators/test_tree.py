"""References between files: what is missing is told with file and line, what is there or elsewhere is not."""

import pytest

from studio.domain.finding import Severity
from studio.validators.registry import check_file, check_tree

PAGE = """<!doctype html>
<link rel="stylesheet" href="css/a.css?v=1">
<link rel="canonical" href="about">
<img src="img/a%20b.png" srcset="img/c.png 1x, img/d.png 2x"><img src="data:image/png;base64,AA">
<a href="#top"></a><a href="nowhere.html"></a>
<script src="https://esm.sh/x"></script><script src="{{ url }}"></script>
<script type="module">import "./js/b.js"; import x from "react"; const y = () => import("./js/c.js");</script>
"""
FILES = {
    "index.html": PAGE,
    "css/a.css": "@import 'b.css';\na { background: url(../img/c.png) }\nb { background: url('#x') }\n",
    "css/b.css": "",
    "img/a b.png": "",
    "img/c.png": "",
    "img/d.png": "",
    "js/b.js": "export * from './c.js';\n",
    "js/c.js": "new Worker('./b.js');\n",
}


def found(files: dict[str, str]) -> list[tuple[str, int, str]]:
    return [(problem.path, problem.line, problem.rule) for problem in check_tree(files)]


def test_an_application_that_fits_together_is_silent() -> None:
    assert check_tree(FILES) == ()


@pytest.mark.parametrize(
    ("gone", "where"),
    [
        ("css/a.css", [("index.html", 2)]),
        ("css/b.css", [("css/a.css", 1)]),
        ("img/a b.png", [("index.html", 4)]),
        ("img/d.png", [("index.html", 4)]),
        ("img/c.png", [("index.html", 4), ("css/a.css", 2)]),
        ("js/b.js", [("index.html", 7), ("js/c.js", 1)]),
        ("js/c.js", [("index.html", 7), ("js/b.js", 1)]),
    ],
)
def test_a_file_that_is_gone_is_missed_where_it_is_named(gone: str, where: list[tuple[str, int]]) -> None:
    files = {path: text for path, text in FILES.items() if path != gone}
    assert found(files) == [(path, line, "missing-reference") for path, line in where]


@pytest.mark.parametrize(
    "ending", ["src/b.ts", "src/b.tsx", "src/b.jsx", "src/b.json", "src/b/index.js", "src/b.d.ts", "src/b.vue"]
)
def test_endings_are_guessed_as_node_and_bundlers_do(ending: str) -> None:
    files = {"package.json": "{}", "src/a.js": "import b from './b';\nconst c = require('./b');\n", ending: ""}
    assert found(files) == []
    del files[ending]
    assert found(files) == [("src/a.js", 1, "missing-reference"), ("src/a.js", 2, "missing-reference")]


def test_a_typescript_import_of_js_means_the_source() -> None:
    assert found({"a.ts": "import { b } from './b.js';\n", "b.ts": ""}) == []


def test_a_browser_is_given_the_whole_name() -> None:
    (problem,) = check_tree({"a.js": "import b from './b';\n", "b.js": ""})
    assert (problem.rule, problem.severity, "'./b.js'" in problem.message) == ("import-name", Severity.WARNING, True)


def test_what_may_fail_is_not_missed() -> None:
    assert found({"a.js": "let b; try { b = require('./b'); } catch { b = null }\n"}) == []
    assert (
        found({"p/__init__.py": "", "p/a.py": "try:\n    from . import b\nexcept ImportError:\n    b = None\n"}) == []
    )


def test_roots_of_servers_are_tried_and_nothing_above_the_application() -> None:
    assert found({"web/index.html": "<img src='/static/a.png'>", "web/static/a.png": ""}) == []
    assert found({"app/templates/a.html": "<img src='/static/a.png'>", "app/static/a.png": ""}) == []
    assert found({"index.html": "<img src='/a.png'>"}) == [("index.html", 1, "missing-reference")]
    assert found({"index.html": "<script src='../../etc/a.js'></script>"}) == [("index.html", 1, "missing-reference")]


PYTHON = {
    "shop/__init__.py": "from .cart import Cart\nVERSION = '1'\n",
    "shop/cart.py": "from . import VERSION, tax\nfrom .tax import rate\nfrom shop.tax import rate as again\nimport shop.tax\nimport json\nfrom flask import Flask\n",
    "shop/tax.py": "from .. import x\n",
}


def test_python_imports_of_the_application_are_followed() -> None:
    assert found(PYTHON) == [("shop/tax.py", 1, "missing-reference")]
    without = PYTHON | {"shop/tax.py": ""}
    del without["shop/tax.py"]
    assert found(without) == [("shop/cart.py", line, "missing-reference") for line in (1, 2, 3, 4)]


def test_one_file_alone_is_warned_about_what_is_not_there_yet() -> None:
    checked = check_file("index.html", PAGE, exists=lambda path: path != "css/a.css")
    (problem,) = checked.problems
    assert (problem.rule, problem.line, problem.severity) == ("missing-reference", 2, Severity.WARNING)
    assert not checked.blocked
    assert check_file("index.html", PAGE).problems == ()
