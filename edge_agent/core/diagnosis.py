"""What is asked about a machine's vibration, and what a diagnosis answers."""

from dataclasses import dataclass
from enum import StrEnum

from edge_agent.core.bearings import Bearing
from edge_agent.core.health_reference import HealthReference
from edge_agent.core.severity import COMMON_CLASS, MachineClass, Zone
from edge_agent.core.spectral_lines import Line

_G_MM_S2 = 9806.65


class Unit(StrEnum):
    """The unit of acceleration; the value is what a person types."""

    G = "g"
    M_S2 = "m_s2"

    @property
    def mm_s2(self) -> float:
        """Return it in mm/s², as which its integral is a velocity in mm/s."""
        return _G_MM_S2 if self is Unit.G else 1000.0

    @property
    def g(self) -> float:
        """Return it in g."""
        return self.mm_s2 / _G_MM_S2


class Verdict(StrEnum):
    """What a diagnosis may say."""

    INNER_RACE = "inner_race"
    OUTER_RACE = "outer_race"
    BALL = "ball"
    CAGE = "cage"
    UNBALANCE = "unbalance"
    MISALIGNMENT = "misalignment"
    LOOSENESS = "looseness"
    HEALTHY = "healthy"
    UNKNOWN = "unknown"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known about the machine; the less is known, the less can be said.

    ``health`` is how this very machine sounds in health, at this sensor and about this speed.
    """

    speed_rpm: float | None = None
    bearing: Bearing | None = None
    machine_class: MachineClass = COMMON_CLASS
    unit: Unit = Unit.G
    health: HealthReference | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict, the measures and the lines that led to it.

    ``rms`` and ``peak`` are in the unit of the samples, less their mean; measures that the block
    cannot carry are ``None``.  ``speed_rpm`` is the speed that was used, ``speed_estimated``
    whether it was taken from the spectrum for want of a given one.
    """

    verdict: Verdict
    confidence: float
    reason: str
    rms: float | None = None
    velocity_rms_mm_s: float | None = None
    peak: float | None = None
    crest_factor: float | None = None
    excess_kurtosis: float | None = None
    zone: Zone | None = None
    speed_rpm: float | None = None
    speed_estimated: bool = False
    envelope_band_hz: tuple[float, float] | None = None
    lines: tuple[Line, ...] = ()


def not_assessable(reason: str) -> Diagnosis:
    """Return the diagnosis of what cannot be diagnosed."""
    return Diagnosis(Verdict.NOT_ASSESSABLE, 0.0, reason)
