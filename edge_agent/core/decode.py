"""From the broker's bytes to readings, blocks and log lines, whatever the bytes are.

The decoder keeps no state: the same message gives the same records, live and in replay.
"""

from dataclasses import replace

from edge_agent.core.dialects import (
    bare_number,
    binary_block,
    csv_rows,
    json_log,
    json_values,
    jsontext,
    plain_log,
    syslog,
)
from edge_agent.core.dialects.source import Source
from edge_agent.core.dialects.times import Stamp
from edge_agent.core.quality import FUTURE_TOLERANCE_NS
from edge_agent.core.records import (
    NS_PER_S,
    Block,
    Decoded,
    LogLine,
    Message,
    Reading,
    Reject,
    RejectReason,
    TimeQuality,
)
from edge_agent.core.site import Site
from edge_agent.core.topics import Route, Router, Stream

# The first that knows the shape has it; JSON shows in its first character, so it is asked first.
_SENSOR_DIALECTS = (json_values.decode, bare_number.decode, csv_rows.decode)
_PADDING = " \t\r\n\0\ufeff"  # PLCs pad with NUL, Windows begins with a byte order mark
_JSON_OPENINGS = ("{", "[", '"')


class Decoder:
    """Decodes the messages of one site.

    Raises:
        ValueError: A topic template of the site is wrong, which ``settings`` should have found.
    """

    def __init__(self, site: Site) -> None:
        self._router = Router(site)
        self._caps = site.caps

    def decode(self, message: Message) -> list[Decoded]:
        """Return what is in ``message``.

        Total: any bytes on any topic give at least one record, a :class:`Reject` where nothing can
        be used; only values that the payload itself calls missing (JSON null) give none.  No
        record lies in the future: times are as the source states them, unless its clock runs
        ahead of receipt.  A retained message is decoded like any other; that it is no
        evidence is for the caller to say.
        """
        topic, payload = message.topic, message.payload
        route = self._router.route(topic)
        if isinstance(route, RejectReason):
            return [Reject(topic, route)]
        if not payload:
            return [Reject(topic, RejectReason.EMPTY)]
        if len(payload) > self._caps.payload_bytes:
            return [Reject(topic, RejectReason.TOO_LARGE, f"{len(payload)} bytes")]
        source = Source(topic, route.asset, route.channel, message.received_ns, self._caps)
        return _not_ahead(_decode(payload, route, source), message.received_ns)


def _decode(payload: bytes, route: Route, source: Source) -> list[Decoded]:
    if route.stream is Stream.LOG:
        return _log_lines(payload.decode("utf-8", "replace"), source)
    if route.binary is not None:
        return binary_block.decode(payload, route.binary, source)
    try:
        text = payload.decode().strip(_PADDING)
    except UnicodeDecodeError:
        return [source.reject(RejectReason.NOT_TEXT, "and no binary format declared")]
    if not text or text.isspace():
        return [source.reject(RejectReason.EMPTY, "only white space")]
    for dialect in _SENSOR_DIALECTS:
        decoded = dialect(text, source)
        if decoded is not None:
            return decoded
    return [source.reject(RejectReason.UNKNOWN_SHAPE, "neither a number nor JSON nor CSV")]


def _log_lines(text: str, source: Source) -> list[Decoded]:
    """Return the lines in ``text``; one that states no time has the time of the line before it."""
    at = source.receipt()
    if text.lstrip(_PADDING).startswith(_JSON_OPENINGS):
        document = jsontext.parse(text.strip(_PADDING))
        if not isinstance(document, jsontext.Malformed):
            return json_log.decode(document, source, at)
    lines = text.replace("\r", "\n").split("\n", plain_log.MAX_LINES)
    decoded: list[Decoded] = []
    for line in lines[: plain_log.MAX_LINES]:
        records = _log_line(line.strip(_PADDING), source, at)
        decoded += records
        if records and isinstance(last := records[-1], LogLine):
            at = Stamp(last.at_ns, last.time_quality)
    if len(lines) > plain_log.MAX_LINES:
        detail = f"more than {plain_log.MAX_LINES} lines"
        decoded.append(source.reject(RejectReason.TOO_LARGE, detail))
    return decoded or [source.reject(RejectReason.EMPTY, "no line with text")]


def _log_line(line: str, source: Source, at: Stamp) -> list[Decoded]:
    if line.startswith("{"):
        document = jsontext.parse(line)
        if not isinstance(document, jsontext.Malformed):
            return json_log.decode(document, source, at)
    record = syslog.decode(line, source, at) or plain_log.decode(line, source, at)
    return [record] if record is not None else []


def _not_ahead(records: list[Decoded], received_ns: int) -> list[Decoded]:
    """Return ``records`` with none in the future.

    One message is written by one clock: if that runs ahead, all its records are set back alike, the
    last one to its receipt, so that they keep their order and their distances.
    """
    newest_ns = max([_end_ns(record) for record in records], default=0)
    if newest_ns <= received_ns + FUTURE_TOLERANCE_NS:
        return records
    return [_set_back(record, newest_ns - received_ns) for record in records]


def _end_ns(record: Decoded) -> int:
    if isinstance(record, Reading | LogLine):
        return record.at_ns
    if isinstance(record, Block):
        return record.start_ns + round((record.values.size - 1) * NS_PER_S / record.rate_hz)
    return 0


def _set_back(record: Decoded, by_ns: int) -> Decoded:
    if isinstance(record, Reject) or record.time_quality is TimeQuality.RECEIVED:
        return record
    if isinstance(record, Block):
        start_ns = record.start_ns - by_ns
        return replace(record, start_ns=start_ns, time_quality=TimeQuality.CLAMPED)
    return replace(record, at_ns=record.at_ns - by_ns, time_quality=TimeQuality.CLAMPED)
