"""Reading settings: order of the sources, every problem at once, warnings, where a value comes from."""

from pathlib import Path

import pytest

from studio.config.describe import describe
from studio.config.load import load
from studio.config.settings import Settings
from studio.config.trust import TrustBook, claims_of
from studio.domain.errors import BadInput


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").mkdir()
    return {"STUDIO_CONFIG_HOME": str(tmp_path / "config"), "STUDIO_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    folder.mkdir()
    return folder


def personal(env: dict[str, str], text: str) -> None:
    Path(env["STUDIO_CONFIG_HOME"], "config.toml").write_text(text, "utf-8")


def project(root: Path, text: str) -> None:
    (root / "studio.toml").write_text(text, "utf-8")


def problems(error: BadInput) -> list[tuple[str, int, str]]:
    listed = error.data["problems"]
    assert isinstance(listed, list)
    return [(one["file"], one["line"], one["key"]) for one in listed]


def test_without_any_file_the_built_in_values_hold(root: Path, env: dict[str, str]) -> None:
    settings = load(root, env)
    assert settings.project.workflow == "story"
    assert settings.context.budget_tokens == 24_000
    assert (settings.limits.revisions, settings.limits.retries, settings.limits.run_usd) == (5, 3, None)
    assert settings.workflow.auto_draft is False
    assert settings.models.for_role("narrator") is None


def test_each_source_wins_over_the_one_before_it(root: Path, env: dict[str, str]) -> None:
    personal(
        env,
        '[limits]\nrun_usd = 1\nday_usd = 1\nproject_usd = 1\nrevisions = 1\nretries = 2\n[models]\ndefault = "a:own"\n',
    )
    project(root, '[limits]\nday_usd = 2\nproject_usd = 2\nrevisions = 2\n[models]\nnarrator = "b:project"\n')
    env |= {"STUDIO_LIMITS_PROJECT_USD": "3", "STUDIO_LIMITS_REVISIONS": "3"}
    settings = load(root, env, {"limits.revisions": 4})
    limits = settings.limits
    assert (limits.run_usd, limits.day_usd, limits.project_usd, limits.revisions) == (1, 2, 3, 4)
    assert settings.models.for_role("narrator") == "b:project"
    assert settings.models.for_role("dialogist") == "a:own"
    sources = {line.key: line.source for line in describe(settings)}
    assert sources["limits.retries"].startswith("user: ")
    assert sources["limits.day_usd"] == "project: studio.toml"
    assert sources["limits.project_usd"] == "environment: STUDIO_LIMITS_PROJECT_USD"
    assert sources["limits.revisions"] == "flag"
    assert sources["context.budget_tokens"] == "built in"


def test_the_short_variable_sets_the_default_model(root: Path, env: dict[str, str]) -> None:
    settings = load(
        root, env | {"STUDIO_MODEL": "local", "STUDIO_MODELS_DIALOGIST": "x:y", "STUDIO_MODELS_DIR": "/weights"}
    )
    assert settings.models.default == "local"
    assert settings.models.roles == {"dialogist": "x:y"}


def test_all_mistakes_of_all_files_are_named_at_once_with_file_line_and_key(root: Path, env: dict[str, str]) -> None:
    personal(env, "[ui]\n\nfps = 1000\n")
    project(
        root,
        '[limits]\nrevisions = "many"\nrun_usd = -1\n\n[endpoints.mine]\nbase_url = "ftp://x"\n[context]\nbudget_tokens = nan\n',
    )
    with pytest.raises(BadInput) as raised:
        load(root, env | {"STUDIO_UI_MOUSE": "perhaps"})
    found = problems(raised.value)
    assert (str(Path(env["STUDIO_CONFIG_HOME"], "config.toml")), 3, "ui.fps") in found
    assert ("studio.toml", 2, "limits.revisions") in found
    assert ("studio.toml", 3, "limits.run_usd") in found
    assert ("studio.toml", 6, "endpoints.mine.base_url") in found
    assert ("studio.toml", 8, "context.budget_tokens") in found
    assert ("STUDIO_UI_MOUSE", 0, "ui.mouse") in found
    assert len(found) == 6


@pytest.mark.parametrize("text", ["[limits\n", "a = ", "x = 1\nx = 2\n", "a = " + "[" * 5_000, "a = 1" + "0" * 6_000])
def test_a_broken_file_is_one_sentence(root: Path, env: dict[str, str], text: str) -> None:
    project(root, text)
    with pytest.raises(BadInput, match=r"studio\.toml: is not valid TOML"):
        load(root, env)


@pytest.mark.parametrize("number", ["0x" + "f" * 6_000, "1e999", "-1e999", "nan"])
@pytest.mark.parametrize("key", ["app.workers", "publish.site.port", "limits.run_usd", "lmits.x"])
def test_a_number_of_any_size_ends_in_words(root: Path, env: dict[str, str], key: str, number: str) -> None:
    table, _, name = key.rpartition(".")
    project(root, f"[{table}]\n{name} = {number}\n")
    if table == "lmits":
        assert [one.key for one in load(root, env).warnings] == ["lmits"]
        return
    with pytest.raises(BadInput, match=key):
        load(root, env)


@pytest.mark.parametrize("data", [b"\xff\xfe[\x00", b"a = '\xe9'\n", b"\x00\x01\x02", b"#" * 300_000])
def test_a_file_that_is_not_utf8_or_far_too_large_is_refused_in_words(
    root: Path, env: dict[str, str], data: bytes
) -> None:
    (root / "studio.toml").write_bytes(data)
    with pytest.raises(BadInput) as raised:
        load(root, env)
    assert "studio.toml" in raised.value.message


def test_a_settings_file_that_is_a_folder_is_refused_in_words(root: Path, env: dict[str, str]) -> None:
    (root / "studio.toml").mkdir()
    with pytest.raises(BadInput, match=r"studio\.toml"):
        load(root, env)


def test_an_unknown_key_is_a_warning_with_the_near_name(root: Path, env: dict[str, str]) -> None:
    project(root, '[limits]\nrevisoins = 3\n[lmits]\nx = 1\n[project]\ntitle = "A"\n')
    settings = load(root, env)
    assert [(warning.key, warning.line) for warning in settings.warnings] == [("limits.revisoins", 2), ("lmits", 3)]
    assert "revisions" in settings.warnings[0].hint
    assert "limits" in settings.warnings[1].hint
    assert settings.project.title == "A"


def test_a_project_cannot_set_keys_or_looks(root: Path, env: dict[str, str]) -> None:
    project(root, '[keys]\napprove = "x"\n[ui]\nauthor = "Someone else"\n')
    settings = load(root, env)
    assert settings.keys == {}
    assert settings.ui.author == ""
    assert {warning.key for warning in settings.warnings} == {"keys", "ui"}


def test_keys_are_one_text_or_a_list(env: dict[str, str]) -> None:
    personal(env, '[keys]\napprove = "y"\nstop = ["s", "ctrl+x"]\n')
    assert load(None, env).keys == {"approve": ("y",), "stop": ("s", "ctrl+x")}


def test_control_characters_in_values_never_come_through(root: Path, env: dict[str, str]) -> None:
    project(root, '[project]\ntitle = "A \\u001b]52;c;x\\u0007 [/x] B\\nC"\n')
    title = load(root, env).project.title
    assert "\x1b" not in title
    assert "\n" not in title


def test_the_slug_is_made_from_the_title(root: Path, env: dict[str, str]) -> None:
    project(root, '[project]\ntitle = "The Lantern Ferry"\n')
    assert load(root, env).project.slug == "the-lantern-ferry"


MINE = '[endpoints.mine]\nbase_url = "http://127.0.0.1:9/v1"\nkey_env = "OPENAI_API_KEY"\napi_key_cmd = "echo x"\n'


def test_endpoints_of_a_project_are_ignored_until_the_person_says_yes(root: Path, env: dict[str, str]) -> None:
    project(root, MINE)
    settings = load(root, env)
    assert settings.endpoints == {}
    assert [warning.kind for warning in settings.warnings] == ["trust"]
    assert "studio config trust" in settings.warnings[0].hint
    TrustBook(env=env).record(root, claims_of(root))
    settings = load(root, env)
    assert settings.endpoints["mine"].key_env == ("OPENAI_API_KEY",)
    assert settings.endpoints["mine"].from_project
    assert settings.warnings == ()


def test_a_person_s_own_endpoints_need_no_yes_and_stay_when_the_project_s_are_ignored(
    root: Path, env: dict[str, str]
) -> None:
    personal(env, '[endpoints.box]\nbase_url = "http://box:8080/v1"\nmodels = "big"\n')
    project(root, '[endpoints.box]\nbase_url = "http://stranger/v1"\n')
    endpoint = load(root, env).endpoints["box"]
    assert endpoint.base_url == "http://box:8080/v1"
    assert endpoint.models == ("big",)
    assert not endpoint.from_project


def test_an_address_with_a_password_in_it_is_refused(env: dict[str, str]) -> None:
    personal(env, '[endpoints.box]\nbase_url = "http://user:secret@box/v1"\n')
    with pytest.raises(BadInput, match="base_url"):
        load(None, env)


def test_a_flag_that_is_no_setting_is_refused(root: Path, env: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=r"limits\.nope"):
        load(root, env, {"limits.nope": 1})


def test_show_hides_a_key_that_someone_wrote_into_a_command(env: dict[str, str]) -> None:
    personal(env, '[endpoints.box]\napi_key_cmd = "echo sk-abcdefghijklmnopqrstuvwx"\n')
    shown = {line.key: line.value for line in describe(load(None, env))}
    assert "sk-abc" not in shown["endpoints.box.api_key_cmd"]


def test_the_author_is_the_configured_one_else_the_account() -> None:
    assert Settings().author


def test_a_mistake_in_toml_ends_in_one_full_stop(root: Path, env: dict[str, str]) -> None:
    project(root, "[app\n")
    with pytest.raises(BadInput) as caught:
        load(root, env)
    assert caught.value.message.endswith("(at line 1, column 5).")
