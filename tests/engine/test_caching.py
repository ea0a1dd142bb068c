"""Over the pages of a book most input tokens come from the provider's cache, for both roles, on servers that count honestly."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.workspace import scaffold
from tests.fakes.project import draft, environment, opened
from tests.fakes.wire_server import WireServer


@pytest.mark.parametrize("api", ["chat", "messages"])
async def test_eight_pages_are_mostly_served_from_the_cache(api: str, server: WireServer, tmp_path: Path) -> None:
    root = tmp_path / "ferry"
    scaffold.copy_sample("lantern-ferry", root)
    async with opened(root, environment(server, tmp_path, api)) as client:
        await client.execute(c.ImportBook(path="book.toml"))
        if api == "chat":
            # Newer models count a prefix only at marks, which compatible endpoints do not know.
            await client.execute(c.SetModel(model="openai:gpt-4.1"))
        for number in range(2):
            await client.execute(c.AddPage(chapter="2", title=f"After {number}", brief="Ilse poles back. Bram sleeps."))
        for _ in range(8):
            page = (await client.query(q.GetPage(page="next"))).id
            for _ in ("narration", "dialogue"):
                assert (await draft(client, page)).status == "completed"
                await client.execute(c.Approve(page=page))
        costs = await client.query(q.GetCosts(by="stage"))
    shares = {row.key: row.cached_tokens / row.input_tokens for row in costs.rows}
    assert set(shares) == {"narration", "dialogue"}
    assert all(share > 0.8 for share in shares.values()), shares
