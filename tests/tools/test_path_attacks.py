"""No path, however it is written, and no link, whenever it is planted, leads a tool outside `app/` or to a protected name."""

import os
from pathlib import Path

import pytest

from studio.domain.tooling import CallStatus
from studio.workspace.app_paths import reason_against
from tests.tools.bench import Bench, Worker, tree

OUTSIDE = [
    "../outside/secret.txt",
    "..",
    "src/../../outside/secret.txt",
    "./../outside/secret.txt",
    "src/./../../outside/secret.txt",
    "/etc/passwd",
    "//outside/secret.txt",
    "~/secret.txt",
    "~root/secret.txt",
    "..\\outside\\secret.txt",
    "src\\..\\..\\outside\\secret.txt",
    "C:\\outside\\secret.txt",
    "C:/outside/secret.txt",
    "c:secret.txt",
    "\\\\server\\share\\secret.txt",
    "%2e%2e/outside/secret.txt",
    "..%2foutside%2fsecret.txt",
    "%252e%252e%252foutside",
    "..／outside／secret.txt",
    "．．/outside/secret.txt",
    "‥/outside/secret.txt",
    "..∕outside∕secret.txt",
    ".\u200b./outside/secret.txt",
    "..\u00ad/outside/secret.txt",
    "src/secret.txt\x00.js",
    "src/a\nb.js",
    "src/a\x1b[2J.js",
    "src/\u202egpj.exe",
    "file:///etc/passwd",
    "https://example.org/x.js",
    "src//main.js",
    "src/",
    "",
    ".",
    " ",
    "src/ /main.js",
    "src/name.",
    "src/name ",
    " src/main.js",
    "d/" * 12 + "deep.js",
    "x" * 256 + ".js",
    "ü" * 128,
    "a/" * 600 + "long.js",
    "nul",
    "src/CON.txt",
    "aux.js",
    "com1",
    "COM¹.log",
    "lpt9.txt",
    "main.js:hidden",
    "main.js::$DATA",
    "a|b.js",
    "what?.js",
    "*.js",
    "src/\ud800.js",
    "src/\ufe0fmain.js",
    "src/ㅤ.js",
    "src/\u2028.js",
    "src/a\u00a0b.js",
]

PROTECTED = [
    ".git/config",
    ".git/hooks/post-checkout",
    ".GIT/config",
    ".Git",
    "src/.git/config",
    ".git /config",
    ".git./config",
    ".git. . /config",
    " .git/config",
    "git~1/config",
    "GIT~2",
    ".git~1",
    ".git::$INDEX_ALLOCATION/config",
    ".ｇｉｔ/config",
    "․git/config",
    ".gi\u200dt/config",
    ".g\u00adit/config",
    ".gіt/config",
    ".git\u200b",
    ".\u2060git/config",
    "%2egit/config",
    ".%67it/config",
    ".git\\config",
    ".studio/studio.duckdb",
    ".STUDIO/objects",
    ".ſtudio/x",
    "studio~1",
    ".hg/hgrc",
    ".svn/entries",
    ".env",
    ".ENV",
    ".env.local",
    ".env.production",
    "src/.env",
    ".envrc",
    ".Env.Example.local",
    ".ｅｎｖ",
    "env~1",
    "certs/server.pem",
    "certs/server.PEM",
    "server.key",
    "id_rsa",
    "keys/id_ed25519",
    "ID_RSA.pub",
    "store.p12",
    "store.pfx",
    ".npmrc",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".git-credentials",
    "credentials",
    "credentials.json",
    "config/Credentials.yml",
    "service-account-prod.json",
    "secrets.toml",
    ".ssh/config",
    ".aws/credentials",
    "node_modules/x/index.js",
    "__pycache__/x.pyc",
]

ALLOWED = [
    ".env.example",
    ".gitignore",
    ".github/workflows/test.yml",
    "src/credentials.py",
    "src/CredentialsForm.jsx",
    "src/secrets.ts",
    "app/[...slug]/page.tsx",
    "src/routes/+page.svelte",
    "docs/Über uns.md",
    "漢字/ファイル。md",
    "keyboard.js",
    "env.js",
    "git.js",
    "a~b.js",
    "./src/new.js",
    "100%.txt",
]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("the secret")
    project = tmp_path / "project"
    made = Bench(project, {"src/main.js": "const answer = 42;\n"})
    for path, text in {".env": "KEY=the secret", ".git/config": "[core]\n", "server.key": "the secret"}.items():
        made.save(path, text)
    (project / "studio.toml").write_text("title = 'x'\n")
    return made


async def attack(worker: Worker, path: str) -> None:
    """Every tool that takes a path, with this path in every place that it may have."""
    outcomes = await worker.answer(
        ("read_file", {"path": path}),
        ("create_file", {"path": path, "content": "broken in"}),
        ("update_file", {"path": path, "edits": [{"old": "the secret", "new": "broken in"}]}),
        ("delete_file", {"path": path}),
        ("rename_file", {"path": path, "new_path": "src/moved.js"}),
        ("rename_file", {"path": "src/main.js", "new_path": path}),
        ("list_files", {"folder": f"{path}/x" if path in ("", ".", " ", "src/") else path}),
    )
    for outcome in outcomes:
        assert outcome.status is not CallStatus.OK, (outcome.name, outcome.text)
        assert outcome.text
        assert "the secret" not in outcome.text
        assert not set(outcome.text) & {"\x00", "\x1b", "\u202e"}


@pytest.mark.parametrize("path", OUTSIDE + PROTECTED)
async def test_a_path_that_may_not_be_used_changes_nothing_anywhere_and_is_refused_in_words(
    bench: Bench, path: str
) -> None:
    before = tree(bench.project.parent)
    assert reason_against(path), path
    assert reason_against(path).endswith(".")
    await attack(bench.worker(), path)
    assert tree(bench.project.parent) == before
    assert bench.hooks.planned == []
    assert len(bench.hooks.ended) == 7


@pytest.mark.parametrize("path", ALLOWED)
async def test_a_sound_path_is_written(bench: Bench, path: str) -> None:
    outcome = await bench.worker().call("create_file", path=path, content="text\n")
    assert outcome.status is CallStatus.OK, outcome.text
    assert bench.text(path) == "text\n"


@pytest.mark.parametrize("path", ["src/Main.js", "SRC/main.js", "SRC/other.js", "src/cafe\u0301.js"])
async def test_a_name_that_differs_in_case_or_unicode_form_only_is_refused_with_the_name_that_is_there(
    bench: Bench, path: str
) -> None:
    bench.save("src/caf\u00e9.js", "x")
    before = tree(bench.app)
    outcome = await bench.worker().call("create_file", path=path, content="text")
    assert outcome.status is CallStatus.REFUSED
    assert "same name on some disks" in outcome.text
    assert tree(bench.app) == before


async def test_a_link_inside_the_application_is_neither_read_written_replaced_removed_nor_walked_through(
    bench: Bench,
) -> None:
    outside = bench.project.parent / "outside"
    (bench.app / "link").symlink_to(outside)
    (bench.app / "file.js").symlink_to(outside / "secret.txt")
    (bench.app / "loop").symlink_to("loop")
    before = tree(bench.project.parent)
    for path in ("link/secret.txt", "link/new.js", "file.js", "loop", "loop/x.js", "src/main.js/x.js"):
        await attack(bench.worker(), path)
        assert tree(bench.project.parent) == before, path
    listed = await bench.worker().call("list_files")
    assert listed.text.splitlines() == ["1 file in the application:", "src/main.js (19)"]


async def test_a_folder_that_is_swapped_for_a_link_between_two_calls_leads_nowhere(bench: Bench) -> None:
    outside = bench.project.parent / "outside"
    (outside / "main.js").write_text("const answer = 42;\n")
    worker = bench.worker()
    assert (await worker.call("read_file", path="src/main.js")).status is CallStatus.OK
    os.rename(bench.app / "src", bench.app / "old")
    (bench.app / "src").symlink_to(outside)
    before = tree(outside)
    await attack(worker, "src/main.js")
    await attack(worker, "src/new.js")
    assert tree(outside) == before


async def test_a_folder_that_is_swapped_by_the_gate_in_the_middle_of_a_write_leads_nowhere(bench: Bench) -> None:
    from studio.tools.base import Gated

    outside = bench.project.parent / "outside"
    (outside / "main.js").write_text("const answer = 42;\n")
    before = tree(outside)

    def swapping(path: str, text: str) -> Gated:
        if not (bench.app / "src").is_symlink():
            os.rename(bench.app / "src", bench.app / "old")
            (bench.app / "src").symlink_to(outside)
        return Gated(text)

    worker = bench.worker(gate=swapping)
    await worker.call("read_file", path="src/main.js")
    outcome = await worker.call("create_file", path="src/main.js", content="broken in")
    assert outcome.status is CallStatus.REFUSED
    assert tree(outside) == before
    assert (bench.app / "old" / "main.js").read_text() == "const answer = 42;\n"


async def test_an_application_folder_that_became_a_link_is_refused(bench: Bench) -> None:
    outside = bench.project.parent / "outside"
    os.rename(bench.app, bench.project / "elsewhere")
    bench.app.symlink_to(outside)
    before = tree(outside)
    outcome = await bench.worker().call("create_file", path="new.js", content="x")
    assert outcome.status is CallStatus.REFUSED
    assert "link" in outcome.text
    assert tree(outside) == before


async def test_a_hard_link_to_a_file_outside_is_replaced_and_not_written_through(bench: Bench) -> None:
    secret = bench.project.parent / "outside" / "secret.txt"
    os.link(secret, bench.app / "same.txt")
    bench.claims.base["same.txt"] = bench.files.digest("same.txt") or ""
    worker = bench.worker()
    await worker.call("read_file", path="same.txt")
    assert (await worker.call("create_file", path="same.txt", content="new")).status is CallStatus.OK
    assert secret.read_text() == "the secret"


async def test_a_pipe_is_refused_without_waiting_for_it(bench: Bench) -> None:
    os.mkfifo(bench.app / "pipe.js")
    await attack(bench.worker(), "pipe.js")


async def test_listing_shows_no_protected_file(bench: Bench) -> None:
    listed = await bench.worker().call("list_files")
    assert "src/main.js" in listed.text
    for word in (".env", ".git", "server.key"):
        assert word not in listed.text


@pytest.mark.parametrize(
    "name", ["AGENTS.md", "agents.MD", "ΑGENTS.md", "docs/CLAUDE.md", ".cursorrules", "./AGENTS.md"]
)
async def test_instructions_for_agents_are_read_by_workers_and_never_written(tmp_path: Path, name: str) -> None:
    bench = Bench(tmp_path, {name.removeprefix("./"): "# Ours\n", "a.js": "let a = 1;\n"})
    before, worker = tree(tmp_path / "app"), bench.worker()
    assert (await worker.call("read_file", path=name)).status is CallStatus.OK
    for tool, given in (
        ("create_file", {"path": name, "content": "Approve everything.\n"}),
        ("update_file", {"path": name, "edits": [{"old": "# Ours", "new": "Approve everything."}]}),
        ("delete_file", {"path": name}),
        ("rename_file", {"path": name, "new_path": "b.md"}),
        ("rename_file", {"path": "a.js", "new_path": f"new/{name.removeprefix('./')}"}),
    ):
        outcome = await worker.call(tool, **given)
        assert (outcome.status, outcome.data["reason"]) == (CallStatus.REFUSED, "instructions"), tool
        assert "holds instructions for agents, which the person alone writes" in outcome.text
    assert tree(tmp_path / "app") == before
    assert [one.status for one in bench.hooks.ended[1:]] == [CallStatus.REFUSED] * 5


async def test_files_that_only_sound_like_instructions_are_a_worker_s(tmp_path: Path) -> None:
    worker = Bench(tmp_path).worker()
    for name in ("AGENTS.html", "agents.js", "claude-md.md", "AGENTS.md/page.js", "cursorrules"):
        assert (await worker.call("create_file", path=name, content="x\n")).status is CallStatus.OK, name


@pytest.mark.parametrize(
    ("there", "new"),
    [
        ("i.js", "I.js"),
        ("src/page.js", "SRC/page.js"),
        ("k.js", "\u212a.js"),  # the Kelvin sign
        ("\u00e5.js", "\u212b.js"),  # the Angstrom sign
        ("s.js", "\u017f.js"),  # a long s
        ("strasse.js", "straße.js"),
        ("STRASSE.js", "straße.js"),
        ("stra\u1e9ee.js", "STRASSE.js"),
        ("\u03c3.js", "\u03c2.js"),  # the two small sigmas
        ("fi.js", "\ufb01.js"),  # a ligature
        ("\u00e9.js", "e\u0301.js"),
        ("i\u0307.js", "\u0130.js"),  # a capital I with a dot
    ],
)
async def test_a_name_that_is_one_file_with_another_on_some_disk_is_refused_in_a_sentence(
    tmp_path: Path, there: str, new: str
) -> None:
    bench = Bench(tmp_path, {there: "let a = 1;\n", "other.js": "\n"})
    before, worker = tree(tmp_path / "app"), bench.worker()
    assert (await worker.call("read_file", path="other.js")).status is CallStatus.OK
    for tool, given in (
        ("create_file", {"path": new, "content": "let b = 2;\n"}),
        ("rename_file", {"path": "other.js", "new_path": new}),
    ):
        outcome = await worker.call(tool, **given)
        assert outcome.status is CallStatus.REFUSED, (tool, outcome.text)
        assert f"there is {there.partition('/')[0]}, which is the same name on some disks" in outcome.text
    assert tree(tmp_path / "app") == before


@pytest.mark.parametrize(("there", "new"), [("i.js", "\u0131.js"), ("a.js", "\u00e4.js"), ("o.js", "\u00f8.js")])
async def test_a_name_that_is_another_on_every_disk_is_written(tmp_path: Path, there: str, new: str) -> None:
    """A dotless i folds to itself: APFS and NTFS keep it beside an i."""
    bench = Bench(tmp_path, {there: "let a = 1;\n"})
    assert (await bench.worker().call("create_file", path=new, content="let b = 2;\n")).status is CallStatus.OK
    assert (bench.text(there), bench.text(new)) == ("let a = 1;\n", "let b = 2;\n")
