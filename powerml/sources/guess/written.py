"""How texts write times and numbers: read off their values, with what else they could mean."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.sources.times import ISO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

READ_SHARE = 0.9  # the share of values that must be times or numbers for the column to be one

_ISO = re.compile(
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s*(Z|[+-]\d{2}:?(\d{2})?|UTC)?)?$", re.IGNORECASE
)
_CLOCK = re.compile(r"^(.*?)([ T]|, )(\d{1,2}):(\d{2})(:\d{2})?(\.\d+)?( ?[AaPp][Mm])?( ?)([+-]\d{2}:?\d{2}|Z)?$")
_DAY_FIRST = re.compile(r"^(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})$")
_YEAR_FIRST = re.compile(r"^\d{4}([/.-])\d{1,2}\1\d{1,2}$")
_NAMED = (
    (re.compile(r"^\d{1,2}([ -])[A-Za-z]{3}\1\d{4}$"), "%d{0}%b{0}%Y"),
    (re.compile(r"^\d{1,2}([ -])[A-Za-z]{3}\1\d{2}$"), "%d{0}%b{0}%y"),
    (re.compile(r"^\d{1,2}( )[A-Za-z]{4,9}\1\d{4}$"), "%d{0}%B{0}%Y"),
    (re.compile(r"^[A-Za-z]{3}( )\d{1,2},\1\d{4}$"), "%b{0}%d,{0}%Y"),
    (re.compile(r"^[A-Za-z]{4,9}( )\d{1,2},\1\d{4}$"), "%B{0}%d,{0}%Y"),
)
_EPOCHS = {10: "epoch_s", 13: "epoch_ms", 16: "epoch_us", 19: "epoch_ns"}
_FIRST, _LAST = 788_918_400, 4_102_444_800  # 1995 to 2100 in seconds
_CURRENCIES = "£$€¥₹"
_SIGN = rf"[{_CURRENCIES}]|[A-Z]{{3}}"
_MONEY = re.compile(rf"^([-+]?)\s*({_SIGN}(?=\s*\d))?\s*([-+]?[\d.,'’\u00a0 ]*\d[.,]?(?:[eE][-+]?\d+)?)\s*({_SIGN})?$")


@dataclass(frozen=True)
class WrittenTimes:
    """Formats in the order in which they are to be tried, the share of values they read, and what else they may be.

    `zoned`: whether values name their zone. `other`: formats of the same values that day and month, told apart by no
    value, could have as well.
    """

    formats: tuple[str, ...]
    share: float
    zoned: bool
    other: tuple[str, ...] = ()

    @property
    def declared(self) -> tuple[str, ...]:
        """What a project file has to say; nothing where all is ISO 8601."""
        return () if self.formats == (ISO,) else self.formats


@dataclass(frozen=True)
class WrittenNumbers:
    """Decimal sign (None: digits and points only), currencies with their counts, the share that is numbers, a doubt."""

    decimal: str | None
    currencies: dict[str, int]
    share: float
    doubt: str = ""


def written_times(values: Sequence[str]) -> WrittenTimes | None:
    """What times a column's values are; None where they are none.

    >>> written_times(["31/12/2025", "2026-01-05", "01/02/2026 9:05"]).formats
    ('%d/%m/%Y', 'iso', '%d/%m/%Y %H:%M')
    >>> written_times(["03/04/2026"]).other, written_times(["hello"])
    (('%m/%d/%Y',), None)
    """
    values = [v.strip() for v in values if v.strip()]
    found: Counter[str] = Counter()
    zoned = False
    month_first = {sep: _month_first(values, sep) for sep in "/.-"}
    doubtful = set()
    for value in values:
        fmt, has_zone = _format(value, month_first)
        if fmt:
            found[fmt] += 1
            zoned |= has_zone
            if fmt.startswith("%d") and fmt[2] in month_first and month_first[fmt[2]] is None and fmt[3:5] == "%m":
                doubtful.add(fmt)
    share = sum(found.values()) / len(values) if values else 0.0
    if share < READ_SHARE:
        return None
    others = tuple(_swapped(fmt) for fmt in doubtful if "." not in fmt[:4])
    return WrittenTimes(tuple(fmt for fmt, _ in found.most_common()), share, zoned, others)


def _swapped(fmt: str) -> str:
    return fmt.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m")


def _month_first(values: Iterable[str], sep: str) -> bool | None:
    """Whether dates with this sign between write the month first; None where no value tells."""
    days_first = months_first = 0
    for value in values:
        clock = _CLOCK.match(value)
        match = _DAY_FIRST.match(clock[1] if clock else value)
        if match and match[2] == sep:
            days_first += int(match[1]) > 12 >= int(match[3])
            months_first += int(match[3]) > 12 >= int(match[1])
    if sep == ".":
        return False
    return None if days_first == months_first else months_first > days_first


def _format(value: str, month_first: dict[str, bool | None]) -> tuple[str | None, bool]:
    if _ISO.match(value):
        return ISO, bool(re.search(r"(Z|[+-]\d{2}:?(\d{2})?|UTC)$", value[11:], re.IGNORECASE))
    if re.fullmatch(r"\d{8}", value):
        real = 1990 <= int(value[:4]) <= 2100 and 1 <= int(value[4:6]) <= 12 and 1 <= int(value[6:]) <= 31
        return ("%Y%m%d" if real else None), False
    if match := re.fullmatch(r"(\d{10}|\d{13}|\d{16}|\d{19})(\.\d+)?", value):
        unit = _EPOCHS[len(match[1])]
        seconds = int(match[1]) / 10 ** (len(match[1]) - 10)
        return (unit, True) if _FIRST <= seconds <= _LAST else (None, False)
    clock = _CLOCK.match(value)
    day = _date_format(clock[1] if clock else value, month_first)
    if day is None or clock is None:
        return day, False
    _, between, _, _, seconds_, fraction, half, blank, zone = clock.groups()
    written = ("%I" if half else "%H") + ":%M" + (":%S" if seconds_ else "") + (".%f" if fraction else "")
    written += (half[:-2] + "%p") if half else ""
    return day + between + written + (blank + "%z" if zone else ""), bool(zone)


def _date_format(value: str, month_first: dict[str, bool | None]) -> str | None:
    if match := _DAY_FIRST.match(value):
        first, sep, second, year = match.groups()
        swapped = bool(month_first[sep])
        day, month = (second, first) if swapped else (first, second)
        if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
            return None
        parts = ("%m", "%d") if swapped else ("%d", "%m")
        return sep.join((*parts, "%Y" if len(year) == 4 else "%y"))
    if match := _YEAR_FIRST.match(value):
        return match[1].join(("%Y", "%m", "%d"))
    for pattern, fmt in _NAMED:
        if match := pattern.match(value):
            return fmt.format(match[1])
    return None


def written_numbers(values: Sequence[str]) -> WrittenNumbers | None:
    """What numbers a column's values are; None where they are none.

    >>> found = written_numbers(["£1,234.50", "£99"])
    >>> found.decimal, found.currencies
    ('.', {'£': 2})
    >>> print(written_numbers(["1,234"]).doubt)
    thousands or three decimals; 'decimal: ","' reads 1,234 as 1.234
    """
    values = [v.strip() for v in values if v.strip()]
    bare, currencies = [], Counter[str]()
    for value in values:
        if match := _MONEY.match(value):
            bare.append(match[1] + match[3].strip())
            if sign := match[2] or match[4]:
                currencies[sign] += 1
    share = len(bare) / len(values) if values else 0.0
    if share < READ_SHARE:
        return None
    plain = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
    if all(plain.fullmatch(number) for number in bare):
        return WrittenNumbers(None, dict(currencies), share)
    fits = {decimal: sum(bool(_shape(decimal).fullmatch(number)) for number in bare) for decimal in ".,"}
    decimal = "," if fits[","] > fits["."] else "."
    doubt = ""
    if fits["."] == fits[","]:
        example = next(number for number in bare if not plain.fullmatch(number))
        doubt = f"thousands or three decimals; 'decimal: \",\"' reads {example} as {example.replace(',', '.')}"
    return WrittenNumbers(decimal, dict(currencies), fits[decimal] / len(values), doubt)


def _shape(decimal: str) -> re.Pattern[str]:
    parts, mark = (r"[,'’ \u00a0]", r"\.") if decimal == "." else (r"[.'’ \u00a0]", ",")
    return re.compile(rf"[-+]?(\d{{1,3}}({parts}\d{{3}})+|\d+)({mark}\d*)?")
