"""Which kind of fault a channel speaks of and what it can show, guessed from its name.

A plant names its channels in words and abbreviations of several languages; the site file overrides
the guess where it is wrong (``categories`` and ``ranges`` of an asset).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from edge_agent.core.records import Category

# Ordered: the first pattern that occurs wins, so "motor_current_temp" is thermal.
_PATTERNS: tuple[tuple[Category, re.Pattern[str]], ...] = (
    (Category.THERMAL, re.compile(r"temp|thermo|heat|cool|degc|_degf|\bt[0-9]*\b")),
    (
        Category.HYDRAULIC_PNEUMATIC,
        re.compile(r"press(?!ing|_shop)|flow|druck|durchfluss|level|valve|vacuum|\bbar\b|hydr"),
    ),
    (
        Category.ELECTRICAL,
        re.compile(r"current|volt|amp(?!l)|power|strom|spannung|energy|freq|\bkw\b|cos_?phi"),
    ),
    (
        Category.MECHANICAL,
        re.compile(r"vib|accel|veloc|speed|rpm|torque|bearing|schwing|position|force|strain"),
    ),
)


def category_of(channel: str, overrides: Mapping[str, Category]) -> Category:
    """Return the category of a fault that shows in ``channel``.

    Args:
        channel: The name as the plant publishes it, such as ``Volume Flow RateRMS``.
        overrides: What the site file says, by channel; it always wins.

    Returns:
        The override, else the guess, else ``mechanical``: most of what is measured on a machine
        without saying what it is, is measured to catch its moving parts.
    """
    if channel in overrides:
        return overrides[channel]
    name = channel.lower()
    return next((c for c, pattern in _PATTERNS if pattern.search(name)), Category.MECHANICAL)


@dataclass(frozen=True, slots=True)
class Nature:
    """What physics allows a channel to show, as far as its name tells its quantity and unit.

    Values outside ``low`` to ``high`` are the sensor's.  What is ``thermal`` may be measured with a
    thermocouple; what is ``inert`` cannot leap, and does not rest at zero when the machine stops.
    """

    low: float = -inf
    high: float = inf
    thermal: bool = False

    @property
    def inert(self) -> bool:
        """Whether the quantity is stored in mass, as heat is."""
        return self.thermal


_ABSOLUTE_ZERO_DEGC, _ABSOLUTE_ZERO_DEGF = -273.15, -459.67
_THERMAL = re.compile(r"temp|thermo(?!stat)|degc|degf")
_KELVIN = re.compile(r"kelvin|_k$")
_FAHRENHEIT = re.compile(r"degf|fahrenheit|_f$")
# A sensor may read a few percent beyond its scale (NAMUR NE 43 leaves room for 2.5 %).
_RANGES: tuple[tuple[re.Pattern[str], float, float], ...] = (
    (re.compile(r"percent|_pct|%|humid|feucht"), -5.0, 105.0),
    (re.compile(r"cos_?phi|power_?factor"), -1.05, 1.05),
    (re.compile(r"rms$"), 0.0, inf),
)


def nature_of(channel: str, ranges: Mapping[str, tuple[float, float]]) -> Nature:
    """Return what ``channel`` can show; with a name that tells nothing, anything.

    Args:
        channel: The name as the plant publishes it.
        ranges: Measuring ranges of the site file, by channel; they always win.
    """
    name = channel.lower()
    thermal = _THERMAL.search(name) is not None
    if channel in ranges:
        return Nature(*ranges[channel], thermal=thermal)
    for pattern, low, high in _RANGES:
        if pattern.search(name):
            return Nature(low, high, thermal=False)
    if not thermal:
        return Nature()
    if _KELVIN.search(name):
        return Nature(0.0, inf, thermal=True)
    if _FAHRENHEIT.search(name):
        return Nature(_ABSOLUTE_ZERO_DEGF, inf, thermal=True)
    return Nature(_ABSOLUTE_ZERO_DEGC, inf, thermal=True)
