"""What the steps of one night share: the project opened once, the scorers asked for, the history it is kept in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from powerml.config import documents, fingerprints
from powerml.config.documents import DOCUMENTED_CARD
from powerml.config.lists import project_lists
from powerml.config.project import slug
from powerml.errors import MissingColumns
from powerml.history.nights import Night
from powerml.history.store import nearest
from powerml.history.treatments import TREATMENT_COLUMNS
from powerml.history.trees import TREE_COLUMNS, tree_name
from powerml.history.view import COMPOSITE, SIGNALS, NightViews
from powerml.progress import Note, silent
from powerml.scoring.explain.tree import branches_of
from powerml.scoring.named import NamedScorer, from_weights
from powerml.scoring.scores_table import id_columns, score_rows
from powerml.snapshots.rollup import Rollups
from powerml.tables import KNOWN_AT, OUTCOMES
from powerml.tracking import registry
from powerml.tracking.held_out_words import untold
from powerml.tracking.scorers import RegisteredScorer, from_registry
from powerml.tracking.store import store_of
from powerml.workflows.project import OpenProject, open_project, project_metrics, usage_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    import ibis.expr.types as ir

    from powerml.config.project import ProjectSpec
    from powerml.history.alarms import Digest
    from powerml.history.nights import MadeBy, Speaks
    from powerml.history.store import NightHistory

SETS_BESIDE = (COMPOSITE, SIGNALS)  # what candidates, PostHog and Attio need of document A, and lists of C
REASONS = 3
KNOWN_BY_NOW = "labels"  # the table of what came of a night
ROWS_AT_ONCE, FEWEST_AT_ONCE, MOST_AT_ONCE = 150_000, 12, 64
LOOKED_BACK = (7, 30)  # days that lists and alerts look back, beside the night before


_PEOPLE = (
    ("name", "users", "user_id", "name"),
    ("email", "users", "user_id", "email"),
    ("account_name", "accounts", "account_id", "name"),
    ("owner", "accounts", "account_id", "owner"),
)


@dataclass(frozen=True)
class Asked:
    """A scorer of the night, and what must be said about it."""

    scorer: NamedScorer
    role: Speaks
    remarks: tuple[str, ...] = ()


@dataclass
class Work:
    """One night's (or one backfill's) means; sources are read and models loaded when a step first asks for them.

    `dry`: it is a rehearsal, in which nothing is sent. `reasons`: how many are kept per row.
    `counts`: what is counted of the vocabulary at every date, in place of what was known of it then.
    """

    project: ProjectSpec
    history: NightHistory
    now: datetime
    made_by: MadeBy = "night"
    note: Note = silent
    exports: Path = Path("exports")
    sender: Callable[[Digest, str], str] | None = None
    keep_caches: bool = True
    dry: bool = False
    reasons: int = REASONS
    counts: Mapping[str, int] | None = None
    _opened: OpenProject | None = field(default=None, repr=False)
    _views: NightViews | None = field(default=None, repr=False)

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """The main scorer first, then the sets that something else reads."""
        main = main_scorer(self.project)
        others = [name for name in SETS_BESIDE if name != main.scorer.name]
        sets = [from_weights(name, project=self.project) for name in others]
        custom = [one for one in _of_custom_outcomes(self.project) if one.name != main.scorer.name]
        return (main, *(Asked(one, "beside") for one in (*sets, *custom)))

    @property
    def opened(self) -> OpenProject:
        """The project with its sources read."""
        if self._opened is None:
            known = project_metrics(self.project)
            for asked in self.asked:
                known = asked.scorer.metrics(known)
            aimed = self.asked[0].scorer.aimed(self.project)
            self._opened = open_project(aimed, now=self.now, known=known, cache=self.cached, dates=1, note=self.note)
        return self._opened

    def views(self, night: Night) -> NightViews:
        """The views of a night, the same for lists, alerts and the page."""
        if self._views is None or self._views.night != night:
            self._views = NightViews(self.history, night)
        return self._views

    @property
    def cached(self) -> bool | None:
        """Whether roll-ups are kept, as `cache_folder` asks: nights keep those of a database, too."""
        return (self.project.tables["events"].database is not None or None) if self.keep_caches else False

    @cached_property
    def at_once(self) -> int:
        """Of how many dates one plan makes the snapshots: planning costs the same for one as for many, memory not."""
        rollups = self.opened.rollups
        if not isinstance(rollups, Rollups):  # they do not fit into memory as it is
            return FEWEST_AT_ONCE
        users = rollups.users.count().name("n").as_table()
        (row,) = self.opened.inputs.engine.rows(users)
        return min(MOST_AT_ONCE, max(FEWEST_AT_ONCE, ROWS_AT_ONCE // max(1, int(row["n"]))))

    def snapshots(self, cutoffs: Sequence[date]) -> dict[date, tuple[pd.DataFrame, dict[str, Any]]]:
        """The snapshot of each date as the history keeps it, and the facts beside it."""
        built = self.opened.build(cutoffs, labels=True, note=self.note)
        frame = built.frame
        frame["label"] = frame["label"].where(frame["label"].eq("ineligible"), "immature")  # what comes is not known
        left = None if self.asked[0].scorer.model.outcome is not None else self.opened.left(frame)
        frame = frame.assign(left=False if left is None else left)
        found = {}
        for as_of, rows in frame.groupby("as_of", sort=True):
            day, ages = pd.Timestamp(str(as_of)).date(), rows["days_since_last_active"].dropna()
            facts = {
                "vocabulary_counts": {name: int(n) for name, n in built.vocabulary_counts.items()},
                "newest_event_days": float(ages.min()) if len(ages) else None,
                "contracts": left is not None,
            }
            found[day] = rows.reset_index(drop=True), facts
        return found

    def people(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Who the entities of a snapshot are: ids, `name`, `email`, `account_name`, `owner`, as far as known.

        Of an account also the `domain` of its users.
        """
        ids = [name for name in ("user_id", "account_id") if name in frame]
        rows = frame[ids].copy()
        for column, table, id_column, source in _PEOPLE:
            known = self.opened.loaded.columns.get(table, ())
            if id_column not in ids or source not in known:
                rows[column] = None
                continue
            there = self.opened.inputs.engine.rows(_latest(self.opened, table, id_column, source))
            rows[column] = rows[id_column].map({row[id_column]: row[source] for row in there})
        if "user_id" not in ids:
            rows["domain"] = rows["account_id"].map(self._domains())
        return rows.astype(str).where(rows.notna(), None)

    def _domains(self) -> dict[str, str]:
        """The domains of each account's users, by their e-mail addresses, with commas between several."""
        if not {"account_id", "email"} <= set(self.opened.loaded.columns.get("users", ())):
            return {}
        found: dict[str, set[str]] = {}
        for row in self.opened.inputs.engine.rows(self.opened.inputs.tables["users"].select("account_id", "email")):
            if row["account_id"] and row["email"] and "@" in row["email"]:
                found.setdefault(row["account_id"], set()).add(row["email"].rpartition("@")[2].strip().lower())
        return {account: ",".join(sorted(domains)) for account, domains in found.items()}

    def keep_labels(self) -> int:
        """Writes the outcomes of kept nights that are known by now beside them; gives how many nights.

        Those of a custom outcome by a name of their own (`labels_converted`), where a model of it is registered.
        """
        kept = self._keep_labels(self.project, KNOWN_BY_NOW)
        for asked in self.asked[1:]:
            if (outcome := asked.scorer.model.outcome) is not None:
                kept += self._keep_labels(asked.scorer.aimed(self.project), f"{KNOWN_BY_NOW}_{outcome.name}")
        return kept

    def _keep_labels(self, project: ProjectSpec, name: str) -> int:
        lacking = [n for n in self.history.nights() if not self.history.has_table(n, name)]
        slim = replace(self.opened.for_labels(), project=project) if lacking else None
        known = set(slim.mature([n.as_of for n in lacking])) if slim else set()
        if not known or slim is None:
            return 0
        self.note("what came of earlier nights")
        ids = [self.project.id_column, *(["account_id"] if self.project.entity == "user" else [])]
        for some in batches(sorted(known), self.at_once):
            frame = slim.build(some, labels=True, note=self.note).frame
            for as_of, rows in frame.groupby("as_of", sort=True):
                there = [name for name in ("as_of", *ids, "label") if name in rows]
                table = rows[there].reset_index(drop=True)
                self.history.keep_table(pd.Timestamp(str(as_of)).date(), name, table)
        return len(known)

    def keep_usage(self, as_of: date, snapshot: pd.DataFrame, scores: pd.DataFrame) -> None:
        """Keeps what the page asks of the sources at a date, beside its scores."""
        for name, table in usage_tables(self.opened, as_of, snapshot, scores).items():
            if table is not None:
                self.history.keep_table(as_of, name, table)

    def treatments(self) -> pd.DataFrame:
        """Who was touched when by which playbook, as the source of treatments says: `arm` is `treat` unless told."""
        columns = self.opened.loaded.columns.get("treatments", ())
        if not columns:
            return pd.DataFrame(columns=list(TREATMENT_COLUMNS))
        rows = self.opened.inputs.engine.frame(self.opened.inputs.tables["treatments"])
        rows["arm"] = rows["arm"].fillna("treat") if "arm" in rows else "treat"
        return rows.reindex(columns=list(TREATMENT_COLUMNS))

    def said(
        self, asked: Asked, as_of: date, snapshot_file: str, snapshot: pd.DataFrame, facts: dict[str, Any]
    ) -> tuple[Night, pd.DataFrame]:
        """What a scorer says of a kept snapshot: the entry of the history, not yet numbered, and the scores table."""
        scorer = asked.scorer.with_counts(self.counts or facts["vocabulary_counts"])
        model = scorer.model
        left = snapshot["left"].astype(bool) if facts["contracts"] and model.outcome is None else None
        if asked.role == "beside" and model.outcome is not None:  # the labels' population is that of another outcome
            snapshot = snapshot.drop(columns="label")
        ids = ["as_of", *id_columns(snapshot, self.project.id_column)]
        reasons = 0 if scorer.name == SIGNALS else self.reasons
        table, baseline = score_rows(
            scorer, snapshot.drop(columns="left"), ids=ids, reasons=reasons, ranking="stored", now=self.now,
            metrics=scorer.metrics(project_metrics(self.project)), left=left,
        )  # fmt: skip
        digest = fingerprints.of_json(model.to_dict())
        there = table[table["status"] == "scored"]
        bands = there[model.band_column].value_counts(normalize=True)
        ladder = model.scorer.bands or (documents.ladder() if model.has_probabilities else None)
        rungs = () if ladder is None else tuple(zip(ladder.edges, ladder.names, strict=True))
        night = Night(
            as_of=as_of,
            model=scorer.name,
            model_version=scorer.version,
            revision=0,
            made_by=self.made_by,
            role=asked.role,
            kind=model.kind,
            id_column=self.project.id_column,
            band_column=model.band_column,
            digest=fingerprints.of_text(snapshot_file, digest),
            scorer=digest,
            snapshot_file=snapshot_file,
            made_at=self.now.isoformat(timespec="microseconds"),
            bands=rungs,
            baseline=baseline,
            entities=len(table),
            scored=len(there),
            mean_score=None if there.empty else float(there["score"].mean()),
            shares={name: float(bands.get(name, 0.0)) for _, name in rungs},
            remarks=asked.remarks,
            untold=tuple(untold(scorer.registered)) if isinstance(scorer, RegisteredScorer) else (),
            outcomes_until=_outcomes_until(scorer),
        )
        return night, table

    def tree(self, asked: Asked, snapshot: pd.DataFrame, facts: dict[str, Any], table: pd.DataFrame) -> pd.DataFrame:
        """What each metric adds to the mean score of those scored, under its branch (`TREE_COLUMNS`)."""
        scorer = asked.scorer.with_counts(self.counts or facts["vocabulary_counts"])
        there = snapshot[(table["status"] == "scored").to_numpy()]
        if there.empty:
            return pd.DataFrame(columns=list(TREE_COLUMNS))
        mean = scorer.model.referenced(there).contributions(there).mean
        branch_of = branches_of(scorer.model, scorer.metrics(project_metrics(self.project)))
        rows = [(branch_of.get(str(name), str(name)), str(name), float(value)) for name, value in mean.items()]
        return pd.DataFrame(rows, columns=list(TREE_COLUMNS))

    def rescore(self, night: Night, asked: Asked) -> list[Night]:
        """Scores the earlier nights that this one is compared with, where another scorer spoke then.

        They are kept as backfilled entries of the newer version beside what was said. A snapshot that lacks a metric
        that the newer version reads cannot be scored, and nothing is compared with it.
        """
        history, made = self.history, []
        model = None if night.role == "main" else night.model
        said = [n for n in history.nights(model) if n.as_of < night.as_of]
        comparable = {n.as_of for n in history.nights(scorer=night.scorer)}
        wanted = {said[-1].as_of: said[-1]} if said else {}
        for days in LOOKED_BACK:
            if history.before(night, days) is None:
                near = nearest(said, night, days)
                wanted |= {} if near is None else {near.as_of: near}
        for as_of, earlier in sorted(wanted.items()):
            if as_of in comparable:
                continue
            self.note(f"scoring {as_of} with {night.model}@{night.model_version}")
            snapshot, facts = history.snapshot(earlier), history.facts(night)  # the newer one's counts, too
            try:
                entry, table = self.said(asked, as_of, earlier.snapshot_file, snapshot, facts)
            except MissingColumns:
                continue
            entry = history.numbered(replace(entry, made_by="backfill"))
            history.keep_scores(entry, table)
            if entry.role == "main":
                history.keep_table(as_of, tree_name(entry), self.tree(asked, snapshot, facts, table))
            history.admit(entry)
            made.append(entry)
        return made


def batches(cutoffs: Sequence[date], size: int) -> Iterator[Sequence[date]]:
    """Cutoffs of which one plan makes the snapshots."""
    for start in range(0, len(cutoffs), size):
        yield cutoffs[start : start + size]


def _of_custom_outcomes(project: ProjectSpec) -> Iterator[NamedScorer]:
    """The registered models of outcomes that lists are about, beside churn and expansion: `converted`."""
    store, model = store_of(project), slug(project.project)
    about = {spec.came for spec in project_lists(project).values()} - {*OUTCOMES, "none"}
    for name in sorted(f"{model}-{slug(outcome)}" for outcome in about):
        if registry.aliases(store, name):
            yield from_registry(project, name)


def _outcomes_until(scorer: NamedScorer) -> str | None:
    learned = scorer.learned
    until = None if learned is None else learned.outcomes_until or learned.until
    return None if until is None else str(until.date())


def _latest(opened: OpenProject, table: str, id_column: str, source: str) -> ir.Table:
    """(id, value) of a table of people; of several versions of a row the one that was written last."""
    rows = opened.inputs.tables[table]
    if not opened.inputs.has(table, KNOWN_AT):
        return rows.select(id_column, source)
    return rows.order_by(ibis.asc(KNOWN_AT, nulls_first=True)).select(id_column, source)


def main_scorer(project: ProjectSpec) -> Asked:
    """What `night: {model: …}` names; document D's card where there is no champion yet, which it says."""
    wanted = project.night.model
    store, model = store_of(project), slug(project.project)
    if wanted != "champion":
        of_registry = "@" in wanted or wanted.isdigit()
        made = from_registry(project, wanted) if of_registry else from_weights(wanted, project=project)
        return Asked(made, "main")
    aliases = registry.aliases(store, model)
    if "champion" in aliases:
        return Asked(from_registry(project, None), "main")
    how = "'powerml train' and 'powerml promote' make one"
    if "challenger" in aliases:
        there = registry.find_version(store, model, f"{model}@challenger")
        how = how if there.verdict == "no skill" else f"{there.shown} is there, {there.promoted()}"
    said = f"no champion yet, so {DOCUMENTED_CARD} speaks: its document's numbers, no probabilities; {how}"
    return Asked(from_weights(DOCUMENTED_CARD, project=project), "main", (said,))
