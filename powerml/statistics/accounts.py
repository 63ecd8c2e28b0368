"""Whose account a row is: rows of one account are never independent, so they are resampled together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def accounts_of(frame: pd.DataFrame, id_column: str) -> np.ndarray:
    """The account of each row; the entity where it has none."""
    own = frame[id_column].astype(str)
    if "account_id" not in frame or id_column == "account_id":
        return own.to_numpy(dtype=object)
    account = frame["account_id"]
    return account.astype(object).where(account.notna(), "user " + own).astype(str).to_numpy(dtype=object)
