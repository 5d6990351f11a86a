"""Who was heard when: the rhythm of a source, and what becomes of a channel with another clock."""

from dataclasses import dataclass, field

_GAPS_TO_SILENCE = 10  # a source that speaks every five minutes is not silent after six
_LEAST_GAPS = 2  # a source that was heard once or twice has no rhythm yet
_LATEST = 0.1  # weight of the latest gap in the typical one


@dataclass(slots=True)
class Rhythm:
    """When a source was heard last, and how long it usually pauses; times are times of receipt."""

    heard_ns: int | None = None
    gap_ns: float = 0.0
    gaps: int = 0

    def hear(self, now_ns: int) -> None:
        """Take note that the source has spoken."""
        if self.heard_ns is not None and now_ns > self.heard_ns:
            self.gaps += 1
            weight = max(_LATEST, 1 / self.gaps)
            self.gap_ns += weight * (now_ns - self.heard_ns - self.gap_ns)
        self.heard_ns = now_ns if self.heard_ns is None else max(self.heard_ns, now_ns)

    def overdue_since(self, now_ns: int, least_ns: int, listening_since_ns: int) -> int | None:
        """Return when the silence became too long, ``None`` while it is not.

        Args:
            now_ns: The agent's time.
            least_ns: Silence that is never too long, however quick the rhythm.
            listening_since_ns: Since when the source could have been heard at all: what was said
                while the agent or the broker was away is nobody's silence.
        """
        if self.heard_ns is None or self.gaps < _LEAST_GAPS:
            return None
        patience_ns = max(least_ns, round(_GAPS_TO_SILENCE * self.gap_ns))
        overdue_ns = max(self.heard_ns, listening_since_ns) + patience_ns
        return overdue_ns if now_ns > overdue_ns else None


@dataclass(slots=True)
class Ear:
    """What is known of one channel beside its samples.

    Windows join the channels of an asset by event time.  A channel whose clock is behind that of
    the others for good would only ever come late, so it is given an offset; ``late_since_ns`` is
    the time of receipt since which it has sent nothing but the past.
    """

    rhythm: Rhythm = field(default_factory=Rhythm)
    late_since_ns: int | None = None
    offset_ns: int = 0
