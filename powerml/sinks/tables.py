"""The two export tables in a folder of their own, for a warehouse that reads files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from powerml.errors import DataError
from powerml.history.exports import CHANGED, CURRENT, export_bytes
from powerml.progress import Note, silent
from powerml.sinks.plans import Applied, SinkPlan, Write, WriteAction, digest_of, utc_now
from powerml.writing import not_writable, write_whole

if TYPE_CHECKING:
    from powerml.config.sinks import FilesSpec
    from powerml.history.sent import SinkLedger
    from powerml.history.standing import Standing


@dataclass
class FilesSink:
    """Writes `scores_current.parquet` and `scores_changed.parquet`, each whole or not at all."""

    folder: Path
    name: str = "files"

    @classmethod
    def connected(cls, spec: FilesSpec, *, base: Path, **_: Any) -> Self:
        """The sink of a folder, relative to the project's."""
        return cls(Path(base, spec.folder))

    def plan(self, standing: Standing, ledger: SinkLedger) -> SinkPlan:
        """A file whose content differs from what stands there is written."""
        as_of, writes, stays = standing.as_of.isoformat(), [], 0
        for name, frame in ((CURRENT, standing.current()), (CHANGED, standing.changed())):
            content, target, there = export_bytes(frame), self.folder / name, self._there(name)
            if there == content:
                stays += 1
                continue
            action: WriteAction = "create" if there is None else "update"
            body = {"content": content}
            digest = digest_of(content.hex())
            writes.append(Write(action, "file", name, f"{target} ({len(frame):,} rows)", digest, body, as_of=as_of))
        return SinkPlan(self.name, as_of, tuple(writes), stays)

    def apply(self, plan: SinkPlan, ledger: SinkLedger, *, note: Note = silent) -> Applied:
        """Writes the files of a plan."""
        done = Applied(self.name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for write in plan.writes:
                note(write.shown)
                write_whole(self.folder / write.key, write.body["content"])
                ledger.write([write.row("sent")], now=utc_now())
                done.written += 1
        except OSError as error:
            done.failed = str(not_writable(self.folder, error))
        except DataError as error:
            done.failed = str(error)
        return done

    def _there(self, name: str) -> bytes | None:
        """What stands in a file; None where there is none, or it cannot be read."""
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            return None
