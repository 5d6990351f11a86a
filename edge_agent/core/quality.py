"""How far a source's clock can be trusted, and what time it is at the source.

PLC gateways lose their battery, leave daylight saving time twice, or replay a recording of 2005.  A
source's own time is kept wherever it is possible at all, because only it says how far apart two
samples are; what looks wrong is flagged in ``time_quality`` instead.
"""

from dataclasses import dataclass

from edge_agent.core.records import NS_PER_S, TimeQuality

# Clocks that are kept by NTP agree within a second; a minute allows for those set by hand.
FUTURE_TOLERANCE_NS = 60 * NS_PER_S

# More than late delivery explains, and as much as the end of daylight saving time in a naive clock.
# A leap forward is normal after a pause in a recording: only more than a day is worth a flag.
BACKWARD_JUMP_NS = 3600 * NS_PER_S
FORWARD_JUMP_NS = 24 * 3600 * NS_PER_S

# A source so far behind receipt plays a recording (or has never had its clock set).
RECORDING_LAG_NS = 24 * 3600 * NS_PER_S

_WITHOUT_OWN_TIME = (TimeQuality.RECEIVED, TimeQuality.CLAMPED)


@dataclass(frozen=True, slots=True)
class SourceClock:
    """The clock of one stream of one asset, as seen through its records.

    ``event_ns`` is the time of the last record, against which a jump shows.  The newest time ever
    seen and its receipt anchor :meth:`source_now`.  All are ``None`` before the first record.
    """

    event_ns: int | None = None
    received_ns: int | None = None
    newest_ns: int | None = None
    newest_received_ns: int | None = None

    def observe(
        self, at_ns: int | None, received_ns: int, quality: TimeQuality
    ) -> tuple["SourceClock", int, TimeQuality]:
        """Return the clock after one more record, the record's event time and its quality.

        A time of its own is never altered unless it lies in the future.  A record without one
        (``at_ns`` is ``None``, or ``quality`` says that it is the time of receipt) happened on
        receipt; amid the records of an old recording it happened at :meth:`source_now`, or
        it would leap years ahead of its neighbours.

        Args:
            at_ns: The record's time as decoded.
            received_ns: When it was received, by our own clock.
            quality: The quality as decoded.
        """
        if at_ns is None:
            at_ns, quality = received_ns, TimeQuality.RECEIVED
        elif at_ns > received_ns + FUTURE_TOLERANCE_NS:
            at_ns, quality = received_ns, TimeQuality.CLAMPED
        if quality in _WITHOUT_OWN_TIME:
            # Untimed records of one message are set apart, each as if received on its own.
            received_ns = at_ns
            at_ns = self._placed(received_ns)
        elif self._jumps(at_ns, received_ns):
            quality = TimeQuality.JUMPED
        if self.newest_ns is not None and at_ns < self.newest_ns:
            clock = SourceClock(at_ns, received_ns, self.newest_ns, self.newest_received_ns)
        else:
            clock = SourceClock(at_ns, received_ns, at_ns, received_ns)
        return clock, at_ns, quality

    def source_now(self, now_ns: int) -> int:
        """Return what time it is at the source when our own clock says ``now_ns``.

        The newest time seen plus what has passed since, so it goes on while a source is silent or
        sends old records, and is never less than any time seen.  Before the first record it
        is ``now_ns``.
        """
        if self.newest_ns is None or self.newest_received_ns is None:
            return now_ns
        return self.newest_ns + max(0, now_ns - self.newest_received_ns)

    def _placed(self, received_ns: int) -> int:
        source_now = self.source_now(received_ns)
        return source_now if received_ns - source_now > RECORDING_LAG_NS else received_ns

    def _jumps(self, at_ns: int, received_ns: int) -> bool:
        if self.event_ns is None or self.received_ns is None:
            return False
        moved_ns = at_ns - self.event_ns
        waited_ns = max(0, received_ns - self.received_ns)
        return moved_ns < -BACKWARD_JUMP_NS or moved_ns > waited_ns + FORWARD_JUMP_NS
