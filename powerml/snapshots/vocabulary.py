"""What each event name of the data means: the vocabulary applied, exact names before globs, first glob first."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.metrics import EVENT_WORDS, Where, booleans_among
from powerml.config.vocabulary import DEPTH_LEVELS, Meaning, Vocabulary, is_glob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class EventKinds:
    """The distinct kinds of event of the data and what they mean.

    `frame` has one row per kind: `ev` (its number), `event`, `feature`, `category`, `tier`, `depth` (0 to 2), `mapped`,
    `ignored`, and any further event column that a metric asks about.
    `roles` maps a role to an array of flags in the order of `frame`.
    """

    frame: pd.DataFrame
    roles: Mapping[str, np.ndarray]
    vocabulary: Vocabulary

    @property
    def has_login(self) -> bool:
        """Whether the vocabulary gives any event the role `login` (what was declared decides, not what occurred)."""
        return any("login" in meaning.roles for meaning in self.vocabulary.values())

    def flags(self, where: Where) -> np.ndarray:
        """Which kinds satisfy a metric's `where`: every key must hold, a list means any of."""
        result = np.ones(len(self.frame), dtype=bool)
        for key, wanted in where.items():
            if key == "role":
                none = np.zeros(len(self.frame), dtype=bool)
                result &= np.logical_or.reduce([self.roles.get(role, none) for role in wanted])
            elif key == "event":
                result &= _matches(self.frame["event"], wanted)
            elif key == "depth":
                result &= self.frame["depth"].isin([DEPTH_LEVELS.get(w, -1) for w in wanted]).to_numpy()  # type: ignore[call-overload]
            else:
                values = self.frame[key].astype("string").fillna("none" if key == "tier" else "")
                same = values.isin(list(wanted))
                if not is_event_word(key):  # a number is itself however it is written
                    numbers = pd.to_numeric(pd.Series(wanted), errors="coerce").dropna()
                    same |= pd.to_numeric(values, errors="coerce").isin(numbers)
                    same |= values.str.lower().isin(booleans_among(wanted))
                result &= same.to_numpy(dtype=bool)
        return result

    def codes(self, of: str) -> tuple[np.ndarray, int]:
        """The kinds numbered by their value of `of` (feature, category, event, ...), and how many values there are."""
        codes, values = pd.factorize(self.frame[of], sort=True)
        return codes, len(values)

    def unmapped(self, seen: np.ndarray | None = None) -> list[str]:
        """Event names that no rule of the vocabulary names, sorted (of the kinds flagged `seen`)."""
        rows = ~self.frame["mapped"] if seen is None else ~self.frame["mapped"] & seen
        return sorted(self.frame.loc[rows, "event"].unique())

    def idle(self, seen: np.ndarray | None = None) -> list[str]:
        """Rules of the vocabulary that no event name (of the kinds flagged `seen`) is or matches, in their order."""
        rows = self.frame if seen is None else self.frame[seen | self.frame["ignored"].to_numpy(dtype=bool)]
        names = pd.Series(rows["event"].unique(), dtype="object")
        there = set(names)
        return [rule for rule in self.vocabulary if rule not in there and not _any(names, rule)]

    def declared(self, tier: str | None, seen: np.ndarray | None = None) -> int:
        """Number of features in the vocabulary (of a tier, if given).

        A glob without a `feature` names as many features as names matching it have been seen (`seen`: flags per kind).
        """
        named = {
            meaning.feature or name
            for name, meaning in self.vocabulary.items()
            if "ignore" not in meaning.roles and (tier is None or meaning.tier == tier)
            if meaning.feature or not is_glob(name)
        }
        rows = self.frame["mapped"] & ~self.frame["ignored"]
        if tier is not None:
            rows &= self.frame["tier"] == tier
        if seen is not None:
            rows &= seen
        return len(named | set(self.frame.loc[rows, "feature"]))


def is_event_word(key: str) -> bool:
    """Whether a `where` key speaks of the vocabulary rather than of a column of the table."""
    return key in EVENT_WORDS


def event_kinds(kinds: pd.DataFrame, vocabulary: Vocabulary, *, sort: bool = True) -> EventKinds:
    """Applies the vocabulary to distinct kinds of event (`event` and any further columns), numbered in their order."""
    if sort:
        kinds = kinds.sort_values(list(kinds.columns), ignore_index=True)
    names = pd.Series(kinds["event"].unique(), dtype="object")
    rule = pd.Series(-1, index=names.index)
    keys = list(vocabulary)
    exact = {name: i for i, name in enumerate(keys) if not is_glob(name)}
    rule = names.map(exact).fillna(-1).astype(int)
    for i, key in enumerate(keys):
        if is_glob(key):
            rule[(rule == -1) & _matches(names, (key,))] = i
    # a name with brackets of its own may be meant literally
    literal = names.map({name: i for i, name in enumerate(keys)})
    rule = literal.where(literal.notna(), rule).astype(int)
    meanings: list[Meaning] = [*vocabulary.values(), Meaning()]
    table = pd.DataFrame(
        {
            "event": names,
            "feature": [meanings[i].feature or name for i, name in zip(rule, names, strict=True)],
            "category": [meanings[i].category for i in rule],
            "tier": [meanings[i].tier for i in rule],
            "depth": [DEPTH_LEVELS[meanings[i].depth] for i in rule],
            "mapped": (rule >= 0).to_numpy(),
            "rule": rule.to_numpy(),
        }
    )
    table["category"] = table["category"].where(table["category"].notna(), table["feature"])
    frame = kinds.merge(table, on="event", how="left")
    rules = frame.pop("rule").to_numpy()
    every = {role for meaning in vocabulary.values() for role in meaning.roles}
    roles: dict[str, np.ndarray] = {
        role: np.array([role in meaning.roles for meaning in meanings])[rules] for role in sorted(every)
    }
    frame["ignored"] = roles.get("ignore", np.zeros(len(frame), dtype=bool))
    frame.insert(0, "ev", np.arange(len(frame), dtype="int32"))
    return EventKinds(frame, roles, vocabulary)


def literal_brackets(rule: str, names: Iterable[str]) -> str | None:
    """The rule with its brackets taken literally, where it matches some name then, and None where not.

    >>> literal_brackets("[Amplitude] *", ["[Amplitude] Start Session"])
    '[[]Amplitude] *'
    """
    literal = rule.replace("[", "[[]")
    return literal if "[" in rule and _any(pd.Series(list(names), dtype="object"), literal) else None


def _any(names: pd.Series, rule: str) -> bool:
    return is_glob(rule) and bool(_matches(names, (rule,)).any())


def _matches(names: pd.Series, patterns: tuple[str, ...]) -> np.ndarray:
    pattern = re.compile("|".join(fnmatch.translate(p) for p in patterns))
    return np.array([pattern.match(name) is not None for name in names], dtype=bool)


def unmapped_sentence(names: Sequence[str], *, shown: int) -> str:
    """What is said of event names without a meaning.

    >>> unmapped_sentence(["clicked"], shown=5)
    '1 event name that the vocabulary does not name, counted as activity: clicked'
    """
    some = ", ".join(names[:shown]) + (", …" if len(names) > shown else "")
    counted = f"{len(names):,} event name{'s'[: len(names) != 1]}"
    return f"{counted} that the vocabulary does not name, counted as activity: {some}"
