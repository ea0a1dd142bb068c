"""The gateway's own HTML: plain, self-contained, without scripts. Every value is escaped."""

from __future__ import annotations

import base64
import hashlib
from html import escape

_STYLE = """
:root { color-scheme: light dark; --dim: #6b6b6b; --line: #9994; }
body { font: 15px/1.5 ui-sans-serif, system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow: auto; padding: .6rem; border: 1px solid var(--line); }
details { border-bottom: 1px solid var(--line); padding: .3rem 0; } summary { cursor: pointer; }
summary b { display: inline-block; min-width: 3.4rem; } .dim { color: var(--dim); }
table { border-collapse: collapse; } td, th { text-align: left; padding: .1rem .9rem .1rem 0; vertical-align: top; }
input { font: inherit; padding: .3rem; width: 28rem; max-width: 100%; } button { font: inherit; padding: .3rem 1rem; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
"""The Content-Security-Policy of every answer: no script, no other origin."""


def page(title: str, body: str, head: str = "") -> str:
    """A whole document. `body` and `head` are HTML already; `title` is text."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{head}'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def entrance(message: str = "") -> str:
    """The form that takes the token."""
    words = f"<p><b>{escape(message)}</b></p>" if message else ""
    return page(
        "studio",
        f"<h1>studio</h1>{words}<p>Open the link that <code>studio serve</code> printed, or paste the token.</p>"
        '<form method="post" action="/login"><p><input type="password" name="token" autocomplete="off" required '
        'aria-label="token"> <button>Open</button></p></form>'
        '<p class="dim">The token is in <code>.studio/token</code> of the project, or in <code>STUDIO_TOKEN</code>.</p>',
    )


def welcome() -> str:
    """Shown once the cookie is set. It leads on by itself: a cookie that is Strict is not sent on a redirect from elsewhere."""
    return page(
        "studio",
        '<h1>studio</h1><p>This browser may ask now. <a href="/">Go on</a></p>',
        '<meta http-equiv="refresh" content="0;url=/">',
    )
