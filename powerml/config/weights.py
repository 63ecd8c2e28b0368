"""Weight sets as files: read by name or path, numbers set from outside, one compared with another."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from powerml.config import shipped
from powerml.config.activity import ActivitySpec
from powerml.config.bands import BandsSpec
from powerml.config.card_model import CardModelSpec
from powerml.config.composite import CompositeSpec
from powerml.config.fingerprints import of_json
from powerml.config.points import PointsSpec
from powerml.config.reading import Document, load, read_document, validated
from powerml.config.signals import RuleSpec, SignalsSpec
from powerml.config.weight_set import WeightSetSpec
from powerml.errors import ConfigError, UsageError, did_you_mean

KINDS: dict[str, type[WeightSetSpec]] = {
    "points": PointsSpec,
    "composite": CompositeSpec,
    "activity": ActivitySpec,
    "rule": RuleSpec,
    "signals": SignalsSpec,
}

AnySpec = TypeVar("AnySpec", bound=WeightSetSpec)

# Containers that a setting may leave out: `unresolved_tickets.per_unit` for `deductions.unresolved_tickets.per_unit`.
_CONTAINERS = ("params", "parts", "deductions", "dimensions", "actions")
_TEXT = {"name", "version", "source", "based_on", "notes", "bands", "exceptions", "outcomes", "trained_until"}


POWER_SCORE = "power_user"  # document A's: its top decile, and the loop of review, are about this set


def read_weights(name_or_path: str | Path, *, base: Path | None = None) -> WeightSetSpec:
    """The weight set of a shipped name or of a file (relative to `base`).

    Raises UsageError with the names there are, ConfigError with every problem of the file. A changed copy of a
    shipped set must not carry its name and version.
    """
    path = shipped.find("weights", str(name_or_path), base)
    document = read_document(path)
    spec = parse(document, base=base)
    if not is_shipped(path) and spec.name in shipped.names("weights"):
        original = parse(read_document(shipped.names("weights")[spec.name]))
        if original.label == spec.label and original != spec:
            what = f"{spec.label} is a shipped set and this file differs from it; give it another name or version"
            raise ConfigError([document.problem(("name",), what)])
    return spec


def parse(document: Document, *, base: Path | None = None) -> WeightSetSpec:
    """A document as a weight set; `bands` may name a file of `configs/bands/`."""
    data = document.data if isinstance(document.data, dict) else {}
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        hint = did_you_mean(str(kind), KINDS) or f"; there are {', '.join(KINDS)}"
        what = f"no kind of weight set named {kind!r}{hint}" if "kind" in data else f"'kind' is missing{hint}"
        raise ConfigError([document.problem(("kind",), what)])
    if isinstance(name := data.get("bands"), str):
        try:
            bands: BandsSpec = load(BandsSpec, shipped.find("bands", name, base))
        except UsageError as error:
            raise ConfigError([document.problem(("bands",), str(error))]) from None
        document = Document(document.file, {**data, "bands": bands}, document.lines)
    return validated(CardModelSpec if kind == "points" and "heads" in data else KINDS[kind], document)


def is_shipped(path: Path) -> bool:
    """Whether a file is one of the documented sets themselves."""
    return path.resolve().is_relative_to(shipped.configs().resolve())


def settable(spec: WeightSetSpec) -> dict[str, float | str]:
    """Every number of a weight set that can be set from outside, by its path in the file, with its value.

    Params, parts, deductions, dimensions and actions go without their container: `max_features`,
    `unresolved_tickets.per_unit`, `depth.terms.0.weight`.
    """
    result: dict[str, float | str] = {}
    for path, value in _leaves(spec.model_dump(by_alias=True)):
        named = path[0] in ("params", "full_scale", "half_life_days")
        if path[0] in _TEXT or path[-1] == "kind" or isinstance(value, bool):
            continue
        if isinstance(value, (int, float)) or (named and not isinstance(value, Mapping)):
            short = path[1:] if path[0] in _CONTAINERS and len(path) > 1 else path
            if path[0] == "actions" and path[-1] == "weight":
                short = path[1:-1]
            result[".".join(short)] = value if isinstance(value, (int, float)) else str(value)
    return result


def known_params(spec: WeightSetSpec, params: Mapping[str, float]) -> dict[str, float]:
    """Those of a project's `params` that this weight set has."""
    known = settable(spec)
    return {name: value for name, value in params.items() if name in known}


def override(spec: AnySpec, settings: Mapping[str, float]) -> AnySpec:
    """The weight set with numbers changed, its version saying which: `1+max_features=20`.

    Raises UsageError for a name that is not `settable`, or a value with which the set does not hold together.
    """
    if not settings:
        return spec
    known = settable(spec)
    data = spec.model_dump(by_alias=True)
    for name, value in settings.items():
        plain = _full_name(name)
        if plain not in known:
            top = [n for n in known if "." not in n]
            names = ", ".join(top or known) + ("; and every number by its path in the file" if top else "")
            hint = did_you_mean(plain, known) or f"; there are {names}"
            raise UsageError(f"{spec.label} has no parameter {name!r}{hint}")
        if not math.isfinite(value):
            raise UsageError(f"{name}={value} is no number to score with; give a finite one")
        data = _with(data, _path_of(data, plain), int(value) if value == int(value) else value)
    changed = ",".join(f"{name}={settings[name]:g}" for name in sorted(settings))
    data["version"] = f"{spec.version}+{changed}"
    try:
        return type(spec).model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(key) for key in first["loc"] if not re.fullmatch(r"[A-Z]\w*|function.*", str(key)))
        what = str(first["ctx"]["error"]) if "error" in first.get("ctx", {}) else str(first["msg"]).lower()
        raise UsageError(f"{spec.label} with {changed}: {where + ': ' if where else ''}{what}") from None


def changes_rule(spec: WeightSetSpec, settings: Mapping[str, float]) -> bool:
    """Whether settings touch the documented numbers, rather than parameters the document leaves open."""
    open_ = {"full_scale", "window_days", "half_life_days", "top_share", *getattr(spec, "params", {})}
    return any(_full_name(name) not in open_ for name in settings)


def differences(a: WeightSetSpec, b: WeightSetSpec) -> list[tuple[str, str, str]]:
    """What differs between two sets, as (setting, in a, in b), sources and quotes left out; empty text where absent."""
    left, right = _plain(a), _plain(b)
    return [
        (key, left.get(key, ""), right.get(key, ""))
        for key in dict.fromkeys([*left, *right])
        if left.get(key) != right.get(key)
    ]


def _plain(spec: WeightSetSpec) -> dict[str, str]:
    silent = {
        "exceptions",
        "source",
        "quote",
        "reading",
        "notes",
        "name",
        "version",
        "title",
        "based_on",
        "playbook",
        "meaning",
    }
    result = {}
    for path, value in _leaves(spec.model_dump(by_alias=True)):
        if value is None or (silent & set(path) and not (path[0] == "bands" and path[-1] == "name")):
            continue
        result[".".join(path)] = f"{value:g}" if isinstance(value, float) else str(value)
    return result


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from _leaves(inner, (*path, str(position)))
    else:
        yield path, value


def _full_name(name: str) -> str:
    head, dot, rest = name.partition(".")
    return rest.removesuffix(".weight") if dot and head == "actions" else rest if dot and head in _CONTAINERS else name


def _path_of(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The full path of a settable name: within the first container that has it (a part may be called `limits`)."""
    keys = tuple(name.split("."))
    paths = {path for path, _ in _leaves(data)}
    for container in _CONTAINERS:
        for path in ((container, *keys), (container, *keys, "weight")):
            if path in paths and (len(path) == len(keys) + 1 or container == "actions"):
                return path
    return keys


def _with(data: Any, path: tuple[str, ...], value: float) -> Any:
    """A copy of nested data with one value changed."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(data, (list, tuple)):
        return [_with(item, rest, value) if str(i) == key else item for i, item in enumerate(data)]
    return {**data, key: _with(data[key], rest, value)}


def set_fingerprint(spec: WeightSetSpec) -> str:
    """What tells one weight set from an edited one: its numbers, names and words."""
    return of_json(spec.model_dump(mode="json", by_alias=True, exclude_none=True))[:12]
