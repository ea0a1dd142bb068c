"""The token and where it is kept, the browser's cookie, and the link that opens a browser once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from studio.domain.errors import BadInput
from studio.server.auth import Invitation, Token, check_host, load_token
from studio.server.refusals import WrongHost
from tests.server.conftest import TOKEN, Running


def test_a_token_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = load_token(tmp_path, {})
    path = tmp_path / ".studio" / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_token(tmp_path, {}).value == first.value
    assert len(first.value) >= 32
    assert first.value not in repr(first)


@pytest.mark.parametrize("content", ["", "short\n", "with a space in it, and long enough\n", "\x00" * 40])
def test_a_token_file_that_holds_none_is_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".studio" / "token"
    path.parent.mkdir(mode=0o700)
    path.write_text(content)
    path.chmod(0o600)
    made = load_token(tmp_path, {}).value
    assert path.read_text().strip() == made
    assert made != content.strip()


def test_a_token_that_others_could_read_is_not_used_any_more(tmp_path: Path) -> None:
    old = load_token(tmp_path, {}).value
    (tmp_path / ".studio" / "token").chmod(0o644)
    assert load_token(tmp_path, {}).value != old
    assert stat.S_IMODE((tmp_path / ".studio" / "token").stat().st_mode) == 0o600


def test_a_link_in_place_of_the_token_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("something-of-somebody-else\n")
    victim.chmod(0o600)
    (tmp_path / ".studio").mkdir()
    os.symlink(victim, tmp_path / ".studio" / "token")
    assert load_token(tmp_path, {}).value != "something-of-somebody-else"
    assert victim.read_text() == "something-of-somebody-else\n"


def test_the_environment_comes_first_and_must_be_long_enough(tmp_path: Path) -> None:
    assert load_token(tmp_path, {"STUDIO_TOKEN": TOKEN}).value == TOKEN
    assert not (tmp_path / ".studio").exists()
    for bad in ("short", "x" * 15, "with a space in it", "line\nline-line-line-line"):
        with pytest.raises(BadInput):
            load_token(tmp_path, {"STUDIO_TOKEN": bad})


def test_the_cookie_is_not_the_token() -> None:
    token = Token(TOKEN, "here")
    assert TOKEN not in token.cookie
    assert not token.accepts(token.cookie)
    assert token.accepts_cookie(token.cookie)
    assert not token.accepts_cookie(TOKEN)


def test_an_invitation_is_accepted_once_and_a_wrong_one_does_not_spend_it() -> None:
    invitation = Invitation()
    assert not invitation.accepts("")
    assert not invitation.accepts("guess")
    assert invitation.accepts(invitation.code)
    assert not invitation.accepts(invitation.code)


def test_a_name_of_its_own_is_answered_to() -> None:
    check_host("Desk.example:8765", ["desk.example"])
    with pytest.raises(WrongHost):
        check_host("desk.example")


async def test_the_link_sets_a_cookie_that_no_script_and_no_other_site_gets(gate: Running) -> None:
    del gate.http.headers["authorization"]
    link = f"/login?code={gate.gateway.invitation.code}"
    answer = await gate.http.get(link)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"studio-{gate.port}=")
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert (await gate.http.get("/reference")).status_code == 200
    gate.http.cookies.clear()
    assert (await gate.http.get("/reference")).status_code == 401
    again = await gate.http.get(link)
    assert (again.status_code, "set-cookie" in again.headers) == (401, False)


async def test_the_form_takes_the_token(gate: Running) -> None:
    del gate.http.headers["authorization"]
    page = await gate.http.get("/reference", headers={"accept": "text/html"})
    assert (page.status_code, "<form" in page.text) == (401, True)
    wrong = await gate.http.post("/login", data={"token": "<b>wrong</b>"}, headers={"origin": gate.url})
    assert (wrong.status_code, "<b>wrong" in wrong.text) == (401, False)
    right = await gate.http.post("/login", data={"token": TOKEN}, headers={"origin": gate.url})
    assert right.status_code == 200
    assert (await gate.http.get("/openapi.json")).status_code == 200
    foreign = await gate.http.post("/login", data={"token": TOKEN}, headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403
