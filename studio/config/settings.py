"""The settings as data: what `studio.toml` and the person's own `config.toml` may hold, with defaults. Reading is in `load`."""

from __future__ import annotations

import getpass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=10_000_000, description="a whole number, 0 or more")]
Tokens = Annotated[int, Meta(ge=500, le=10_000_000, description="a whole number of tokens, 500 or more")]
Seconds = Annotated[float, Meta(ge=0, le=86_400, description="seconds, 0 or more")]
Money = Annotated[float, Meta(ge=0, le=1_000_000, description="US dollars, 0 or more")]
Text = Annotated[str, Meta(max_length=300, description="text")]
Switch = Annotated[bool, Meta(description="true or false")]
Name = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][\w.-]{0,59}$", description="a short name of letters, digits, - and _")
]
Url = Annotated[
    str, Meta(pattern=r"^(https?://[^\s@]+)?$", description="an address that starts with http:// or https://")
]
Names = Annotated[tuple[str, ...], Meta(max_length=200, description="a list of texts")]
Api = Annotated[Literal["", "chat", "responses", "messages"], Meta(description="chat, responses or messages")]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the tables of a settings file."""


class Project(Section, frozen=True, kw_only=True):
    """`slug` names the project in file names; it is made from the title when not given."""

    title: Text = "Untitled"
    slug: Text = ""
    workflow: Name = "story"
    language: Text = "en"


class Models(Section, frozen=True, kw_only=True):
    """`provider:model` by default and by role name."""

    default: str | None = None
    roles: dict[str, str] = {}

    def for_role(self, role: str) -> str | None:
        return self.roles.get(role) or self.default


class Context(Section, frozen=True, kw_only=True):
    """`prior_pages` is the most earlier pages that go in; `reserve` is kept free in a model's window, as counts are estimates.

    `local_budget_tokens` holds for a model on this computer: two cores read 30 to 120 tokens a second before the first word comes.
    """

    budget_tokens: Tokens = 24_000
    local_budget_tokens: Tokens = 3_000
    prior_pages: Count = 40
    reserve: Count = 1_024


class Limits(Section, frozen=True, kw_only=True):
    """Money in US dollars, None without a limit; `revisions` by a model per stage of a page; `max_wait_s` bounds one Retry-After."""

    run_usd: Money | None = None
    day_usd: Money | None = None
    project_usd: Money | None = None
    revisions: Count = 5
    retries: Annotated[int, Meta(ge=1, le=20, description="a whole number of tries, 1 or more")] = 3
    max_wait_s: Seconds = 60.0


class WorkflowOptions(Section, frozen=True, kw_only=True):
    """`auto_gates` names stages whose finished text is approved without a person; `auto_draft` begins the next draft then."""

    auto_draft: Switch = False
    auto_gates: Names = ()


class Endpoint(Section, frozen=True, kw_only=True):
    """A service of models. An empty value leaves what the built-in endpoint of that name has.

    `key_env` are names of variables, never keys; `from_project` marks one that a project's file named (and a person allowed).
    """

    base_url: Url = ""
    api: Api = ""
    key_env: Names = ()
    api_key_cmd: Annotated[str, Meta(max_length=2_000, description="a command line")] = ""
    models: Names = ()
    default_model: Text = ""
    label: Text = ""
    context_tokens: Tokens | None = None
    from_project: bool = False


class Ui(Section, frozen=True, kw_only=True):
    """`skip_price_under_usd`: a draft whose highest price is below it is not asked about; `fps` bounds screen updates."""

    theme: Text = ""
    ascii: Switch = False
    skip_price_under_usd: Money = 0.0
    mouse: Switch = True
    fps: Annotated[int, Meta(ge=1, le=120, description="a whole number from 1 to 120")] = 60
    author: Text = ""
    bell_after_s: Seconds = 10.0


class Engine(Section, frozen=True, kw_only=True):
    """The background engine leaves after `idle_minutes` without a terminal, a draft or a queue; 0 keeps it until it is stopped.

    With `shared`, members of the group of the project's folder may attach to it. It counts in the person's own configuration
    only: no project opens itself to others."""

    shared: bool = False
    idle_minutes: Annotated[float, Meta(ge=0, le=100_000, description="minutes, 0 for no limit")] = 10.0


class App(Section, frozen=True, kw_only=True):
    """The app workflow. `check` is a command that tests the application, run only after the person's yes; `file_bytes` bounds one
    file that a model writes, `task_files` how many it may write in one task. `standards` puts the packaged standards in while the
    project has none of its own."""

    type: Annotated[
        Literal["web", "mobile", "api", "fullstack", "other"], Meta(description="web, mobile, api, fullstack or other")
    ] = "web"
    workers: Annotated[int, Meta(ge=1, le=16, description="a whole number from 1 to 16")] = 3
    iterations: Annotated[int, Meta(ge=1, le=200, description="a whole number from 1 to 200")] = 25
    task_tries: Annotated[int, Meta(ge=1, le=10, description="a whole number from 1 to 10")] = 3
    repairs: Annotated[int, Meta(ge=0, le=10, description="a whole number from 0 to 10")] = 3
    check: Annotated[str, Meta(max_length=2_000, description="a command line")] = ""
    check_seconds: Seconds = 120.0
    map_tokens: Tokens = 3_000
    file_bytes: Count = 256_000
    task_files: Count = 200
    standards: Switch = True


class SettingWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a settings file that has no effect. `kind` is settings or trust; `line` is 0 when unknown."""

    file: str
    key: str
    message: str
    hint: str = ""
    line: int = 0
    kind: Literal["settings", "trust"] = "settings"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, merged. `sources` says for each dotted key that is not built in where its value comes from."""

    project: Project = Project()
    models: Models = Models()
    context: Context = Context()
    limits: Limits = Limits()
    workflow: WorkflowOptions = WorkflowOptions()
    endpoints: dict[str, Endpoint] = {}
    keys: dict[str, tuple[str, ...]] = {}
    ui: Ui = Ui()
    engine: Engine = Engine()
    app: App = App()
    publish: dict[str, dict[str, str | int | float | bool]] = {}
    warnings: tuple[SettingWarning, ...] = ()
    sources: dict[str, str] = {}

    @property
    def author(self) -> str:
        """Who writes: `ui.author`, else the name of the account."""
        return self.ui.author or _account()


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run as a number without an account
        return "author"


FIXED: dict[str, type[Section]] = {
    "project": Project,
    "context": Context,
    "limits": Limits,
    "workflow": WorkflowOptions,
    "ui": Ui,
    "engine": Engine,
    "app": App,
}
"""Tables whose keys are known; `models`, `keys`, `endpoints` and `publish` take names of the person's choice."""

PERSONAL = frozenset({"keys", "ui"})
"""Tables that only the person's own file may hold."""

SECTIONS = (*FIXED, "models", "keys", "endpoints", "publish")
