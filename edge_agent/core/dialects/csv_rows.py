"""CSV: rows of values, with or without a time column, with or without a header."""

from typing import NamedTuple

from edge_agent.core.dialects import times
from edge_agent.core.dialects.keys import Role, role_of
from edge_agent.core.dialects.numbers import number_in_text
from edge_agent.core.dialects.source import Source
from edge_agent.core.dialects.times import Stamp
from edge_agent.core.records import Decoded, Reading, RejectReason
from edge_agent.core.topics import is_name

_SEPARATORS = (";", "\t", ",")


class _Columns(NamedTuple):
    """What the columns of one message are."""

    separator: str | None
    time: int | None
    channels: tuple[str | None, ...]  # None: no values here


def decode(text: str, source: Source) -> list[Decoded] | None:
    """Return the readings in the rows of ``text``, ``None`` if ``text`` is no CSV.

    Channels are named by the header; without one, a single column of values is the channel itself
    and several are ``column1``, ``column2`` … by position.  An empty cell is a missing value, text
    in a column of values is context.  Values without times are set to receipt, in their order.
    """
    lines = [line for line in text.split("\n", source.most_records) if line.strip()]
    separator = next((mark for mark in _SEPARATORS if mark in lines[0]), None)
    if separator is None and len(lines) == 1:
        return None
    first = _cells(lines[0], separator)
    if len(first) > 2 * source.caps.channels:  # some may be times, text or context
        return [source.reject(RejectReason.TOO_LARGE, f"{len(first)} columns")]
    if any(number_in_text(cell) is not None or times.parse(cell) is not None for cell in first):
        time = _time_column(first)
        channels = _unnamed(first, time, source)
        ambiguous = separator == "," and time is None and not any("." in cell for cell in first)
    elif len(lines) > 1:
        del lines[0]
        time = _time_column(_cells(lines[0], separator), first)
        channels = _named(first, time, source)
        ambiguous = False
    else:
        return None
    count = sum(channel is not None for channel in channels)
    # Bare 12,5 may be two columns or one number with a decimal comma: not ours to guess.
    if ambiguous or not count:
        return None
    if count > source.caps.channels:
        return [source.reject(RejectReason.TOO_LARGE, f"{count} columns")]
    return _rows(lines, _Columns(separator, time, channels), source)


def _cells(line: str, separator: str | None) -> list[str]:
    cells = line.split(separator) if separator else [line]
    return [cell.strip().strip('"') for cell in cells]


def _time_column(row: list[str], header: list[str] | None = None) -> int | None:
    """Return the column of times: the one the header names, else the first or last that has one."""
    for column, name in enumerate(header or ()):
        if role_of(name) is Role.TIME:
            return column
    if len(row) > 1:
        for column in (0, len(row) - 1):
            if times.parse(row[column]) is not None:
                return column
    return None


def _named(header: list[str], time: int | None, source: Source) -> tuple[str | None, ...]:
    channels: list[str | None] = []
    for column, name in enumerate(header):
        role = role_of(name)
        channel = source.own_channel if role is Role.VALUE else source.field_channel(name)
        has_values = column != time and role is not Role.CONTEXT and bool(name) and is_name(channel)
        channels.append(channel if has_values else None)
    return tuple(channels)


def _unnamed(row: list[str], time: int | None, source: Source) -> tuple[str | None, ...]:
    columns = range(len(row))
    values = [column for column in columns if column != time]
    names = {column: source.field_channel(f"column{n}") for n, column in enumerate(values, start=1)}
    if len(values) == 1:
        names = {values[0]: source.own_channel}
    return tuple(names.get(column) for column in columns)


def _rows(lines: list[str], columns: _Columns, source: Source) -> list[Decoded]:
    decoded: list[Decoded] = []
    most = source.most_records
    for position, line in enumerate(lines, start=1):
        if len(decoded) >= most:
            detail = f"{len(lines) - position + 1} rows left unread"
            return [*decoded, source.reject(RejectReason.TOO_LARGE, detail)]
        decoded += _row(line, columns, source, source.receipt(len(lines) - position))
    return decoded


def _row(line: str, columns: _Columns, source: Source, at: Stamp) -> list[Decoded]:
    cells = _cells(line, columns.separator)
    if len(cells) != len(columns.channels):
        return [source.reject(RejectReason.MALFORMED, "a row with another number of columns")]
    if columns.time is not None:
        stamp = times.parse(cells[columns.time])
        if stamp is None:
            return [source.reject(RejectReason.BAD_TIME, "the time of a row")]
        at = stamp
    decoded: list[Decoded] = []
    for channel, cell in zip(columns.channels, cells, strict=True):
        if channel is None:
            continue
        # Only where the comma does not part the columns can it still be in a cell.
        value = number_in_text(cell.replace(",", "."))
        if value is not None:
            decoded.append(Reading(source.asset, channel, at.at_ns, value, at.quality))
    return decoded or [source.reject(RejectReason.NOT_A_NUMBER, "a row without a number")]
