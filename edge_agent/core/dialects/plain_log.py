"""Log lines as plain text: the whole line stays, its time and level are read where they stand."""

import re

from edge_agent.core.dialects import levels, times
from edge_agent.core.dialects.source import Source
from edge_agent.core.dialects.times import Stamp
from edge_agent.core.records import NS_PER_S, LogLine, TimeQuality

MAX_LINES = 1_000  # of one message

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# One word may stand before the time, as the file name or host in merged logs.
_ISO = re.compile(
    r"(?:\[|\S+ \[?)?(\d{4}([-/])\d\d\2\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r" ?(?:Z|[+-]\d\d:?\d\d)?)(?!\d)",
    re.ASCII,
)
_EPOCH = re.compile(r"(?:- )?\[?(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})\]?(?=\s)", re.ASCII)
_BY_MONTH = re.compile(
    rf"\[?(?:[A-Z][a-z]{{2}} )?({'|'.join(_MONTHS)}) {{1,2}}(\d{{1,2}}) (\d\d):(\d\d):(\d\d)"
    r"(?:[.,](\d{1,9}))?(?: (\d{4})\b)?",
    re.ASCII | re.IGNORECASE,
)
_ANDROID = re.compile(r"(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9}) ", re.ASCII)

# A time without year and zone may be this far ahead of UTC and still be of this year.
_ZONE_NS = 24 * 3600 * NS_PER_S
_LEAP_CYCLE_YEARS = 8  # 29 February may be missing for this long, around 1900, 2100 and 2200

_CONTROLS = dict.fromkeys((*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
_UNPRINTABLE = _CONTROLS | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # lone surrogates
_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def decode(text: str, source: Source, at: Stamp) -> LogLine | None:
    """Return the line in ``text``, ``None`` if nothing in it can be read.

    Args:
        text: One line, with its header if it has one.
        source: The message.
        at: The time of a line that states none.
    """
    line = clean(text, source)
    if not line:
        return None
    stamp = time_in(line, source.received_ns) or at
    return LogLine(source.asset, stamp.at_ns, line, levels.from_text(line), stamp.quality)


def clean(text: str, source: Source) -> str:
    """Return ``text`` as one line of bounded length that every database and terminal takes."""
    text = text[: 2 * source.caps.line_chars].strip()
    if not text.isprintable():
        text = _TERMINAL_CODE.sub("", text).translate(_UNPRINTABLE).strip()
    return text[: source.caps.line_chars]


def time_in(line: str, received_ns: int) -> Stamp | None:
    """Return the time that the line begins with, ``None`` if it begins with none."""
    for pattern in (_ISO, _EPOCH):
        if (found := pattern.match(line)) is not None:
            return times.parse(found[1])
    if (found := _BY_MONTH.match(line)) is not None:
        month, day, hour, minute, second, fraction, year = found.groups()
        moment = (_MONTHS.index(month.lower()) + 1, int(day), int(hour), int(minute), int(second))
        if year is None:
            return _in_latest_year(moment, fraction or "", received_ns)
        return _naive(times.from_calendar((int(year), *moment), fraction or ""))
    if (found := _ANDROID.match(line)) is not None:
        month, day, hour, minute, second, fraction = found.groups()
        moment = (int(month), int(day), int(hour), int(minute), int(second))
        return _in_latest_year(moment, fraction, received_ns)
    return None


def _in_latest_year(
    moment: tuple[int, int, int, int, int], fraction: str, received_ns: int
) -> Stamp | None:
    """Return the last time at which the calendar showed ``moment`` (month … second)."""
    this_year = times.year_of(received_ns + _ZONE_NS)
    for year in range(this_year, this_year - _LEAP_CYCLE_YEARS - 1, -1):
        at_ns = times.from_calendar((year, *moment), fraction)
        if at_ns is not None and at_ns <= received_ns + _ZONE_NS:
            # What is ahead of UTC by less than a zone is local time, not the future.
            return _naive(min(at_ns, received_ns))
    return None


def _naive(at_ns: int | None) -> Stamp | None:
    return Stamp(at_ns, TimeQuality.NAIVE) if at_ns is not None else None
