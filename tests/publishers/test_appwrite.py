"""A release on Appwrite, through the SDK against a loopback server whose replies are the SDK's own models."""

import asyncio
import io
import json
import random
import tarfile
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
)
from studio.publishers.base import KeyUse, Target, Value
from tests.publishers.making import FILES, Killed, Reports, no_keys, publish, release, target

pytest.importorskip("appwrite")

from studio.publishers.appwrite import AppwritePublisher, archive
from tests.publishers.appwrite_server import KEY, Loopback, running_appwrite

SECRET = "sk_live_stripe_0123456789"
TABLES = json.dumps(
    [
        {
            "name": "users",
            "columns": [{"name": "email", "type": "email", "unique": True}, {"name": "age", "type": "int"}],
        },
        {"name": "orders", "columns": [{"name": "user", "references": "users"}, {"name": "total", "type": "decimal"}]},
    ]
)
EVERYTHING: dict[str, Value] = {
    "tables": TABLES,
    "variables": "MODE=live; NAME=a shop",
    "secret_variables": "STRIPE_KEY",
}
STEPS = ("database", "table:users", "table:orders", "create", "variables", "deploy", "ready")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def server() -> Iterator[Loopback]:
    with running_appwrite() as found:
        yield found


def keys(name: str) -> str | None:
    return {"APPWRITE_API_KEY": KEY, "STRIPE_KEY": SECRET}.get(name)


def at(server: Loopback, **more: Value) -> Target:
    return target("appwrite", project="p1", endpoint=server.address, id="shop", **more)


def publisher() -> AppwritePublisher:
    return AppwritePublisher(poll_s=0.01)


def test_a_site_is_made_with_tables_and_variables_and_the_release_is_deployed_and_waited_for(
    app: Path, server: Loopback
) -> None:
    plan, published, reports = publish(publisher(), release(app), at(server, **EVERYTHING), keys)
    assert tuple(reports.order) == STEPS == tuple(step.id for step in plan.steps)
    with tarfile.open(fileobj=io.BytesIO(server.archives["dep1"])) as tar:
        found = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
        assert {name: file.read() for name, file in found.items() if file} == FILES
    assert {row["key"]: (row["value"], row["secret"]) for row in server.variables["shop"]} == {
        "MODE": ("live", False),
        "NAME": ("a shop", False),
        "STRIPE_KEY": (SECRET, True),
    }
    columns = {name: [(row["key"], row["wire"]) for row in table["columns"]] for name, table in server.tables.items()}
    assert columns == {
        "users": [("email", "varchar"), ("age", "integer")],
        "orders": [("user", "varchar"), ("total", "float")],
    }
    assert [(row["key"], row["type"]) for row in server.tables["users"]["indexes"]] == [("email_idx", "unique")]
    assert server.tables["users"]["rowSecurity"] is True
    assert published.url == "https://shop.appwrite.network"
    assert published.data["deployment"] == "dep1"


def test_planning_only_reads(app: Path, server: Loopback) -> None:
    asyncio.run(publisher().plan(release(app), at(server, **EVERYTHING), keys))
    assert all(request.startswith("GET ") for request in server.requests)
    assert server.things == {}


@pytest.mark.parametrize("lost", [False, True], ids=["report kept", "report lost"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_is_gone_on_from_and_nothing_is_made_twice(
    app: Path, server: Loopback, step: str, lost: bool
) -> None:
    what, where = release(app), at(server, **EVERYTHING)
    plan = asyncio.run(publisher().plan(what, where, keys))
    reports = Reports(kill_before=step if lost else "", kill_after="" if lost else step)
    with pytest.raises(Killed):
        asyncio.run(publisher().apply(what, plan, dict(reports.done), reports, keys))
    asyncio.run(publisher().apply(what, plan, dict(reports.done), reports, keys))
    assert tuple(reports.order) == STEPS
    assert len(server.deployments["shop"]) == 1
    assert [row["key"] for row in server.variables["shop"]] == ["MODE", "NAME", "STRIPE_KEY"]
    assert [row["key"] for row in server.tables["users"]["columns"]] == ["email", "age"]


@pytest.mark.parametrize("earlier", [30, 100, 130])
def test_with_many_deployments_an_upload_before_a_kill_is_found_and_not_made_again(
    app: Path, server: Loopback, earlier: int
) -> None:
    publish(publisher(), release(app), at(server), keys)
    (first,) = server.deployments["shop"]
    server.deployments["shop"] += [first | {"$id": f"old{number}"} for number in range(1, earlier)]
    plan = asyncio.run(publisher().plan(release(app), at(server), keys))
    reports = Reports(kill_before="deploy")
    with pytest.raises(Killed):
        asyncio.run(publisher().apply(release(app), plan, {}, reports, keys))
    asyncio.run(publisher().apply(release(app), plan, dict(reports.done), reports, keys))
    assert len(server.deployments["shop"]) == earlier + 1


def test_a_deployment_or_site_that_went_away_after_a_kill_is_made_again(app: Path, server: Loopback) -> None:
    plan = asyncio.run(publisher().plan(release(app), at(server), keys))
    reports = Reports(kill_after="deploy")
    with pytest.raises(Killed):
        asyncio.run(publisher().apply(release(app), plan, {}, reports, keys))
    server.deployments["shop"].clear()
    server.things.clear()
    asyncio.run(publisher().apply(release(app), plan, dict(reports.done), Reports(), keys))
    assert len(server.deployments["shop"]) == 1
    assert "shop" in server.things


def test_the_next_version_is_a_new_deployment_of_the_same_site(app: Path, server: Loopback) -> None:
    publish(publisher(), release(app), at(server, **EVERYTHING), keys)
    more = json.dumps([{"name": "users", "columns": [{"name": "email", "unique": True}, {"name": "city"}]}])
    plan, _, reports = publish(publisher(), release(app, version="1.1.0"), at(server, tables=more), keys)
    assert reports.order == ["table:users", "deploy", "ready"]
    assert "table users: gets what it lacks (city)" in plan.diff
    assert [row["$id"] for row in server.deployments["shop"]] == ["dep1", "dep2"]


def test_a_function_is_deployed_alike(app: Path, server: Loopback) -> None:
    what = release(app, {"main.py": b"def main(context): ...\n"})
    where = at(server, kind="function", runtime="python-3.12", entrypoint="main.py")
    _, _, reports = publish(publisher(), what, where, keys)
    assert reports.order == ["create", "deploy", "ready"]
    assert "POST /functions" in server.requests
    assert server.things["shop"]["runtime"] == "python-3.12"


def test_a_large_release_arrives_whole_in_pieces(app: Path, server: Loopback) -> None:
    noise = random.Random(7).randbytes(11_000_000)
    what = release(app, {"noise.bin": noise})
    publish(publisher(), what, at(server), keys)
    assert server.archives["dep1"] == archive(what)
    assert server.requests.count("POST /sites/shop/deployments") == 3


def test_a_build_that_fails_is_told_with_the_end_of_its_log(app: Path, server: Loopback) -> None:
    server.build = ["building", "failed"]
    server.log = "npm install\n\x1b[31mno such package: left\x1b[0m\n"
    with pytest.raises(Refused, match="no such package: left") as caught:
        publish(publisher(), release(app), at(server), keys)
    assert "\x1b" not in str(caught.value)


def test_the_keys_are_in_no_plan_report_log_or_result(
    app: Path, server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    plan, published, reports = publish(publisher(), release(app), at(server, **EVERYTHING), keys)
    kept = msgspec.json.encode([plan, published, reports.done]).decode() + caplog.text
    assert KEY not in kept
    assert SECRET not in kept


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "words"),
    [
        (401, {}, {"message": f"bad key {KEY}"}, AuthenticationFailed, r"bad key \[key removed\]"),
        (403, {}, {"message": "missing scope"}, AuthenticationFailed, "missing scope"),
        (400, {}, {"message": "Invalid `siteId`"}, RequestRejected, "status 400"),
        (429, {}, {"message": "too many"}, RateLimited, "asks to wait"),
        (503, {}, {"message": "busy"}, Overloaded, "status 503"),
        (302, {"location": "http://127.0.0.1:1/v1/sites"}, {}, ConnectionFailed, "redirects"),
        (200, {}, {"unexpected": True}, BadReply, "not of its API"),
        (200, {"content-type": "text/html"}, "<html>captive portal</html>", BadReply, "not of its API"),
    ],
)
def test_each_refusal_is_one_sentence_without_the_key(
    app: Path, server: Loopback, status: int, headers: dict[str, str], body: object, kind: type[StudioError], words: str
) -> None:
    plan = asyncio.run(publisher().plan(release(app), at(server), keys))
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    server.faults["POST /sites"] = [(status, {"content-type": "application/json"} | headers, data)]
    with pytest.raises(kind, match=words) as caught:
        asyncio.run(publisher().apply(release(app), plan, {}, Reports(), keys))
    assert KEY not in str(caught.value)
    assert "\n" not in caught.value.message


def test_a_warning_of_the_server_is_not_printed(app: Path, server: Loopback, capfd: pytest.CaptureFixture[str]) -> None:
    body = b'{"message": "not here", "type": "site_not_found", "code": 404}'
    server.faults["GET /sites/shop"] = [(404, {"content-type": "application/json", "x-appwrite-warning": "old"}, body)]
    asyncio.run(publisher().plan(release(app), at(server), keys))
    assert capfd.readouterr() == ("", "")


def test_a_site_that_was_made_meanwhile_is_used(app: Path, server: Loopback) -> None:
    plan = asyncio.run(publisher().plan(release(app), at(server), keys))
    server.answer(
        "POST", "/sites", {"siteId": "shop", "name": "x", "framework": "other", "buildRuntime": "static-1"}, {}
    )
    reports = Reports()
    asyncio.run(publisher().apply(release(app), plan, {}, reports, keys))
    assert reports.done["create"]["made"] is False


def test_a_server_that_is_not_there_is_said(app: Path) -> None:
    with pytest.raises(ConnectionFailed):
        asyncio.run(
            publisher().plan(release(app), target("appwrite", project="p1", endpoint="http://127.0.0.1:9/v1"), keys)
        )


def test_without_a_key_nothing_is_sent(app: Path, server: Loopback) -> None:
    with pytest.raises(MissingKey, match="APPWRITE_API_KEY"):
        asyncio.run(publisher().plan(release(app), at(server), no_keys))
    assert server.requests == []


def test_where_keys_go_is_told_before_anything_is_sent() -> None:
    assert publisher().keys(target("appwrite", project="p")) == (KeyUse("APPWRITE_API_KEY", "cloud.appwrite.io", True),)
    other = target("appwrite", project="p", endpoint="https://evil.example/v1", secret_variables="OPENAI_API_KEY")
    assert publisher().keys(other) == (
        KeyUse("APPWRITE_API_KEY", "evil.example", False),
        KeyUse("OPENAI_API_KEY", "evil.example", False),
    )


def test_all_problems_are_named_at_once(app: Path) -> None:
    where = target(
        "appwrite", endpoint="http://evil.example", kind="app", id="a b", runtime="cobol", tables="[]",
        variables="1X=2; A=1; A=2", wait="long",
    )  # fmt: skip
    with pytest.raises(BadInput) as caught:
        asyncio.run(publisher().plan(release(app), where, keys))
    problems = caught.value.data["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 9


def test_the_archive_is_the_same_bytes_each_time(app: Path) -> None:
    assert archive(release(app)) == archive(release(app, dict(reversed(list(FILES.items())))))
