"""The project file, `powerml.yaml`: where the data is, and what its times, plans, outcomes and events mean."""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from powerml.config.base import Spec
from powerml.config.outcome import EventOutcome
from powerml.config.reading import Document, read_document, validated
from powerml.config.sinks import ExportsSpec, SyncSpec
from powerml.config.spark import SparkSpec
from powerml.config.vocabulary import Meaning, Vocabulary
from powerml.errors import ConfigError, DataError, Problem, did_you_mean
from powerml.shown import Shown
from powerml.tables import EARLIEST, FIRST_DATE, LAST_DATE, LONGEST_DAYS, TABLES

LONGEST_GAP_MINUTES = 7 * 24 * 60.0

DRAWN_FILE = "treatments.parquet"  # in `.powerml`: who was drawn by 'powerml treat'

Every = Literal["day", "week", "month", "quarter"]
Entity = Literal["user", "account"]


def _zone(value: Any) -> str:
    try:
        zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{value!r} is no IANA time zone; use a name like Europe/Berlin") from None
    return str(value)


Zone = Annotated[str, BeforeValidator(_zone)]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
Encoding = Literal["utf-8", "utf-16", "cp1252", "latin-1"]


class DatabaseSpec(Spec):
    """A database: a DuckDB file, or one whose address an environment variable holds."""

    url_env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url_env is None) == (self.file is None):
            raise ValueError("needs 'file' (a DuckDB file) or 'url_env'; give one of them")
        return self


class ShapeSpec(Spec):
    """What service a table was exported from, and what has to be said of it.

    Files beside the table's own: `persons` (PostHog), `identifies` and `groups` (Segment). `group`: what the customers
    are called among the groups of users. `local`: Mixpanel's times are local, in the table's `timezone`. Of billing
    items: `currency` those that count, `discount` the column with a share in percent that is taken off, `cents`
    whether amounts are in hundredths.
    """

    name: Literal["posthog", "segment", "amplitude", "mixpanel", "stripe"]
    persons: Names = ()
    identifies: Names = ()
    groups: Names = ()
    group: str | None = None
    local: bool = False
    currency: str | None = None
    discount: str | None = None
    cents: bool = True

    @property
    def beside(self) -> dict[str, tuple[str, ...]]:
        """The files beside the table's own, by what they hold."""
        return {"persons": self.persons, "identifies": self.identifies, "groups": self.groups}


def _shape(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class TableSpec(Spec):
    """Where one canonical table comes from and how its columns are called there."""

    files: Names = ()
    query: str | None = None
    database: DatabaseSpec | None = None
    table: str | None = None
    columns: dict[str, str | None] = {}  # canonical: source; null where a column of canonical name is not to be read
    time_format: str | tuple[str, ...] | None = None  # strptime, `iso`, `epoch_s`, …; several are tried in order
    timezone: Zone | None = None
    max_bad_rows: Annotated[float, Field(ge=0, le=1)] = 0.01
    encoding: Encoding | None = None
    delimiter: Annotated[str, Field(pattern="^(.|blanks)$")] | None = None
    decimal: Literal[".", ","] | None = None  # the decimal sign; the other one parts thousands
    shape: Annotated[ShapeSpec, BeforeValidator(_shape)] | None = None
    ignored: tuple[str, ...] = ()  # source columns that are known and not used; see `init --check`
    currency: Annotated[str, Field(min_length=1, max_length=4)] | None = None  # the sign that stands beside numbers

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.database is not None:
            if self.files:
                raise ValueError("has both 'files' and 'database'; keep one")
            if bool(self.table) == bool(self.query):
                raise ValueError("'database' needs a 'table' or a 'query'; give one of them")
        elif [bool(self.files), bool(self.query), bool(self.table)].count(True) != 1:
            raise ValueError("needs 'files' or 'query'; give one of them")
        if not self.files and (self.encoding or self.delimiter or self.shape):
            raise ValueError("'encoding', 'delimiter' and 'shape' say how 'files' are written; leave them out")
        return self


class OutcomeSpec(Spec):
    """What counts as churn and expansion, and over which horizon (see `snapshots.labels`)."""

    kind: Literal["contract", "behavioural"] | None = None
    horizon_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 90
    grace_days: Annotated[int, Field(ge=0, le=LONGEST_DAYS)] = 30
    min_rise: Annotated[float, Field(ge=0, le=100)] = 0.02


class SnapshotsSpec(Spec):
    """The cutoffs: how often, and from when to when (dates, both ends included)."""

    every: Every = "month"
    from_: Annotated[date | None, Field(alias="from", ge=FIRST_DATE, le=LAST_DATE)] = None
    to: Annotated[date | None, Field(ge=FIRST_DATE, le=LAST_DATE)] = None


class NightSpec(Spec):
    """What `powerml night` scores with, and from when on it holds back what would be sent (the brakes).

    `model`: `champion`, another version of the registry (`NAME@challenger`), or a weight set's name. `stale_days`: how
    old the newest event may be. `fewer`, `moved`: shares of the entities that may be gone, or have changed band, since
    the night before.
    """

    model: str = "champion"
    stale_days: Annotated[float, Field(gt=0, le=LONGEST_DAYS)] = 2
    fewer: Annotated[float, Field(gt=0, le=1)] = 0.2
    moved: Annotated[float, Field(gt=0, le=1)] = 0.2


class HistorySpec(Spec):
    """How many days the history is kept whole; of older months the first night stays."""

    keep_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 35


class Owner(Spec):
    """Who answers for a branch of the metric tree, and who works on it, where that is somebody else."""

    accountable: Annotated[str, Field(min_length=1)]
    responsible: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        return {"accountable": value} if isinstance(value, str) else value

    def __str__(self) -> str:
        return self.accountable + (f" ({self.responsible} responsible)" if self.responsible else "")


def _from_environment(value: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_]\w*", value):
        raise ValueError("addresses stand in environment variables only; write env:NAME here and set NAME")
    return value


Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_from_environment)], ...],
    BeforeValidator(lambda v: (v,) if isinstance(v, str) else v),
]


class DeliverSpec(Spec):
    """To whom a list goes as a message, and on which night: every one, or that of a weekday."""

    to: Annotated[str, Field(min_length=1)]
    every: Literal["day", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"


class ProjectSpec(Shown, Spec):
    """A project file; configs/README.md shows its shape."""

    project: str = ""
    timezone: Zone = "UTC"
    entity: Entity = "user"
    plans: tuple[str, ...] = ("free", "starter", "pro", "enterprise")
    outcome: OutcomeSpec = OutcomeSpec()
    observed_until: datetime | None = None
    session_gap_minutes: Annotated[float, Field(ge=1 / 60, le=LONGEST_GAP_MINUTES)] = 30
    min_history_days: Annotated[int, Field(ge=0, le=LONGEST_DAYS)] = 14
    earliest: Annotated[date, Field(ge=FIRST_DATE, le=LAST_DATE)] = EARLIEST
    ids: Literal["exact", "casefold"] = "exact"
    tables: dict[str, TableSpec]
    vocabulary: Vocabulary | str
    snapshots: SnapshotsSpec = SnapshotsSpec()
    metrics: Names = ()
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark: SparkSpec = SparkSpec()
    memory_limit: str | None = None
    query_timeout: Annotated[float, Field(gt=0, le=7 * 86_400)] = 600  # seconds that a table's query may take
    owners: dict[str, Owner] = {}
    params: dict[str, float] = {}
    night: NightSpec = NightSpec()
    history: HistorySpec = HistorySpec()
    lists: Names = ()
    alerts: Names = ()
    notify: dict[str, Addresses | dict[str, Addresses]] = {}
    deliver: dict[str, DeliverSpec] = {}
    sync: SyncSpec = SyncSpec()
    exports: ExportsSpec | None = None
    tracking_uri: str = ""  # an MLflow store elsewhere, see `tracking.address`
    artifact_location: str = ""  # where such a store keeps the files of runs, if not where it likes

    _base: Path = PrivateAttr(default=Path())
    _state: Path | None = PrivateAttr(default=None)
    _custom: EventOutcome | None = PrivateAttr(default=None)
    _file: str = PrivateAttr(default="")
    _meanings: Vocabulary = PrivateAttr(default_factory=dict)

    @field_validator("observed_until")
    @classmethod
    def _of_this_time(cls, observed: datetime | None) -> datetime | None:
        if observed is not None and not FIRST_DATE <= observed.date() <= LAST_DATE:
            raise ValueError(f"{observed.date()} does not lie from {FIRST_DATE} to {LAST_DATE}; correct the date")
        return observed

    @field_validator("plans")
    @classmethod
    def _plans_differ(cls, plans: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(plans)) != len(plans):
            raise ValueError(f"a plan stands twice in {list(plans)}; name each once, lowest first")
        return plans

    @model_validator(mode="after")
    def _tables_of_spark(self) -> Self:
        bare = [name for name, spec in self.tables.items() if spec.table and spec.database is None]
        if bare and self.engine != "spark":
            raise ValueError(f"tables.{bare[0]}: a 'table' needs its 'database' beside it, or engine: spark")
        return self

    @field_validator("tables")
    @classmethod
    def _has_events(cls, tables: dict[str, TableSpec]) -> dict[str, TableSpec]:
        if "events" not in tables:
            raise ValueError("no 'events'; it is the one table that is required")
        return tables

    def _shown(self) -> Iterator[str]:
        yield f"Project {self.project!r}: a row per {self.entity} and {self.snapshots.every}; {self.timezone}"
        yield f"Tables: {', '.join(self.tables)}. Outcomes: {self.outcome_kind}, {self.outcome.horizon_days} days."

    @property
    def base(self) -> Path:
        """The folder of the project file; relative paths start there."""
        return self._base

    @property
    def file(self) -> str:
        """The project file as shown in messages."""
        return self._file

    @property
    def meanings(self) -> Vocabulary:
        """The vocabulary, read from its file where it has one."""
        return self._meanings

    @property
    def state(self) -> Path:
        """The folder `.powerml` for everything the product keeps: store, quarantine, cache."""
        return self._state or self._base / ".powerml"

    def kept_in(self, state: Path) -> Self:
        """The same project with another folder in place of `.powerml`."""
        moved = self.model_copy()
        moved._state = state
        return moved

    @property
    def outcome_kind(self) -> Literal["contract", "behavioural"]:
        """The declared kind of outcome; by default contract where there are subscriptions."""
        return self.outcome.kind or ("contract" if "subscriptions" in self.tables else "behavioural")

    @property
    def custom_outcome(self) -> EventOutcome | None:
        """The custom yes/no outcome that labels are made for; None for churn, stay and expand."""
        return self._custom

    def for_outcome(self, custom: EventOutcome) -> Self:
        """The same project with labels of a custom outcome: windows as long as it says, and no grace."""
        window = OutcomeSpec(kind="behavioural", horizon_days=custom.horizon_days, grace_days=0)
        aimed = self.model_copy(update={"outcome": window})
        aimed._custom = custom
        return aimed

    @property
    def accountable(self) -> dict[str, str]:
        """Who answers for which branch of the metric tree."""
        return {branch: owner.accountable for branch, owner in self.owners.items()}

    def addresses(self, whom: str) -> tuple[str, ...]:
        """The environment variables that hold the addresses of a team or, as `owner: {NAME: …}` says, of a person."""
        owners = self.notify.get("owner", {})
        found = self.notify.get(whom, ()) if whom != "owner" else ()
        if not found and isinstance(owners, dict):
            found = owners.get(whom, ())
        return tuple(one.removeprefix("env:") for one in found) if isinstance(found, tuple) else ()

    @property
    def id_column(self) -> str:
        """`user_id` or `account_id`."""
        return f"{self.entity}_id"


def expand(text: str, *, file: str) -> str:
    """`text` with `${NAME}` replaced from the environment; raises DataError naming a variable that is not set."""
    absent = [name for name in re.findall(r"\$\{(\w+)\}", text) if name not in os.environ]
    if absent:
        raise DataError.in_file(file, f"${{{absent[0]}}} is used, but that environment variable is not set", "set it")
    return re.sub(r"\$\{(\w+)\}", lambda m: os.environ[m[1]], text)


def load_project(path: Path | str) -> ProjectSpec:
    """Reads and checks a project file and its vocabulary; raises ConfigError with all problems, DataError if absent.

    >>> from powerml.config.shipped import find
    >>> load_project(find("projects", "git_brew")).entity
    'user'
    """
    path = Path(path)
    if not path.exists():
        way = "check the path: run in the project's folder, name its file with -c, or make one with 'powerml init'"
        raise DataError.in_file(path, "no such file", way)
    document = read_document(path)
    problems: list[Problem] = _table_problems(document)
    try:
        project: ProjectSpec = validated(ProjectSpec, document)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    problems += _date_problems(project, document)
    if project.outcome.kind == "contract" and "subscriptions" not in project.tables:
        what = "contract outcomes need the table 'subscriptions'; map it or use kind: behavioural"
        problems.append(document.problem(("outcome", "kind"), what))
    if problems:
        raise ConfigError(problems)
    if not project.project:
        project = project.model_copy(update={"project": path.resolve().parent.name})
    project._base = path.resolve().parent
    project._file = document.file
    if isinstance(project.vocabulary, str):
        words = Path(project._base, expand(project.vocabulary, file=document.file))
        project._meanings = validated(dict[str, Meaning], read_document(words))
    else:
        project._meanings = dict(project.vocabulary)
    return _with_drawn(project)


def draft_project(data: dict[str, Any], folder: Path) -> ProjectSpec:
    """A project that is in no file yet; relative paths start at `folder`, its vocabulary is empty."""
    project = ProjectSpec.model_validate(data)
    project._base = folder
    project._file = "powerml.yaml"
    return project


def _with_drawn(project: ProjectSpec) -> ProjectSpec:
    """What 'powerml treat' drew is a part of the treatments, where that table is made of plain files or of nothing."""
    drawn = project.state / DRAWN_FILE
    spec = project.tables.get("treatments", TableSpec(files=(str(drawn),)))
    if not drawn.is_file() or not spec.files or spec.columns or spec.time_format:
        return project
    files = tuple(dict.fromkeys((*spec.files, str(drawn))))
    return project.model_copy(
        update={"tables": {**project.tables, "treatments": spec.model_copy(update={"files": files})}}
    )


def bare_project(folder: Path | str, *, name: str) -> ProjectSpec:
    """A project without a file: a name, and a folder for what is kept. It has no tables, so nothing is read by it."""
    project = ProjectSpec.model_construct(project=name, tables={}, vocabulary={})
    project._base = Path(folder).resolve()
    return project


def _table_problems(document: Document) -> list[Problem]:
    tables = document.data.get("tables") if isinstance(document.data, dict) else None
    problems = []
    for name, entry in tables.items() if isinstance(tables, dict) else ():
        if name not in TABLES:
            hint = did_you_mean(str(name), TABLES)
            problems.append(
                document.problem(("tables", name), f"unknown table{hint or '; there are ' + ', '.join(TABLES)}")
            )
            continue
        columns = entry.get("columns") if isinstance(entry, dict) else None
        columns = columns if isinstance(columns, dict) else {}
        for column in columns:
            if column not in TABLES[name].names:
                hint = did_you_mean(str(column), TABLES[name].names)
                what = f"{name} has no column of that name{hint or '; it has ' + ', '.join(TABLES[name].names)}"
                problems.append(document.problem(("tables", name, "columns", column), what))
            elif columns[column] is None and column in TABLES[name].required:
                what = f"{name} needs {column}; name the source column"
                problems.append(document.problem(("tables", name, "columns", column), what))
    return problems


def _date_problems(project: ProjectSpec, document: Document) -> list[Problem]:
    spec = project.snapshots
    if spec.from_ and spec.to and spec.to < spec.from_:
        return [document.problem(("snapshots", "to"), f"{spec.to} lies before 'from', {spec.from_}; swap them")]
    return []


def slug(name: str) -> str:
    """A project's name as the name of its registered model.

    >>> slug("My CRM: 2026/Q4")
    'my-crm-2026-q4'
    """
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "project"
