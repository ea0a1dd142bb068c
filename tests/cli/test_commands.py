"""Every command against a real project: what is saved, what is printed, and the exit code."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.cli.conftest import COMMAND, Studio
from tests.fakes.wire_script import HOSTILE_TEXT, Fault, Finish, Step, status
from tests.fakes.wire_server import WireServer


def test_new_makes_a_project_with_its_ignore_files_and_overwrites_nothing(outside: Studio) -> None:
    made = outside.data("new", "book", "--title", "The Lantern Ferry")
    root = Path(made["root"])
    assert root == outside.folder / "book"
    ignored = (root / ".gitignore").read_text("utf-8").split()
    assert {".studio/", ".env"} <= set(ignored)
    again = outside("new", "book", code=3)
    assert "project already" in again.stderr
    assert outside.data("status", "-C", "book")["title"] == "The Lantern Ferry"


def test_new_takes_the_folder_that_this_is_only_where_a_person_says_so(outside: Studio) -> None:
    (outside.folder / "letter.txt").write_text("mine", "utf-8")
    refused = outside("new", code=2)
    assert refused.stdout == ""
    assert "which folder" in refused.stderr
    assert "studio new ." in refused.stderr
    assert [path.name for path in outside.folder.iterdir()] == ["letter.txt"]
    assert outside.data("new", ".")["root"] == str(outside.folder)
    assert outside.data("-C", "shelf", "new", "book")["root"] == str(outside.folder / "shelf" / "book")
    assert (outside.folder / "letter.txt").read_text("utf-8") == "mine"
    assert outside.data("status")["title"] == "here"


def test_the_loop_from_brief_to_approved_page_by_commands(studio: Studio, server: WireServer) -> None:
    server.play(Step(text="Fog lay on the Throat.\n\nIlse counted the rings."))
    drafted = studio("generate", "next")
    assert drafted.stdout == "Fog lay on the Throat.\n\nIlse counted the rings.\n"
    assert "Narration, revision 1: 9 words by openai:" in drafted.stderr
    server.play(Step(text="Fog lay on the Throat.\n\nIlse counted."))
    studio("revise", "1/1", "--feedback", "-", "--quote", "the rings", stdin="Shorter.")
    assert "Shorter." in json.dumps(server.calls[-1].body)
    assert "[- the rings-]" in studio("diff", "next").stdout
    approved = studio("approve", "fog")
    assert approved.stdout == "dialogue awaits a draft\n"
    assert "$" in approved.stderr
    studio("generate", "fog")
    assert studio("approve", "fog").stdout == "page approved\n"
    text = (studio.folder / "manuscript" / "the-crossing" / "fog.md").read_text("utf-8")
    assert "Ilse counted." in text
    assert studio("show", "1/1", "--stage", "narration").stdout == "Fog lay on the Throat.\n\nIlse counted.\n"
    assert studio("show", "1/1", "--stage", "narration", "--revision", "1").stdout.endswith("counted the rings.\n")
    rows = studio("history", "1/1", "--stage", "narration").stdout.splitlines()
    assert rows[0].startswith("narration r2")
    assert "approved" in rows[0]
    assert studio.data("costs")["total"]["calls"] == 3
    assert studio("reopen", "fog").stdout == "dialogue waits for you\n"


def test_generate_with_json_prints_events_as_lines_and_the_result_last(studio: Studio, server: WireServer) -> None:
    server.play(Step(text="Fog lay on the Throat."))
    lines = [json.loads(line) for line in studio("generate", "next", "--json").stdout.splitlines()]
    assert lines[0]["ev"] == "run.started"
    assert "".join(line["text"] for line in lines if line["ev"] == "delta") == "Fog lay on the Throat."
    assert lines[-2]["ev"] == "run.ended"
    result = lines[-1]
    assert result["ev"] == "result"
    assert result["revision"]["text"] == "Fog lay on the Throat."
    assert result["state"] == "user_reviewing_narration"


def test_with_json_a_failed_draft_ends_in_an_error_line(studio: Studio, server: WireServer) -> None:
    server.play(status(401))
    failed = studio("generate", "next", "--json", code=4)
    last = json.loads(failed.stdout.splitlines()[-1])
    assert last["error"]["code"] == "authentication_failed"
    assert last["error"]["data"]["status"] == "failed"


def test_a_stream_that_breaks_is_a_provider_error_and_its_text_can_be_kept(studio: Studio, server: WireServer) -> None:
    server.play(Step(text="One two three four five six.", fault=Fault.FIN, after=3))
    broken = studio("generate", "next", code=4)
    assert "studio resume" in broken.stderr
    assert studio.data("status")["chapters"][0]["pages"][0]["phase"] == "interrupted"
    assert studio("resume", "next", "--keep").stdout == "narration waits for you\n"
    refused = studio("approve", "next", code=3)
    assert refused.stderr.splitlines()[-1].endswith("or approve it all the same. Add --anyway for that.")
    assert "key" not in refused.stderr
    studio("approve", "next", "--anyway")


def test_a_person_edits_from_a_file_or_in_an_editor_and_a_stale_base_is_a_conflict(
    studio: Studio, tmp_path: Path
) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("My own first page.\n", "utf-8")
    first = studio.data("edit", "next", "--file", str(text))
    assert first["state"] == "user_reviewing_narration"
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\nsed -i 's/first/second/' \"$1\"\n", "utf-8")
    editor.chmod(0o700)
    studio("edit", "next", env={"EDITOR": str(editor)})
    assert studio("show", "next").stdout == "My own second page.\n"
    assert not list((studio.folder / ".studio" / "edits").glob("*.md"))
    conflict = studio("edit", "next", "--file", str(text), "--revision", first["revision"], code=3)
    assert conflict.stderr.startswith("studio: ")
    assert studio("show", "next").stdout == "My own second page.\n"


def test_an_editor_that_fails_saves_nothing_and_keeps_its_file(studio: Studio, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\necho words >> "$1"\nexit 3\n', "utf-8")
    editor.chmod(0o700)
    failed = studio("edit", "next", env={"VISUAL": str(editor)}, code=1)
    (kept,) = (studio.folder / ".studio" / "edits").glob("*.md")
    assert str(kept) in failed.stderr
    assert "words" in kept.read_text("utf-8")
    assert studio("show", "next", code=2).stdout == ""


def test_without_terminal_and_editor_edit_says_what_to_do(studio: Studio) -> None:
    assert "--file" in studio("edit", "next", code=2).stderr


def test_the_outline_is_changed_by_commands(studio: Studio) -> None:
    second = studio("chapter", "add", "The Toll").stdout.strip()
    studio("chapter", "move", "the-toll", "1")
    studio("chapter", "rename", second, "The Price")
    page = studio("page", "add", "2", "Gloves", "--brief", "@@grey gloves", "--slug", "gloves").stdout.strip()
    assert studio("page", "brief", "gloves").stdout == "@grey gloves\n"
    studio("page", "brief", page, "-", stdin="Grey gloves, folded.\n")
    studio("page", "move", "gloves", "1", "--chapter", "1")
    studio("page", "rename", "gloves", "Grey gloves")
    assert "needs a title" in studio("page", "rename", "gloves", "", code=2).stderr
    assert "needs a title" in studio("page", "add", "2", "", code=2).stderr
    card = studio("page", "show", "1/1").stdout
    assert "1/1 Grey gloves" in card
    assert "Grey gloves, folded." in card
    studio("page", "archive", "gloves")
    assert "gloves" not in studio("page", "list").stdout
    assert "archived" in studio("page", "list", "--archived").stdout
    studio("page", "unarchive", "gloves")
    titles = [chapter["title"] for chapter in studio.data("chapter", "list")["chapters"]]
    assert titles == ["The Price", "The Crossing"]


def test_a_move_says_which_place_came_of_it_and_does_not_count_what_is_archived(studio: Studio) -> None:
    for title in ("Rings", "Tar", "Toll"):
        studio("page", "add", "1", title)

    def titles() -> list[str]:
        return [one["title"] for one in studio.data("page", "list")["pages"]]

    far = studio.data("page", "move", "fog", "9")
    assert (far["place"], far["message"]) == (
        4,
        "Page moved to the end, place 4 of 4: the chapter has no place 9.",
    )
    assert titles() == ["Rings", "Tar", "Toll", "Fog"]
    studio("page", "archive", "rings")
    assert studio("page", "move", "fog", "2").stderr == "Page moved to place 2 of 3.\n"
    assert titles() == ["Tar", "Fog", "Toll"]
    assert studio.data("page", "move", "toll", "1")["place"] == 1
    studio("page", "add", "1", "Gloves", "--at", "3")
    assert titles() == ["Toll", "Tar", "Gloves", "Fog"]
    studio("chapter", "add", "The Toll")
    assert studio.data("chapter", "move", "1", "7")["place"] == 2


def test_a_page_or_chapter_that_is_not_there_is_exit_code_two(studio: Studio) -> None:
    for words in (
        ("page", "show", "9/9"),
        ("generate", "nope"),
        ("page", "list", "--chapter", "7"),
        ("show", "fog", "--stage", "panels"),
    ):
        assert studio(*words, code=2).stderr.startswith("studio: ")


def test_context_shows_the_messages_and_calls_nothing(studio: Studio, server: WireServer) -> None:
    (studio.folder / "canon" / "ilse.md").write_text("---\nname: Ilse\n---\nIlse is left-handed.\n", "utf-8")
    shown = studio("context", "next")
    assert "Ilse is left-handed." in shown.stdout
    assert "Ilse counts the rings." in shown.stdout
    assert "tokens in" in shown.stderr
    assert server.calls == []
    data = studio.data("context", "next", "--model", "openai:gpt-4.1")
    assert data["model"] == "openai:gpt-4.1"
    assert data["messages"][0]["role"] == "system"


def test_canon_is_listed_shown_and_checked(studio: Studio) -> None:
    folder = studio.folder / "canon"
    (folder / "ilse.md").write_text("---\nname: Ilse Vane\naliases: [Ilse]\n---\nSee [[Nobody]].\n", "utf-8")
    assert "Ilse Vane" in studio("canon", "list").stdout
    assert "See [[Nobody]]." in studio("canon", "show", "ilse").stdout
    assert "[[Nobody]] leads nowhere" in studio("canon", "check").stdout
    (folder / "bad.md").write_text("---\nname: [unclosed\n---\nx\n", "utf-8")
    assert "canon/bad.md:" in studio("canon", "check", code=1).stdout
    name = studio("canon", "copy").stdout.splitlines()[0]
    studio("canon", "copy", name)
    assert (folder / name).is_file()


def test_a_broken_template_is_said_and_the_last_good_one_stays_in_use(studio: Studio) -> None:
    assert studio("prompts", "check").stdout == ""
    text = studio("prompts", "show", "story/narration").stdout
    broken = studio("prompts", "edit", "story/narration", "--file", "-", stdin=text.replace("{%", "{% nope", 1), code=1)
    assert re.search(r"story/narration\.md\.j2:\d+: ", broken.stderr)
    assert "narration" in studio("prompts", "check", code=1).stdout
    studio("generate", "next")
    studio("prompts", "reset", "story/narration")
    studio("prompts", "check")


def test_models_are_listed_checked_and_set(studio: Studio) -> None:
    assert studio("models").stdout.startswith("*")
    assert "ok" in studio("models", "--check").stdout
    assert "is now the model for narration." in studio("models", "--set", "openai:gpt-4.1", "--role", "narrator").stderr
    (own,) = [row for row in studio("models").stdout.splitlines() if "openai:gpt-4.1 " in row]
    assert own.endswith("for narration")
    assert "dialogist writes dialogue" in studio("models", "--set", "openai:gpt-4.1", "--role", "poet", code=2).stderr
    assert 'narrator = "openai:gpt-4.1"' in (studio.folder / "studio.toml").read_text("utf-8")
    assert studio("models", "--set", "nobody:x", code=2).stderr


def test_outside_a_project_the_models_of_ones_own_settings_are_listed(outside: Studio) -> None:
    listed = outside("models")
    assert "openai:" in listed.stdout
    assert "for a new project" in next(row for row in listed.stdout.splitlines() if row.startswith("*"))
    assert listed.stderr == "There is no project here: these are the models of your own settings.\n"
    found = outside.data("models", "--check")
    assert found["current"].startswith("openai:")
    assert next(one["ok"] for one in found["providers"] if one["name"] == "openai")
    assert list(outside.folder.iterdir()) == []
    assert "no studio project" in outside("models", "--set", "openai:gpt-4.1", code=2).stderr
    assert "is not a studio project" in outside("models", "-C", ".", code=2).stderr
    assert "STUDIO_PROJECT" in outside("models", code=2, env={"STUDIO_PROJECT": str(outside.folder)}).stderr


def test_without_a_project_and_a_model_the_list_says_what_to_do(outside: Studio) -> None:
    listed = outside("models", env={"OPENAI_API_KEY": ""})
    assert not any(row.startswith("*") for row in listed.stdout.splitlines())
    assert "studio local setup" in listed.stderr


def test_costs_search_and_export(studio: Studio, server: WireServer, tmp_path: Path) -> None:
    assert studio("export", "markdown", code=3).stderr
    server.play(Step(text="Fog lay on the Throat."))
    studio("generate", "next")
    studio("approve", "next")
    assert "1/1 Fog (narration)" in studio("search", "fog lay", "--in", "pages").stdout
    assert studio("export", "markdown", "-o", "-").stdout.startswith("---\ntitle:")
    made = studio.data("export", "markdown", "-o", str(tmp_path / "out.md"))
    assert (made["pages"], made["skipped"]) == (1, 0)
    assert "Fog lay" in (tmp_path / "out.md").read_text("utf-8")
    studio("export", "markdown", "-o", f"{tmp_path}/pages/")
    assert list((tmp_path / "pages").rglob("*.md"))
    assert "openai" in studio("costs", "--by", "model", "--calls").stdout


def test_doctor_looks_at_project_and_terminal_and_fails_when_something_is_wrong(
    studio: Studio, outside: Studio
) -> None:
    found = studio.data("doctor", env={"EDITOR": "cat"})
    assert found["ok"] is True
    assert {"project", "texts", "journal", "manuscript", "terminal", "editor", "keys"} <= {
        one["name"] for one in found["checks"]
    }
    project = next(one for one in found["checks"] if one["name"] == "project")
    assert project["message"] == f"{studio.folder}; no other process has the project open."
    assert next(one["message"] for one in found["checks"] if one["name"] == "states").startswith("1 page, ")
    assert "sk-test" not in json.dumps(found)
    wrong = studio("doctor", env={"EDITOR": "no-such-editor"}, code=1)
    assert "no-such-editor" in wrong.stdout
    assert "There is no studio project" in outside("doctor", env={"EDITOR": "cat"}).stdout


def test_config_shows_sources_and_no_key(studio: Studio) -> None:
    shown = studio("config", "show", env={"STUDIO_LIMITS__REVISIONS": "9"})
    assert "sk-test" not in shown.stdout
    assert str(studio.folder) in studio("config", "path").stdout


def test_a_project_s_own_services_are_asked_about_and_the_yes_is_kept(studio: Studio) -> None:
    with (studio.folder / "studio.toml").open("a", encoding="utf-8") as file:
        file.write('\n[endpoints.stranger]\nbase_url = "http://127.0.0.1:9/v1"\n')
    refused = studio("config", "trust", code=3)
    assert "127.0.0.1:9" in refused.stderr
    assert studio.data("config", "trust", "--yes")["trusted"] is True
    assert studio.data("config", "trust")["trusted"] is True
    assert studio.data("config", "trust", "--forget")["trusted"] is False


def test_completion_scripts_name_the_commands(outside: Studio) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = outside("completion", shell).stdout
        assert "generate" in script
        assert "unarchive" in script


def test_local_status_needs_no_project_and_remove_frees_nothing_where_nothing_is(outside: Studio) -> None:
    found = outside.data("local", "status")
    assert {one["name"] for one in found["models"]} >= {"small", "tiny"}
    assert outside.data("local", "remove", "tiny")["bytes"] == 0
    assert "no-such-file.gguf is not a file" in outside("local", "setup", "no-such-file.gguf", code=2).stderr


def test_text_from_a_model_reaches_the_terminal_without_its_escapes(studio: Studio, server: WireServer) -> None:
    server.play(Step(text=HOSTILE_TEXT))
    shown = studio("generate", "next").stdout + studio("show", "next").stdout + studio("history", "next").stdout
    assert "The lamp" in shown
    assert not {
        char for char in shown if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 or char in "\u202e\u2066"
    }


def test_hostile_names_are_shown_harmless_and_can_be_used(studio: Studio) -> None:
    title = "[/x] \x1b[31mred\x1b]0;t\x07 \nsecond {{ 7*7 }} $(id) ../../etc"
    page = studio("page", "add", "1", title, "--brief", "b").stdout.strip()
    for words in (("status",), ("page", "list"), ("page", "show", page), ("search", "second")):
        out = studio(*words).stdout
        assert "\x1b" not in out
        assert "\x07" not in out
        assert "[/x]" in out
    missing = studio("page", "show", "\x1b]52;c;eA==\x07", code=2)
    assert "\x1b" not in missing.stderr


def test_broken_settings_are_named_with_file_and_key(studio: Studio) -> None:
    (studio.folder / "studio.toml").write_text("[project\ntitle=", "utf-8")
    assert "studio.toml" in studio("status", code=2).stderr
    (studio.folder / "studio.toml").write_bytes(b"\x00\xff\xfe binary")
    assert "studio.toml" in studio("status", code=2).stderr
    (studio.folder / "studio.toml").write_text('[project]\ntitle = "T"\n[limits]\nrevisions = "many"\n', "utf-8")
    assert "limits.revisions" in studio("status", "--json", code=2).stdout


def test_a_limit_on_money_is_exit_code_five(studio: Studio) -> None:
    path = studio.folder / "studio.toml"
    path.write_text(path.read_text("utf-8").replace("# run_usd = 0.50", "run_usd = 0.000001"), "utf-8")
    assert "run_usd" in studio("generate", "next", code=5).stderr


def test_without_key_and_local_model_the_one_line_says_what_to_do(studio: Studio) -> None:
    missing = studio("generate", "next", env={"OPENAI_API_KEY": ""}, code=4)
    assert "ANTHROPIC_API_KEY" in missing.stderr
    assert "studio local setup" in missing.stderr


def test_a_closed_pipe_is_quiet(studio: Studio) -> None:
    line = f"{' '.join(COMMAND)} completion bash | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=studio.folder,
        env=studio.env,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_workbench_needs_a_terminal_and_says_so(studio: Studio) -> None:
    assert "needs a terminal" in studio(code=2).stderr


def test_names_that_are_not_utf_8_are_no_trouble(studio: Studio, tmp_path: Path) -> None:
    studio("page", "add", "1", "bad \udcff name", "--slug", "bad")
    assert "bad \ufffd name" in studio("page", "list").stdout
    studio("edit", "bad", "--stage", "brief", "--file", "-", stdin="b")
    studio("edit", "fog", "--file", "-", stdin="mine")
    studio("approve", "fog")
    made = studio("export", "markdown", "-o", f"{tmp_path}/o\udcff.md", "--json")
    assert json.loads(made.stdout)["pages"] == 1
    assert studio("search", "\udcff", code=2).stderr.startswith("studio: ")


def test_a_wrong_flag_of_a_command_points_at_the_help_of_that_command(studio: Studio) -> None:
    assert "See: studio generate --help" in studio("generate", "next", "--frobnicate", code=2).stderr
    assert "See: studio page add --help" in studio("page", "add", "1", "Fog", "--frobnicate", code=2).stderr


def test_in_an_empty_book_there_is_no_next_page_and_nothing_is_said_of_approval(outside: Studio) -> None:
    outside("new", "empty")
    said = outside("generate", "next", "-C", "empty", code=2).stderr
    assert "There is no page yet." in said
    assert "approved" not in said


def test_a_dialogue_for_an_earlier_narration_is_said_by_every_command_that_shows_the_page(studio: Studio) -> None:
    for _ in range(2):
        studio("generate", "fog", "--quiet")
        studio("approve", "fog")
    assert "earlier" not in studio("status").stdout + studio("show", "fog").stderr
    assert studio.data("show", "fog")["outdated"] == {}
    before = studio("show", "fog", "--stage", "dialogue").stdout
    (studio.folder / "mine.txt").write_text("Ice lay on the Throat.", "utf-8")
    saved = studio("edit", "fog", "--stage", "narration", "--file", "mine.txt").stderr
    assert "The dialogue was written for the earlier text" in saved
    for words in (("status",), ("page", "list")):
        assert "page approved; dialogue is for an earlier text" in studio(*words).stdout
    assert "written for an earlier narration" in studio("page", "show", "fog").stdout
    shown = studio("show", "fog", "--stage", "dialogue")
    assert shown.stdout == before
    assert shown.stderr == "Dialogue: written for an earlier narration.\n"
    assert studio.data("show", "fog")["outdated"] == {"dialogue": ["narration"]}
    assert studio.data("status")["chapters"][0]["pages"][0]["outdated"] == ["dialogue"]
    studio("reopen", "fog")
    studio("approve", "fog")
    assert "earlier" not in studio("status").stdout + studio("show", "fog").stderr


def test_a_text_that_was_cut_off_says_so_wherever_it_is_shown(studio: Studio, server: WireServer) -> None:
    server.play(Step(text="Fog lay on the", finish=Finish.LENGTH))
    assert "cut off at the output limit" in studio("generate", "fog").stderr
    shown = studio("show", "fog")
    assert (shown.stdout, shown.stderr) == ("Fog lay\n", "Narration, revision 1: cut off.\n")
    assert ", cut off" in studio("page", "show", "fog").stdout
    row = studio("history", "fog").stdout.splitlines()[0]
    assert row.endswith("cut off")
    assert studio.data("show", "fog")["revisions"][0]["outcome"] == "cut_off"


def test_a_revision_that_changed_nothing_is_said_to_be_the_same(studio: Studio, server: WireServer) -> None:
    server.play(*[Step(text="Fog lay on the Throat.")] * 3)
    studio("generate", "next")
    assert "r2 is the same as r1: nothing was changed." in studio("revise", "1/1", "--feedback", "Stiller.").stderr
    events = [json.loads(one) for one in studio("revise", "1/1", "--feedback", "No.", "--json").stdout.splitlines()]
    assert events[-1]["run"]["same_as"] == 2
    assert next(one for one in events if one["ev"] == "run.ended")["same_as"] == 2
    assert [one["same_as"] for one in studio.data("history", "1/1")["runs"]] == [2, 1, None]
    server.play(Step(text="Fog stood on the Throat."))
    assert "is the same" not in studio("revise", "1/1", "--feedback", "Again.").stderr


def test_diff_speaks_of_the_stage_that_changed_when_the_last_one_did_not(studio: Studio, server: WireServer) -> None:
    server.play(
        Step(text="Fog lay on the Throat."), Step(text="Fog stood on the Throat."), Step(text="ILSE: Forty-four.")
    )
    studio("generate", "next")
    studio("revise", "1/1", "--feedback", "Stiller.")
    studio("approve", "1/1")
    studio("edit", "1/1", "--stage", "dialogue", "--file", "-", stdin="ILSE: Forty-four.")
    studio("approve", "1/1")
    found = studio("diff", "1/1")
    assert "narration r1 -> narration r2" in found.stderr
    assert "{+stood+}" in found.stdout


def test_a_stopped_draft_names_its_page_by_numbers(studio: Studio, server: WireServer) -> None:
    server.play(Step(text="One two three four five six.", fault=Fault.FIN, after=3))
    assert "studio resume 1/1 --continue" in studio("generate", "next", code=4).stderr
