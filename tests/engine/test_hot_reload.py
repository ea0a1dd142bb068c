"""Templates and canon are files: a saved one is what the next draft uses; a broken one leaves the last good one in use."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.events import AnyEvent, TemplateReloaded
from tests.fakes.project import add_page, draft, opened
from tests.fakes.wire_server import WireServer

NAME = "story/narration.md.j2"
GOOD = "---\nname: mine\n---\nuser:\nWrite about {{ brief }} in the manner of a heron.\n"
BROKEN = "---\nname: mine\n---\nuser:\nWrite about {{ brief \n"


async def news(client: InProcessClient, act: object, wanted: bool) -> TemplateReloaded:
    """The next word about the template that says broken (or, with `wanted` False, in use) after `act()`."""
    async with client.subscribe() as events, asyncio.timeout(15):
        act()  # type: ignore[operator]
        async for event in events:
            if _is(event, broken=wanted):
                assert isinstance(event, TemplateReloaded)
                return event
    raise AssertionError("the stream of events ended")


def _is(event: AnyEvent, *, broken: bool) -> bool:
    return isinstance(event, TemplateReloaded) and event.name == NAME and bool(event.error) == broken


async def test_a_saved_template_is_what_the_next_draft_uses(
    client: InProcessClient, server: WireServer, root: Path
) -> None:
    page = await add_page(client)
    await draft(client, page)
    path = root / "prompts" / NAME
    path.parent.mkdir(parents=True)
    await news(client, lambda: path.write_text(GOOD), False)
    await draft(client, page)
    assert "manner of a heron" in json.dumps(server.calls[-1].body)
    runs = (await client.query(q.GetHistory(page=page))).runs
    digests = {run.id for run in runs}
    assert len(digests) == 2


async def test_a_broken_template_says_where_and_the_last_good_one_stays(
    client: InProcessClient, server: WireServer, root: Path, env: dict[str, str]
) -> None:
    page = await add_page(client)
    await client.query(q.GetTemplates())
    path = root / "prompts" / NAME
    path.parent.mkdir(parents=True)
    await news(client, lambda: path.write_text(GOOD), False)
    event = await news(client, lambda: path.write_text(BROKEN), True)
    assert event.line == 5
    assert event.path == f"prompts/{NAME}"
    assert NAME not in event.error
    await draft(client, page)
    assert "manner of a heron" in json.dumps(server.calls[-1].body)
    assert [one.kind for one in (await client.query(q.GetProject())).warnings] == ["template"]
    await client.aclose()
    async with opened(root, env) as again:
        await draft(again, page)
        assert "manner of a heron" in json.dumps(server.calls[-1].body), "the last good one outlives a restart"
        await news(again, lambda: path.write_text(GOOD.replace("heron", "crane")), False)
        await draft(again, page)
        assert "manner of a crane" in json.dumps(server.calls[-1].body)


async def test_a_reset_template_is_kept_in_the_trash(client: InProcessClient, root: Path) -> None:
    await client.execute(c.SaveTemplate(name="narration", text=GOOD))
    assert (root / "prompts" / NAME).read_text() == GOOD
    await client.execute(c.SaveTemplate(name="story/narration.md.j2", text=None))
    assert not (root / "prompts" / NAME).exists()
    assert [path.read_text() for path in (root / ".studio" / "trash").rglob("*.1")] == [GOOD]
    assert (await client.query(q.GetTemplate(name="story/narration.md.j2"))).template.source == "packaged"


async def test_canon_that_changed_is_in_the_next_prompt_and_kept_version_by_version(
    client: InProcessClient, root: Path
) -> None:
    page = await add_page(client)
    path = root / "canon" / "ilse.md"
    for text in ("She is left-handed.", "She is right-handed."):
        path.write_text(f"---\nname: Ilse\n---\n{text}\n")
        async with asyncio.timeout(15):
            while text not in json.dumps([one.text for one in (await client.query(q.GetContext(page=page))).messages]):
                await asyncio.sleep(0.05)
    assert (await client.query(q.GetCanonText(name="Ilse"))).versions == 2
