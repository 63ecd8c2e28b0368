"""`powerml weights`: the weight sets there are, one as a card, two compared, a copy to edit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config import shipped
from powerml.config.weights import differences, read_weights
from powerml.errors import UsageError
from powerml.scoring.documented.table import card_table
from powerml.sinks.files import check_weights_target
from powerml.writing import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.config.weight_set import WeightSetSpec


@dataclass(frozen=True)
class Card:
    """A weight set to read: its declaration, its lines, its playbooks (`band`, `team`, `action`), the file it is in."""

    spec: WeightSetSpec
    lines: pd.DataFrame
    playbooks: pd.DataFrame
    file: Path


def list_weights(base: Path | None = None) -> pd.DataFrame:
    """The shipped weight sets and those of the project in `base`: `name`, `version`, `kind`, `title`, and so on.

    Where both have a set of a name, `where` says that the project's counts, as it does wherever sets are named.
    """
    known = shipped.names("weights")
    own = {path.stem: path for path in sorted((base / "configs" / "weights").glob("*.yaml"))} if base else {}
    own = {name: path for name, path in own.items() if name not in known or not path.samefile(known[name])}
    where = [(path, "shipped, not used: the project's counts" if n in own else "shipped") for n, path in known.items()]
    where += [(path, "project, used for the shipped one" if n in known else "project") for n, path in own.items()]
    rows = []
    for path, place in where:
        spec = read_weights(path)
        bands = "" if spec.bands is None else ", ".join(f"{b.name} {b.from_:g}" for b in spec.bands.bands)
        document = spec.source.document if spec.source and spec.source.document else "house"
        rows.append((spec.name, str(spec.version), spec.kind, spec.title, len(spec.metrics), bands, document, place))
    columns = ["name", "version", "kind", "title", "metrics", "bands", "document", "where"]
    return pd.DataFrame(rows, columns=columns)


def show(name_or_path: str, *, base: Path | None = None) -> Card:
    """The card of one weight set; raises UsageError where there is none of that name, ConfigError for a broken file."""
    file = shipped.find("weights", name_or_path, base)
    spec = read_weights(name_or_path, base=base)
    actions = [
        (band.name, team, action)
        for band in (spec.bands.bands if spec.bands else ())
        for team, listed in band.playbook.items()
        for action in listed
    ]
    return Card(spec, card_table(spec), pd.DataFrame(actions, columns=["band", "team", "action"]), file)


def diff(a: str, b: str, *, base: Path | None = None) -> pd.DataFrame:
    """The settings in which two weight sets differ: `setting`, then one column per set, named after it."""
    left, right = read_weights(a, base=base), read_weights(b, base=base)
    names = (left.label, right.label) if left.label != right.label else (a, b)
    return pd.DataFrame(differences(left, right), columns=["setting", *names])


def copy(name_or_path: str, target: Path, *, base: Path | None = None) -> Path:
    """Writes a weight set's file, comments and quotes included, under the target's name as version 1, to be edited.

    Raises UsageError rather than write over a file, or under a name that cannot be a weight set's.
    """
    source = shipped.find("weights", name_or_path, base)
    spec = read_weights(name_or_path, base=base)
    check_weights_target(target)
    name = target.stem
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in shipped.names("weights"):
        raise UsageError(
            f"{target}: {name!r} cannot name a copy; use small letters, digits and _, and a name of its own"
        )
    text = source.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^based_on:.*\n", "", text)
    text = re.sub(r"(?m)^name:.*$", f"name: {name}", text, count=1)
    text = re.sub(r"(?m)^version:.*$", f"version: 1\nbased_on: {spec.label}", text, count=1)
    write_whole(target, text)
    return target
