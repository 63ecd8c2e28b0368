"""`powerml validate`: the band report of any score column against any labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config import documents
from powerml.config.bands import BandsSpec
from powerml.config.reading import load
from powerml.config.shipped import find, names
from powerml.config.weights import read_weights
from powerml.errors import UsageError
from powerml.scoring.learned import Learned
from powerml.scoring.named import from_weights
from powerml.sources.tables.scores_and_labels import OUTCOME_PROBABILITIES, Joined, join, score_column
from powerml.statistics.accounts import key_columns
from powerml.statistics.outcomes import outcomes_of
from powerml.tables import OUTCOMES
from powerml.tracking import registry
from powerml.tracking.store import store_of
from powerml.validation.band_report import BandReport, band_report, fifths
from powerml.validation.churn_path import churn_path
from powerml.validation.discrimination import discrimination
from powerml.validation.reliability import calibration

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec


LATER = "judge it on later ones, or read the verdict of its training, which is on months held out"


@dataclass(frozen=True, eq=False)
class Validation:
    """The band report with what was joined, how well the column ranks, and the report without treated rows if any.

    `calibration`: observed over expected and slope per outcome, see `reliability.calibration`; no row without
    probabilities.
    `path`: the column's mean in each of the six months before churners left, where there are earlier scores.
    `cautions`: a sentence for each scorer of the rows that learned from some of them.
    """

    joined: Joined
    report: BandReport
    ranking: pd.DataFrame
    calibration: pd.DataFrame
    untreated: BandReport | None
    path: pd.DataFrame | None
    cautions: tuple[str, ...] = ()

    @property
    def violated(self) -> bool:
        """Whether the order of the bands is contradicted by what came."""
        return self.report.verdict == "violated"


def validate(
    scores: Path,
    labels: Path,
    *,
    column: str = "score",
    bands: str | None = None,
    base: Path | None = None,
    project: ProjectSpec | None = None,
) -> Validation:
    """Joins both files and reports on `column` by bands.

    `bands`: a shipped ladder (engagement, activity, power_user), a weight set's name, or a file of either. Absent: the
    ladder of the weight set named in the scores' `model` column; else document D's where `column` is a score of 0 to
    100; else fifths of the column. With a `project` the scores' `model` and `model_version` are looked up in its
    registry, so that rows from which they learned do not go unnoticed.
    """
    joined = join(scores, labels)
    frame = joined.frame
    accounts = joined.accounts
    values = score_column(frame, column, scores)
    ladder = _ladder(bands, frame, column, values, base=base)
    said = None
    if column == "score" and all(p in frame for p in OUTCOME_PROBABILITIES[:2]):
        said = pd.DataFrame({p: score_column(frame, p, scores) for p in OUTCOME_PROBABILITIES if p in frame})

    # also one that never came, to these rows or to some of them: what an outcome is worth hangs on which there are
    expected = OUTCOMES if said is not None and "p_expand" in said else outcomes_of(frame.loc[values.notna(), "label"])

    def report(rows: pd.Series) -> BandReport:
        return band_report(
            values[rows],
            frame.loc[rows, "label"],
            bands=ladder,
            groups=accounts[rows],
            probabilities=None if said is None else said[rows],
            reference=_reference(ladder),
            outcomes=expected,
        )

    everyone = pd.Series(True, index=frame.index)
    untreated = None
    if "treated" in frame and frame["treated"].any() and not frame.loc[values.notna(), "treated"].all():
        untreated = report(~frame["treated"])
    scored = values.notna()
    ranking = discrimination(frame.loc[scored, "label"], score=values[scored], groups=accounts[scored], seed=0)
    keys = ["as_of", joined.id_column]  # several users where labels are by account: their mean
    history = frame[key_columns(frame, joined.id_column)].assign(label=frame["label"], score=values)
    first = dict.fromkeys(history.columns.drop([*keys, "score"]), "first")
    history = history.groupby(keys).agg({**first, "score": "mean"}).reset_index()
    path = churn_path(history, history, id_column=joined.id_column)
    calibrated = pd.DataFrame()
    if said is not None and (known := scored & said.notna().all(axis=1)).any():
        calibrated = calibration(frame.loc[known, "label"], said[known], groups=accounts[known])
    told = _cautions(frame[scored], project)
    return Validation(joined, report(everyone), ranking, calibrated, untreated, path, told)


def _cautions(frame: pd.DataFrame, project: ProjectSpec | None) -> tuple[str, ...]:
    """A sentence for each version or card file, by the rows' `model` and `model_version`, that learned from them."""
    if "model" not in frame or "model_version" not in frame:
        return ()
    said = []
    scorers = frame["model"].astype(str) + "@" + frame["model_version"].astype(str)
    for shown, rows in frame.groupby(scorers):
        learned = _learned(*str(shown).rsplit("@", 1), project=project)
        if learned is not None and (told := learned.caution(str(shown), rows["as_of"], instead=LATER)):
            said.append(told)
    return tuple(said)


def _learned(name: str, number: str, *, project: ProjectSpec | None) -> Learned | None:
    """What a registered version or a card file of the project learned from; None of what is neither."""
    if project is None:
        return None
    versions = registry.registered_versions(store_of(project), name)
    if (found := next((v for v in versions if str(v.number) == number), None)) is not None:
        return Learned.from_tags(found.tags)
    own = {path.stem for path in (Path(project.base) / "configs" / "weights").glob("*.yaml")}
    return from_weights(name, project=project).learned if name in own else None


def _ladder(
    bands: str | None, frame: pd.DataFrame, column: str, values: pd.Series, *, base: Path | None
) -> BandsSpec | dict[float, str]:
    if bands is None and column == "score" and "model" in frame and frame["model"].nunique() == 1:
        model = str(frame["model"].iloc[0])
        bands = model if model in names("weights") else None
    if bands is None:
        of_hundred = column in ("score", "raw_score") and values.max() <= 100 and values.max() > 1
        return documents.ladder() if of_hundred else fifths(values)
    if bands in names("bands"):
        ladder: BandsSpec = load(BandsSpec, find("bands", bands))
        return ladder
    spec = read_weights(bands, base=base)
    if spec.bands is None:
        raise UsageError(f"--bands {bands}: that weight set declares no bands; name one that does, like engagement")
    return spec.bands


def _reference(ladder: BandsSpec | dict[float, str]) -> pd.DataFrame | None:
    """The outcomes that document D prints for its own bands, where the ladder is D's."""
    edges = ladder.edges if isinstance(ladder, BandsSpec) else tuple(sorted(ladder, reverse=True))
    printed = {float(b.from_): b for b in documents.documented_band_table()}
    if not isinstance(ladder, BandsSpec) or set(printed) != {float(e) for e in edges}:
        return None
    rows = [
        (name, printed[edge].churn, printed[edge].stay, printed[edge].expand)
        for edge, name in zip(edges, ladder.names, strict=True)
    ]
    return pd.DataFrame(rows, columns=["band", "churn", "stay", "expand"])
