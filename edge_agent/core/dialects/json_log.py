"""Log lines as JSON objects, as logging libraries and log shippers write them."""

from edge_agent.core.dialects import levels, plain_log, times
from edge_agent.core.dialects.source import Source
from edge_agent.core.dialects.times import Stamp
from edge_agent.core.records import Decoded, LogLine, RejectReason

# In the order of preference: what says the most comes first.
_MESSAGE_KEYS = (
    "message", "msg", "text", "log", "line", "body", "event", "short_message",
    "log_message", "alarm_text", "description",
)  # fmt: skip
_LEVEL_KEYS = (
    "level", "severity", "lvl", "loglevel", "log_level", "levelname", "log.level", "priority",
)  # fmt: skip
_TIME_KEYS = (
    "timestamp", "time", "ts", "@timestamp", "datetime", "asctime", "event_time", "t", "date",
)  # fmt: skip


def decode(document: object, source: Source, at: Stamp) -> list[Decoded]:
    """Return the lines in a JSON document: an object, a string, or an array of these.

    A time that cannot be read does not cost a line: its text may be an alarm.

    Args:
        document: As parsed.
        source: The message.
        at: The time of a line that states none.
    """
    items = document if isinstance(document, list) else [document]
    if not items:
        return [source.reject(RejectReason.EMPTY, "an empty array")]
    decoded: list[Decoded] = []
    for item in items[: plain_log.MAX_LINES]:
        if isinstance(item, str):
            text: str | None = item
            line = plain_log.decode(item, source, at)
        elif isinstance(item, dict):
            text, line = _object(item, source, at)
        else:
            text, line = None, None
        if line is not None:
            decoded.append(line)
        elif text is not None:
            decoded.append(source.reject(RejectReason.EMPTY, "a log line without text"))
        else:
            decoded.append(source.reject(RejectReason.UNKNOWN_SHAPE, "no message in a log object"))
    if len(items) > plain_log.MAX_LINES:
        detail = f"{len(items)} lines, read only the first {plain_log.MAX_LINES}"
        decoded.append(source.reject(RejectReason.TOO_LARGE, detail))
    return decoded


def _object(
    document: dict[str, object], source: Source, at: Stamp
) -> tuple[str | None, LogLine | None]:
    """Return the message and the line made of it; either may be missing."""
    lowered = {key.lower(): value for key, value in document.items()}
    messages = (lowered.get(key) for key in _MESSAGE_KEYS)
    message = next((value for value in messages if isinstance(value, str)), None)
    if message is None:
        return None, None
    plain = plain_log.decode(message, source, at)
    if plain is None:
        return message, None
    stamps = (times.parse(lowered[key]) for key in _TIME_KEYS if lowered.get(key) is not None)
    stamp = next((stamp for stamp in stamps if stamp is not None), None)
    stated = (levels.from_field(lowered.get(key)) for key in _LEVEL_KEYS)
    level = next((level for level in stated if level is not None), plain.level)
    at_ns, quality = stamp or (plain.at_ns, plain.time_quality)
    return message, LogLine(source.asset, at_ns, plain.text, level, quality)
