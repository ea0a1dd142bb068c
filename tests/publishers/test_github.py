"""A release on GitHub: the repository made by the API's contract, a real push over HTTP, refusals in words, the key nowhere else."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from studio.domain.errors import (
    AuthenticationFailed,
    BadInput,
    BadReply,
    ConnectionFailed,
    MissingKey,
    Overloaded,
    RateLimited,
    Refused,
    RequestRejected,
    StudioError,
    TimedOut,
)
from studio.publishers import github_api
from studio.publishers.base import KeyUse, Target, Value
from studio.publishers.github import GithubPublisher
from studio.publishers.github_api import GithubApi
from tests.publishers.hub import BASIC, TOKEN, Answer, Hub, running_hub
from tests.publishers.making import FILES, Killed, Reports, fsck, git, no_keys, publish, release, target, write

STEPS = ("create", "repository", "commit", "branch", "index", "tag", "push_branch", "push_tag")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    write(folder, FILES)
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    (tmp_path / "hub").mkdir()
    with running_hub(tmp_path / "hub") as found:
        yield found


def keys(name: str) -> str | None:
    return {"GITHUB_TOKEN": TOKEN}.get(name)


def at(hub: Hub, repository: str = "shop", **options: Value) -> Target:
    return target("github", repository=repository, api=hub.api, **options)


def refused(app: Path, where: Target, kind: type[StudioError]) -> StudioError:
    with pytest.raises(kind) as caught:
        asyncio.run(GithubPublisher().plan(release(app), where, keys))
    assert TOKEN not in str(caught.value)
    return caught.value


def test_the_repository_is_made_and_the_release_pushed_to_it(app: Path, hub: Hub) -> None:
    plan, published, reports = publish(GithubPublisher(), release(app), at(hub, description="Sells things"), keys)
    assert tuple(reports.order) == STEPS == tuple(step.id for step in plan.steps)
    assert hub.bodies == [{"name": "shop", "description": "Sells things", "private": True, "auto_init": False}]
    bare = hub.root / "ada/shop.git"
    assert git(bare, "rev-parse", "main", "v1.0.0^{commit}").split() == [published.data["commit"]] * 2
    assert published.url == f"{hub.address}/ada/shop/tree/v1.0.0"
    assert fsck(bare) == ""


def test_planning_makes_nothing_on_either_side(app: Path, hub: Hub) -> None:
    asyncio.run(GithubPublisher().plan(release(app), at(hub), keys))
    assert hub.repositories == {}
    assert all(request.startswith("GET ") for request in hub.requests)
    assert not (app / ".git").exists()


def test_the_key_is_in_no_argument_list_address_log_report_plan_or_file(
    app: Path, hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    plan, published, reports = publish(GithubPublisher(), release(app), at(hub), keys)
    assert any("remote-http" in line for line in hub.processes), "git's own processes were not seen"
    assert hub.seen_in_argv == []
    kept = msgspec.json.encode([plan, published, reports.done]).decode() + caplog.text + " ".join(hub.requests)
    assert TOKEN not in kept
    assert BASIC not in kept
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert TOKEN.encode() not in data
            assert BASIC.encode() not in data


@pytest.mark.parametrize("lost", [False, True], ids=["report kept", "report lost"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_is_gone_on_from(app: Path, hub: Hub, step: str, lost: bool) -> None:
    publisher, what = GithubPublisher(), release(app)
    plan = asyncio.run(publisher.plan(what, at(hub), keys))
    reports = Reports(kill_before=step if lost else "", kill_after="" if lost else step)
    with pytest.raises(Killed):
        asyncio.run(publisher.apply(what, plan, dict(reports.done), reports, keys))
    asyncio.run(publisher.apply(what, plan, dict(reports.done), reports, keys))
    assert tuple(reports.order) == STEPS
    assert list(hub.repositories) == ["ada/shop"]
    assert git(hub.root / "ada/shop.git", "rev-list", "--count", "--all") == "1"


def test_the_next_version_goes_to_the_same_repository(app: Path, hub: Hub) -> None:
    publish(GithubPublisher(), release(app), at(hub), keys)
    plan, _, reports = publish(GithubPublisher(), release(app, {"a": b"a"}, "1.1.0"), at(hub), keys)
    assert "create" not in reports.order
    assert "1 added, 0 changed, 4 removed" in plan.diff
    assert git(hub.root / "ada/shop.git", "tag").split() == ["v1.0.0", "v1.1.0"]
    plan, _, _ = publish(GithubPublisher(), release(app, {"a": b"a"}, "1.1.0"), at(hub), keys)
    assert plan.steps == ()


def test_an_organisations_repository_is_made_there(app: Path, hub: Hub) -> None:
    publish(GithubPublisher(), release(app), at(hub, "guild/shop", private=False), keys)
    assert "POST /api/v3/orgs/guild/repos" in hub.requests
    assert hub.repositories["guild/shop"]["private"] is False


def test_a_repository_with_other_work_is_refused_and_left_alone(app: Path, hub: Hub, tmp_path: Path) -> None:
    bare = hub.add("ada/shop")
    git(tmp_path, "clone", "-q", str(bare), "other")
    git(
        tmp_path / "other", "-c", "user.name=P", "-c", "user.email=p@x", "commit", "-q", "--allow-empty", "-m", "theirs"
    )
    git(tmp_path / "other", "push", "-q", "origin", "HEAD:main")
    assert "holds other work" in refused(app, at(hub), Refused).message


def test_an_empty_repository_of_the_same_account_is_used(app: Path, hub: Hub) -> None:
    bare = hub.add("ada/shop")
    _, _, reports = publish(GithubPublisher(), release(app), at(hub), keys)
    assert "create" not in reports.order
    assert git(bare, "tag") == "v1.0.0"


def test_a_repository_that_appears_with_work_after_the_plan_is_refused(app: Path, hub: Hub, tmp_path: Path) -> None:
    plan = asyncio.run(GithubPublisher().plan(release(app), at(hub), keys))
    bare = hub.add("ada/shop")
    git(tmp_path, "clone", "-q", str(bare), "other")
    git(
        tmp_path / "other", "-c", "user.name=P", "-c", "user.email=p@x", "commit", "-q", "--allow-empty", "-m", "theirs"
    )
    git(tmp_path / "other", "push", "-q", "origin", "HEAD:main")
    with pytest.raises(Refused, match="exists meanwhile and holds other work"):
        asyncio.run(GithubPublisher().apply(release(app), plan, {}, Reports(), keys))
    assert not (app / ".git").exists()


def test_a_private_app_is_never_pushed_to_a_public_repository(app: Path, hub: Hub) -> None:
    hub.add("ada/shop", private=False)
    assert "is public" in refused(app, at(hub), Refused).message


def test_a_repository_that_the_key_may_not_write_to_or_that_is_archived_is_refused(app: Path, hub: Hub) -> None:
    hub.add("ada/shop", push=False)
    hub.add("ada/old", archived=True)
    assert "may not write" in refused(app, at(hub), Refused).message
    assert "archived" in refused(app, at(hub, "old"), Refused).message


def test_a_public_repository_is_announced_before_it_is_made(app: Path, hub: Hub) -> None:
    plan = asyncio.run(GithubPublisher().plan(release(app), at(hub, private=False), keys))
    assert "everyone can read it" in plan.warnings[0]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(401, {"message": "Bad credentials"}), AuthenticationFailed, "does not accept the key"),
        (
            Answer(403, {"message": "Resource not accessible by personal access token"}),
            AuthenticationFailed,
            "not allow",
        ),
        (
            Answer(403, {"message": "You have exceeded a secondary rate limit"}, {"retry-after": "77"}),
            RateLimited,
            "77 s",
        ),
        (Answer(429, {"message": "slow down"}), RateLimited, "60 seconds"),
        (
            Answer(403, {"message": "limit"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}),
            RateLimited,
            "1 se",
        ),
        (Answer(301, {}, {"location": "https://evil.example/repos/1"}), Refused, "has moved"),
        (Answer(502, b"<html>bad gateway</html>"), Overloaded, "status 502"),
        (Answer(403, {"message": "wait"}, {"retry-after": "nan"}), RateLimited, "60 seconds"),
        (Answer(200, b"[" * 500_000), BadReply, "not JSON"),
        (Answer(200, b"<html>captive portal</html>"), BadReply, "not JSON"),
        (Answer(418, {"message": f"tea {TOKEN}"}), RequestRejected, r"tea \[key removed\]"),
    ],
)
def test_each_refusal_of_the_api_is_one_sentence_without_the_key(
    app: Path, hub: Hub, answer: Answer, kind: type[StudioError], words: str
) -> None:
    plan = asyncio.run(GithubPublisher().plan(release(app), at(hub), keys))
    hub.faults["POST /user/repos"] = [answer]
    with pytest.raises(kind, match=words) as caught:
        asyncio.run(GithubPublisher().apply(release(app), plan, {}, Reports(), keys))
    assert TOKEN not in str(caught.value)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("answer", [Answer(404, {}), Answer(200, {}), Answer(200, [])])
def test_an_api_that_does_not_say_whose_the_key_is_is_refused(app: Path, hub: Hub, answer: Answer) -> None:
    hub.faults["GET /user"] = [answer]
    with pytest.raises(BadReply, match="does not say whose the key is") as caught:
        asyncio.run(GithubPublisher().plan(release(app), at(hub), keys))
    assert "api/v3" in caught.value.hint


async def test_a_reply_that_comes_a_byte_at_a_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    monkeypatch.setattr(github_api, "TOTAL_S", 0.3)
    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimedOut):
        await asyncio.wait_for(GithubApi(f"http://127.0.0.1:{port}", TOKEN).call("GET", "/user"), 10)
    server.close()


def test_a_limit_says_how_long_to_wait_and_the_next_call_goes_on(app: Path, hub: Hub) -> None:
    plan = asyncio.run(GithubPublisher().plan(release(app), at(hub), keys))
    hub.faults["POST /user/repos"] = [Answer(403, {"message": "secondary rate limit"}, {"retry-after": "77"})]
    reports = Reports()
    with pytest.raises(RateLimited) as caught:
        asyncio.run(GithubPublisher().apply(release(app), plan, {}, reports, keys))
    assert caught.value.retry_after == 77
    asyncio.run(GithubPublisher().apply(release(app), plan, dict(reports.done), reports, keys))
    assert tuple(reports.order) == STEPS


def test_a_name_that_github_does_not_take_is_told_in_its_words(app: Path, hub: Hub) -> None:
    plan = asyncio.run(GithubPublisher().plan(release(app), at(hub), keys))
    body = {"message": "Repository creation failed.", "errors": [{"code": "custom", "message": "name is reserved"}]}
    hub.faults["POST /user/repos"] = [Answer(422, body)]
    with pytest.raises(RequestRejected, match="name is reserved"):
        asyncio.run(GithubPublisher().apply(release(app), plan, {}, Reports(), keys))


def test_a_host_that_is_not_there_is_said(app: Path) -> None:
    where = target("github", repository="shop", api="http://127.0.0.1:9/api/v3")
    assert "could not be reached" in refused(app, where, ConnectionFailed).message


def test_without_a_key_nothing_is_sent_and_the_hint_names_it(app: Path, hub: Hub) -> None:
    with pytest.raises(MissingKey) as caught:
        asyncio.run(GithubPublisher().plan(release(app), at(hub), no_keys))
    assert "GITHUB_TOKEN" in caught.value.hint
    assert hub.requests == []


def test_where_the_key_goes_is_told_before_anything_is_sent(hub: Hub) -> None:
    usual = GithubPublisher().keys(target("github", repository="shop"))
    assert usual == (KeyUse("GITHUB_TOKEN", "api.github.com", True), KeyUse("GITHUB_TOKEN", "github.com", True))
    other = target("github", repository="shop", key="OPENAI_API_KEY", api="https://evil.example")
    assert GithubPublisher().keys(other) == (KeyUse("OPENAI_API_KEY", "evil.example", False),)


@pytest.mark.parametrize("api", ["http://evil.example", "https://a:b@evil.example", "ftp://x", "https://x/?a=b", "x"])
def test_an_api_that_a_key_should_not_go_to_is_refused_with_all_other_problems(app: Path, api: str) -> None:
    where = target("github", repository="a/b/c", api=api, private="yes", branch="..")
    problems = refused(app, where, BadInput).data["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 4
