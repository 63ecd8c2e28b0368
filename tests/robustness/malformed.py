"""Inputs that nobody can use, made from a seed: what is spoiled, how, and the command that meets it.

A case copies a small whole project, spoils one file of it (or one option), and names the words that the message must
hold. Nothing of it may be accepted, written or waited for.
"""

from __future__ import annotations

import gzip
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

GOLDEN = Path(__file__).parents[1] / "golden"
Spoil = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One malformed input: `spoil` is applied to a project's folder, then `command` is run in it."""

    name: str
    command: tuple[str, ...]
    spoil: Spoil
    words: tuple[str, ...]


def whole_project(folder: Path) -> None:
    """A project that every command of the cases below accepts: tables, declarations, ready-made tables."""
    shutil.copytree(GOLDEN / "raw", folder, dirs_exist_ok=True)
    events = pd.read_csv(folder / "events.csv", dtype=str)
    events[::4].to_csv(folder / "events.csv", index=False)
    for left in folder.glob("expected_*"):
        left.unlink()
    shutil.copyfile(GOLDEN / "metrics.csv", folder / "metrics.csv")
    rows = pd.DataFrame({"as_of": "2026-01-01", "user_id": [f"u{n}" for n in range(40)]})
    rows.assign(score=[n * 2.5 for n in range(40)]).to_csv(folder / "scores.csv", index=False)
    rows.assign(label=["churn", "stay", "expand", "stay"] * 10).to_csv(folder / "labels.csv", index=False)
    features = rows.assign(churned=[n % 2 for n in range(40)], logins=range(40), plan=["a", "b"] * 20)
    features.to_csv(folder / "features.csv", index=False)
    (folder / "mine.yaml").write_text(
        "name: mine\nversion: 1\nkind: points\nbands: {90: Champions, 0: High Risk}\n"
        "parts:\n  logins: {metric: logins_30d, missing: 0, steps: [{from: 5, points: 15}, {points: 3}]}\n"
        "limits: {max: 100, min: 0}\n"
    )
    (folder / "experiment.yaml").write_text("question: which?\nscorers:\n  - weights: engagement\n")
    (folder / "house.yaml").write_text(
        "- {name: exports_14d, table: events, where: {role: export}, measure: count, window_days: 14, unit: events,\n"
        "   direction: up, actionable: true, group: usage, source: {document: house}}\n"
    )
    (folder / "claims.yaml").write_text((GOLDEN.parents[1] / "configs" / "claims" / "engagement.yaml").read_text())
    with (folder / "powerml.yaml").open("a") as file:
        file.write("metrics: house.yaml\n")


SNAPSHOT = ("snapshot", "--as-of", "2026-02-01", "-o", "out.csv")
SCORE = ("score", "--weights", "engagement", "--as-of", "2026-02-01", "-o", "out.csv")
PROJECT_READERS = (
    SNAPSHOT,
    SCORE,
    ("snapshot", "--monthly", "2026-01-01", "2026-02-01", "--labels", "-o", "out.parquet"),
    ("train",),
    ("screen",),
    ("explain", "u1", "--weights", "engagement"),
    ("backtest", "--as-of", "2026-01-01"),
    ("review", "sheet", "--weights", "engagement", "-o", "sheet.csv"),
)
READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "powerml.yaml": (*PROJECT_READERS, ("check",), ("metrics",)),
    "vocabulary.json": (*PROJECT_READERS, ("check",)),
    "house.yaml": PROJECT_READERS[:4],
    "experiment.yaml": (("train", "experiment.yaml"),),
    "mine.yaml": (
        ("score", "--weights", "mine.yaml", "--metrics", "metrics.csv", "-o", "out.csv"),
        ("weights", "show", "mine.yaml"),
        ("weights", "diff", "engagement", "mine.yaml"),
        ("weights", "copy", "mine.yaml", "other.yaml"),
        ("compare", "mine.yaml", "engagement", "--metrics", "metrics.csv"),
    ),
    "claims.yaml": (("audit", "claims.yaml"),),
    "events.csv": PROJECT_READERS,
    "users.csv": PROJECT_READERS[:5],
    "subscriptions.csv": PROJECT_READERS[:4],
    "metrics.csv": (
        ("score", "--weights", "engagement", "--metrics", "metrics.csv", "-o", "out.csv"),
        ("explain", "u1", "--weights", "engagement", "--metrics", "metrics.csv"),
    ),
    "scores.csv": (("validate", "--scores", "scores.csv", "--labels", "labels.csv"),),
    "labels.csv": (("validate", "--scores", "scores.csv", "--labels", "labels.csv"),),
    "features.csv": (("train", "--table", "features.csv", "--target", "churned"),),
}  # fmt: skip
DECLARATIONS = ("powerml.yaml", "vocabulary.json", "house.yaml", "experiment.yaml", "mine.yaml", "claims.yaml")


def text(content: str) -> Callable[[str], Spoil]:
    """The file holds another text."""
    return lambda name: lambda folder: Path(folder, name).write_text(content) and None


def raw(content: bytes) -> Callable[[str], Spoil]:
    """The file holds other bytes."""
    return lambda name: lambda folder: Path(folder, name).write_bytes(content) and None


def changed(change: Callable[[bytes], bytes]) -> Callable[[str], Spoil]:
    """The file's bytes, changed."""
    return lambda name: lambda folder: Path(folder, name).write_bytes(change(Path(folder, name).read_bytes())) and None


def instead(make: Callable[[Path], object]) -> Callable[[str], Spoil]:
    """Something that is no file stands in its place."""

    def spoil_of(name: str) -> Spoil:
        def spoil(folder: Path) -> None:
            Path(folder, name).unlink()
            make(Path(folder, name))

        return spoil

    return spoil_of


BOMB = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 25))
ANY_FILE: dict[str, Callable[[str], Spoil]] = {
    "absent": instead(lambda path: None),
    "folder": instead(lambda path: path.mkdir()),
    "pipe": instead(lambda path: os.mkfifo(path)),
    "device": instead(lambda path: path.symlink_to("/dev/zero")),
    "dangling link": instead(lambda path: path.symlink_to("nowhere")),
    "link to itself": instead(lambda path: path.symlink_to(path.name)),
    "UTF-16": changed(lambda content: content.decode().encode("utf-16")),
    "zip": raw(b"PK\x03\x04" + bytes(range(256)) * 20),
    "noise": raw(random.Random(3).randbytes(4000)),
}
ANY_DECLARATION: dict[str, Callable[[str], Spoil]] = {
    "bomb": text(BOMB),
    "contains itself": text("a: &a [*a]\n"),
    "deep": text("a: " + "[" * 200 + "]" * 200),
    "very deep": text("[" * 100_000),
    "open bracket": text("project: {a: [1, 2\n"),
    "duplicate key": text("project: a\nproject: b\n"),
    "a scalar": text("just words\n"),
    "a list of numbers": text("[1, 2, 3]\n"),
    "unknown key": text("no_such_key_anywhere: 1\n"),
    "tab": text("project:\n\t- a\n"),
    "object tag": text("!!python/object/apply:os.system ['true']\n"),
    "complex key": text("? [a, b]\n: 1\n"),
    "null byte": raw(b"project: a\0b\n"),
    "latin-1": raw("project: café\n".encode("latin-1")),
}
ANY_TABLE: dict[str, Callable[[str], Spoil]] = {
    "empty": raw(b""),
    "blank lines": raw(b"\n\n\n"),
    "header alone": changed(lambda content: content.split(b"\n", 1)[0] + b"\n"),
    "100,000 columns": changed(
        lambda content: b",".join(b"c%d" % n for n in range(100_000)) + b"\n" + b"," * 99_999 + b"\n"
    ),
    "other columns": changed(lambda content: b"first,second\n" + b"1,2\n" * 30),
    "Parquet by content": changed(lambda content: b"PAR1" + content[:200] + b"PAR1"),
    "gzip by content": changed(gzip.compress),
}
EVENTS: dict[str, Callable[[str], Spoil]] = {
    "times that are none": changed(lambda content: content.replace(b"2026-", b"2026-99-").replace(b"2025-", b"x")),
    "one column short": changed(lambda content: content.replace(b",", b"\n", 400)),
    "blank ids": changed(lambda content: re.sub(rb"(?m)^(e\d+),[^,]*,", rb"\1, ,", content)),
    "all in the future": changed(lambda content: content.replace(b"2026-", b"2126-").replace(b"2025-", b"2125-")),
}
PROJECT_KEYS = {
    "timezone: Mars/Base": "timezone",
    "entity: planet": "entity",
    "plans: [a, a]": "plans",
    "outcome: {kind: contract, horizon_days: -3}": "horizon_days",
    "outcome: {kind: contract, horizon_days: ninety}": "horizon_days",
    "outcome: {kind: sometimes}": "kind",
    "session_gap_minutes: -1": "session_gap_minutes",
    "session_gap_minutes: .nan": "session_gap_minutes",
    "min_history_days: -5": "min_history_days",
    "observed_until: yesterday": "observed_until",
    "snapshots: {every: fortnight}": "snapshots",
    "snapshots: {from: 2026-03-01, to: 2026-01-01}": "snapshots",
    "memory_limit: lots": "memory_limit",
    "query_timeout: 0": "query_timeout",
    "query_timeout: .inf": "query_timeout",
    "engine: steam": "engine",
    "metrics: nowhere.yaml": "nowhere.yaml",
    "vocabulary: nowhere.json": "nowhere.json",
    "vocabulary: {e: {tier: 9}}": "vocabulary",
}
TABLE_KEYS = {
    "{files: events.csv, max_bad_rows: 2}": "max_bad_rows",
    "{files: events.csv, time_format: 'sometime'}": "time_format",
    "{files: events.csv, columns: {user_id: nobody}}": "nobody",
    "{files: events.csv, columns: {planet: a}}": "planet",
    "{files: events.csv, query: 'SELECT 1'}": "files",
    "{files: '*.nothing'}": "nothing",
    "{files: 'https://example.org/a.csv'}": "https",
    "{files: '${NO_SUCH_VARIABLE}/a.csv'}": "NO_SUCH_VARIABLE",
    "{files: events.xlsx}": "events.xlsx",
    "{query: \"COPY (SELECT 1) TO 'stolen.csv'\"}": "COPY",
    "{query: \"ATTACH 'stolen.db'\"}": "ATTACH",
    "{query: \"SELECT 1; COPY (SELECT 1) TO 'stolen.csv'\"}": "2 statements",
    "{query: \"SELECT 1) TO 'stolen.csv'; SELECT (1\"}": "query",
    "{query: 'DROP TABLE events'}": "DROP",
    "{query: 'SELEC 1'}": "query",
    "{query: ''}": "query",
    "{query: 'FROM range(3)'}": "user_id",
    "{database: {url_env: NOWHERE}}": "table",
}  # fmt: skip
OPTIONS: dict[tuple[str, ...], str] = {
    ("snapshot", "--as-of", "2026-02-30", "-o", "out.csv"): "2026-02-30",
    ("snapshot", "--as-of", "tomorrow", "-o", "out.csv"): "tomorrow",
    ("snapshot", "--as-of", "2026-02-01"): "-o",
    ("snapshot", "--as-of", "2026-02-01", "-o", "out.xlsx"): "out.xlsx",
    ("snapshot", "--as-of", "2026-02-01", "-o", "no/such/out.csv"): "out.csv",
    ("snapshot", "--as-of", "2026-02-01", "-o", "events.csv"): "events.csv",
    ("snapshot", "--as-of", "2026-02-01", "-o", "link.csv"): "link.csv",
    ("snapshot", "--monthly", "2026-02-01", "2026-01-01", "-o", "out.csv"): "swap",
    ("snapshot", "--monthly", "2026-01-01", "2026-02-01", "--as-of", "2026-02-01", "-o", "out.csv"): "exclude",
    ("score", "--weights", "engagement", "--metrics", "metrics.csv", "-o", "metrics.csv"): "metrics.csv",
    ("score", "--weights", "no_such_set", "-o", "out.csv"): "no_such_set",
    ("score", "--weights", "engagement", "--set", "x", "-o", "out.csv"): "--set x",
    ("score", "--weights", "activity", "--set", "full_scale=nan", "-o", "out.csv"): "full_scale",
    ("score", "--weights", "activity", "--set", "full_scale=1e999", "-o", "out.csv"): "full_scale",
    ("score", "--weights", "activity", "--set", "no_such=1", "-o", "out.csv"): "no_such",
    ("score", "--weights", "engagement", "--reasons", "top:0", "-o", "out.csv"): "top:0",
    ("score", "--weights", "engagement", "--reasons", "some", "-o", "out.csv"): "some",
    ("score", "--model", "golden@nobody", "-o", "out.csv"): "golden",
    ("score", "-o", "out.csv"): "train",
    ("score", "--weights", "a", "--model", "b", "-o", "out.csv"): "exclude",
    ("validate", "--scores", "scores.csv", "--labels", "labels.csv", "--column", "nope"): "nope",
    ("validate", "--scores", "scores.csv", "--labels", "labels.csv", "--bands", "nope"): "nope",
    ("validate", "--scores", "scores.csv", "--labels", "labels.csv", "-o", "scores.csv"): "scores.csv",
    ("validate", "--scores", "scores.csv"): "--labels",
    ("train", "--table", "features.csv", "--target", "nope"): "nope",
    ("train", "--table", "features.csv"): "--target",
    ("train", "--target", "churned"): "--table",
    ("train", "--group", "plan"): "--table",
    ("train", "nowhere.yaml"): "nowhere.yaml",
    ("train", "--capacity", "0"): "capacity",
    ("train", "--table", "features.csv", "--target", "plan"): "plan",
    ("train", "--table", "features.csv", "--target", "churned", "--time", "plan"): "plan",
    ("explain",): "ID",
    ("explain", "nobody-at-all", "--weights", "engagement"): "nobody-at-all",
    ("explain", "--band", "No Such Band", "--weights", "engagement"): "No Such Band",
    ("explain", "u1", "--metrics", "metrics.csv"): "--weights",
    ("promote", "99"): "train",
    ("promote", "1", "--alias", "not an alias!"): "alias",
    ("backtest", "--as-of", "1890-01-01"): "1890",
    ("backtest",): "--as-of",
    ("compare", "engagement"): "compare",
    ("compare", "engagement", "no_such_set"): "no_such_set",
    ("screen", "--threshold", "many"): "many",
    ("review", "sheeet"): "sheet",
    ("review", "read", "nowhere.csv"): "nowhere.csv",
    ("review", "lock", "scores.csv"): "scores.csv",
    ("weights", "show", "no_such_set"): "no_such_set",
    ("weights", "copy", "engagement", "mine.yaml"): "mine.yaml",
    ("weights", "copy", "engagement", "x.txt"): "x.txt",
    ("audit", "nowhere.yaml"): "nowhere.yaml",
    ("simulate", "."): "there already",
    ("simulate", "new", "--preset", "utopia"): "utopia",
    ("simulate", "new", "--users", "0"): "users",
    ("demo", "--out", "events.csv", "--users", "50"): "events.csv",
    ("demo", "--out", ".", "--users", "50"): "empty",
    ("ui", "--print"): "train",
    ("snapshoot",): "snapshot",
    ("check", "--no-such-option"): "--no-such-option",
    ("check", "-c", "nowhere.yaml"): "nowhere.yaml",
    ("check", "-c", "."): "folder",
}  # fmt: skip


def linked(folder: Path) -> None:
    """A second name of an input."""
    Path(folder, "link.csv").symlink_to("events.csv")


def every_case() -> Iterator[Case]:
    """All cases, in a fixed order."""
    for options, word in OPTIONS.items():
        yield Case(f"option: {' '.join(options)}", options, linked, (word,))
    for name, commands in READERS.items():
        kinds = ANY_FILE | (ANY_DECLARATION if name in DECLARATIONS else ANY_TABLE)
        kinds |= EVENTS if name == "events.csv" else {}
        if name in ("users.csv", "subscriptions.csv"):
            del kinds["header alone"]  # nobody yet is an answer
        for number, (kind, spoil) in enumerate(kinds.items()):
            for command in dict.fromkeys(
                (commands[number % len(commands)], commands[(3 * number + 1) % len(commands)])
            ):
                yield Case(f"{name}: {kind}: {' '.join(command)}", command, spoil(name), (name,))
    for number, (line, word) in enumerate(PROJECT_KEYS.items()):
        command = PROJECT_READERS[number % len(PROJECT_READERS)]
        yield Case(f"project: {line}", command, with_key(line), (word,))
    for number, (entry, word) in enumerate(TABLE_KEYS.items()):
        command = PROJECT_READERS[number % 4]
        yield Case(f"events: {entry}", command, with_events(entry), (word,))


def with_key(line: str) -> Spoil:
    """The project with one key said otherwise."""
    key = line.partition(":")[0]

    def spoil(folder: Path) -> None:
        path = Path(folder, "powerml.yaml")
        kept = [old for old in path.read_text().splitlines() if not old.startswith(f"{key}:")]
        path.write_text("\n".join([*kept, line]) + "\n")

    return spoil


def with_events(entry: str) -> Spoil:
    """The project with its events declared otherwise."""

    def spoil(folder: Path) -> None:
        path = Path(folder, "powerml.yaml")
        path.write_text(path.read_text().replace("{files: events.csv}", entry))

    return spoil


def state(folder: Path) -> dict[str, str]:
    """What lies in a folder outside of `.powerml`: names, and the content of ordinary files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(".powerml"):
            found[name] = str(hash(path.read_bytes())) if path.is_file() and not path.is_symlink() else "other"
    return found


def faults(case: Case, *, status: int, out: str, err: str, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What is wrong with how a command met a malformed input; empty where it met it as it should."""
    found = []
    if status != 2:
        found.append(f"exit status {status}")
    if "Traceback" in out + err:
        found.append("a traceback")
    if out.strip():
        found.append("something on standard output")
    messages = [line for line in err.splitlines() if line.strip()]
    if not messages:
        found.append("no message")
    if absent := [word for word in case.words if word not in err]:
        found.append(f"the message does not name {absent[0]!r}")
    if len(err) > 20_000:
        found.append("a message that nobody reads")
    if "Warning:" in err:
        found.append("a warning of Python's beside the message")
    if after != before:
        found.append(f"files changed: {sorted(set(before.items()) ^ set(after.items()))[:2]}")
    return found
