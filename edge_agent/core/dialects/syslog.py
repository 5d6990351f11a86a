"""Syslog lines: RFC 5424, and the older way that RFC 3164 describes."""

import re

from edge_agent.core.dialects import levels, plain_log, times
from edge_agent.core.dialects.source import Source
from edge_agent.core.dialects.times import Stamp
from edge_agent.core.records import LogLine

_PRI = re.compile(r"(?:\d{1,6} )?<(\d{1,3})>", re.ASCII)  # RFC 6587 puts a length in front
_MAX_PRI = 191
_NIL = "-"

# VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]; RFC 5424, section 6
_RFC5424 = re.compile(
    r"[1-9]\d{0,2} (\S+) \S+ \S+ \S+ (\S+) "
    r"(-|(?:\[(?:[^\]\"\\]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)(.*)",
    re.ASCII | re.DOTALL,
)


def decode(text: str, source: Source, at: Stamp) -> LogLine | None:
    """Return the line, ``None`` if it does not begin with a syslog priority.

    Of RFC 5424 the message is kept, or what else it says where it has none; of RFC 3164, which
    fixes hardly anything, all but the priority.

    Args:
        text: One line.
        source: The message.
        at: The time of a line that states none.
    """
    pri = _PRI.match(text)
    if pri is None or int(pri[1]) > _MAX_PRI:
        return None
    level = levels.from_syslog(int(pri[1]))
    rest = text[pri.end() : pri.end() + 4 * source.caps.line_chars]
    header = _RFC5424.match(rest)
    if header is None:
        line = plain_log.clean(rest, source)
        stamp = plain_log.time_in(line, source.received_ns) or at
    else:
        moment, msgid, data, message = header.groups()
        line = plain_log.clean(message.lstrip(" \ufeff"), source)
        said = " ".join(part for part in (msgid, data) if part != _NIL)
        line = line or plain_log.clean(said, source)
        stamp = times.parse(moment) or at
    if not line:
        return None
    return LogLine(source.asset, stamp.at_ns, line, level, stamp.quality)
