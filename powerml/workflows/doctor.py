"""`powerml doctor`: whether this machine and this project can do the work; each finding with its fix."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import sys
import tempfile
import zoneinfo
from contextlib import closing
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from powerml.config.project import load_project
from powerml.config.sinks import PostgresSpec
from powerml.errors import PowermlError, StoreError, UsageError
from powerml.postgres import has_driver
from powerml.sources.fingerprint import input_files
from powerml.sources.postgres import server
from powerml.sources.spark_tables import check_for_spark
from powerml.tracking.database import look_at
from powerml.tracking.store import store_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from powerml.config.project import ProjectSpec

OLDEST = (3, 11)
EXTENSIONS = ("core_functions", "icu", "json", "parquet")
_NEEDED_SPACE = 2.0  # times the data: what is read may be spilled, and roll-ups are kept
_WAIT_SECONDS = 3.0


@dataclass(frozen=True)
class DoctorFinding:
    """What is wrong with what, and what to do about it."""

    about: str
    what: str
    fix: str


@dataclass(frozen=True)
class Machine:
    """What is asked of the machine, so that tests can put another one in its place."""

    python: tuple[int, ...] = tuple(sys.version_info[:2])
    version: Callable[[str], str] = metadata.version
    requires: tuple[str, ...] = field(default_factory=lambda: tuple(metadata.requires("powerml") or ()))
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    memory_bytes: int = field(default_factory=lambda: os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    zone: Callable[[str], object] = zoneinfo.ZoneInfo
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    java: Callable[[], str | None] = lambda: shutil.which("java")


def doctor(config: Path, machine: Machine | None = None) -> tuple[list[str], list[DoctorFinding]]:
    """What was looked at, and what is wrong; a project file that cannot be read is one of the findings."""
    machine = machine or Machine()
    looked = ["Python", "packages", "DuckDB", "time zones", "Java"]
    found = [*_python(machine), *_packages(machine), *_duckdb(), *_zones(machine), *_java(machine)]
    try:
        project = load_project(config)
    except PowermlError as error:
        return [*looked, "project file"], [
            *found,
            DoctorFinding("project file", str(error), "correct it, or: powerml init"),
        ]
    found += [*_extras(project, machine), *_environment(project, machine), *_databases(project, machine)]
    found += [*_spark(project)]
    found += [*_folders(project), *_sizes(project, machine), *_store(project)]
    looked += ["project file", "environment variables", "databases", "folders", "disk and memory", "MLflow store"]
    return looked, found


def _python(machine: Machine) -> Iterator[DoctorFinding]:
    if machine.python < OLDEST:
        told = ".".join(map(str, machine.python))
        yield DoctorFinding("Python", f"{told} is older than 3.11", "install Python 3.11 or newer")


def _packages(machine: Machine) -> Iterator[DoctorFinding]:
    from packaging.requirements import Requirement

    for line in machine.requires:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        fix = f"pip install '{wanted.name}{wanted.specifier}'"
        try:
            version = machine.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield DoctorFinding("packages", f"{wanted.name} is not installed", fix)
            continue
        if not wanted.specifier.contains(version, prereleases=True):
            yield DoctorFinding("packages", f"{wanted.name} {version} is not what was tested ({wanted.specifier})", fix)


def _duckdb() -> Iterator[DoctorFinding]:
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as con:
        there = {
            row[0] for row in con.execute("SELECT extension_name FROM duckdb_extensions() WHERE loaded").fetchall()
        }
    for absent in sorted(set(EXTENSIONS) - there):
        yield DoctorFinding("DuckDB", f"its extension {absent} is not there", "pip install --force-reinstall duckdb")


def _zones(machine: Machine) -> Iterator[DoctorFinding]:
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        try:
            machine.zone(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            yield DoctorFinding("time zones", f"no data for {zone} ({error})", "pip install tzdata")
            return


def _java(machine: Machine) -> Iterator[DoctorFinding]:
    """Spark is there by choice (the extra `spark`), and runs on Java."""
    try:
        machine.version("pyspark")
    except metadata.PackageNotFoundError:
        return
    home = machine.environment.get("JAVA_HOME")
    if home and not Path(home, "bin", "java").is_file():
        yield DoctorFinding("Java", f"JAVA_HOME is {home}, and no Java is there", "unset JAVA_HOME, or correct it")
    elif not home and machine.java() is None:
        yield DoctorFinding("Java", "pyspark is installed and no Java", "install Java 17 or newer, or set JAVA_HOME")


def _spark(project: ProjectSpec) -> Iterator[DoctorFinding]:
    """What a project asks of Spark in vain."""
    if project.engine != "spark":
        return
    try:
        check_for_spark(project)
    except UsageError as error:
        *said, fix = str(error).splitlines()
        for sentence in said:
            yield DoctorFinding("Spark", sentence, fix)


def _extras(project: ProjectSpec, machine: Machine) -> Iterator[DoctorFinding]:
    """Packages that are there by choice, and that this project makes use of."""
    servers = [f"tables.{name}" for name, spec in project.tables.items() if spec.database and spec.database.url_env]
    servers += [f"sync.{name}" for name, spec in project.sync.named.items() if isinstance(spec, PostgresSpec)]
    servers += ["exports"] if project.exports else []
    for about, package, extra, asked in (
        ("Spark", "pyspark", "spark", "engine: spark" if project.engine == "spark" else ""),
        ("notify", "apprise", "notify", "notify names destinations" if project.notify else ""),
        ("database", "psycopg", "postgres", f"{', '.join(servers)} on PostgreSQL" if servers else ""),
    ):
        if not asked:
            continue
        try:
            machine.version(package)
        except metadata.PackageNotFoundError:
            yield DoctorFinding(about, f"{asked} and no {package}", f"pip install 'powerml[{extra}]'")


def _environment(project: ProjectSpec, machine: Machine) -> Iterator[DoctorFinding]:
    text = project.model_dump_json()
    forms = (r"\$\{(\w+)\}", r'"\w+_env":"(\w+)"', r'"env:(\w+)"')
    named = dict.fromkeys(name for form in forms for name in re.findall(form, text))
    for variable in named:
        if not machine.environment.get(variable):
            yield DoctorFinding(
                "environment", f"{variable} is named in the project and not set", f"export {variable}=…"
            )


def _databases(project: ProjectSpec, machine: Machine) -> Iterator[DoctorFinding]:
    """Whether the servers that tables are on let us in."""
    if not has_driver():  # a finding already
        return
    named = dict.fromkeys(spec.database.url_env for spec in project.tables.values() if spec.database)
    for variable in (v for v in named if v and machine.environment.get(v)):  # one that is not set is a finding already
        try:
            with server(variable, where=project.file):
                pass
        except PowermlError as error:
            yield DoctorFinding("database", str(error), "then run doctor again")


def _folders(project: ProjectSpec) -> Iterator[DoctorFinding]:
    state = project.state if project.state.exists() else project.base
    for what, folder in (
        ("the project's folder", state),
        ("the folder of temporary files", Path(tempfile.gettempdir())),
    ):
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix="."):
                pass
        except OSError as error:
            fix = "give yourself the right to write there" if "temporary" not in what else "set TMPDIR to one that is"
            yield DoctorFinding("folders", f"{what}, {folder}, cannot be written ({error.strerror})", fix)


def _sizes(project: ProjectSpec, machine: Machine) -> Iterator[DoctorFinding]:
    try:
        data = sum(path.stat().st_size for path in input_files(project))
    except (PowermlError, OSError) as error:
        yield DoctorFinding("data", str(error), "see 'powerml check'")
        return
    for folder in dict.fromkeys((project.base, Path(tempfile.gettempdir()))):
        free = machine.free_bytes(folder)
        if free < _NEEDED_SPACE * data or free < 100_000_000:
            what = f"{folder}: {_gb(free)} free, and the data has {_gb(data)}"
            yield DoctorFinding("disk", what, "make room, or set TMPDIR to a larger disk")
    if match := re.fullmatch(r"\s*([\d.]+)\s*([KMGT])i?B?\s*", project.memory_limit or "", re.IGNORECASE):
        limit = float(match[1]) * 1000 ** ("KMGT".index(match[2].upper()) + 1)
        if limit > machine.memory_bytes:
            what = f"memory_limit {project.memory_limit} is more than the machine has, {_gb(machine.memory_bytes)}"
            yield DoctorFinding("memory", what, "lower 'memory_limit' in the project")


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def _store(project: ProjectSpec) -> Iterator[DoctorFinding]:
    try:
        store = store_of(project)
    except PowermlError as error:
        yield DoctorFinding("MLflow store", str(error), "correct 'tracking_uri' or MLFLOW_TRACKING_URI")
        return
    if not store.is_own:
        yield from _reachable(store.address, store.shown)
        return
    if not store.database.is_file():
        return
    try:
        look_at(store.database, store.artifacts)
        with closing(sqlite3.connect(store.database, timeout=0.2, isolation_level=None)) as con:
            con.execute("BEGIN IMMEDIATE")
            con.execute("ROLLBACK")
    except StoreError as error:
        yield DoctorFinding("MLflow store", str(error), "then run doctor again")
    except sqlite3.Error as error:
        fix = "end the program that writes it, or wait"
        yield DoctorFinding("MLflow store", f"{store.database}: cannot be written ({error})", fix)


def _reachable(address: str, shown: str) -> Iterator[DoctorFinding]:
    """Whether anything answers at the port of a store elsewhere."""
    split = urlsplit(address)
    if not split.hostname:
        return
    port = split.port or {"https": 443, "http": 80, "postgresql": 5432}.get(split.scheme.split("+")[0], 80)
    try:
        socket.create_connection((split.hostname, port), timeout=_WAIT_SECONDS).close()
    except OSError as error:
        why = error.strerror or str(error)
        yield DoctorFinding("MLflow store", f"{shown} does not answer ({why})", "start it, or correct 'tracking_uri'")
