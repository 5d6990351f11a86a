"""From scores, log lines and limits to "this fault is there" and "this fault is gone".

Every source of evidence gives a *sign* for one fault of its asset.  A sign is debounced by itself,
in the event time of its own stream: on-delay before it counts, off-delay before it stops counting.
The alarm of a fault is raised with the first sign that counts and cleared with the last, so sources
whose clocks disagree cannot hold each other up.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from edge_agent.core.lograte import Rate
from edge_agent.core.records import Category, Priority, TimeQuality

_RANK = {priority: rank for rank, priority in enumerate(Priority)}
_BY_RANK = tuple(Priority)


class EvidenceKind(StrEnum):
    """Where a sign came from."""

    SENSOR = "sensor"  # the sensor model's score of a window
    LOG = "log"  # the log model's reading of a line
    LIMIT = "limit"  # a setpoint of the site file
    SILENCE = "silence"  # nothing came any more
    RATE = "rate"  # a log line that came far too often, or a heartbeat that stopped


@dataclass(frozen=True, slots=True)
class FoundLine:
    """One line of a spectrum, with its level above the noise floor."""

    name: str
    harmonic: float
    frequency_hz: float
    level_db: float


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """What the diagnosis of a waveform said, in short; ``verdict`` is one of ``diagnose``'s."""

    verdict: str
    confidence: float
    reason: str
    zone: str | None = None
    velocity_rms_mm_s: float | None = None
    speed_rpm: float | None = None
    speed_estimated: bool = False
    lines: tuple[FoundLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Prognosed:
    """What a channel will reach, and between which times from now."""

    reaches: str
    boundary: float
    earliest_s: float
    latest_s: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an alert shows as the reason for itself.

    ``source`` is a channel or a log template; ``score`` and ``threshold`` are dimensionless, except
    for a limit: there both are in the unit of the channel, and for a rate: lines in the window, or
    seconds without one.  ``contributions`` are parts by channel.
    """

    kind: EvidenceKind
    source: str
    score: float
    threshold: float
    start_ns: int
    end_ns: int
    contributions: tuple[tuple[str, float], ...] = ()
    rate: Rate | None = None  # of a template, where that is the reason
    text: str = ""  # the log line itself, cut, or what a sensor does
    fault: str = ""  # the kind of a sensor's fault, where the sensor and not the machine has one
    words: tuple[tuple[str, float], ...] = ()  # of a line, with what each adds to the log-odds
    diagnosis: Diagnosed | None = None  # of the waveform behind it
    prognosis: Prognosed | None = None  # of what it heads for


@dataclass(frozen=True, slots=True)
class Remarks:
    """What is known about channels beside their scores, by channel.

    Of ``faulty`` ones, whose sensors have failed, a score knows nothing.
    """

    diagnosed: Mapping[str, Diagnosed] = field(default_factory=dict)
    ahead: Mapping[str, Prognosed] = field(default_factory=dict)
    faulty: Collection[str] = ()

    def about(self, channels: Sequence[str]) -> tuple[Diagnosed | None, Prognosed | None]:
        """Return the first diagnosis and the first prognosis that there is for ``channels``."""
        diagnosis = next((self.diagnosed[c] for c in channels if c in self.diagnosed), None)
        prognosis = next((self.ahead[c] for c in channels if c in self.ahead), None)
        return diagnosis, prognosis


NO_REMARKS = Remarks()


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a sign must stay before it counts, and be gone before it stops counting."""

    on_ns: int
    off_ns: int


@dataclass(frozen=True, slots=True)
class Sign:
    """One source's claim about one fault, with the debouncing state.

    ``category`` is ``None`` where nobody can say what the fault is about.
    ``counts`` is the debounced claim.  ``differs_since_ns`` is the event time since which the raw
    claim has been the opposite of ``counts``, ``None`` while they agree.  ``until_ns`` is set where
    a sign ends by itself: a log line stands for its fault for a while and then no more.
    """

    fault: str
    category: Category | None
    priority: Priority
    evidence: Evidence
    time_quality: TimeQuality
    counts: bool = False
    differs_since_ns: int | None = None
    until_ns: int | None = None


def debounce(sign: Sign, *, present: bool, since_ns: int, at_ns: int, delays: Delays) -> Sign:
    """Return ``sign`` after its source was seen present or absent at ``at_ns``.

    Args:
        sign: The sign so far.
        present: The raw claim of this moment, deadband already applied.
        since_ns: When this raw claim began, as far as the source knows; ``at_ns`` if it does not.
        at_ns: Event time of the observation, never running back within one source.
        delays: On-delay and off-delay.

    Returns:
        A sign whose ``counts`` has flipped once the claim has differed for the whole delay.
    """
    if present is sign.counts:
        return sign if sign.differs_since_ns is None else replace(sign, differs_since_ns=None)
    began_ns = since_ns if sign.differs_since_ns is None else sign.differs_since_ns
    if at_ns - began_ns >= (delays.on_ns if present else delays.off_ns):
        return replace(sign, counts=present, differs_since_ns=None)
    return replace(sign, differs_since_ns=began_ns)


@dataclass(frozen=True, slots=True)
class Raise:
    """The fault is there: raise its alarm, or lift its priority if it is raised already."""

    at_ns: int
    category: Category | None
    priority: Priority
    evidence: tuple[Evidence, ...]
    time_quality: TimeQuality


@dataclass(frozen=True, slots=True)
class Clear:
    """The fault is gone."""

    at_ns: int


def fuse(signs: Sequence[Sign], at_ns: int) -> Raise | Clear:
    """Return what the signs of one fault say together.

    The priority is the highest among the signs that count, and one step more where two *kinds* of
    evidence agree: a thermometer and a drive's own message seldom err together.

    Args:
        signs: All signs of one fault of one asset, in any order.
        at_ns: Event time of the change that made the caller ask.
    """
    counting = [sign for sign in signs if sign.counts]
    if not counting:
        return Clear(at_ns)
    strongest = max(counting, key=lambda sign: _RANK[sign.priority])
    rank = _RANK[strongest.priority]
    if len({sign.evidence.kind for sign in counting}) > 1:
        rank = min(rank + 1, len(_BY_RANK) - 1)
    return Raise(
        at_ns=at_ns,
        category=strongest.category,
        priority=_BY_RANK[rank],
        evidence=tuple(sign.evidence for sign in counting),
        time_quality=strongest.time_quality,
    )


@dataclass(frozen=True, slots=True)
class Episode:
    """A run of anomalous windows of one asset: when it began and which faults it points to.

    ``leading`` is the category that has contributed most; ``alone`` are those that would pass the
    threshold without the others.
    """

    since_ns: int
    weight: Mapping[Category, float]
    leading: Category
    alone: frozenset[Category]

    @property
    def faults(self) -> frozenset[Category]:
        """Return every category that the episode points to at present."""
        return self.alone | {self.leading}


def extend(
    episode: Episode | None,
    at_ns: int,
    parts: Mapping[Category, float],
    threshold: float,
    *,
    settled: bool,
) -> Episode:
    """Return the episode after one more anomalous window.

    One anomaly shows in several channels, and which one leads changes from window to window; an
    operator wants one alarm, not a flicker of three.  So the leading category is chosen by what it
    has contributed since the episode began, and no more once an alarm stands for it.

    Args:
        episode: The episode so far; ``None`` where this window begins one.
        at_ns: End of the window.
        parts: Parts of the score by category, in the unit of the score; at least one.
        threshold: The score above which a window is anomalous.
        settled: Whether the sign of the leading category counts already.
    """
    if episode is None:
        episode = Episode(at_ns, {}, max(parts, key=lambda name: parts[name]), frozenset())
    weight = dict(episode.weight)
    for category, part in parts.items():
        weight[category] = weight.get(category, 0.0) + part
    leading = episode.leading if settled else max(weight, key=lambda name: weight[name])
    # Half the threshold is the deadband of a category that stands alone already.
    floor = {c: threshold / 2 if c in episode.alone else threshold for c in parts}
    alone = frozenset(category for category, part in parts.items() if part >= floor[category])
    return Episode(episode.since_ns, weight, leading, alone)
