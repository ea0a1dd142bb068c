"""A release in a real git repository: committed, tagged, pushed, resumed, and nothing of the person's touched."""

import asyncio
import shlex
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from studio.domain.errors import BadInput, Conflict, NotFound, Refused
from studio.publishers.base import PublishPlan
from studio.publishers.git_repo import GitPublisher
from tests.publishers.making import FILES, Killed, Reports, fault, fsck, git, no_keys, publish, release, target, write

STEPS = ("repository", "commit", "branch", "index", "tag", "push_branch", "push_tag")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--bare", "-q", "-b", "main", "shop.git")
    return tmp_path / "shop.git"


AS_PERSON = ("-c", "user.name=P", "-c", "user.email=p@x")


def pushed_by_another(bare: Path, tmp_path: Path) -> str:
    """A commit that somebody else puts on the remote's main."""
    git(tmp_path, "clone", "-q", str(bare), "other")
    git(
        tmp_path / "other", "-c", "user.name=P", "-c", "user.email=p@x", "commit", "-q", "--allow-empty", "-m", "theirs"
    )
    git(tmp_path / "other", "push", "-q", "origin", "HEAD:main")
    return git(bare, "rev-parse", "main")


def test_a_release_is_committed_tagged_and_pushed_to_a_bare_repository(app: Path, bare: Path) -> None:
    write(app, FILES)
    plan, published, reports = publish(
        GitPublisher(), release(app, executable={"js/app.js"}), target("git", remote=str(bare))
    )
    assert tuple(reports.order) == STEPS == tuple(step.id for step in plan.steps)
    assert git(bare, "rev-parse", "main", "v1.0.0^{commit}").split() == [published.data["commit"]] * 2
    assert git(bare, "log", "-1", "--format=%an <%ae> %s", "main") == (
        "Ada Example <ada@example.org> Version 1.0.0: what it does"
    )
    assert git(bare, "cat-file", "-t", "v1.0.0") == "tag"
    assert git(bare, "ls-tree", "main", "js/app.js").startswith("100755 blob")
    for path, data in FILES.items():
        assert git(bare, "rev-parse", f"main:{path}") == git(app, "hash-object", "--no-filters", path), data
    assert fsck(bare) == ""
    assert fsck(app) == ""
    assert git(app, "status", "--porcelain").splitlines() == [" M js/app.js"]  # the mode only: 0644 on disk


def test_a_second_version_stands_on_the_first_and_the_plan_shows_what_changes(app: Path, bare: Path) -> None:
    write(app, FILES)
    where = target("git", remote=str(bare))
    _, first, _ = publish(GitPublisher(), release(app), where)
    files = {**FILES, "js/app.js": b"console.log('two');\n", "new.css": b"a{}\n"}
    del files["assets/logo.bin"]
    plan, second, reports = publish(GitPublisher(), release(app, files, "1.1.0", previous="1.0.0"), where)
    assert "1 added, 1 changed, 1 removed" in plan.diff
    assert "-console.log('one');\n+console.log('two');" in plan.diff
    assert "repository" not in reports.order
    assert git(bare, "rev-list", "main").split() == [second.data["commit"], first.data["commit"]]
    assert git(bare, "tag").split() == ["v1.0.0", "v1.1.0"]
    assert fsck(bare) == ""
    assert (app / "js/app.js").read_bytes() == b"console.log('one');\n"  # the work tree is the person's
    assert git(app, "status", "--porcelain").splitlines() == [" M js/app.js", " D new.css", "?? assets/"]


@pytest.mark.parametrize("begun", [False, True], ids=["no repository", "an empty one"])
def test_with_hand_changes_the_first_commit_s_index_is_the_commit_and_only_the_changes_show(
    app: Path, begun: bool
) -> None:
    if begun:
        git(app, "init", "-q", "-b", "main")
        git(app, "read-tree", "--empty")
    write(app, {**FILES, "index.html": b"mine\n", "new.txt": b"mine too\n"})
    publish(GitPublisher(), release(app), target("git"))
    assert git(app, "write-tree") == git(app, "rev-parse", "main^{tree}")
    assert git(app, "status", "--porcelain").splitlines() == [" M index.html", "?? new.txt"]
    publish(GitPublisher(), release(app, {**FILES, "a.txt": b"a\n"}, "1.1.0"), target("git"))
    assert git(app, "status", "--porcelain").splitlines() == [" D a.txt", " M index.html", "?? new.txt"]
    assert (app / "index.html").read_bytes() == b"mine\n"


def test_publishing_the_same_version_again_finds_nothing_to_do(app: Path, bare: Path) -> None:
    write(app, FILES)
    where = target("git", remote=str(bare))
    _, first, _ = publish(GitPublisher(), release(app), where)
    plan, again, _ = publish(GitPublisher(), release(app), where)
    assert plan.steps == ()
    assert again.data == first.data
    assert git(app, "rev-list", "--count", "main") == "1"


def test_planning_writes_nothing_and_twice_gives_the_same_digest(app: Path, bare: Path) -> None:
    write(app, FILES)
    before = sorted(path for path in app.parent.parent.rglob("*"))
    plans = [asyncio.run(GitPublisher().plan(release(app), target("git", remote=str(bare)), no_keys)) for _ in range(2)]
    assert sorted(path for path in app.parent.parent.rglob("*")) == before
    assert plans[0] == plans[1]
    assert plans[0].digest
    assert msgspec.json.decode(msgspec.json.encode(plans[0]), type=PublishPlan) == plans[0]


@pytest.mark.parametrize("lost", [False, True], ids=["report kept", "report lost"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_is_gone_on_from_and_nothing_is_done_twice(
    app: Path, bare: Path, step: str, lost: bool
) -> None:
    write(app, FILES)
    where = target("git", remote=str(bare))
    publisher, what = GitPublisher(), release(app)
    plan = asyncio.run(publisher.plan(what, where, no_keys))
    reports = Reports(kill_before=step if lost else "", kill_after="" if lost else step)
    with pytest.raises(Killed):
        asyncio.run(publisher.apply(what, plan, dict(reports.done), reports, no_keys))
    published = asyncio.run(publisher.apply(what, plan, dict(reports.done), reports, no_keys))
    assert tuple(reports.order) == STEPS
    assert git(bare, "rev-list", "--all").split() == [published.data["commit"]]
    assert git(bare, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main", "refs/tags/v1.0.0"]
    assert (fsck(app), fsck(bare)) == ("", "")
    assert git(app, "status", "--porcelain") == ""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("loss", ["gc", ".git", "branch", "remote"])
def test_a_finished_step_whose_result_went_away_after_a_kill_is_done_again(
    app: Path, bare: Path, step: str, loss: str
) -> None:
    write(app, FILES)
    where, what, publisher = target("git", remote=str(bare)), release(app), GitPublisher()
    plan = asyncio.run(publisher.plan(what, where, no_keys))
    reports = Reports(kill_after=step)
    with pytest.raises(Killed):
        asyncio.run(publisher.apply(what, plan, {}, reports, no_keys))
    if loss == "gc":
        git(app, "gc", "-q", "--prune=now")
    elif loss == ".git":
        shutil.rmtree(app / ".git")
    elif loss == "branch":
        git(app, "update-ref", "-d", "refs/heads/main")
    else:
        shutil.rmtree(bare)
        git(bare.parent, "init", "--bare", "-q", "-b", "main", str(bare))
    published = asyncio.run(publisher.apply(what, plan, dict(reports.done), Reports(), no_keys))
    assert git(app, "rev-parse", "main", "v1.0.0^{commit}").split() == [published.data["commit"]] * 2
    assert git(bare, "rev-parse", "main", "v1.0.0^{commit}").split() == [published.data["commit"]] * 2
    assert (fsck(app), fsck(bare)) == ("", "")


def test_the_work_of_others_on_a_branch_that_was_pushed_before_a_kill_does_not_stop_the_tag(
    app: Path, bare: Path, tmp_path: Path
) -> None:
    write(app, FILES)
    where, what = target("git", remote=str(bare)), release(app)
    plan = asyncio.run(GitPublisher().plan(what, where, no_keys))
    reports = Reports(kill_after="push_branch")
    with pytest.raises(Killed):
        asyncio.run(GitPublisher().apply(what, plan, {}, reports, no_keys))
    theirs = pushed_by_another(bare, tmp_path)
    asyncio.run(GitPublisher().apply(what, plan, dict(reports.done), reports, no_keys))
    assert git(bare, "rev-parse", "main") == theirs
    assert git(bare, "tag") == "v1.0.0"


def test_a_branch_that_moved_since_the_plan_is_a_conflict_and_keeps_its_commit(app: Path) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git"))
    what = release(app, {**FILES, "a": b"a"}, "1.1.0")
    plan = asyncio.run(GitPublisher().plan(what, target("git"), no_keys))
    git(app, "-c", "user.name=P", "-c", "user.email=p@x", "commit", "-q", "--allow-empty", "-m", "mine")
    mine = git(app, "rev-parse", "HEAD")
    with pytest.raises(Conflict, match="moved since the plan"):
        asyncio.run(GitPublisher().apply(what, plan, {}, Reports(), no_keys))
    assert git(app, "rev-parse", "HEAD") == mine


def test_staged_changes_stay_staged(app: Path) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git"))
    (app / "mine.txt").write_text("half done")
    git(app, "add", "mine.txt")
    what = release(app, {**FILES, "new": b"n"}, "1.1.0")
    write(app, {"new": b"n"})
    _, _, reports = publish(GitPublisher(), what, target("git"))
    assert "staged" in str(reports.done["index"]["index"])
    assert "A  mine.txt" in git(app, "status", "--porcelain").splitlines()


@pytest.mark.parametrize("mark", ["skip-worktree", "assume-unchanged", "intent-to-add", "sparse checkout"])
def test_an_index_with_marked_entries_is_left_alone_and_the_plan_says_so(app: Path, mark: str) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git"))
    if mark == "intent-to-add":
        write(app, {"mine.txt": b"mine\n"})
        git(app, "add", "-N", "mine.txt")
    elif mark == "sparse checkout":
        git(app, "sparse-checkout", "set", "js")
    else:
        git(app, "update-index", f"--{mark}", "index.html")
    before = (app / ".git" / "index").read_bytes()
    plan, _, reports = publish(GitPublisher(), release(app, {**FILES, "a": b"a"}, "1.1.0"), target("git"))
    assert any("index in app/ is left alone" in warning and mark in warning for warning in plan.warnings)
    assert mark in str(reports.done["index"]["index"])
    assert (app / ".git" / "index").read_bytes() == before
    assert git(app, "rev-parse", "main") == git(app, "rev-parse", "v1.1.0^{commit}")


@pytest.mark.parametrize("how", ["linked work tree", "rebased", "bisected", "another name for trunk"])
def test_a_branch_that_git_itself_would_not_move_is_refused(app: Path, tmp_path: Path, how: str) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git"))
    git(app, "switch", "-q", "-c", "side")
    if how == "linked work tree":
        git(app, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    elif how == "bisected":
        git(app, "switch", "-q", "main")
        git(app, "bisect", "start")
        git(app, "switch", "-q", "--detach")
    elif how == "rebased":
        write(app, {"js/app.js": b"a\n"})
        git(app, *AS_PERSON, "commit", "-q", "-a", "-m", "a")
        git(app, "switch", "-q", "main")
        write(app, {"js/app.js": b"b\n"})
        git(app, *AS_PERSON, "commit", "-q", "-a", "-m", "b")
        with pytest.raises(subprocess.CalledProcessError):
            git(app, *AS_PERSON, "rebase", "-q", "side")
    else:
        git(app, "branch", "-m", "main", "trunk")
        git(app, "symbolic-ref", "refs/heads/main", "refs/heads/trunk")
    there = git(app, "for-each-ref")
    error = fault(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), target("git", branch="main"), Refused)
    assert how in error.message
    assert error.hint
    assert git(app, "for-each-ref") == there
    publish(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), target("git", branch="published"))


def test_work_on_the_remote_that_is_not_here_refuses_the_plan_in_one_sentence(
    app: Path, bare: Path, tmp_path: Path
) -> None:
    pushed_by_another(bare, tmp_path)
    error = fault(GitPublisher(), release(app), target("git", remote=str(bare)), Conflict)
    assert error.message.endswith("/app does not have.")
    assert error.hint


def test_work_pushed_between_plan_and_apply_is_not_overwritten(app: Path, bare: Path, tmp_path: Path) -> None:
    write(app, FILES)
    what, where = release(app), target("git", remote=str(bare))
    plan = asyncio.run(GitPublisher().plan(what, where, no_keys))
    theirs = pushed_by_another(bare, tmp_path)
    with pytest.raises(Conflict, match="does not have, so nothing was pushed"):
        asyncio.run(GitPublisher().apply(what, plan, {}, Reports(), no_keys))
    assert git(bare, "rev-parse", "main") == theirs


@pytest.mark.parametrize("path", ["app", "published repo"])
@pytest.mark.parametrize("before", [False, True], ids=["no repository yet", "one that was published to"])
def test_what_the_hint_says_about_a_remote_that_is_ahead_leads_to_a_publication(
    app: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, before: bool
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    where, files = target("git", path=path, remote=str(bare)), {**FILES, "js/app.js": b"new\n"}
    if before:
        write(app, FILES)
        publish(GitPublisher(), release(app), where)
    theirs = pushed_by_another(bare, tmp_path)
    error = fault(GitPublisher(), release(app, files, "1.1.0"), where, Conflict)
    way, _, other = error.hint.partition(": ")[2].partition(";")
    assert shlex.quote(str(app.parent / path)) in way
    assert "name another branch" in other
    for command in way.removesuffix(", which goes forward only").split(", then "):
        subprocess.run(shlex.split(command), check=True, cwd=tmp_path, capture_output=True)
    publish(GitPublisher(), release(app, files, "1.1.0"), where)
    assert git(bare, "rev-parse", "main^") == theirs
    assert git(bare, "show", "v1.1.0:js/app.js") == "new"
    assert (fsck(app.parent / path), fsck(bare)) == ("", "")


def test_a_remote_that_went_another_way_is_gone_round_by_another_branch(app: Path, bare: Path, tmp_path: Path) -> None:
    publish(GitPublisher(), release(app), target("git", path="repo"))
    pushed_by_another(bare, tmp_path)
    where = target("git", path="repo", remote=str(bare), branch="published")
    hint = fault(GitPublisher(), release(app), target("git", path="repo", remote=str(bare)), Conflict).hint
    assert "where git refuses that, name another branch" in hint
    publish(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), where)
    assert git(bare, "tag") == "v1.1.0"


def test_a_refusal_by_the_remote_carries_its_reason(app: Path, bare: Path) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git", remote=str(bare)))
    git(bare, "config", "receive.fsckObjects", "true")
    (bare / "refs/tags/v1.1.0.lock").write_text("")
    what = release(app, {**FILES, "a": b"a"}, "1.1.0")
    plan = asyncio.run(GitPublisher().plan(what, target("git", remote=str(bare)), no_keys))
    reports = Reports()
    with pytest.raises(Refused, match=r"The remote refused v1\.1\.0"):
        asyncio.run(GitPublisher().apply(what, plan, {}, reports, no_keys))
    assert reports.order[-1] == "push_branch"
    (bare / "refs/tags/v1.1.0.lock").unlink()
    asyncio.run(GitPublisher().apply(what, plan, dict(reports.done), reports, no_keys))
    assert git(bare, "tag").split() == ["v1.0.0", "v1.1.0"]


def test_a_tag_of_that_name_on_another_commit_is_refused(app: Path, bare: Path) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git", remote=str(bare)))
    other = release(app, {"a": b"b"}, version_id="another")
    assert "names another commit" in fault(GitPublisher(), other, target("git"), Refused).message


def test_a_repository_outside_app_is_bare_and_a_checked_out_branch_is_left_alone(app: Path, tmp_path: Path) -> None:
    _, _, reports = publish(GitPublisher(), release(app), target("git", path="../kept.git"))
    assert git(tmp_path / "kept.git", "rev-parse", "--is-bare-repository") == "true"
    assert "index" not in reports.done
    git(tmp_path, "init", "-q", "-b", "main", "work")
    error = fault(GitPublisher(), release(app), target("git", path="../work"), Refused)
    assert "checked out" in error.message
    publish(GitPublisher(), release(app), target("git", path="../work", branch="published"))
    assert git(tmp_path / "work", "rev-parse", "published")


def test_a_remote_that_is_not_there_is_named_with_what_to_do(app: Path, tmp_path: Path) -> None:
    error = fault(GitPublisher(), release(app), target("git", remote=str(tmp_path / "gone.git")), NotFound)
    assert "git init --bare" in error.hint


def test_every_problem_of_the_options_is_named_at_once(app: Path) -> None:
    where = target("git", branch="-x", remote="https://ada:secret@example.org/x.git", brunch="main", user=7)
    error = fault(GitPublisher(), release(app), where, BadInput)
    problems = error.data["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 4
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c 'touch /tmp/x'",
        "fd::17",
        "ssh://-oProxyCommand=touch/x",
        "-oProxyCommand=x:y",
        "git://example.org/x",
        "http://example.org/x.git",
        "https://token@example.org/x.git",
        "file://https://example.org/x.git",
        "FILE://example.org/x.git",
        "~nobody-of-that-name/x.git",
        "app",
        ".studio/x.git",
    ],
)
def test_remotes_that_run_programs_or_leak_keys_are_refused(app: Path, address: str) -> None:
    assert fault(GitPublisher(), release(app), target("git", remote=address), BadInput)


@pytest.mark.parametrize(
    "name",
    [".git/config", "a/.GIT/hooks/x", "../x", "/etc/x", ".env", "a/.env.local", "gi\u200bt/../x", ".g\u200bit/x"],
)
def test_names_that_lead_out_or_hold_keys_are_not_published(app: Path, name: str) -> None:
    fault(GitPublisher(), release(app, {name: b"x"}), target("git"), Refused)
    assert not (app / ".git").exists()


def test_a_tip_with_links_submodules_and_large_files_is_compared_all_the_same(app: Path) -> None:
    write(app, {"big.bin": b"a" * 300_000, "link.txt": b"", "module": b""})
    publish(GitPublisher(), release(app, {"big.bin": b"a" * 300_000, "x": b"x"}), target("git"))
    commit = git(app, "rev-parse", "HEAD")
    git(app, "read-tree", "HEAD")
    git(app, "update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    blob = git(app, "rev-parse", "HEAD:x")
    git(app, "update-index", "--add", "--cacheinfo", f"120000,{blob},link.txt")
    git(app, "-c", "user.name=P", "-c", "user.email=p@x", "commit", "-q", "-m", "mine")
    files = {"big.bin": b"b" * 300_000, "x": b"x", "link.txt": b"x", "module": b"m"}
    plan, _, _ = publish(GitPublisher(), release(app, files, "1.1.0"), target("git"))
    assert {"~ big.bin", "~ link.txt", "~ module"} <= set(plan.diff.splitlines())
    assert git(app, "ls-tree", "HEAD", "link.txt").startswith("100644")


def test_a_branch_that_cannot_be_is_refused_with_gits_reason(app: Path) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git"))
    with pytest.raises(Refused, match="cannot be set"):
        publish(GitPublisher(), release(app, {"a": b"a"}, "1.1.0"), target("git", branch="main/below"))


def test_an_index_that_is_locked_does_not_stop_a_release(app: Path) -> None:
    write(app, FILES)
    publish(GitPublisher(), release(app), target("git"))
    write(app, {"a": b"a"})
    (app / ".git" / "index.lock").write_text("")
    _, _, reports = publish(GitPublisher(), release(app, {**FILES, "a": b"a"}, "1.1.0"), target("git"))
    assert "left alone" in str(reports.done["index"]["index"])
    assert git(app, "tag").split() == ["v1.0.0", "v1.1.0"]


def test_a_project_that_is_a_repository_itself_is_pointed_out(app: Path) -> None:
    git(app.parent, "init", "-q")
    plan = asyncio.run(GitPublisher().plan(release(app), target("git"), no_keys))
    assert any("inside it" in warning for warning in plan.warnings)
