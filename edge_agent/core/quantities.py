"""Which kind of fault a channel speaks of, guessed from its name.

A plant names its channels in words and abbreviations of several languages; the site file overrides
the guess where it is wrong (``categories`` of an asset).
"""

import re
from collections.abc import Mapping

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
