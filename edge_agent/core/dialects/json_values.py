"""JSON from sensors: a value, an object of values, a block of samples, or an array of these."""

from collections.abc import Iterator

from edge_agent.core.dialects import jsontext, sample_block, times
from edge_agent.core.dialects.keys import CONTAINERS, Role, role_of
from edge_agent.core.dialects.numbers import number
from edge_agent.core.dialects.sample_block import Heading
from edge_agent.core.dialects.source import Source
from edge_agent.core.dialects.times import Stamp
from edge_agent.core.records import Decoded, Reading, RejectReason, TimeQuality
from edge_agent.core.topics import is_name

_OPENINGS = ("{", "[", '"')
_LITERALS = frozenset(("true", "false", "null"))
_VALUES = (Role.VALUE, Role.MAYBE_VALUE)


def decode(text: str, source: Source) -> list[Decoded] | None:
    """Return what the JSON in ``text`` says, ``None`` if ``text`` is not meant to be JSON.

    Several documents may follow each other, each on a line of its own.  Null is a missing value:
    it gives no record at all.
    """
    if not text.startswith(_OPENINGS):
        text = text.lower()
        if text not in _LITERALS:
            return None
    document = jsontext.parse(text)
    if isinstance(document, jsontext.Malformed) and text.startswith('"'):
        return None  # CSV quotes too
    if isinstance(document, jsontext.Malformed) and "\n" in text:
        lines = [line for line in text.split("\n", source.most_records) if line.strip()]
        if all(line.startswith(("{", "[")) for line in lines):  # else it is one broken document
            return _rows([jsontext.parse(line) for line in lines], source)
    if isinstance(document, list):
        return _rows(document, source)
    return _document(document, source, source.receipt())


def _document(document: object, source: Source, at: Stamp) -> list[Decoded]:
    """Return what a document that is no array says; ``at`` is its time if it states none."""
    if isinstance(document, dict):
        return _object(document, source, at)
    if isinstance(document, jsontext.Malformed):
        return [source.reject(RejectReason.MALFORMED, document.detail)]
    if isinstance(document, list):
        return [source.reject(RejectReason.UNKNOWN_SHAPE, "an array in an array")]
    return _value(document, source.own_channel, source, at)


def _rows(rows: list[object], source: Source) -> list[Decoded]:
    if not rows:
        return [source.reject(RejectReason.EMPTY, "an empty array")]
    decoded: list[Decoded] = []
    most = source.most_records
    for position, row in enumerate(rows, start=1):
        if len(decoded) >= most:
            detail = f"{len(rows) - position + 1} items left unread"
            return [*decoded, source.reject(RejectReason.TOO_LARGE, detail)]
        decoded += _document(row, source, source.receipt(len(rows) - position))
    return decoded


def _object(
    document: dict[str, object], source: Source, at: Stamp, *, nested: bool = False
) -> list[Decoded]:
    """Return what one object says; ``at`` is its time if it states none."""
    if not document:
        return [source.reject(RejectReason.EMPTY, "an empty object")]
    roles, fields = _sorted(document)
    stamp = _time(document, roles, fields, at)
    if stamp is None:
        return [source.reject(RejectReason.BAD_TIME, "a timestamp that is none")]
    decoded: list[Decoded] = []
    if Role.RATE in roles or Role.PERIOD in roles:
        decoded = _blocks(document, roles, source, stamp)
    key = _value_key(document, roles, fields)
    if decoded:
        return decoded
    if key is None:
        decoded = _fields(fields, source, stamp)
    elif not isinstance(document[key], dict | list):
        decoded = _value(document[key], _channel(document, roles, source), source, stamp)
    if not nested:
        decoded += _containers(document, source, stamp)
    if not decoded and None not in document.values():
        decoded.append(source.reject(RejectReason.UNKNOWN_SHAPE, "an object without a value"))
    return decoded


def _sorted(document: dict[str, object]) -> tuple[dict[Role, str], dict[str, object]]:
    """Return the key that plays each role, and the fields that play none.  Nulls play none."""
    roles: dict[Role, str] = {}
    fields: dict[str, object] = {}
    for key, value in document.items():
        role = role_of(key)
        if role is None or (role is Role.NAME and not isinstance(value, str)):
            fields[key] = value
        elif value is not None:
            roles.setdefault(role, key)
    return roles, fields


def _time(
    document: dict[str, object], roles: dict[Role, str], fields: dict[str, object], at: Stamp
) -> Stamp | None:
    """Return the object's own time, ``at`` if it has none, ``None`` if it cannot be read."""
    if (key := roles.get(Role.TIME)) is not None:
        return times.parse(document[key])
    if (key := roles.get(Role.MAYBE_TIME)) is not None:
        stamp = times.parse(document[key])
        if stamp is not None:
            return stamp
        fields[key] = document[key]
    return at


def _value_key(
    document: dict[str, object], roles: dict[Role, str], fields: dict[str, object]
) -> str | None:
    """Return the key of the one value that the object is about, ``None`` if it has many fields.

    Whatever stands beside a ``value`` describes it: quality, unit, limits.
    """
    if Role.VALUE in roles:
        return roles[Role.VALUE]
    key = roles.get(Role.MAYBE_VALUE)
    if key is not None and any(number(value) is not None for value in fields.values()):
        fields[key] = document[key]
        return None
    return key


def _channel(document: dict[str, object], roles: dict[Role, str], source: Source) -> str:
    """Return the channel of the object's one value; the topic's word goes before the payload's."""
    if source.channel is None and Role.NAME in roles:
        return str(document[roles[Role.NAME]])
    return source.own_channel


def _value(raw: object, channel: str, source: Source, at: Stamp) -> list[Decoded]:
    if raw is None:
        return []
    value = number(raw)
    if value is None:
        return [source.reject(RejectReason.NOT_A_NUMBER, "a value that is no finite number")]
    if not is_name(channel):
        return [source.reject(RejectReason.BAD_NAME, "a channel name")]
    return [Reading(source.asset, channel, at.at_ns, value, at.quality)]


def _fields(fields: dict[str, object], source: Source, at: Stamp) -> list[Decoded]:
    """Return a reading for each numeric field; text, arrays and objects are context."""
    decoded: list[Decoded] = []
    most = source.caps.channels
    for name, raw in fields.items():
        value = number(raw)
        if value is None:
            if isinstance(raw, int | float):
                decoded.append(source.reject(RejectReason.NOT_A_NUMBER, "a field is not finite"))
            continue
        if len(decoded) >= most:
            detail = f"{len(fields)} fields, read only the first {most}"
            return [*decoded, source.reject(RejectReason.TOO_LARGE, detail)]
        channel = source.field_channel(name)
        if is_name(channel):
            decoded.append(Reading(source.asset, channel, at.at_ns, value, at.quality))
        else:
            decoded.append(source.reject(RejectReason.BAD_NAME, "the name of a field"))
    if not decoded and any(isinstance(raw, str) for raw in fields.values()):
        decoded.append(source.reject(RejectReason.NOT_A_NUMBER, "no field is a number"))
    return decoded


def _containers(document: dict[str, object], source: Source, at: Stamp) -> list[Decoded]:
    """Return what is nested one level down, under a key that says that it holds values."""
    decoded: list[Decoded] = []
    for key, inner in document.items():
        if not isinstance(inner, dict | list) or not _holds_values(key):
            continue
        if isinstance(inner, dict):
            decoded += _object(inner, source, at, nested=True)
        elif inner and all(isinstance(item, dict) for item in inner):
            for item in inner[: source.caps.channels]:
                decoded += _object(item, source, at, nested=True)
            if len(inner) > source.caps.channels:
                decoded.append(source.reject(RejectReason.TOO_LARGE, f"{len(inner)} nested items"))
        else:
            decoded.append(source.reject(RejectReason.BAD_RATE, "samples without a sampling rate"))
    return decoded


def _holds_values(key: str) -> bool:
    return key.lower() in CONTAINERS or role_of(key) in _VALUES


def _blocks(
    document: dict[str, object], roles: dict[Role, str], source: Source, at: Stamp
) -> list[Decoded]:
    """Return the blocks of an object that states a sampling rate; none if it has no samples."""
    if Role.RATE in roles:
        rate_hz = number(document[roles[Role.RATE]])
    else:
        period_s = number(document[roles[Role.PERIOD]])
        rate_hz = 1 / period_s if period_s else None
    first = None if at.quality is TimeQuality.RECEIVED else at
    decoded: list[Decoded] = []
    own_channel = _channel(document, roles, source)
    for count, (channel, samples) in enumerate(_sample_lists(document, own_channel, source)):
        heading = Heading(channel, rate_hz, first)
        if count >= source.caps.channels:
            return [
                *decoded,
                source.reject(RejectReason.TOO_LARGE, "too many blocks in one object"),
            ]
        if is_name(channel):
            decoded += sample_block.decode_list(samples, heading, source)
        else:
            decoded.append(source.reject(RejectReason.BAD_NAME, "the channel of a block"))
    return decoded


def _sample_lists(
    document: dict[str, object], own_channel: str, source: Source
) -> Iterator[tuple[str, list[object]]]:
    for key, inner in document.items():
        if isinstance(inner, list):
            yield (own_channel if _holds_values(key) else source.field_channel(key)), inner
        elif isinstance(inner, dict) and _holds_values(key):
            for field, samples in inner.items():
                if isinstance(samples, list):
                    yield source.field_channel(field), samples
