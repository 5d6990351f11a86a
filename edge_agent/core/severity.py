"""Zones of vibration severity: how a machine's velocity RMS is judged by ISO 20816-3.

A is what a new machine shows, B may run for years, C only until it can be repaired, D does damage.
The boundaries are the RMS of velocity between 10 and 1000 Hz on bearing housings, in mm/s.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Zone(StrEnum):
    """The four zones of ISO 20816-1."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Group(IntEnum):
    """The machine groups of ISO 20816-3."""

    LARGE = 1  # above 300 kW, or a shaft height from 315 mm
    MEDIUM = 2  # 15 to 300 kW, or a shaft height from 160 to 315 mm


class Support(StrEnum):
    """Whether the foundation's lowest resonance is well above the shaft's speed."""

    RIGID = "rigid"
    FLEXIBLE = "flexible"


@dataclass(frozen=True, slots=True)
class MachineClass:
    """What decides where the zones begin."""

    group: Group = Group.MEDIUM
    support: Support = Support.RIGID


COMMON_CLASS = MachineClass()

BOUNDARIES_MM_S: Mapping[MachineClass, tuple[float, float, float]] = MappingProxyType(
    {
        MachineClass(Group.LARGE, Support.RIGID): (2.3, 4.5, 7.1),
        MachineClass(Group.LARGE, Support.FLEXIBLE): (3.5, 7.1, 11.0),
        MachineClass(Group.MEDIUM, Support.RIGID): (1.4, 2.8, 4.5),
        MachineClass(Group.MEDIUM, Support.FLEXIBLE): (2.3, 4.5, 7.1),
    }
)


def zone_of(velocity_rms_mm_s: float, machine: MachineClass) -> Zone:
    """Return the zone of a velocity; a boundary itself still belongs to the better zone."""
    return tuple(Zone)[bisect_left(BOUNDARIES_MM_S[machine], velocity_rms_mm_s)]
