"""What a session keeps so that it can be repeated, how it is put back, and what differs where that is not possible."""

from __future__ import annotations

import json
import platform
from datetime import date, datetime, time, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from powerml.config import fingerprints, shipped
from powerml.config.experiment import ExperimentSpec, WeightSetEntry
from powerml.config.metrics import catalogue
from powerml.config.project import ProjectSpec
from powerml.config.reading import Document as Read
from powerml.config.reading import validated
from powerml.config.vocabulary import Meaning
from powerml.config.weights import is_shipped, read_weights, set_fingerprint
from powerml.errors import PowermlError
from powerml.training.snapshot_rows import declared_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from powerml.training.rows import TrainingData

ForRepeat = dict[str, Any]
"""What a run keeps beside its declaration, as JSON; see `for_repeat`."""

PACKAGES = ("powerml", "numpy", "pandas", "scipy", "scikit-learn", "lightgbm", "duckdb", "ibis-framework", "pyarrow")
PUT_BACK = (
    *("timezone", "entity", "plans", "outcome", "observed_until", "session_gap_minutes", "min_history_days"),
    *("earliest", "ids", "snapshots", "params", "vocabulary"),
)
"""Settings of a project that a repeat takes from the run; where tables lie is today's affair."""
_NO_MATTER = ("project", "memory_limit", "query_timeout", "engine", "spark")
EQUAL = 1e-9


def for_repeat(experiment: ExperimentSpec, data: TrainingData) -> ForRepeat:
    """What a repeat needs that the declaration does not say.

    `name` of the experiment and its `folder` in the project; `until`, the last date known; `packages` by version;
    `metrics` of one's own by fingerprint; `sets`: the weight sets named, by fingerprint, those of one's own whole.
    """
    own = {name: spec for name, spec in data.metrics.items() if name not in catalogue()}
    base, home = experiment.base, data.project.base
    inside = base is not None and base.is_relative_to(home)
    return {
        "name": experiment.name if base else "",
        "folder": base.relative_to(home).as_posix() if base is not None and inside else None,
        "until": str(data.latest["as_of"].max().date()) if data.has_later else None,
        "packages": installed_packages(),
        "metrics": {n: fingerprints.of_json(spec.model_dump(mode="json", by_alias=True)) for n, spec in own.items()},
        "sets": {said: _kept_set(said, data.project, base) for said in _named_sets(experiment)},
    }


def installed_packages() -> dict[str, str]:
    """The versions that figures may hang on, Python's among them."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a checkout
            found[name] = "not installed"
    return found


def experiment_again(
    declared: Mapping[str, Any], kept: ForRepeat, project: ProjectSpec, folder: Path
) -> tuple[ExperimentSpec, list[str]]:
    """The experiment as a run declared it, its own weight sets written into `folder`; and what has changed since."""
    said, entries = [], []
    for entry in declared.get("scorers", ()):
        named = "weights" if "fit" not in entry else "prior"
        wanted = entry.get(named)
        one = kept.get("sets", {}).get(wanted)
        if wanted and one is not None:
            said += [told for told in _changed_set(wanted, one, kept, project) if told not in said]
            if one.get("file"):
                path = Path(folder, f"{fingerprints.of_text(wanted)[:6]}-{Path(wanted).stem}.json")
                path.write_text(json.dumps(one["file"]), encoding="utf-8")
                label = entry.get("name") or (Path(wanted).stem if named == "weights" else entry["fit"])
                entry = {**entry, named: path.name, "name": label}
        entries.append(entry)
    asked = {**declared, "scorers": entries, "project": None}
    experiment: ExperimentSpec = validated(ExperimentSpec, Read("the run's experiment", asked))
    experiment._base = folder
    experiment._name = kept.get("name") or "train"
    return experiment, said


def project_again(
    declared: Mapping[str, Any], project: ProjectSpec, experiment: ExperimentSpec
) -> tuple[ProjectSpec, list[str]]:
    """The project with the settings that a run declared; and what its file says otherwise now."""
    now = json.loads(json.dumps(declared_project(project), default=str))
    skip = {*_NO_MATTER, *(["snapshots"] if experiment.snapshots else []), *(["outcome"] if experiment.outcome else [])}
    back: dict[str, Any] = {}
    said: list[str] = []
    for key in sorted({*declared, *now} - skip):
        then, today = declared.get(key), now.get(key)
        if then == today:
            continue
        put = key in PUT_BACK and key in declared
        end = "repeated as it was" if put else "today's is read, for the run does not keep it"
        said.append(f"{project.file}: {_how(key, then, today)}; {end}.")
        back |= {key: then} if put else {}
    if not back:
        return project, said
    least = {"tables": {"events": {"files": "events.csv"}}, "vocabulary": {}}
    checked: ProjectSpec = validated(ProjectSpec, Read("the run's project", {**least, **back}))
    changed = project.model_copy(update={key: getattr(checked, key) for key in back})
    if "vocabulary" in back:
        changed._meanings = validated(dict[str, Meaning], Read("the run's vocabulary", back["vocabulary"]))
    return changed, said


def known_until(kept: ForRepeat, project: ProjectSpec, latest: date) -> tuple[ProjectSpec, list[str]]:
    """The project as of the last date that a run knew, where its data go on by now; and the sentence on it."""
    if not kept.get("until") or (until := date.fromisoformat(kept["until"])) == latest:
        return project, []
    if until > latest:
        return project, [f"The data ended on {_before(until)} and end on {_before(latest)} now."]
    at = datetime.combine(until, time(), tzinfo=ZoneInfo(project.timezone))
    told = f"The data go on to {_before(latest)} now; repeated as of {until}, as then."
    return project.model_copy(update={"observed_until": at}), [told]


def what_differs(
    then: ForRepeat, now: ForRepeat, *, digests: tuple[str, str], rows: tuple[str, str], code: bool
) -> list[str]:
    """What the rows, the code, the packages and metrics of one's own have become; nothing where all are the same.

    `digests` and `rows`: of the labelled rows then and now; `code`: whether the package is the same.
    """
    said = []
    if digests[0] != digests[1]:
        counts = f"{rows[0]} labelled rows then, {rows[1]} now" if rows[0] != rows[1] else f"{rows[0]} labelled rows"
        said.append(f"The data have changed since: {counts}, digest {digests[0]} then and {digests[1]} now.")
    if not code:
        said.append("The code or the shipped declarations of powerml have changed since.")
    moved = _moved(then.get("packages", {}), now["packages"])
    if moved:
        said.append(f"Other versions: {'; '.join(f'{name} was {a} and is {b}' for name, a, b in moved)}.")
    names = [name for name, _, _ in _moved(then.get("metrics", {}), now["metrics"])]
    if names:
        said.append(f"The project's own metrics have changed: {', '.join(names)}; today's are used.")
    return said


def figures_compared(
    then: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]], *, run: str
) -> str:
    """Whether the scorers' figures came out again, in a sentence: all of them, or how far off the worst one is."""
    lost = [name for name in then if name not in now]
    pairs = [
        (abs(value - now[s].get(key, float("inf"))), s, key) for s in then if s in now for key, value in then[s].items()
    ]
    off = sorted((one for one in pairs if not one[0] <= EQUAL), reverse=True)
    gone = f" Missing now: {', '.join(lost)}." if lost else ""
    if not pairs:
        return f"Run {run} keeps no figures to compare with.{gone}"
    if not off:
        return f"All {len(pairs)} figures of {len(then) - len(lost)} scorers came out as in run {run}.{gone}"
    _, scorer, key = off[0]
    today = f"{now[scorer][key]:.6g}" if key in now[scorer] else "gone"
    worst = f"{key} of {scorer}: {then[scorer][key]:.6g} then, {today} now"
    return f"{len(off)} of {len(pairs)} figures differ from run {run}, most {worst}.{gone}"


def _named_sets(experiment: ExperimentSpec) -> list[str]:
    named = [e.weights if isinstance(e, WeightSetEntry) else e.prior for e in experiment.scorers]
    return list(dict.fromkeys(name for name in named if name))


def _kept_set(said: str, project: ProjectSpec, said_in: Path | None) -> dict[str, Any]:
    base = shipped.base_of(said, project=project.base, said_in=said_in)
    spec = read_weights(said, base=base)
    kept: dict[str, Any] = {"fingerprint": set_fingerprint(spec)}
    if not is_shipped(shipped.find("weights", said, base)):
        kept["file"] = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return kept


def _changed_set(said: str, one: Mapping[str, Any], kept: ForRepeat, project: ProjectSpec) -> Iterator[str]:
    """What has become of a weight set since, in a sentence."""
    own, folder = "file" in one, kept.get("folder")
    if own and shipped.is_path(said) and folder is None:
        return  # where its file lay is not known
    end = "repeated with it as it was" if own else "repeated with today's, for it is a part of the package"
    try:
        said_in = Path(project.base, folder) if folder is not None else None
        spec = read_weights(said, base=shipped.base_of(said, project=project.base, said_in=said_in))
    except PowermlError:
        yield f"The weight set {said} is gone or cannot be read; {end}."
        return
    if set_fingerprint(spec) != one["fingerprint"]:
        yield f"The weight set {said} has changed since; {end}."


def _how(key: str, then: Any, today: Any) -> str:
    """The first difference under a key of the project file, as `outcome.horizon_days was 90 and is 60 now`."""
    while isinstance(then, dict) and isinstance(today, dict):
        inner = sorted(k for k in {*then, *today} if then.get(k) != today.get(k))
        if key == "vocabulary":
            shown = ", ".join(inner[:5]) + (", ..." if len(inner) > 5 else "")
            return f"vocabulary has changed for {shown}"
        key, then, today = f"{key}.{inner[0]}", then.get(inner[0]), today.get(inner[0])
    return f"{key} was {_short(then)} and is {_short(today)} now"


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _moved(then: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [
        (name, then.get(name, "absent"), now.get(name, "absent"))
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]


def _before(midnight: date) -> date:
    return midnight - timedelta(days=1)
