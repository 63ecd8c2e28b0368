"""What customers pay, as one row per account and start: base products told from add-ons, plans in order of price."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from powerml.sources.guess.look import read_call
from powerml.sources.numerals import Numerals
from powerml.sources.sql import name, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from powerml.sources.guess.draft import Draft
    from powerml.sources.guess.look import TableLook
    from powerml.sources.loaded import Loaded

_MOST_PLANS = 40
_PERIOD = r"[_\s-]*(mthly|monthly|month|annual|annually|yearly|year|biann|biannual|quarterly|quarter|weekly)$"


def one_row_each(con: duckdb.DuckDBPyConnection, draft: Draft) -> None:
    """Gives the subscriptions a query where several rows of an account begin at one instant, for a start is a key."""
    entry = draft.entries["subscriptions"]
    look, columns = entry.look, {c: s for c, s in entry.columns.items() if s is not None}
    plan = columns.get("plan")
    account, start = columns["account_id"], columns["start"]
    merged = plan is not None and _merges_periods(look.column(plan).samples)
    where = ""
    if not _is_unique(con, look, (account, start)):
        base = _base(con, look, account, start)
        if base is None:
            _add_up(draft, columns)
            return
        column, value, others = base
        where = f"\nwhere {name(column)} = {text(value)}"
        said = f"only rows whose {column} is {value!r} are subscriptions, for the others come beside them"
        draft.guess("subscriptions", "query", said, otherwise=", ".join(map(repr, others)))
    elif not merged:
        return
    values = {c: name(s) for c, s in columns.items()}
    if merged and plan is not None:
        values["plan"] = f"regexp_replace({name(plan)}, '{_PERIOD}', '')"
        draft.guess("subscriptions", "plan", f"periods cut off the names in {plan!r}, so that a switch is no new plan")
    chosen = ",\n  ".join(f"{v} as {name(c)}" for c, v in values.items())
    entry.query = f"select\n  {chosen}\nfrom {read_call(look)}{where}"


def _is_unique(con: duckdb.DuckDBPyConnection, look: TableLook, columns: tuple[str, ...], where: str = "true") -> bool:
    key = ", ".join(map(name, columns))
    row = con.execute(
        f"SELECT count(*), count(DISTINCT ({key})) FROM {name(look.view)}"
        f" WHERE {where} AND {name(columns[1])} IS NOT NULL"
    ).fetchone()
    return bool(row and row[0] == row[1])


def _base(
    con: duckdb.DuckDBPyConnection, look: TableLook, account: str, start: str
) -> tuple[str, str, tuple[str, ...]] | None:
    """A column and the value that picks one row for every account and start, the one under which rows vary most."""
    pairs = f"count(DISTINCT ({name(account)}, {name(start)}))"
    every = con.execute(f"SELECT {pairs} FROM {name(look.view)}").fetchone()
    best: tuple[int, tuple[str, str, tuple[str, ...]]] | None = None
    for column in look.columns.values():
        if column.name in (account, start) or not 1 < column.distinct <= 8:
            continue
        for value in column.samples:
            where = f"{name(column.name)} = {text(value)}"
            row = con.execute(f"SELECT count(*), {pairs} FROM {name(look.view)} WHERE {where}").fetchone()
            if not (row and every and row[0] == row[1] == every[0]):
                continue
            others = [c for c in look.columns if c not in (account, start, column.name)]
            kinds = " + ".join(f"count(DISTINCT {name(c)})" for c in others)
            varied = con.execute(f"SELECT {kinds} FROM {name(look.view)} WHERE {where}").fetchone()
            if varied and (best is None or varied[0] > best[0]):
                rest = tuple(other for other in column.samples if other != value)
                best = varied[0], (column.name, value, rest)
    return best[1] if best else None


def _add_up(draft: Draft, columns: Mapping[str, str]) -> None:
    """Rows of one account and start become one: amounts added up, the dearest plan, open where one is open."""
    entry = draft.entries["subscriptions"]
    told = entry.keys.get("time_format", [])
    formats = [told] if isinstance(told, str) else told
    numerals = Numerals(entry.keys.get("decimal"), entry.keys.get("currency"))

    def instant(source: str) -> str:
        if formats and all("%" in fmt for fmt in formats):
            tried = ", ".join(text(fmt) for fmt in formats)
            return f"try_strptime({name(source)}, [{tried}])"
        return f"try_cast({name(source)} as timestamp)"

    if entry.look.database is not None:  # times have their types there, and amounts
        values = {"account_id": name(columns["account_id"]), "start": name(columns["start"])}
        order = name(columns["mrr"]) if "mrr" in columns else "1"
        if "end" in columns:
            values["end"] = f"case when count({name(columns['end'])}) = count(*) then max({name(columns['end'])}) end"
        if "plan" in columns:
            values["plan"] = f"(array_agg({name(columns['plan'])} order by {order} desc nulls last))[1]"
        values |= {c: f"sum({name(columns[c])})" for c in ("mrr", "seats") if c in columns}
        _grouped(draft, values)
        return
    amounts = {c: numerals.number(f"cast({name(columns[c])} as varchar)") for c in ("mrr", "seats") if c in columns}
    values = {"account_id": name(columns["account_id"]), "start": instant(columns["start"])}
    if "end" in columns:
        ended = instant(columns["end"])
        values["end"] = f"case when count({ended}) = count(*) then max({ended}) end"
    if "plan" in columns:
        values["plan"] = f"max_by({name(columns['plan'])}, {amounts.get('mrr', '1')})"
    values |= {c: f"sum({amount})" for c, amount in amounts.items()}
    for key in ("time_format", "decimal", "currency"):
        entry.keys.pop(key, None)
    _grouped(draft, values)


def _grouped(draft: Draft, values: Mapping[str, str]) -> None:
    entry = draft.entries["subscriptions"]
    chosen = ",\n  ".join(f"{v} as {name(c)}" for c, v in values.items())
    entry.query = f"select\n  {chosen}\nfrom {read_call(entry.look)}\ngroup by 1, 2"
    said = "rows of one account that begin together are added up (mrr, seats), the dearest plan counts"
    draft.guess("subscriptions", "query", said, otherwise="take one product only, with a WHERE")


def _merges_periods(plans: tuple[str, ...]) -> bool:
    """Whether names without their billing period are fewer."""
    return len({re.sub(_PERIOD, "", plan, flags=re.IGNORECASE) for plan in plans}) < len(plans)


def plans_by_price(draft: Draft, loaded: Loaded) -> None:
    """Sets the plans in the order of what they cost, as the subscriptions that were loaded tell it."""
    columns = loaded.columns.get("subscriptions", ())
    if "subscriptions" not in draft.entries or "plan" not in columns:
        return
    by = next((column for column in ("mrr", "seats") if column in columns), None)
    price, told = str(by or "NULL"), f"median {by}"
    if by == "mrr" and "seats" in columns and "shape" in draft.entries["subscriptions"].keys:
        price, told = "mrr / greatest(seats, 1)", "median mrr per seat"  # items are priced by quantity
    rows = loaded.con.execute(
        f"SELECT plan, median({price}) FROM subscriptions WHERE plan IS NOT NULL"
        f" GROUP BY 1 ORDER BY 2 NULLS FIRST, 1 LIMIT {_MOST_PLANS}"
    ).fetchall()
    if not 0 < len(rows) < _MOST_PLANS:
        return
    costs = ", ".join(f"{plan} {value:g}" for plan, value in rows if value is not None)
    said = f"lowest first, by {told} ({costs})" if by else "in the order of the alphabet"
    outcome = draft.settings.pop("outcome")
    draft.settings |= {"plans": ([plan for plan, _ in rows], f"guess: {said}"), "outcome": outcome}
    draft.guessed.append(f"plans: {said}")
