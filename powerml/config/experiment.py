"""An experiment: which scorers are fitted and judged together, on which snapshots, and which question that answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, NonNegativeInt, PositiveInt, PrivateAttr, Tag

from powerml.config.base import Spec
from powerml.config.heads import HEADS
from powerml.config.outcome import EventOutcome
from powerml.config.project import Names, SnapshotsSpec
from powerml.config.reading import Document, read_document, validated
from powerml.errors import ConfigError, Problem

if TYPE_CHECKING:
    HeadKind = str
else:
    HeadKind = Literal[tuple(HEADS)]


class WeightSetEntry(Spec):
    """A weight set by its shipped name or its path, with parameters to override."""

    weights: str
    name: str | None = None
    set: dict[str, float] = {}

    @property
    def label(self) -> str:
        """The name the run carries."""
        return self.name or Path(self.weights).stem


class FittedEntry(Spec):
    """A head to fit; further keys are options of that head, which the head itself checks.

    `screen: off` fits it on all metrics, whatever the experiment's screen keeps. `prior` names the weight set (shipped
    name or path) that stands in where events are too few and whose weights the head `weights` fits: `engagement`.
    """

    model_config = ConfigDict(extra="allow")

    fit: HeadKind
    name: str | None = None
    prior: str | None = None
    screen: Literal["off"] | None = None

    @property
    def label(self) -> str:
        """The name the run carries."""
        return self.name or self.fit

    @property
    def options(self) -> dict[str, Any]:
        """The head's options."""
        return dict(self.model_extra or {})


def _which(value: Any) -> str:
    has_fit = "fit" in value if isinstance(value, dict) else isinstance(value, FittedEntry)
    return "Fit" if has_fit else "Weights"


ScorerEntry = Annotated[
    Annotated[WeightSetEntry, Tag("Weights")] | Annotated[FittedEntry, Tag("Fit")], Discriminator(_which)
]

DEFAULT_SCORERS: tuple[WeightSetEntry | FittedEntry, ...] = (
    WeightSetEntry(weights="engagement"),
    WeightSetEntry(weights="power_user"),
    WeightSetEntry(weights="activity"),
    FittedEntry(fit="logistic"),
    FittedEntry(fit="auto"),
)


class ScreenSpec(Spec):
    """The correlation screen: which metrics may be fitted, and how strong they must be.

    `threshold: auto` leaves out what no outcome tells from noise, and every head takes a threshold of its own where
    that loses less out of fold; a number keeps what reaches it (document D's rule is 0.45).
    """

    threshold: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = "auto"
    min_keep: PositiveInt = 5
    force_keep: Names = ()
    force_drop: Names = ()
    reference_prevalence: Literal["balanced", "natural"] = "balanced"


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


class ExperimentSpec(Spec):
    """An experiment file (shape: configs/README.md); everything has a default.

    `outcome`: a custom yes/no outcome in place of the project's. `capacity`: how many accounts a team can call per
    week, one number or several.
    """

    question: str = ""
    project: str | None = None
    outcome: EventOutcome | None = None
    snapshots: SnapshotsSpec | None = None
    screen: ScreenSpec | Literal["auto", "off"] | None = None
    scorers: Annotated[tuple[ScorerEntry, ...], Field(min_length=1)] = DEFAULT_SCORERS
    seed: NonNegativeInt = 0
    capacity: Annotated[tuple[PositiveInt, ...], BeforeValidator(_listed)] = ()

    _base: Path | None = PrivateAttr(default=None)
    _file: str = PrivateAttr(default="")
    _name: str = PrivateAttr(default="default")

    @property
    def name(self) -> str:
        """The file's name, or the name of its folder where the file is called `experiment.yaml`."""
        return self._name

    @property
    def base(self) -> Path | None:
        """The folder of the file, where its relative paths start; None for the default experiment."""
        return self._base

    @property
    def file(self) -> str:
        """The file as shown in messages; empty for the default experiment."""
        return self._file

    @property
    def project_file(self) -> Path | None:
        """The project file it names, or None where `-c` decides."""
        return Path(self._base or Path(), self.project) if self.project else None


def load_experiment(path: Path | str) -> ExperimentSpec:
    """Reads and checks one experiment file; raises ConfigError with all problems, DataError if absent."""
    document = read_document(path)
    problems = _entry_problems(document)
    try:
        experiment: ExperimentSpec = validated(ExperimentSpec, document)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    path = Path(path).resolve()
    experiment._base = path.parent
    experiment._file = document.file
    experiment._name = path.parent.name if path.stem == "experiment" else path.stem
    return experiment


def _entry_problems(document: Document) -> list[Problem]:
    """Names that two scorers share."""
    entries = document.data.get("scorers") if isinstance(document.data, dict) else None
    problems, seen = [], dict[str, int]()
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue
        label = entry.get("name") or entry.get("fit") or Path(str(entry.get("weights"))).stem
        if label in seen:
            what = f"{label!r} is the name of scorer {seen[label]} too; give one a name of its own"
            problems.append(document.problem(("scorers", i), what))
        seen.setdefault(label, i)
    return problems
