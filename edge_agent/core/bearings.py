"""The frequencies at which a rolling bearing's parts strike, as multiples of the shaft's speed.

With n rolling elements of diameter d on a pitch circle D, contact angle phi, and g = d/D cos(phi),
for a fixed outer and a turning inner ring (R. B. Randall, J. Antoni: Rolling element bearing
diagnostics - a tutorial, Mech. Syst. Signal Process. 25, 2011, eq. 1 to 4):

    outer race  n/2 (1 - g)          cage            1/2 (1 - g)
    inner race  n/2 (1 + g)          element's spin  D/(2 d) (1 - g^2)

A spall on an element strikes twice in a turn of the element: once on either race.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, isfinite, radians
from types import MappingProxyType

_TWICE = (
    1.4  # a ratio to the spin that the other factors imply, above which twice the spin is meant
)


@dataclass(frozen=True, slots=True)
class Bearing:
    """Factors of the shaft's speed; ``ball`` is twice the spin of an element."""

    outer: float
    inner: float
    ball: float
    cage: float

    @classmethod
    def of_geometry(
        cls, elements: int, element_mm: float, pitch_mm: float, contact_deg: float = 0.0
    ) -> "Bearing":
        """Return the factors of a bearing with these dimensions; any unit of length will do.

        Raises:
            ValueError: No such bearing can be built.
        """
        if not (elements >= 1 and 0 < element_mm < pitch_mm and abs(contact_deg) < 90):  # noqa: PLR2004
            raise ValueError("a bearing has elements, smaller than its pitch circle")
        part = element_mm / pitch_mm * cos(radians(contact_deg))
        return cls(
            outer=elements / 2 * (1 - part),
            inner=elements / 2 * (1 + part),
            ball=pitch_mm / element_mm * (1 - part**2),
            cage=(1 - part) / 2,
        )

    @classmethod
    def of_factors(cls, bpfo: float, bpfi: float, bsf: float, ftf: float) -> "Bearing | str":
        """Return the bearing whose usual factors are these, or why there is none.

        Catalogues give for BSF the spin of an element or twice that.  The other factors tell which:
        bpfo + bpfi = n and bpfi - bpfo = n g, and the spin is (1 - g^2) / (2 g), less by cos(phi).
        """
        given = (bpfo, bpfi, bsf, ftf)
        if not all(isfinite(factor) and factor > 0 for factor in given):
            return "the factors of a bearing are more than 0"
        if not ftf < 1 <= bpfo < bpfi:
            return (
                "the factors of a bearing are multiples of the shaft's speed, not Hz, with"
                " FTF < 1 <= BPFO < BPFI"
            )
        part = (bpfi - bpfo) / (bpfi + bpfo)
        spin = (1 - part**2) / (2 * part)
        return cls(outer=bpfo, inner=bpfi, ball=bsf if bsf > _TWICE * spin else 2 * bsf, cage=ftf)


# Deep-groove ball bearings: elements, element and pitch diameter in mm, as is typical.  Makers
# differ in the pitch by about 1 %, in some sizes in the number of balls too, so a plant that knows
# the factors of its bearing should give those.  6205 and 6203 are the SKF ones for which the Case
# Western Reserve University Bearing Data Center publishes factors.
_DIMENSIONS = {
    "6204": (8, 7.938, 33.5),
    "6206": (9, 9.525, 46.0),
    "6207": (9, 11.112, 53.5),
    "6208": (9, 12.0, 60.0),
    "6210": (10, 12.7, 70.0),
    "6304": (7, 9.525, 36.0),
    "6305": (7, 11.509, 43.5),
    "6306": (8, 12.303, 51.0),
    "6307": (8, 13.494, 57.5),
    "6308": (8, 15.081, 65.0),
    "6309": (8, 17.462, 72.5),
    "6310": (8, 19.05, 80.0),
}
COMMON: Mapping[str, Bearing] = MappingProxyType(
    {
        "6203": Bearing(outer=3.0530, inner=4.9469, ball=3.9874, cage=0.38163),
        "6205": Bearing(outer=3.5848, inner=5.4152, ball=4.7135, cage=0.39828),
    }
    | {name: Bearing.of_geometry(*sizes) for name, sizes in _DIMENSIONS.items()}
)


def common_bearing(name: str) -> Bearing | None:
    """Return the bearing of that name, ``None`` if the table does not hold it.

    Makers' names in front and suffixes for seals, cages and clearance behind do not matter:
    ``SKF 6205-2RS JEM`` is a ``6205``.
    """
    digits = "".join(char if char.isdigit() else " " for char in name).split()
    return next((COMMON[number] for number in digits if number in COMMON), None)
