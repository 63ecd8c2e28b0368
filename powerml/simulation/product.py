"""A simulated product as frames in memory, or written as a project folder that works like anybody's.

Users come in blocks of 1,000, each from its own generator, so the same seed gives the same bytes whatever the number of
workers or how many blocks are handed out at a time.
"""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from powerml.errors import UsageError
from powerml.shown import Shown
from powerml.simulation.blocks import BLOCK_USERS, Block, make_block
from powerml.simulation.calendar import ProductCalendar, calendar
from powerml.simulation.declared import OWN_METRICS, SIMULATED_VOCABULARY, project
from powerml.simulation.presets import GENERATOR_VERSION, Preset, preset_named
from powerml.writing import whole_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

START = date(2024, 1, 1)
ROW_GROUP_BLOCKS = 40  # blocks whose small tables share a row group


@dataclass(frozen=True)
class Simulation(Shown):
    """A simulated product in memory.

    `tables` holds the canonical tables, `truth` what no product knows: `states` (hazards by month), `labels` (with the
    true 90-day probabilities), `accounts` (when each left, and whether it showed), `people`, `duplicates`, `lost_days`.
    `project` is the content of the project file, `counts` what was done to the event rows.
    """

    tables: dict[str, pd.DataFrame]
    truth: dict[str, pd.DataFrame]
    vocabulary: dict[str, Any]
    project: dict[str, Any]
    metrics: list[dict[str, Any]]
    counts: dict[str, int]

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield f"A simulated product: {', '.join(f'{len(rows):,} {name}' for name, rows in self.tables.items())}"
        yield self.tables["users"]


@dataclass(frozen=True)
class Manifest:
    """What was written: enough to make the same bytes again. `events` counts distinct rows, `rows` all of them."""

    preset: str
    users: int
    months: int
    seed: int
    start: str
    generator_version: int
    events: int
    duplicates: int
    late: int
    lost: int
    rows: dict[str, int]
    truth_rows: dict[str, int]


def simulate(
    preset: str = "validation", *, users: int = 2000, months: int = 24, seed: int = 7, start: date = START
) -> Simulation:
    """Simulates a product in memory: exactly `users` users over `months` calendar months from `start`.

    Numbers are frozen under `GENERATOR_VERSION`: models are tuned on them. Raises UsageError for an unknown preset, and
    where `start` is not the first of a month.

    >>> product = simulate("validation", users=50, months=6)
    >>> len(product.tables["users"])
    50
    """
    chosen, days = _plan(preset, users=users, months=months, seed=seed, start=start)
    blocks = [_block(chosen, days, seed, number, users) for number in range(_block_count(users))]
    truth = {name: _frame([block.truth[name] for block in blocks]) for name in blocks[0].truth}
    truth["lost_days"] = _lost_days(days).to_pandas()
    counts: Counter[str] = Counter()
    for block in blocks:
        counts.update(block.counts)
    leak = chosen.world == "leak"
    return Simulation(
        tables={name: _frame([block.tables[name] for block in blocks]) for name in blocks[0].tables},
        truth=truth,
        vocabulary=dict(SIMULATED_VOCABULARY),
        project=project(preset, days, own_metrics=leak),
        metrics=list(OWN_METRICS) if leak else [],
        counts=dict(counts),
    )


def write_product(  # noqa: PLR0913 (keyword arguments of one question)
    folder: Path | str,
    preset: str = "validation",
    *,
    users: int = 2000,
    months: int = 24,
    seed: int = 7,
    start: date = START,
    workers: int = 1,
    chunk: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """Writes the same product as a project folder, block by block; the folder appears whole or not at all.

    `events/` holds a zstd Parquet file per block, every other table one file, `truth/` the truth; `powerml.yaml` and
    `vocabulary.json` make it a project. `chunk` is how many blocks a worker takes at a time; neither it nor `workers`
    changes a byte. `progress(done, users)` is called after each block. Raises UsageError where the folder is taken.
    """
    folder = Path(folder)
    chosen, days = _plan(preset, users=users, months=months, seed=seed, start=start)
    if workers < 1 or chunk < 1:
        raise UsageError(f"workers and chunk must be at least 1, got {workers} and {chunk}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already; name a new folder, or remove it first")
    if not folder.resolve().parent.is_dir():
        raise UsageError(f"{folder}: the folder {folder.parent} does not exist; make it first")
    with whole_folder(folder) as draft:
        return _write(draft, chosen, days, users=users, seed=seed, workers=workers, chunk=chunk, progress=progress)


def _plan(preset: str, *, users: int, months: int, seed: int, start: date) -> tuple[Preset, ProductCalendar]:
    chosen = preset_named(preset)
    if users < 1 or months < 1:
        raise UsageError(f"users and months must be at least 1, got {users} and {months}")
    if seed < 0:
        raise UsageError(f"the seed must not be negative, got {seed}")
    if start.day != 1:
        raise UsageError(f"a simulation starts on the first of a month, got {start}; use {start.replace(day=1)}")
    return chosen, calendar(start, months, chosen.burn_in, seed)


def _block_count(users: int) -> int:
    return -(-users // BLOCK_USERS)


def _block(preset: Preset, days: ProductCalendar, seed: int, number: int, users: int) -> Block:
    wanted = min(BLOCK_USERS, users - number * BLOCK_USERS)
    return make_block(preset, days, seed=seed, number=number, wanted=wanted)


def _lost_days(days: ProductCalendar) -> pa.Table:
    return pa.table({"day": pa.array(days.lost_days * 1000).cast(pa.timestamp("ms", tz="UTC"))})


def _frame(tables: list[pa.Table]) -> pd.DataFrame:
    """One frame of several blocks' tables, ids as text."""
    whole = pa.concat_tables([_plain(table) for table in tables])
    ids = {"event_id", "session_id"} & set(whole.column_names)
    fields = [pa.field(f.name, pa.string()) if f.name in ids else f for f in whole.schema]
    frame: pd.DataFrame = whole.cast(pa.schema(fields)).to_pandas()
    return frame


def _plain(table: pa.Table) -> pa.Table:
    """Dictionary columns as plain text, so that blocks with different dictionaries go together."""
    fields = [pa.field(f.name, pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


@dataclass(frozen=True)
class _Task:
    preset: Preset
    days: ProductCalendar
    seed: int
    users: int
    folder: Path
    numbers: tuple[int, ...]


def _work(task: _Task) -> list[Block]:
    """Simulates a task's blocks and writes their events; what comes back are the small tables and the counts."""
    done = []
    for number in task.numbers:
        block = _block(task.preset, task.days, task.seed, number, task.users)
        path = task.folder / "events" / f"block-{number:05d}.parquet"
        events = block.tables["events"]
        with _writer(path, events.schema, delta=("event_id", "time", "session_id")) as writer:
            writer.write_table(events, row_group_size=events.num_rows or 1)
        rows = {name: _plain(table) for name, table in block.tables.items() if name != "events"}
        counts = block.counts | {"rows": events.num_rows}
        done.append(Block(rows, {name: _plain(table) for name, table in block.truth.items()}, counts))
    return done


def _writer(path: Path, schema: pa.Schema, *, delta: tuple[str, ...] = ()) -> pq.ParquetWriter:
    worded = [f.name for f in schema if pa.types.is_dictionary(f.type) or pa.types.is_string(f.type)]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=worded,
        column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED") or None,
        write_statistics=["time"] if delta else True,  # others cost a third of the writing and help nobody
        store_schema=False,
    )


def _write(
    folder: Path,
    preset: Preset,
    days: ProductCalendar,
    *,
    users: int,
    seed: int,
    workers: int,
    chunk: int,
    progress: Callable[[int, int], None] | None,
) -> Manifest:
    (folder / "events").mkdir()
    (folder / "truth").mkdir()
    numbers = iter(range(_block_count(users)))
    parts = iter(lambda: tuple(islice(numbers, chunk)), ())
    tasks = [_Task(preset, days, seed, users, folder, part) for part in parts]
    counts: Counter[str] = Counter()
    tables, truth = _Gathered(folder), _Gathered(folder / "truth")
    for number, block in enumerate(_blocks(tasks, workers)):
        counts.update(block.counts)
        tables.add(block.tables)
        truth.add(block.truth)
        if progress is not None:
            progress(min((number + 1) * BLOCK_USERS, users), users)
    truth.add({"lost_days": _lost_days(days)})
    tables.close()
    truth.close()
    leak = preset.world == "leak"
    _write_json(folder / "vocabulary.json", SIMULATED_VOCABULARY)
    _write_yaml(folder / "powerml.yaml", project(preset.name, days, own_metrics=leak))
    if leak:
        _write_yaml(folder / "metrics.yaml", OWN_METRICS)
    manifest = Manifest(
        preset=preset.name,
        users=users,
        months=days.months,
        seed=seed,
        start=days.start.isoformat(),
        generator_version=GENERATOR_VERSION,
        events=counts["events"],
        duplicates=counts["duplicates"],
        late=counts["late"],
        lost=counts["lost"],
        rows={"events": counts["rows"], **tables.rows},
        truth_rows=truth.rows,
    )
    _write_json(folder / "truth" / "manifest.json", asdict(manifest))
    return manifest


def _blocks(tasks: list[_Task], workers: int) -> Iterator[Block]:
    """The blocks in order, from this process or from several."""
    if workers == 1:
        yield from (block for task in tasks for block in _work(task))
        return
    with ProcessPoolExecutor(workers) as pool:
        results: Iterable[list[Block]] = pool.map(_work, tasks)
        for blocks in results:
            yield from blocks


class _Gathered:
    """Small tables of many blocks, one file each, a row group per `ROW_GROUP_BLOCKS` blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}
        self._waiting: dict[str, list[pa.Table]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}

    def add(self, tables: dict[str, pa.Table]) -> None:
        for name, table in tables.items():
            self.rows[name] = self.rows.get(name, 0) + table.num_rows
            waiting = self._waiting.setdefault(name, [])
            waiting.append(table)
            if len(waiting) == ROW_GROUP_BLOCKS:
                self._flush(name)

    def _flush(self, name: str) -> None:
        waiting, self._waiting[name] = self._waiting[name], []
        if not waiting:
            return
        if name not in self._writers:
            self._writers[name] = _writer(self.folder / f"{name}.parquet", waiting[0].schema)
        table = pa.concat_tables(waiting).combine_chunks()
        self._writers[name].write_table(table, row_group_size=max(table.num_rows, 1))

    def close(self) -> None:
        for name in self._waiting:
            self._flush(name)
        for writer in self._writers.values():
            writer.close()


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_yaml(path: Path, content: Any) -> None:
    import yaml

    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")
