"""Whose account a row is: rows of one account are never independent, so they are resampled together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def key_columns(frame: pd.DataFrame, id_column: str) -> list[str]:
    """The names of `as_of`, the id and, of users, their account where there is one: what `accounts_of` needs."""
    return ["as_of", id_column, *(["account_id"] if id_column != "account_id" and "account_id" in frame else [])]


def accounts_of(frame: pd.DataFrame, id_column: str) -> np.ndarray:
    """The account of each row; the entity where it has none."""
    own = frame[id_column].astype(str)
    if "account_id" not in frame or id_column == "account_id":
        return own.to_numpy(dtype=object)
    account = frame["account_id"]
    return account.astype(object).where(account.notna(), "user " + own).astype(str).to_numpy(dtype=object)
