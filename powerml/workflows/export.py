"""`powerml export --canonical`: a project's tables as they count, one folder of Parquet for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.snapshots.needs import columns_asked
from powerml.sources.canonical import write_canonical
from powerml.tables import own_column
from powerml.workflows.project import project_metrics, read_sources
from powerml.writing import whole_folder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

    from powerml.config.project import ProjectSpec


def export_canonical(
    project: ProjectSpec, folder: Path, *, now: datetime | None = None, note: Note = silent
) -> pd.DataFrame:
    """Writes `folder`/TABLE/part-0.parquet for each table, all of them or none; gives the rows per table.

    Columns have their canonical names, times are UTC instants, rows set aside and repeats are left out. Columns that
    the project's own metrics ask about stand beside them under their own names. Raises UsageError where the folder is
    there already.
    """
    if folder.exists():
        raise UsageError(f"{folder}: is there already and is not overwritten; name a new folder, or remove it")
    asked = columns_asked(project_metrics(project).values())
    loaded = read_sources(project, now=now, extra=asked, note=note)
    own = {own_column(column): column for columns in asked.values() for column in columns}
    with whole_folder(folder) as draft:
        for table in loaded.tables:
            note(f"writing {table}")
            write_canonical(loaded, table, draft / table, shown=f"{folder / table}", names=own)
    loaded.check_unchanged()
    report: pd.DataFrame = loaded.report
    loaded.con.close()
    return report
