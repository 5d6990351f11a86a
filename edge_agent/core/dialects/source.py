"""What a dialect has to know about the message whose payload it reads."""

from typing import NamedTuple

from edge_agent.core.dialects.times import Stamp
from edge_agent.core.records import Reject, RejectReason, TimeQuality
from edge_agent.core.site import Caps

# Values without times that came in one message keep their order, and none passes for a repetition
# of the other, when they are set this far apart.
UNTIMED_STEP_NS = 1_000

# A day of one channel at 1 Hz comes near it; four megabytes of brackets would be a million records.
_MAX_RECORDS = 10_000


class Source(NamedTuple):
    """Where a payload came from; a tuple, because every message makes one."""

    topic: str
    asset: str
    channel: str | None  # None: the payload names its channels
    received_ns: int
    caps: Caps

    @property
    def own_channel(self) -> str:
        """The channel of a payload that names none."""
        return self.channel or "value"

    def field_channel(self, field: str) -> str:
        """Return the channel of a named field of a payload.

        The same whether or not its neighbours are there, so a null never renames a channel.
        """
        return field if self.channel is None else f"{self.channel}.{field}"

    @property
    def most_records(self) -> int:
        """The most rows or array items that are read from one payload."""
        return min(_MAX_RECORDS, self.caps.window_samples)

    def receipt(self, before: int = 0) -> Stamp:
        """Return the time for a value without one that has ``before`` others behind it."""
        return Stamp(self.received_ns - before * UNTIMED_STEP_NS, TimeQuality.RECEIVED)

    def reject(self, reason: RejectReason, detail: str = "") -> Reject:
        """Return the record of something in the payload that cannot be used."""
        return Reject(self.topic, reason, detail)
