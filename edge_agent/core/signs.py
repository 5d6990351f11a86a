"""Signs that follow from one observation: limits, faulty sensors, severe vibration."""

from collections.abc import Iterator

from edge_agent.core.evidence import Evidence, EvidenceKind, Prognosed, Sign
from edge_agent.core.records import Category, Frame, Priority
from edge_agent.core.sensorfault import FaultKind, SensorFault
from edge_agent.core.severity import Zone
from edge_agent.core.site import Limit
from edge_agent.core.vibrationwatch import Severe

# Families of signs; with the channel, the key of one.
FAULTY_SENSOR = f"{EvidenceKind.SENSOR}:faulty:"
SEVERE_VIBRATION = f"{EvidenceKind.LIMIT}:zone:"

_OF_MACHINES = frozenset(
    {
        Category.MECHANICAL,
        Category.THERMAL,
        Category.ELECTRICAL,
        Category.HYDRAULIC_PNEUMATIC,
        Category.SAFETY,
    }
)
_PRESENT, _HALF = 1.0, 0.5  # score and threshold of what is there or not


def concerns_machine(sign: Sign) -> bool:
    """Return whether a sign is about the machine, not its sensors, network, program or visitors."""
    return sign.category in _OF_MACHINES


def sign_of_sensor(fault: SensorFault, frame: Frame) -> Sign:
    """Return the sign of a faulty sensor at the end of ``frame``.

    A sensor that leapt once is worth a look at its plug; one that is gone has to be replaced.
    """
    return Sign(
        fault=Category.SENSOR.value,
        category=Category.SENSOR,
        priority=Priority.LOW if fault.kind is FaultKind.JUMP else Priority.MEDIUM,
        evidence=Evidence(
            kind=EvidenceKind.SENSOR,
            source=fault.channel,
            score=_PRESENT,
            threshold=_HALF,
            start_ns=min(fault.since_ns, frame.end_ns),
            end_ns=frame.end_ns,
            text=fault.text,
            fault=fault.kind.value,
        ),
        time_quality=frame.time_quality,
    )


def sign_of_vibration(severe: Severe, prognosis: Prognosed | None, frame: Frame) -> Sign:
    """Return the sign of vibration in zone C or D; the boundary that it passed is a limit."""
    return Sign(
        fault=Category.MECHANICAL.value,
        category=Category.MECHANICAL,
        priority=Priority.HIGH if severe.zone is Zone.D else Priority.MEDIUM,
        evidence=Evidence(
            kind=EvidenceKind.LIMIT,
            source=severe.channel,
            score=severe.velocity_rms_mm_s,
            threshold=severe.boundary_mm_s,
            start_ns=frame.start_ns,
            end_ns=frame.end_ns,
            text=f"vibrates with {severe.velocity_rms_mm_s:.2g} mm/s, zone {severe.zone}",
            diagnosis=severe.diagnosed,
            prognosis=prognosis,
        ),
        time_quality=frame.time_quality,
    )


def sides_of(limit: Limit, mean: float) -> Iterator[tuple[str, float, float]]:
    """Yield ``(key, setpoint, how far the mean is beyond it)`` for each side that is set."""
    key = f"{EvidenceKind.LIMIT}:{limit.channel}:{limit.category}"
    if limit.high is not None:
        yield f"{key}:high:{limit.high}", limit.high, mean - limit.high
    if limit.low is not None:
        yield f"{key}:low:{limit.low}", limit.low, limit.low - mean


def sign_of_limit(limit: Limit, mean: float, setpoint: float, frame: Frame) -> Sign:
    """Return the sign of a window's ``mean`` beyond one side of a limit."""
    return Sign(
        fault=limit.category.value,
        category=limit.category,
        priority=limit.priority,
        evidence=Evidence(
            kind=EvidenceKind.LIMIT,
            source=limit.channel,
            score=mean,
            threshold=setpoint,
            start_ns=frame.start_ns,
            end_ns=frame.end_ns,
        ),
        time_quality=frame.time_quality,
    )
