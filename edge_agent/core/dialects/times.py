"""Times as payloads spell them: epoch numbers in four units, RFC 3339 and its looser relatives.

All arithmetic is on integers, because a float64 holds an epoch only to about 200 ns.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from edge_agent.core.records import NS_PER_S, TimeQuality

_EPOCH = date(1970, 1, 1)
_DAY_NS = 86_400 * NS_PER_S
EARLIEST_NS = (date(1990, 1, 1) - _EPOCH).days * _DAY_NS
LATEST_NS = (date(2200, 1, 1) - _EPOCH).days * _DAY_NS

# Between 1990 and 2200 the four units give numbers of different size, so the size tells the unit.
_UNITS_NS = (1_000_000, NS_PER_S, 1_000, 1)
_MAX_NUMBER_CHARS = 40

_RFC3339 = re.compile(
    r"(\d{4})([-/])(\d\d)\2(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?"
    r" ?(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d)?)?",
    re.ASCII,
)
_MAX_HOUR, _MAX_MINUTE, _MAX_SECOND = 23, 59, 60  # RFC 3339 allows the leap second


class Stamp(NamedTuple):
    """A time and how far it can be trusted; a tuple, because every message makes one."""

    at_ns: int
    quality: TimeQuality


def parse(value: object) -> Stamp | None:
    """Return the time that ``value`` from a payload means, ``None`` if it means none.

    A number, or text with a number, is an epoch in s, ms, µs or ns, told by its size.  Other text
    is RFC 3339, also with a space for the ``T``, slashes for dashes, a decimal comma, an offset
    without its colon or without seconds; without a zone it is read as UTC and called naive.
    Times before 1990 or from 2200 on mean that the number is something else.
    """
    if isinstance(value, str):
        text = value.strip()
        at = _RFC3339.fullmatch(text)
        return _rfc3339(at) if at is not None else _epoch_text(text)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _epoch(value)
    if isinstance(value, float):
        # repr is the shortest text with this value: what the source wrote, to a microsecond.
        return _epoch_text(repr(value))
    return _epoch_decimal(value) if isinstance(value, Decimal) else None


def from_calendar(moment: tuple[int, int, int, int, int, int], fraction: str = "") -> int | None:
    """Return UTC nanoseconds of a calendar time, ``None`` where the calendar has no such time.

    Args:
        moment: Year, month, day, hour, minute, second.
        fraction: The digits behind the second's decimal point, at most nine.
    """
    year, month, day, hour, minute, second = moment
    if hour > _MAX_HOUR or minute > _MAX_MINUTE or second > _MAX_SECOND:
        return None
    try:
        days = (date(year, month, day) - _EPOCH).days
    except ValueError:
        return None
    at_ns = days * _DAY_NS + ((hour * 60 + minute) * 60 + second) * NS_PER_S
    return at_ns + int(fraction.ljust(9, "0")) if fraction else at_ns


def year_of(at_ns: int) -> int:
    """Return the UTC year of a time, held to the years a timestamp may have."""
    days = min(max(at_ns, EARLIEST_NS), LATEST_NS) // _DAY_NS
    return (_EPOCH + timedelta(days=days)).year


def _rfc3339(at: re.Match[str]) -> Stamp | None:
    year, _, month, day, hour, minute, second, fraction, utc, sign, ahead_h, ahead_min = at.groups()
    moment = (int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    at_ns = from_calendar(moment, fraction or "")
    if at_ns is None:
        return None
    if sign is not None:
        ahead_ns = (int(ahead_h) * 60 + int(ahead_min or 0)) * 60 * NS_PER_S
        if ahead_ns >= _DAY_NS:
            return None
        at_ns += -ahead_ns if sign == "+" else ahead_ns
    if not EARLIEST_NS <= at_ns < LATEST_NS:
        return None
    zoned = utc is not None or sign is not None
    return Stamp(at_ns, TimeQuality.SOURCE if zoned else TimeQuality.NAIVE)


def _epoch(number: int) -> Stamp | None:
    for unit_ns in _UNITS_NS:
        at_ns = number * unit_ns
        if EARLIEST_NS <= at_ns < LATEST_NS:
            return Stamp(at_ns, TimeQuality.SOURCE)
    return None


def _epoch_text(text: str) -> Stamp | None:
    if len(text) > _MAX_NUMBER_CHARS or not text.isascii() or "_" in text:
        return None
    if text.isdigit():
        return _epoch(int(text))
    try:
        return _epoch_decimal(Decimal(text))
    except ArithmeticError:
        return None


def _epoch_decimal(number: Decimal) -> Stamp | None:
    if not number.is_finite() or not 0 < number < LATEST_NS:
        return None
    for unit_ns in _UNITS_NS:
        at_ns = int(number * unit_ns)
        if EARLIEST_NS <= at_ns < LATEST_NS:
            return Stamp(at_ns, TimeQuality.SOURCE)
    return None
