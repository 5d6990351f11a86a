"""What is wrong with a sensor, as opposed to its machine: kinds of faults, and what tells them.

Each test here is about values that a sound sensor on any machine, healthy or broken, would not
give; a test that a broken machine could pass asks for more, such as other channels that go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_agent.core.habit import Habit
from edge_agent.core.quantities import Nature

# What transmitters and gateways send for "no value": ends of integer scales, rows of nines.
_ENDS = (32767.0, -32768.0, 65535.0, 3276.7, -3276.8, 6553.5, 327.67, -327.68, 655.35)
_NINES = (999.0, -999.0, 999.9, -999.9, 9999.0, -9999.0, 99999.0, -99999.0)
_CODES = frozenset((*_ENDS, *_NINES))
_CODE_STEP = 1e-6  # of a code: it came as float32
_FAR = 3.0  # widths beyond the band
# A broken thermocouple drives its input to full scale (upscale burnout): 850 degC on a Pt100's
# card, 1254 or 1372 on a type K's.  A bearing or a winding has burnt long before.
_BURNOUT, _HOTTEST = 840.0, 4200.0  # the latter type C in degF
_ORDINARY = 500.0  # no furnace: a channel that stayed below may be judged by it
_LARGE = 100.0  # a factor that no machine reaches by itself
_SAME_SCALE = 0.3  # of the usual magnitude, which values in another unit reach as well
_FIT = 0.25  # of the width: how far beyond the learned range they may lie
_DEGF_PER_DEGC, _DEGF_AT_0, _KELVIN_AT_0 = 1.8, 32.0, 273.15


class FaultKind(StrEnum):
    """What a sensor does that no machine does."""

    STUCK = "stuck"  # repeats one value where it used to vary
    DROPOUT = "dropout"  # zero, a rail, a code or nothing, while its neighbours go on
    OUT_OF_RANGE = "out_of_range"  # beyond what the quantity can be
    JUMP = "impossible_jump"  # there and back faster than the quantity can move
    SATURATION = "saturation"  # clipped: the same extreme again and again
    WRONG_UNIT = "wrong_unit"  # the usual values in another unit
    OPEN_THERMOCOUPLE = "open_thermocouple"  # full scale


@dataclass(frozen=True, slots=True)
class SensorFault:
    """One channel's fault, with the value that shows it and a phrase for people."""

    channel: str
    kind: FaultKind
    since_ns: int
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that values show, before it is known whether the neighbours allow to call it one."""

    kind: FaultKind
    value: float
    text: str
    needs_company: bool = False  # the machine might be off: its neighbours have to go on


@dataclass(frozen=True, slots=True)
class _Conversion:
    """``shown = usual * factor + offset``."""

    text: str
    factor: float
    offset: float
    thermal: bool
    widest: float  # width of the band by its middle: wider ones would fit too much

    def undo(self, shown: float) -> float:
        """Return the usual value that is shown as ``shown``."""
        return (shown - self.offset) / self.factor


_CONVERSIONS = (
    *(
        _Conversion(f"{text} times the usual values", factor, 0.0, thermal=False, widest=widest)
        for text, factor, widest in (
            ("1000", 1e3, 4.0),
            ("100", 1e2, 2.0),
            ("10", 1e1, 0.5),
            ("0.1", 1e-1, 0.5),
            ("0.01", 1e-2, 1.0),
            ("0.001", 1e-3, 1.0),
        )
    ),
    *(
        _Conversion(f"{shown} instead of {usual}", factor, offset, thermal=True, widest=4.0)
        for shown, usual, factor, offset in (
            ("degF", "degC", _DEGF_PER_DEGC, _DEGF_AT_0),
            ("degC", "degF", 1 / _DEGF_PER_DEGC, -_DEGF_AT_0 / _DEGF_PER_DEGC),
            ("kelvin", "degC", 1.0, _KELVIN_AT_0),
            ("degC", "kelvin", 1.0, -_KELVIN_AT_0),
        )
    ),
)


def at_once(value: float, nature: Nature, habit: Habit) -> Finding | None:
    """Return what one value shows by itself, whatever came before."""
    if not nature.low <= value <= nature.high:
        text = f"reads {value:g}, which the quantity cannot be"
        return Finding(FaultKind.OUT_OF_RANGE, value, text)
    if habit.samples == 0 or habit.holds(value, _FAR):
        return None
    if nature.thermal and _BURNOUT <= value <= _HOTTEST and habit.high < _ORDINARY:
        text = f"reads {value:g}: full scale, as an open thermocouple does"
        return Finding(FaultKind.OPEN_THERMOCOUPLE, value, text)
    if any(abs(value - code) <= _CODE_STEP * abs(code) for code in _CODES):
        return Finding(FaultKind.DROPOUT, value, f"reads {value:g}, a code for no value")
    return None


def after_leap(
    origin: float, values: Sequence[float], nature: Nature, habit: Habit
) -> Finding | None:
    """Return what the samples after an odd step show, which have stayed away since.

    Args:
        origin: The sample before, about which values are as usual as those that were learned.
        values: A few, at least 1; the more there are, the more certain.
        nature: Of the channel.
        habit: Of the channel.
    """
    value = values[-1]
    unlike = habit.varies and habit.repeats < len(values) - 1
    nothing = value == 0 and not habit.holds(value, _FAR)
    if min(values) == max(values) and (unlike or nothing):
        where = "zero" if value == 0 else f"{value:g}"
        text = f"fell to {where} at once and stays there"
        return Finding(FaultKind.DROPOUT, value, text, needs_company=not nature.inert)
    for conversion in _CONVERSIONS:
        if conversion.thermal <= nature.thermal and _fits(values, origin, conversion, habit, _FIT):
            text = f"reads {value:g}: {conversion.text}"
            less = conversion.factor < 1 and not nature.inert  # as when the machine stops
            return Finding(FaultKind.WRONG_UNIT, value, text, needs_company=less)
    return None


def shows_still(fault: SensorFault, value: float, before: float, habit: Habit) -> bool:
    """Return whether one more value, after the one ``before``, is like those that showed ``fault``.

    A sound sensor may pass the value that it was stuck at, again and again; it does not stay.
    """
    match fault.kind:
        case FaultKind.STUCK:
            return value == fault.value == before
        case FaultKind.DROPOUT | FaultKind.SATURATION:
            return value == fault.value
        case FaultKind.OPEN_THERMOCOUPLE:
            return not habit.holds(value, _FAR)
        case FaultKind.WRONG_UNIT:
            return any(
                fault.text.endswith(conversion.text)
                and _fits((value,), conversion.undo(fault.value), conversion, habit, 1.0)
                for conversion in _CONVERSIONS
            )
        case FaultKind.OUT_OF_RANGE | FaultKind.JUMP:
            return False


def _fits(
    values: Sequence[float], origin: float, conversion: _Conversion, habit: Habit, margin: float
) -> bool:
    """Return whether the values are usual ones after ``conversion``, and not usual without."""
    usual, reach = [conversion.undo(value) for value in values], margin * habit.width
    lowest, highest = min(habit.low, origin) - reach, max(habit.high, origin) + reach
    if any(map(habit.holds, values)) or not lowest <= min(usual) <= max(usual) <= highest:
        return False
    if habit.width <= conversion.widest * abs(habit.low + habit.high) / 2:
        return True
    # About zero anything is 1000 times something: the size of the values has to agree as well.
    largest = max(abs(habit.low), abs(habit.high))
    return conversion.factor >= _LARGE and max(map(abs, usual)) >= _SAME_SCALE * largest
