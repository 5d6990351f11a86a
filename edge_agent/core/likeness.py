"""Whether a machine's noise has the shape of a known example.

Some faults excite the structure without any rhythm: no line names them, and only their spectrum
tells them from health (W. A. Smith, R. B. Randall: Rolling element bearing diagnostics using the
Case Western Reserve University data, Mech. Syst. Signal Process. 64-65, 2015).  Such a spectrum is
that of one structure, so examples speak only for spectra very much like theirs, and are silent
about all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.diagnosis import Verdict

_SPREAD = 0.6  # of ln of a band's share, between blocks, loads and defects of one kind
_TAIL = 4.0  # with 2 a spectrum unlike all examples was still given to the nearest
_STRANGE = 0.02  # what a spectrum unlike all examples has


@dataclass(frozen=True, slots=True)
class Example:
    """The signature (see :mod:`edge_agent.core.residual`) of one fault, or of health."""

    verdict: Verdict
    signature: tuple[float, ...]


def likeness(signature: NDArray[np.float64], examples: Sequence[Example]) -> dict[Verdict, float]:
    """Return to which share a signature belongs to each verdict's examples.

    Args:
        signature: Shape ``(bands,)``.
        examples: With as many bands each.

    Returns:
        Shares that sum to less than 1; the rest is that of spectra never seen.
    """
    if not examples:
        return {}
    known = np.array([example.signature for example in examples])
    apart = np.square((known - signature) / _SPREAD).mean(axis=1)
    near = (1 + apart / _TAIL) ** -(2 * _TAIL)
    near_to: dict[Verdict, float] = {}
    for example, closeness in zip(examples, near.tolist(), strict=True):
        near_to[example.verdict] = near_to.get(example.verdict, 0.0) + closeness
    total = sum(near_to.values()) + _STRANGE
    return {verdict: closeness / total for verdict, closeness in near_to.items()}
