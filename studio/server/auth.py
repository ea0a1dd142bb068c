"""Who may ask: the token and where it is kept, the cookie made from it for a browser, Host and Origin. Nothing here is logged."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from studio.config.files import atomic_write, read_text
from studio.config.paths import state_folder
from studio.domain.errors import BadInput, NotFound
from studio.server.refusals import ForeignOrigin, WrongHost

VARIABLE = "STUDIO_TOKEN"
_SHORTEST = 16
_FORM = re.compile(r"[\x21-\x7e]+")
_LOOPBACK_NAMES = frozenset({"localhost", "localhost."})


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """The shared secret. `source` says where it comes from, `STUDIO_TOKEN` or a path; the value is in no repr."""

    value: str
    source: str

    def accepts(self, given: str) -> bool:
        """Whether `given` is the token. Digests are compared in constant time, so that not even its length shows."""
        return hmac.compare_digest(_digest(given), _digest(self.value))

    @property
    def cookie(self) -> str:
        """What a browser keeps: derived, so that a stolen cookie file does not hold the token itself."""
        return hmac.new(self.value.encode(), b"studio browser session", "sha256").hexdigest()

    def accepts_cookie(self, given: str) -> bool:
        return hmac.compare_digest(_digest(given), _digest(self.cookie))

    def __repr__(self) -> str:
        return f"Token(source={self.source!r})"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def load_token(root: Path, env: Mapping[str, str] | None = None) -> Token:
    """The token of STUDIO_TOKEN, else the one kept in `.studio/token`, made when there is none. Raises BadInput, StorageError."""
    if given := (os.environ if env is None else env).get(VARIABLE, ""):
        if len(given) < _SHORTEST or not _FORM.fullmatch(given):
            raise BadInput(
                f"{VARIABLE} must have {_SHORTEST} characters or more, without spaces.",
                hint="`openssl rand -hex 32` makes a good one.",
            )
        return Token(given, VARIABLE)
    path = state_folder(root) / "token"
    kept = _kept(path)
    if kept is None:
        kept = secrets.token_urlsafe(32)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        atomic_write(path, f"{kept}\n", mode=0o600)
    return Token(kept, str(path))


def _kept(path: Path) -> str | None:
    """The token in the file; None when there is none to trust: absent, a link, cut short, or readable by others."""
    try:
        found = path.lstat()
        text = read_text(path, limit=1_000, where=str(path)).strip() if stat.S_ISREG(found.st_mode) else ""
    except (FileNotFoundError, NotFound, BadInput):
        return None
    private = found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return text if private and len(text) >= _SHORTEST and _FORM.fullmatch(text) else None


class Invitation:
    """A code that opens the gateway in one browser: it stands in a URL, so it works once and is not the token."""

    def __init__(self) -> None:
        self.code = secrets.token_urlsafe(24)
        self._open = True

    def accepts(self, given: str) -> bool:
        """Whether `given` is the code, the first time."""
        right = hmac.compare_digest(_digest(given), _digest(self.code)) and self._open
        self._open = self._open and not right
        return right


def cookie_name(port: int) -> str:
    """Cookies of one host are shared by its ports; each project's gateway has its own name."""
    return f"studio-{port}"


def bearer(header: str) -> str:
    """The token of an Authorization header, empty when there is none."""
    scheme, _, value = header.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def cookie_in(header: str, name: str) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header)
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def check_host(header: str, names: Iterable[str] = ()) -> None:
    """Raises WrongHost unless the Host header is an IP address, localhost or one of `names`.

    DNS rebinding needs a name that the attacker owns; an address in the header is none, whatever the port (a tunnel changes it).
    """
    try:
        host = urlsplit(f"//{header}").hostname or ""
        _ = urlsplit(f"//{header}").port
    except ValueError:
        host = ""
    if host in _LOOPBACK_NAMES or host in {name.lower() for name in names} or _is_address(host):
        return
    raise WrongHost(
        "The gateway is not asked under a name of its own.",
        hint="Use 127.0.0.1 or localhost, or `studio serve --name NAME`.",
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_origin(headers: Mapping[str, str], *, required: bool) -> None:
    """Raises ForeignOrigin when a browser says that a page of another origin asks.

    `required` is for requests that only a cookie vouches for and that change something: then the browser must have said
    where they come from. Two ports of one host are one *site*, so SameSite=Strict alone does not keep a neighbour out.
    """
    origin, host = headers.get("origin"), headers.get("host", "")
    fetched = headers.get("sec-fetch-site")
    if origin is not None and _authority(origin) != host.lower():
        raise _foreign()
    if origin is None and fetched not in (None, "same-origin", "none"):
        raise _foreign()
    if required and origin is None and fetched != "same-origin":
        raise _foreign()


def _authority(origin: str) -> str | None:
    """Host and port of an origin; None for `null` and for what is none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _foreign() -> ForeignOrigin:
    return ForeignOrigin(
        "A page of another origin may not ask here.", hint="Send the token as a bearer header instead."
    )
