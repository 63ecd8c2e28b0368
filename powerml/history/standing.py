"""How everybody stands at a night, as sinks send it: the composite in whole numbers, the tier's word, who they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from datetime import time as time_of_day
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from powerml.history.exports import changed_table
from powerml.history.view import COMPOSITE

if TYPE_CHECKING:
    from datetime import date

    from powerml.history.nights import Night
    from powerml.history.store import NightHistory

TIER_WORDS = {
    "Champions": "Champion",
    "Power Users": "Power User",
    "Rising Stars": "Rising Star",
    "Standard Users": "Standard",
}
"""What the document calls one of a tier, by the tier's name; highest first."""
DIMENSIONS = ("depth", "tenure", "collaboration", "expansion", "sentiment")
CANDIDATES_FROM = 60.0
_PROVIDERS = (
    "aol.com gmail.com gmx.de gmx.net googlemail.com hotmail.com icloud.com live.com me.com outlook.com proton.me"
)
MAIL_PROVIDERS = frozenset((*_PROVIDERS.split(), "protonmail.com", "qq.com", "web.de", "yahoo.com", "yandex.ru"))
"""Domains that are nobody's company."""
_EMAIL = re.compile(r"[^@\s\x00-\x1f<>\"',;]+@[^@\s\x00-\x1f<>\"',;]+\.[^@\s\x00-\x1f<>\"',;.]+")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


@dataclass(frozen=True)
class Standing:
    """A night as sinks see it. `night`: what the main scorer said; `project`, `timezone`: the project's."""

    history: NightHistory
    night: Night
    project: str
    timezone: str

    @property
    def as_of(self) -> date:
        """The date of the night."""
        return self.night.as_of

    @property
    def id_column(self) -> str:
        """`user_id` or `account_id`."""
        return self.night.id_column

    @property
    def instant(self) -> str:
        """The cutoff, a local midnight, as an instant of UTC."""
        local = datetime.combine(self.as_of, time_of_day(), ZoneInfo(self.timezone))
        return local.astimezone(UTC).isoformat().replace("+00:00", "Z")

    @property
    def composite(self) -> Night | None:
        """What document A's composite said of the same date; None where it was not asked."""
        if self.night.model == COMPOSITE:
            return self.night
        return self.history.beside(self.night, COMPOSITE)

    @property
    def made_of(self) -> str:
        """Stands for all that is sent of the night: what the composite was made of, and how often it was made."""
        night = self.composite
        return "" if night is None else f"{night.digest} r{night.revision}"

    def nights(self) -> list[Standing]:
        """Every kept night of the composite up to this one, oldest first."""
        found = [n for n in self.history.nights(COMPOSITE) if n.as_of <= self.as_of]
        return [replace(self, night=n) for n in found]

    @cached_property
    def tiers(self) -> pd.DataFrame:
        """Those that the composite scored, by id: `score` (exact), whole numbers, `tier` (a word), `active`.

        Columns `composite_score`, `depth_score`, ... `percentile` (numbers without a value are null), `scored_at`,
        `account_id` beside a user.
        """
        night = self.composite
        if night is None:
            return pd.DataFrame(columns=["score", "tier", "active"], index=pd.Index([], dtype=str))
        table = self.history.scores(night)
        table = table[table["status"].eq("scored") & table["score"].notna()].set_index(night.id_column)
        table.index = table.index.astype(str)
        numbers = {"composite_score": "score", **{f"{d}_score": f"{d}_score" for d in DIMENSIONS}}
        found = pd.DataFrame(
            {
                name: table[column].round().astype("Int64") if column in table else pd.NA
                for name, column in {**numbers, "percentile": "percentile"}.items()
            },
            index=table.index,
        )
        tiers = table[night.band_column].astype(str)
        found["score"] = table["score"].astype(float)
        found["tier"] = tiers.map(lambda tier: TIER_WORDS.get(tier, tier))
        found["scored_at"] = table["scored_at"].astype(str) if "scored_at" in table else self.instant
        found["account_id"] = table.get("account_id")
        snapshot = self.history.snapshot(night).set_index(night.id_column)
        snapshot.index = snapshot.index.astype(str)
        found["active"] = snapshot["active"].reindex(found.index).fillna(False).astype(bool)
        return found

    @cached_property
    def addresses(self) -> dict[str, str]:
        """What stands as e-mail (of accounts: domain) in the people table, by id; empty where it holds none at all."""
        column = "email" if self.id_column == "user_id" else "domain"
        people = self.history.table(self.night, "people")
        if people is None or column not in people:
            return {}
        known = people.dropna(subset=[column]).drop_duplicates(self.id_column)
        addresses = known[column].astype(str).str.strip().str.lower()
        return dict(zip(known[self.id_column].astype(str), addresses, strict=True))

    def matches(self) -> tuple[dict[str, str], dict[str, str]]:
        """By what a CRM knows people (their e-mail) or accounts (their domain), and who has none that is theirs alone.

        The second gives a sentence by id: no address, none that can be one, or one that somebody else has, too.
        """
        column = "email" if self.id_column == "user_id" else "domain"
        word = "e-mail address" if column == "email" else "domain"
        told = self.addresses
        owners: dict[str, list[str]] = {}
        for who, address in told.items():
            owners.setdefault(address, []).append(who)
        good, bad = {}, {}
        for who in self.tiers.index:
            address = told.get(who, "")
            if not address:
                bad[who] = f"no {word} is known"
            elif "," in address and column == "domain":
                bad[who] = f"the users have several domains ({address})"
            elif not (_EMAIL if column == "email" else _DOMAIN).fullmatch(address) or len(address) > 254:
                bad[who] = f"what stands as {word} is none"
            elif address in MAIL_PROVIDERS:
                bad[who] = f"{address} is a mail provider's domain and no company's"
            elif len(owners[address]) > 1:
                others = ", ".join(sorted(one for one in owners[address] if one != who)[:3])
                bad[who] = f"the {word} is also that of {others}"
            else:
                good[who] = address
        return good, bad

    def address(self, id_: str, as_of: str) -> str:
        """The address that somebody had at another night; empty where that is not known."""
        night = next((n for n in self.history.nights() if n.as_of.isoformat() == as_of), None)
        people = None if night is None else self.history.table(night, "people")
        column = "email" if self.id_column == "user_id" else "domain"
        if people is None or column not in people:
            return ""
        told = people.loc[people[self.id_column].astype(str).eq(id_), column].dropna()
        return "" if told.empty else str(told.iloc[0]).strip().lower()

    def current(self) -> pd.DataFrame:
        """The scores table of the night (`scores_current`)."""
        return self.history.scores(self.night)

    def changed(self) -> pd.DataFrame:
        """Who moved since the night before (`scores_changed`)."""
        return changed_table(self.history, self.night)
