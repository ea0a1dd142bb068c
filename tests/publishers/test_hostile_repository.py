"""A repository that would run programs or lead elsewhere: nothing of it is run, and what leads elsewhere is refused."""

import asyncio
import os
from pathlib import Path

import pytest

from studio.domain.errors import Refused, StudioError
from studio.publishers.git_repo import GitPublisher
from tests.publishers.making import FILES, fault, fsck, git, no_keys, publish, release, target, write

HOOKS = [
    "applypatch-msg",
    "commit-msg",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
    "fsmonitor-watchman",
]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    write(folder, FILES)
    return folder


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    return tmp_path / "ran"


def arm(repository: Path, sentinel: Path, *, hooks: Path) -> None:
    """Give a repository every hook and every setting that runs a program."""
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {sentinel}\n")
        (hooks / name).chmod(0o755)
    program = hooks / "post-commit"
    other = repository / "more.config"
    other.write_text(f"[core]\n\tfsmonitor = {program}\n")
    run = str(program)
    with (repository / "config").open("a") as config:
        config.write(f"""
[core]
\tfsmonitor = {run}
\tsshCommand = {run}
\thooksPath = {hooks}
\teditor = {run}
\tpager = {run}
\taskPass = {run}
\tgitProxy = {run}
\talternateRefsCommand = {run}
\tattributesFile = {repository}/attributes
[filter "evil"]
\tclean = {run}
\tsmudge = {run}
\tprocess = {run}
\trequired = true
[diff "evil"]
\ttextconv = {run}
\tcommand = {run}
[merge "evil"]
\tdriver = {run}
[gpg]
\tprogram = {run}
[commit]
\tgpgSign = true
[tag]
\tgpgSign = true
[credential]
\thelper = {run}
[url "ext::{run} "]
\tinsteadOf = /
\tpushInsteadOf = /
[protocol "ext"]
\tallow = always
[remote "origin"]
\treceivepack = {run}
\tuploadpack = {run}
[gc]
\tauto = 1
\trecentObjectsHook = {run}
[uploadpack]
\tpackObjectsHook = {run}
[alias]
\tpush = !{run}
\tcommit-tree = !{run}
""")


def test_the_hooks_and_settings_of_the_repository_in_app_never_run(app: Path, tmp_path: Path, sentinel: Path) -> None:
    bare = tmp_path / "shop.git"
    git(tmp_path, "init", "--bare", "-q", "-b", "main", str(bare))
    publish(GitPublisher(), release(app), target("git", remote=str(bare)))
    (app / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    files = {**FILES, ".gitattributes": (app / ".gitattributes").read_bytes(), "new": b"n"}
    write(app, files)
    arm(app / ".git", sentinel, hooks=app / ".git" / "hooks")
    (app / ".git" / "info").mkdir(exist_ok=True)
    (app / ".git" / "info" / "attributes").write_text("* filter=evil\n")
    plan, _, reports = publish(GitPublisher(), release(app, files, "1.1.0"), target("git", remote=str(bare)))
    assert not sentinel.exists(), sentinel.read_text()
    assert reports.order[-1] == "push_tag"
    assert git(bare, "show", "main:new") == "n"
    assert "index is that of the version" in str(reports.done["index"]["index"])
    warned = " ".join(plan.warnings)
    assert "core.fsmonitor" in warned
    assert "hooks of the repository are not run" in warned


def test_the_test_itself_would_see_such_a_program_run(app: Path, sentinel: Path) -> None:
    publish(GitPublisher(), release(app), target("git"))
    arm(app / ".git", sentinel, hooks=app / ".git" / "hooks")
    git(app, "status")
    assert sentinel.exists()


def test_the_hooks_of_a_remote_on_this_disk_do_not_run_and_the_plan_says_so(
    app: Path, tmp_path: Path, sentinel: Path
) -> None:
    bare = tmp_path / "shop.git"
    git(tmp_path, "init", "--bare", "-q", "-b", "main", str(bare))
    hooks = bare / "hooks"
    for name in HOOKS:
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {sentinel}\n")
        (hooks / name).chmod(0o755)
    with (bare / "config").open("a") as config:
        config.write(f"[core]\n\thooksPath = {hooks}\n\tfsmonitor = {hooks}/update\n[receive]\n\tautogc = true\n")
    plan, _, _ = publish(GitPublisher(), release(app), target("git", remote=str(bare)))
    assert not sentinel.exists(), sentinel.read_text()
    assert any("hooks of the remote are not run" in warning for warning in plan.warnings)
    assert git(bare, "tag") == "v1.0.0"


def test_a_remote_whose_configuration_leads_elsewhere_is_refused_by_the_name_of_the_setting(
    app: Path, tmp_path: Path, sentinel: Path
) -> None:
    bare = tmp_path / "shop.git"
    git(tmp_path, "init", "--bare", "-q", "-b", "main", str(bare))
    arm(bare, sentinel, hooks=bare / "hooks")
    error = fault(GitPublisher(), release(app), target("git", remote=str(bare)), Refused)
    assert "core.alternaterefscommand" in error.message
    assert not sentinel.exists()


def as_file(dot_git: Path, elsewhere: Path) -> None:
    dot_git.rename(elsewhere)
    dot_git.write_text(f"gitdir: {elsewhere}\n")


def as_link(dot_git: Path, elsewhere: Path) -> None:
    dot_git.rename(elsewhere)
    dot_git.symlink_to(elsewhere)


def with_alternates(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "objects" / "info").mkdir(exist_ok=True)
    (dot_git / "objects" / "info" / "alternates").write_text(f"{elsewhere}\n")


def with_linked_objects(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "objects").rename(elsewhere)
    (dot_git / "objects").symlink_to(elsewhere)


def with_linked_reference(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "refs" / "tags" / "v9").symlink_to(elsewhere)


def with_linked_log(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "logs" / "HEAD").unlink(missing_ok=True)
    (dot_git / "logs" / "HEAD").symlink_to(elsewhere)


def with_linked_index(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "index").unlink()
    (dot_git / "index").symlink_to(elsewhere)


def with_common_folder(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "commondir").write_text(str(elsewhere))


def with_extension(dot_git: Path, elsewhere: Path) -> None:
    with (dot_git / "config").open("a") as config:
        config.write("[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n")


def with_odd_head(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "HEAD").write_text("ref: ../../../etc/passwd\n")


def with_broken_config(dot_git: Path, elsewhere: Path) -> None:
    (dot_git / "config").write_text("[core\n")


@pytest.mark.parametrize(
    "bend",
    [
        as_file, as_link, with_alternates, with_linked_objects, with_linked_reference, with_linked_log, with_linked_index,
        with_common_folder, with_extension, with_odd_head, with_broken_config,
    ],
)  # fmt: skip
def test_a_repository_that_leads_elsewhere_is_refused(app: Path, tmp_path: Path, bend: object) -> None:
    assert callable(bend)
    publish(GitPublisher(), release(app), target("git"))
    bend(app / ".git", tmp_path / "elsewhere")
    before = sorted(path for path in tmp_path.rglob("*"))
    error = fault(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), target("git"), Refused)
    assert ".git" in error.message
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_repository_that_is_bent_after_the_plan_is_refused_at_the_next_step(app: Path, tmp_path: Path) -> None:
    publish(GitPublisher(), release(app), target("git"))
    what = release(app, {"a": b"a"}, "1.1.0")
    plan = asyncio.run(GitPublisher().plan(what, target("git"), no_keys))

    async def report(step: str, data: object) -> None:
        if step == "commit":
            as_link(app / ".git", tmp_path / "elsewhere")

    with pytest.raises(Refused):
        asyncio.run(GitPublisher().apply(what, plan, {}, report, no_keys))
    assert fsck(tmp_path / "elsewhere") == ""


def test_variables_of_the_environment_do_not_lead_git_elsewhere(
    app: Path, tmp_path: Path, sentinel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho x >> {sentinel}\n")
    program.chmod(0o755)
    for name in (
        "GIT_SSH_COMMAND",
        "GIT_EXTERNAL_DIFF",
        "GIT_ASKPASS",
        "GIT_PROXY_COMMAND",
        "SSH_ASKPASS",
        "GIT_EDITOR",
    ):
        monkeypatch.setenv(name, str(program))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "objects"))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.fsmonitor'='{program}'")
    publish(GitPublisher(), release(app), target("git"))
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    assert git(app, "log", "-1", "--format=%s", "v1.0.0") == "Version 1.0.0: what it does"
    assert not sentinel.exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["program", "project"]


def test_a_lock_that_was_left_behind_is_named_with_what_to_do(app: Path) -> None:
    publish(GitPublisher(), release(app), target("git"))
    (app / ".git" / "refs" / "heads" / "main.lock").write_text("")
    with pytest.raises(StudioError, match=r"\.lock"):
        publish(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), target("git"))
