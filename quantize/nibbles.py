"""Embedding tables in four bits: two values a byte, for tables that are frozen before training.

A table that is rounded to fifteen steps a row *before* the network learns to read it costs no
accuracy later, and takes half of the bytes of an eight-bit one.  The export stores in four bits
whatever already fits, so nobody has to say which table that is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FLOAT, Graph

LIMIT = 7
ZERO = 8  # what a stored nibble holds for the value 0
_BASE = 16
_TINY = np.float32(1e-12)  # the scale of a row of zeros
_SLACK = 1e-3  # of a step: what float32 makes of a value on the grid

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Nibbles:
    """A table of whole steps: ``packed`` holds column ``j`` low and ``j + width / 2`` high.

    ``packed`` is uint8 ``(rows, width / 2)``, ``scales`` float32 ``(rows, 1)``.
    """

    packed: NDArray[np.uint8]
    scales: Array

    def table(self) -> Array:
        """Return the values, float32 ``(rows, width)``."""
        both = np.concatenate([self.packed % _BASE, self.packed // _BASE], axis=1)
        return (both.astype(np.float32) - ZERO) * self.scales


def rounded(table: Array) -> Array:
    """Return ``table``, ``(rows, width)``, with every value moved to one of 15 steps of its row."""
    steps, scales = _steps(table)
    return np.rint(steps) * scales


def fitting(table: Array) -> Nibbles | None:
    """Return ``table`` in four bits if that loses nothing, which needs an even width."""
    steps, scales = _steps(table)
    whole = np.rint(steps)
    if table.shape[1] % 2 or np.abs(steps - whole).max() > _SLACK:
        return None
    low, high = np.split((whole + ZERO).astype(np.uint8), 2, axis=1)
    return Nibbles(low + _BASE * high, scales)


def lookup(graph: Graph, table: Nibbles, indices: str) -> str:
    """Return the rows of ``table`` at ``indices``, float32; float arithmetic parts the nibbles."""
    byte = graph.add("Gather", graph.constant(table.packed, np.uint8), indices)
    byte = graph.add("Cast", byte, to=FLOAT)
    high = graph.add("Floor", graph.add("Mul", byte, graph.constant(1 / _BASE, np.float32)))
    low = graph.add("Sub", byte, graph.add("Mul", high, graph.constant(_BASE, np.float32)))
    both = graph.add("Concat", low, high, axis=-1)
    steps = graph.add("Sub", both, graph.constant(ZERO, np.float32))
    scale = graph.add("Gather", graph.constant(table.scales, np.float32), indices)
    return graph.add("Mul", steps, scale)


def _steps(table: Array) -> tuple[Array, Array]:
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True) / np.float32(LIMIT), _TINY)
    return table / scales, scales.astype(np.float32)
