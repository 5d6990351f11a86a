"""Signs that are verdicts of their own, not scores against a threshold."""

from edge_agent.core.evidence import Evidence, EvidenceKind, Sign
from edge_agent.core.records import Category, Frame, Priority
from edge_agent.core.sensorfault import FaultKind, SensorFault

FAULTY_SENSOR = f"{EvidenceKind.SENSOR}:faulty:"  # with the channel, the key of a sign

_PRESENT, _HALF = 1.0, 0.5  # score and threshold of what is there or not


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
