"""Weight sets by name or path as scorers, ready to score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powerml.config import shipped
from powerml.config.metrics import MetricSpec
from powerml.config.metrics import catalogue as shipped_catalogue
from powerml.config.weights import changes_rule, is_shipped, known_params, override, read_weights
from powerml.errors import UsageError, did_you_mean
from powerml.scoring.stored import scorer_class

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from powerml.config.weight_set import WeightSetSpec
    from powerml.scoring.documented.base import DocumentedScorer, PartOrigin
    from powerml.scoring.scorer import Scorer


def load_weights(
    name_or_path: str | Path,
    *,
    params: Mapping[str, float] | None = None,
    vocabulary: Mapping[str, float] | None = None,
    base: Path | None = None,
) -> DocumentedScorer[Any]:
    """The scorer of a shipped weight set or of a file.

    `params` sets numbers of the weight set, the scorer's version says which (`power_user@1+max_features=20`).
    `vocabulary` gives counts (`features`, `advanced`) for parameters declared as `vocabulary`: `max_features` is the
    count of `features`. `base` is the folder of relative paths and of a project's own `configs/`.

    Raises UsageError for an unknown name or parameter (with those there are), ConfigError for a file that is wrong.

    >>> load_weights("engagement").name
    'engagement'
    """
    spec = read_weights(name_or_path, base=base)
    documented = is_shipped(shipped.find("weights", str(name_or_path), base))
    return scorer_of(spec, documented=documented, params=params, vocabulary=vocabulary)


def read_scorer(
    name_or_path: str,
    *,
    params: Mapping[str, float] | None = None,
    settings: Mapping[str, float] | None = None,
    vocabulary: Mapping[str, float] | None = None,
    project: Path | None = None,
    said_in: Path | None = None,
) -> DocumentedScorer[Any]:
    """The scorer of a weight set named in a project, its file read once.

    `params` are the project's: those that the set has count. `settings` count more, and must be the set's. `project`
    and `said_in` are the folders of `shipped.base_of`. Where counts of the vocabulary are not known yet, the scorer
    gets them later (`with_counts`).
    """
    base = shipped.base_of(name_or_path, project=project, said_in=said_in)
    spec = read_weights(name_or_path, base=base)
    documented = is_shipped(shipped.find("weights", name_or_path, base))
    wanted = {**known_params(spec, params or {}), **(settings or {})}
    return scorer_of(spec, documented=documented, params=wanted, vocabulary=vocabulary)


def scorer_of(
    spec: WeightSetSpec,
    *,
    documented: bool = False,
    params: Mapping[str, float] | None = None,
    vocabulary: Mapping[str, float] | None = None,
) -> DocumentedScorer[Any]:
    """The scorer of a weight set, its parameters set as in `load_weights`."""
    params = params or {}
    origin: PartOrigin = "documented" if documented and not changes_rule(spec, params) else "edited"
    return scorer_class(spec)(override(spec, params).counted(vocabulary or {}), origin=origin)


def needed_metrics(scorer: Scorer, catalogue: Mapping[str, MetricSpec] | None = None) -> list[dict[str, Any]]:
    """The metrics that a scorer reads and the catalogue lacks, in the form of a metric of one's own.

    They are catalogue metrics over another window: `logins_14d` of `logins_30d`, or one day of it for a score that
    decays. Raises UsageError for a metric that cannot be had that way.

    >>> [m["name"] for m in needed_metrics(load_weights("activity", params={"window_days": 14}))]
    ['logins_14d', 'workflows_completed_14d', 'invites_14d']
    """
    known = shipped_catalogue() if catalogue is None else catalogue
    document = scorer.document
    declared = {} if document is None else document.declared_metrics
    windows = {} if document is None else document.windows
    found = []
    for metric in scorer.metrics_:
        if metric in known:
            continue
        like = declared.get(metric, metric)
        if like not in known or metric not in windows:
            raise UsageError(f"weight set {scorer.name!r}: no metric named {like!r}{did_you_mean(like, known)}")
        declaration = known[like].model_dump(mode="json", by_alias=True, exclude_defaults=True)
        source = {"document": "house metric", "reading": f"{like} over another window"}
        found.append({**declaration, "name": metric, "window_days": list(windows[metric]), "source": source})
    return found
