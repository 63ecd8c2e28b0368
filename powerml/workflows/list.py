"""`powerml list`: whom to call, from the history, with names, owners, money and reasons; what the list was worth."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config import shipped
from powerml.config.bands import BandsSpec
from powerml.config.lists import named_lists, project_lists
from powerml.config.reading import load
from powerml.errors import UsageError
from powerml.history.movement import new_speaker, swap_at
from powerml.history.store import NightHistory
from powerml.history.treatments import with_drawn
from powerml.history.view import NightViews
from powerml.monitoring.lists import LIST_COLUMNS, Listed, Worth, make_list, worth
from powerml.monitoring.similar import most_similar
from powerml.tables import NOT, OUTCOMES
from powerml.validation.capacity import capacity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from powerml.config.lists import ListSpec
    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night

BECAUSE = 3  # reasons in a row's sentence


@dataclass(frozen=True, eq=False)
class ListResult:
    """A list as it is written: `rows` (LIST_COLUMNS), the sentences below it, its worth in numbers, how long it is."""

    spec: ListSpec
    night: Night
    rows: pd.DataFrame
    sentences: tuple[str, ...]
    worth: Worth | None = None
    whole: int = 0


def lists(
    project: ProjectSpec,
    name: str | None = None,
    *,
    team: str | None = None,
    as_of: date | None = None,
    cut: int | None = None,
) -> list[ListResult]:
    """The lists asked for, of the newest night or that of a date; `cut` keeps the first so many of each.

    Raises UsageError where the history holds no such night, or no list has the name.
    """
    specs = named_lists(project_lists(project), name, team)
    history = NightHistory.of(project)
    night = history.newest() if as_of is None else history.at(as_of)
    if night is None:
        there = f" of {as_of}; powerml history lists those there are" if as_of else "; run 'powerml night' first"
        raise UsageError(f"{history.folder}: holds no night{there}")
    views = NightViews(history, night)
    return [written(project, views, spec, cut=cut) for spec in specs]


def listed(views: NightViews, spec: ListSpec) -> Listed:
    """Who stands on a list at a night; of the same views made once."""
    key = ("listed", spec.name, spec.model_dump_json())
    return views.once(key, lambda: _listed(views, spec))


def _listed(views: NightViews, spec: ListSpec) -> Listed:
    view, history, night = views.of(spec.of), views.history, views.night
    if view is None:
        return Listed(spec, pd.DataFrame(), (f"{spec.of} said nothing of {night.as_of}",), empty=True)
    untold = {*night.untold, *(name for one in history.all_beside(night) for name in one.untold)}
    try:
        made = make_list(spec, view, untold=sorted(untold))
    except UsageError as error:  # a band that the ladder of what speaks now has not
        return Listed(spec, pd.DataFrame(), (str(error),), empty=True)
    if not spec.beside or made.rows.empty:
        return made
    peers = most_similar(view, made.rows["user_id"], spec.beside)
    return replace(made, rows=made.rows.assign(peer=made.rows["user_id"].map(peers)))


def written(
    project: ProjectSpec, views: NightViews, spec: ListSpec, *, cut: int | None = None, first: int | None = None
) -> ListResult:
    """A list with everything that a person needs to act on it.

    `cut` is a team's capacity, by which the list is judged; of a whole list `first` asks for so many rows only.
    """
    history, night = views.history, views.night
    made = listed(views, spec)
    if made.empty:
        rows = pd.DataFrame(columns=list(LIST_COLUMNS))
        return ListResult(spec, night, rows, tuple(f"{spec.name}: no list ({said})." for said in made.remarks))
    shown = [n for n in (cut, first) if n is not None]
    table = _columns(project, views, spec, made.rows.head(min(shown)) if shown else made.rows)
    told, value = _worth(project, views, spec, cut)
    changed = new_speaker(history, night)
    said = [*(f"{spec.name}: {said}." for said in made.remarks), *_expected(made, cut), *told]
    said += [changed] if changed else []
    return ListResult(spec, night, table, tuple(said), value, len(made.rows))


def _columns(project: ProjectSpec, views: NightViews, spec: ListSpec, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns of the contract, in its order."""
    table, history, night = rows.copy(), views.history, views.night
    table.insert(0, "rank", range(1, len(table) + 1))
    table["list"] = spec.name
    people = history.table(night, "people")
    table["name"], table["owner"] = _named(people, table, spec)
    table["mrr_at_risk"] = table["p_churn"].astype(float) * table["mrr"].astype(float)
    actions = _playbook(views, spec)
    table["playbook"] = table["band"].map(actions).fillna("") if len(actions) else ""
    table["because"] = [_because(text) for text in table["reasons"]]
    if "peer" in table:
        table["because"] = [f"most like {peer}" if peer else "" for peer in table["peer"].fillna("")]
    key = "account_id" if spec.entity == "account" else "user_id"
    table["on_list_since"] = table[key].map(since(history, night, spec))
    treated = _treated(project, history, night)
    table["last_treated"] = _either(table, treated["time"])
    table["arm"] = _either(table, treated["arm"])
    if spec.entity == "account":
        table["user_id"] = table["user_id"].where(table["user_id"].notna(), None)
    return table[list(LIST_COLUMNS)]


def _named(people: pd.DataFrame | None, table: pd.DataFrame, spec: ListSpec) -> tuple[pd.Series, pd.Series]:
    nobody = pd.Series(None, index=table.index, dtype=object)
    if people is None:
        return nobody, nobody
    owners = people.drop_duplicates("account_id").set_index("account_id") if "account_id" in people else None
    owner = nobody if owners is None else table["account_id"].map(owners["owner"])
    if spec.entity == "user" and "user_id" in people:
        return table["user_id"].map(people.set_index("user_id")["name"]), owner
    return (nobody if owners is None else table["account_id"].map(owners["account_name"])), owner


def _playbook(views: NightViews, spec: ListSpec) -> dict[str, str]:
    """The document's actions by band, for the list's team."""
    seen = views.of(spec.of)
    if seen is None or not seen.ladder:
        return {}
    file = "power_user" if seen.of.band_column == "tier" else "engagement"
    ladder: BandsSpec = load(BandsSpec, shipped.find("bands", file))
    return {band.name: "; ".join(band.playbook.get(spec.team, ())) for band in ladder.bands if band.name in seen.ladder}


def _because(text: object) -> str:
    if not isinstance(text, str) or not text:
        return ""
    return "; ".join(reason["text"] for reason in json.loads(text)[:BECAUSE])


def since(history: NightHistory, night: Night, spec: ListSpec) -> dict[str, date]:
    """Since which night each entity has stood on a list, as the nights wrote it down."""
    table = history.table(night, "lists")
    if table is None:
        return {}
    mine = table[table["list"] == spec.name]
    return dict(zip(mine["id"].astype(str), mine["on_list_since"], strict=True))


def _treated(project: ProjectSpec, history: NightHistory, night: Night) -> pd.DataFrame:
    """Of each entity that was treated or drawn before a night: when last (`time`), and its `arm`."""
    table = with_drawn(history.table(night, "treatments"), project.state, project.timezone)
    if night != history.newest():
        table = table[table["time"] < night.as_of]
    last = table.drop_duplicates("entity_id", keep="last").set_index("entity_id")
    return last.assign(time=last["time"].where(last["arm"] != "hold"))[["time", "arm"]]


def _either(table: pd.DataFrame, of: pd.Series) -> pd.Series:
    """What is known of a row's user, else of its account."""
    known = of.to_dict()
    own, account = table["user_id"].map(known), table["account_id"].map(known)
    return own.where(own.notna(), account)


def _expected(made: Listed, cut: int | None) -> list[str]:
    """Under a capacity: what the first so many should catch."""
    if cut is None or made.rows.empty or made.rows["p"].isna().all():
        return []
    row = capacity(made.rows["p"].fillna(0.0), cut, score=-made.rows.index.to_numpy(dtype=float)).iloc[1]
    return [
        f"The first {row['n']} should catch {row['expected']:.1f} that {_word(made.spec)} "
        f"({row['low']} to {row['high']}), {100 * row['share_caught']:.0f} % of all on the list."
    ]


def _word(spec: ListSpec) -> str:
    return {"churn": "churn", "expand": "expand"}.get(spec.came, f"come to {spec.came}")


def _worth(project: ProjectSpec, views: NightViews, spec: ListSpec, cut: int | None) -> tuple[list[str], Worth | None]:
    history, night = views.history, views.night
    if spec.came == "none":
        return [], None
    if spec.came not in OUTCOMES and not any(n.model.endswith(f"-{spec.came}") for n in history.all_beside(night)):
        return [f"What the list is worth is not known: no model of the outcome {spec.came!r} is registered."], None
    then = views.once(("judged", labels_of(spec)), lambda: newest_known(history, night, spec))
    if then is None:
        days = project.outcome.horizon_days
        why = f"of no earlier night outcomes are kept, which take {days} days"
        return [f"What the list is worth is not known yet: {why}."], None
    earlier = views.at(then)
    outcomes, made = known_outcomes(earlier, spec), listed(earlier, spec)
    value = None if made.empty else worth(made, outcomes, capacity=cut)
    if value is None:
        return [f"Of the list of {then.as_of} no outcome is known."], None
    caution = ""
    if then.outcomes_until is not None and then.as_of.isoformat() < then.outcomes_until:
        caution = f" {then.model}@{then.model_version} has learned from outcomes of that date, which flatters it."
    return [value.sentence(spec, then.as_of) + caution], value


def labels_of(spec: ListSpec) -> str:
    """What the table of outcomes is called that a list is judged by."""
    return "labels" if spec.came in OUTCOMES else f"labels_{spec.came}"


def newest_known(history: NightHistory, night: Night, spec: ListSpec) -> Night | None:
    """The last night up to another of which it is kept what came of those that a list is about."""
    earlier = [n for n in history.nights() if n.as_of < night.as_of]
    return next((n for n in reversed(earlier) if history.has_table(n, labels_of(spec))), None)


def known_outcomes(views: NightViews, spec: ListSpec) -> pd.Series:
    """What came of each account (or user, of a user list) that might have stood on a list of a night, by its id."""
    history, night = views.history, views.night
    key = ("came", labels_of(spec), spec.entity)
    return views.once(key, lambda: _outcomes(history, night, spec))


def _outcomes(history: NightHistory, night: Night, spec: ListSpec) -> pd.Series:
    labels = history.table(night, labels_of(spec))
    if labels is None:
        return pd.Series(dtype=object)
    key = "account_id" if spec.entity == "account" and "account_id" in labels else night.id_column
    words = OUTCOMES if spec.came in OUTCOMES else (spec.came, f"{NOT}{spec.came}")
    known = labels[labels["label"].isin(words) & labels[key].notna()]
    if spec.came in OUTCOMES:  # a list of a custom outcome is about others than the score's own
        scores = history.scores(night, [night.id_column, "status"])
        scored = pd.Index(scores.loc[scores["status"].eq("scored"), night.id_column].astype(str))
        known = known[scored.get_indexer(pd.Index(known[night.id_column].astype(str))) >= 0]
    known = known.drop_duplicates(key)
    return known["label"].astype(object).set_axis(known[key].astype(str))


def keep_lists(views: NightViews, specs: Sequence[ListSpec]) -> dict[str, int]:
    """Writes down who stands on which list at a night, and since when; gives the length of each list.

    After a change of model the list of the night before is made anew by the newer one: whoever is on it has been on the
    list since then, for nothing but the model has moved them.
    """
    history, night = views.history, views.night
    before, swap = history.last_before(night, as_said=True), swap_at(history, night)
    rows, counts = [], {}
    alike = None if swap is None or swap.alike is None else views.at(swap.alike)
    for spec in specs:
        made = listed(views, spec)
        counts[spec.name] = len(made.rows)
        key = "account_id" if spec.entity == "account" else "user_id"
        earlier = {} if before is None else since(history, before, spec)
        if swap is not None and alike is not None:
            again = listed(alike, spec).rows
            earlier = {str(one): swap.before.as_of for one in again.get(key, ())} | earlier
        for rank, one in enumerate(made.rows.get(key, ()), start=1):
            rows.append((spec.name, rank, str(one), earlier.get(str(one), night.as_of)))
    table = pd.DataFrame(rows, columns=["list", "rank", "id", "on_list_since"])
    history.keep_table(night.as_of, "lists", table)
    return counts
