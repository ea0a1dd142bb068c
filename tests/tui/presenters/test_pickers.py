"""Rows of search, jump, models, templates, keys and the exact prompt."""

import msgspec

from studio.domain.words import Words
from studio.protocol.commands import SetModel
from studio.protocol.queries import GetContext, GetProject
from studio.protocol.views import ModelLine, ModelsView, SearchHit, TemplateView
from studio.tui import keymap
from studio.tui.presenters import keys, models, templates
from studio.tui.presenters.exact import exact
from studio.tui.presenters.search import Hits, hit_row, jump, places, summary
from tests.fakes.fake_engine import ferry


def hit(page, before, match, after, **given):
    values = {
        "kind": "page" if page else "canon",
        "title": "Fog",
        "page": page,
        "stage": "narration",
        "path": "canon/a.md",
        "line": 3,
    }
    return SearchHit(before=before, match=match, after=after, **{**values, **given})


def test_stepping_goes_round_and_counts():
    found = Hits("x", (hit("p", "", "x", ""), hit(None, "", "x", "")))
    assert found.step(1).step(1).at == 0
    assert found.step(-1).count == "2 of 2"
    assert summary(found) == "2 places in 1 page and 1 canon document"
    assert Hits("x", ()).step(1).current is None


def test_a_long_line_keeps_its_match_in_sight():
    row = hit_row(hit("p", "before " * 30, "needle", " after" * 30), {"p": "2/3"}, 80)
    assert "needle" in [text for text, style in row.spans if style == "match"]
    assert row.width <= 80
    assert row.text.startswith("2/3 Fog")


async def test_numbers_go_before_titles_that_hold_the_same_digits():
    known = places(await ferry().query(GetProject()))
    assert next(match.item.title for match in jump("2/3", known)) == "Forty-four"
    assert jump("2", known, chapter=1)[0].item.title == "The green lantern"
    assert jump("the-green", known)[0].item.title == "The green lantern"
    assert jump("9/9", known) == []


def model(ref, **given):
    values = {
        "provider": "x", "label": ref, "available": True, "reason": "", "key": "", "input_price": 3.0, "output_price": 15.0,
        "context_tokens": 0,
    }  # fmt: skip
    return ModelLine(ref=ref, **{**values, **given})


VIEW = ModelsView(
    current=None,
    hint="",
    models=(
        model("a:off", available=False, reason="A_KEY is not set"),
        model("b:on"),
        model("c:now", current_for=("project",)),
        model("d:free", input_price=0.0, output_price=0.0),
        model("e:unknown", input_price=None, output_price=None),
    ),
    providers=(),
)


def test_the_model_in_use_is_first_and_those_that_cannot_be_used_say_why():
    refs = [choice.ref for choice in models.choices(VIEW)]
    assert refs == ["c:now", "b:on", "d:free", "e:unknown", "a:off", ""]
    shown = [models.row(choice, 70).text for choice in models.choices(VIEW)]
    assert "A_KEY is not set" in shown[4]
    assert "$3.00 in  $15.00 out" in shown[1]
    assert shown[2].endswith("free")
    assert shown[3].endswith("price unknown")


def test_a_name_that_is_not_listed_can_be_typed_and_the_empty_choice_takes_one_back():
    assert [choice.ref for choice in models.choices(VIEW, "ollama:qwen")] == ["ollama:qwen"]
    assert models.choices(VIEW, "c:now")[0].model is not None
    last = models.choices(VIEW)[-1]
    assert last.command(models.Target("writer", "writer")).model == ""


def _template(name: str, source: str = "packaged", description: str = "") -> TemplateView:
    return TemplateView(name=name, path=f"prompts/{name}", source=source, digest="x", description=description)


def test_templates_of_the_projects_own_workflow_come_first_and_editing_one_moves_no_row():
    names = [
        "app/testing.md.j2",
        "story/_prefix.md.j2",
        "_parts/page.md.j2",
        "story/narration.md.j2",
        "story/dialogue.md.j2",
    ]
    wanted = [
        "story/dialogue.md.j2",
        "story/narration.md.j2",
        "story/_prefix.md.j2",
        "app/testing.md.j2",
        "_parts/page.md.j2",
    ]
    assert [one.name for one in templates.order(tuple(map(_template, names)), "story")] == wanted
    own = tuple(_template(name, "project" if "narration" in name else "packaged") for name in names)
    assert [one.name for one in templates.order(own, "story")] == wanted


def test_a_filter_of_templates_looks_at_names_and_descriptions():
    found = (_template("story/narration.md.j2"), _template("story/dialogue.md.j2", description="Lines that are said."))
    assert [one.name for one in templates.matching(found, "said")] == ["story/dialogue.md.j2"]
    assert templates.matching(found, " ") == found


def test_for_a_role_the_first_row_is_the_projects_model_and_its_own_one_is_found():
    role = models.Target("dialogist", "dialogue")
    view = msgspec.structs.replace(VIEW, models=(*VIEW.models, model("f:own", current_for=("dialogist",))))
    found = models.choices(view, "", role)
    assert models.row(found[0], 60, target=role).text.strip() == "same as the project's"
    assert found[0].command(role) == SetModel(model="", role="dialogist")
    assert found[models.chosen(found, role)].ref == "f:own"
    assert models.chosen(models.choices(VIEW), models.Target(None, "project")) == 0


def test_a_broken_template_comes_first_and_names_line_and_reason():
    good = TemplateView(name="b", path="prompts/b", source="packaged", digest="x", description="Drafts.")
    bad = TemplateView(
        name="z", path="prompts/z", source="project", digest="x", description="", error="unexpected '}'", error_line=4
    )
    assert templates.order((good, bad))[0] is bad
    assert any("line 4: unexpected '}'" in row.text for row in templates.facts(bad, 60))
    broken = [row for row in templates.numbered("one\ntwo", 40, broken=2) if ("two", "error") in row.spans]
    assert len(broken) == 1


def test_help_lists_groups_and_search_finds_by_word_and_by_key():
    table = keymap.build()
    assert next(row.text for row in keys.help_rows(table, "", 80) if row.stop is None and row.text) == "Move"
    assert keys.help_rows(table, "undo approval", 80)[0].stop == "reopen"
    assert any(row.stop == "history" for row in keys.help_rows(table, "restore", 80))


def test_the_palette_puts_what_can_be_done_now_first_and_the_terminals_own_colours_before_other_themes():
    entries = keys.palette(
        keymap.build(), ["nord", "ansi-light", "ansi-dark"], "nord", lambda action: action == "brief"
    )
    assert entries[0].id == "brief"
    assert [entry.id for entry in entries if entry.id.startswith(keys.THEME)] == [
        "theme:ansi-dark",
        "theme:ansi-light",
        "theme:nord",
    ]


async def test_the_exact_prompt_says_what_was_left_out_and_why():
    engine = ferry()
    page = next(page for page in engine.pages if page.stage)
    rows = exact(await engine.query(GetContext(page=page.id)), 90)
    text = "\n".join(row.text for row in rows)
    assert text.index("left out") < text.index("House Caul")
    assert "budget" in text
    assert "7,900 of 24,000 tokens" in text


async def test_the_exact_prompt_of_an_application_says_its_own_word_for_a_brief():
    engine = ferry()
    page = next(page for page in engine.pages if page.stage)
    view = await engine.query(GetContext(page=page.id))
    entry = msgspec.structs.replace(
        view.ledger[0], kind="brief", name="brief", reason="named", detail="brief of page 1/2", included=True
    )
    named = msgspec.structs.replace(view.ledger[1], name="Brief encounters", detail="Brief encounters", included=True)
    view = msgspec.structs.replace(view, ledger=(entry, named))
    words = Words({"brief": "request", "page": "change"})
    rows = [row.text for row in exact(view, 90, words=words)]
    assert any("request" in row and "named request of change 1/2" in row for row in rows)
    assert any("Brief encounters" in row and "request" not in row for row in rows)
    assert any("brief of page 1/2" in row.text for row in exact(view, 90))


def test_help_begins_with_the_keys_of_the_place_it_was_opened_from():
    table = keymap.build()
    for scopes, group in (
        (("composer", "anywhere"), "Composer"),
        (("history", "anywhere"), "History"),
        (("page",), "Move"),
    ):
        rows = keys.help_rows(table, "", 80, keys.group_of(scopes))
        assert rows[0].text == group


def test_help_is_whole_on_a_narrow_screen_and_found_keys_name_their_group_in_one_column():
    table = keymap.build()
    narrow = [row for row in keys.help_rows(table, "", 56) if row.stop == "mouse"]
    words = " ".join(" ".join(row.text for row in narrow).split())
    assert table.by_id["mouse"].help in words
    assert max(row.width for row in keys.help_rows(table, "", 56)) <= 56
    found = [row for row in keys.help_rows(table, "page", 90) if len(row.spans) == 3]
    assert len({row.text.index(row.spans[2][0], 40) for row in found}) == 1


def test_the_palette_finds_actions_by_other_words_for_them():
    entries = keys.palette(keymap.build(), (), "nord", lambda _: True)
    for typed, wanted in (
        ("reopen", "reopen"),
        ("set aside", "resume.discard"),
        ("discard", "resume.discard"),
        ("studio export", "export"),
    ):
        assert keys.palette_rows(entries, typed, 80)[0].stop == wanted
