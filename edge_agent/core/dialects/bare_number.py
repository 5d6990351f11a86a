"""A payload that is one number and nothing else."""

from edge_agent.core.dialects.numbers import number
from edge_agent.core.dialects.source import Source
from edge_agent.core.records import Decoded, Reading, RejectReason, TimeQuality


def decode(text: str, source: Source) -> list[Decoded] | None:
    """Return the reading in ``text``, ``None`` if ``text`` is no bare number.

    A decimal comma is not taken here: ``12,5`` without quotes may just as well be two columns.
    """
    try:
        value = number(float(text))
    except ValueError:
        return None
    if value is None or "_" in text:
        return [source.reject(RejectReason.NOT_A_NUMBER, "a number that is not finite")]
    return [
        Reading(source.asset, source.own_channel, source.received_ns, value, TimeQuality.RECEIVED)
    ]
