"""How texts write numbers: the decimal sign, what parts thousands, and the currency sign beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from powerml.sources.sql import BLANKS, text


@dataclass(frozen=True)
class Numerals:
    """A decimal sign and a currency sign; without either, numbers are digits with a point and nothing else is one.

    With a decimal sign, the other of point and comma, a blank or an apostrophe may part thousands: three digits each,
    or the text is no number. Another currency than the one named is no number either.
    """

    decimal: str | None = None
    currency: str | None = None

    def number(self, raw: str) -> str:
        """SQL: the number that a text stands for, null where it stands for none.

        >>> import duckdb
        >>> texts = ["£1,234.50", "-7", "1,23", "€5", "1e3"]
        >>> sql = f"SELECT list({Numerals('.', '£').number('t')}) FROM (SELECT unnest(?) AS t)"
        >>> duckdb.execute(sql, [texts]).fetchone()[0]
        [1234.5, -7.0, None, None, 1000.0]
        """
        if self.decimal is None and self.currency is None:
            return f"TRY_CAST({raw} AS DOUBLE)"
        bare = f"trim({raw}, {BLANKS})"
        if self.currency:
            sign = f"({re.escape(self.currency)})"
            before, after = text(rf"^([-+]?)\s*{sign}\s*"), text(rf"\s*{sign}$")
            bare = rf"regexp_replace(regexp_replace({bare}, {before}, '\1'), {after}, '')"
        mark = re.escape(self.decimal or ".")
        parts = ",\u00a0 '\u2019" if self.decimal != "," else ".\u00a0 '\u2019"
        grouped = rf"^[-+]?\d{{1,3}}([{parts}]\d{{3}})+({mark}\d*)?$"
        plain = rf"^[-+]?(\d+({mark}\d*)?|{mark}\d+)([eE][-+]?\d+)?$"
        shaped = f"regexp_matches({bare}, {text(grouped)}) OR regexp_matches({bare}, {text(plain)})"
        digits = f"translate({bare}, {text(parts)}, '')"
        if self.decimal == ",":
            digits = f"replace({digits}, ',', '.')"
        return f"CASE WHEN {shaped} THEN TRY_CAST({digits} AS DOUBLE) END"


PLAIN_NUMERALS = Numerals()
