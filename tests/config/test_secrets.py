"""Keys by reference: order, trust, commands, and that no value gets out."""

import logging
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.config.dotenv import parse_dotenv, read_dotenv
from studio.config.key_command import run_key_command
from studio.config.load import load
from studio.config.redaction import RedactingFilter, Redactor
from studio.config.secrets import COMMAND_LIFE_S, Secrets
from studio.config.settings import Endpoint, Settings
from studio.config.trust import Claims, TrustBook, claims_of
from studio.domain.errors import MissingKey

KEY = "sk-test-0123456789abcdefghij"
PYTHON = f"'{sys.executable}' -c"


@pytest.fixture
def book(tmp_path: Path) -> TrustBook:
    return TrustBook(tmp_path / "state" / "trust.json")


def trusted(root: Path, book: TrustBook) -> None:
    book.record(root, claims_of(root))


def test_the_first_name_that_is_set_wins(tmp_path: Path, book: TrustBook) -> None:
    secrets = Secrets(Settings(), None, {"GROK_API_KEY": "second-key", "EMPTY": " "}, trust=book)
    assert secrets.lookup(["EMPTY", "XAI_API_KEY", "GROK_API_KEY"]) == "second-key"
    assert secrets.source_of(["XAI_API_KEY", "GROK_API_KEY"]) == "GROK_API_KEY"
    assert secrets.lookup(["OTHER"]) is None
    assert secrets.source_of(["OTHER"]) == ""


def test_a_project_s_env_file_counts_only_once_trusted_and_after_the_environment(
    tmp_path: Path, book: TrustBook
) -> None:
    (tmp_path / ".env").write_text(f"A_KEY={KEY}\nOPENAI_BASE_URL=http://stranger\n")
    secrets = Secrets(Settings(), tmp_path, {}, trust=book)
    assert secrets.lookup(["A_KEY"]) is None
    assert secrets.value("OPENAI_BASE_URL") is None
    trusted(tmp_path, book)
    assert secrets.lookup(["A_KEY"]) == KEY
    assert secrets.source_of(["A_KEY"]) == "A_KEY in .env"
    assert (
        Secrets(Settings(), tmp_path, {"A_KEY": "from-environment"}, trust=book).lookup(["A_KEY"]) == "from-environment"
    )


def test_a_change_of_what_was_trusted_asks_again(tmp_path: Path, book: TrustBook) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("A_KEY=one-key\nA_BASE_URL=http://here\n")
    trusted(tmp_path, book)
    env_file.write_text("A_KEY=another-key\nA_BASE_URL=http://here\n")
    assert book.allows(tmp_path, claims_of(tmp_path)), "a new value of the same key is not a new claim"
    env_file.write_text("A_KEY=another-key\nA_BASE_URL=http://elsewhere\n")
    assert not book.allows(tmp_path, claims_of(tmp_path))
    trusted(tmp_path, book)
    (tmp_path / "studio.toml").write_text('[endpoints.x]\nbase_url = "http://a/v1"\n')
    assert not book.allows(tmp_path, claims_of(tmp_path))
    trusted(tmp_path, book)
    book.forget(tmp_path)
    assert not book.allows(tmp_path, claims_of(tmp_path))


def test_claims_are_sentences_without_any_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A_KEY={KEY}\n")
    (tmp_path / "studio.toml").write_text(
        '[endpoints.x]\nbase_url = "http://a/v1"\nkey_env = ["OPENAI_API_KEY"]\napi_key_cmd = "curl evil"\n'
    )
    lines = "\n".join(claims_of(tmp_path).lines)
    assert "http://a/v1" in lines
    assert "OPENAI_API_KEY" in lines
    assert "curl evil" in lines
    assert "A_KEY" in lines
    assert KEY not in lines
    (tmp_path / "studio.toml").write_text("[broken")
    assert claims_of(tmp_path).lines == ("Use A_KEY from the project's .env file.",)


def test_a_project_that_asks_for_nothing_needs_no_yes(tmp_path: Path, book: TrustBook) -> None:
    assert claims_of(tmp_path).empty
    assert book.allows(tmp_path, claims_of(tmp_path))


def test_the_record_is_private_and_a_broken_one_trusts_nothing(tmp_path: Path, book: TrustBook) -> None:
    claims = Claims(("Something.",), "abc")
    book.record(tmp_path, claims)
    assert book.path.stat().st_mode & 0o777 == 0o600
    assert book.allows(tmp_path, claims)
    for text in ("{", "[]", '{"projects": 3}', '{"projects": {"x": 3}}', "\x00"):
        book.path.write_text(text)
        assert not book.allows(tmp_path, claims)


def test_an_env_file_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("A_KEY=secret-value\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".env").symlink_to(tmp_path / "other")
    assert read_dotenv(tmp_path / "project") == {}


def test_the_forms_of_an_env_file() -> None:
    text = """
    # comment
    export A="x \\" y"   # after
    B='# not a comment'
    C=plain # comment
    D=
    1BAD=x
    E=a#b
    """
    assert parse_dotenv(text) == {"A": 'x " y', "B": "# not a comment", "C": "plain", "D": "", "E": "a#b"}


@given(st.text())
def test_any_env_text_can_be_read(text: str) -> None:
    parse_dotenv(text)


def test_a_key_command_is_run_without_a_shell_and_its_first_line_is_the_key(tmp_path: Path) -> None:
    command = f"""{PYTHON} "import sys; print(sys.argv[1]); print('second line')" '$(touch {tmp_path}/made)'"""
    assert run_key_command(command, "x", cwd=tmp_path) == f"$(touch {tmp_path}/made)"
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"{PYTHON} \"import sys; print('{KEY}'); sys.exit(3)\"", "code 3"),
        (f'{PYTHON} ""', "printed nothing"),
        ("no-such-program-here x", "no such file"),
        ("echo 'open", "quotes"),
        ("   ", "empty"),
        (f"{PYTHON} \"print('x' * 10**6)\"", "far more than a key"),
    ],
)
def test_a_failing_command_is_said_in_words_without_its_output(command: str, words: str) -> None:
    with pytest.raises(MissingKey, match=words) as raised:
        run_key_command(command, "box")
    assert KEY not in str(raised.value)


def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    script = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
    with pytest.raises(MissingKey, match="did not answer"):
        run_key_command(f'{PYTHON} "{script}"', "box", cwd=tmp_path, timeout_s=1.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_command_answers_once_in_a_while_and_only_for_its_endpoint(tmp_path: Path, book: TrustBook) -> None:
    count = tmp_path / "count"
    script = f"import pathlib; f = pathlib.Path('{count}'); f.write_text(f.read_text() + 'x' if f.exists() else 'x'); print('{KEY}')"
    now = [0.0]
    settings = Settings(endpoints={"box": Endpoint(api_key_cmd=f'{PYTHON} "{script}"')})
    secrets = Secrets(settings, None, {}, trust=book, clock=lambda: now[0])
    assert secrets.source_of(["NONE"], endpoint="box") == "api_key_cmd"
    assert not count.exists(), "asking where a key is runs nothing"
    assert secrets.lookup(["NONE"], endpoint="other") is None
    assert [secrets.lookup(["NONE"], endpoint="box") for _ in range(3)] == [KEY] * 3
    assert count.read_text() == "x"
    now[0] = COMMAND_LIFE_S + 1
    secrets.lookup(["NONE"], endpoint="box")
    assert count.read_text() == "xx"


def test_a_project_s_command_runs_only_once_trusted(tmp_path: Path, book: TrustBook) -> None:
    made = tmp_path / "made"
    (tmp_path / "studio.toml").write_text(f'[endpoints.x]\napi_key_cmd = "touch {made}"\n')
    env = {"STUDIO_CONFIG_HOME": str(tmp_path / "none")}
    assert Secrets(load(tmp_path, env, trust=book), tmp_path, env, trust=book).lookup([], endpoint="x") is None
    assert not made.exists()
    trusted(tmp_path, book)
    with pytest.raises(MissingKey, match="printed nothing"):
        Secrets(load(tmp_path, env, trust=book), tmp_path, env, trust=book).lookup([], endpoint="x")
    assert made.exists()


@pytest.mark.parametrize(
    "text",
    [
        f"failed for {KEY}!",
        "Authorization: Bearer abc.def-ghi",
        "{'x-api-key': 'abcdef123456'}",
        "OPENAI_API_KEY=abcdef123456",
        "http://user:abcdef123456@host/",
        "xai-abcdefabcdefabcdefabcdef",
    ],
)
def test_what_looks_like_a_key_is_taken_out(text: str) -> None:
    shown = Redactor()(text)
    assert "key removed" in shown
    assert not any(part in shown for part in (KEY, "abc.def", "abcdef123456", "xai-abc"))


def test_ordinary_prose_is_left_alone() -> None:
    prose = "The bearer of the lantern asked the token keeper for a key: none was left. Basic facts, secret doors."
    assert Redactor(["short"])(prose) == prose


def test_every_key_that_was_handed_out_is_known_to_the_redactor(book: TrustBook) -> None:
    secrets = Secrets(Settings(), None, {"A": "plain-looking-words"}, trust=book)
    secrets.lookup(["A"])
    assert "plain-looking-words" not in secrets.redactor("error: plain-looking-words refused")


def test_log_records_lose_their_keys_also_in_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "sent %s", (KEY,), None)
    try:
        raise ValueError(f"bad {KEY}")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert RedactingFilter(Redactor()).filter(record)
    assert KEY not in logging.Formatter().format(record)
