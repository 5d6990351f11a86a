"""Eight-bit arithmetic that gives the same integers on every processor.

On x86 with AVX2 but without VNNI the product of unsigned activations and signed weights is summed
in pairs in 16 bits: ``255 * 127 * 2`` does not fit in 32767 and saturates, ``255 * 64 * 2`` does.
Weights therefore stay within ±63 (seven bits); VNNI and ARM NEON, which would not saturate, then
give the very same sums.  A sign and six bits per weight cost little when each output column has
its own scale.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHT_LIMIT = 63
ACTIVATION_LIMIT = 127
ZERO_POINT = 128  # of unsigned activations: their zero
_DAMPING = 0.01  # of the mean square of an input: keeps inputs that never vary from running away
_BLOCK = 64  # rows
_TINY = np.float32(1e-12)  # a column of zeros gets this scale instead of a division by zero


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """A weight matrix in seven bits: ``values * scales`` is close to the original.

    ``values`` is int8 ``(inputs, outputs)`` within ±63, ``scales`` float32 ``(outputs,)``.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]

    def dequantized(self) -> NDArray[np.float32]:
        """Return the weights that the device really multiplies with."""
        return self.values.astype(np.float32) * self.scales


def quantize_columns(
    weight: NDArray[np.float32], moment: NDArray[np.float64] | None = None
) -> Int8Weight:
    """Quantize each output column of ``weight``, ``(inputs, outputs)``, with its own scale.

    Args:
        weight: The matrix.
        moment: ``E[x x^T]`` of the vectors ``x`` that it will be multiplied with, ``(inputs,
            inputs)``.  With it, what the rounding of one input's weights does to the product is
            made up for by the inputs that vary with it, which about halves the error.
    """
    peak = np.abs(weight).max(axis=0)
    scales = np.maximum(peak / np.float32(WEIGHT_LIMIT), _TINY).astype(np.float32)
    if moment is None:
        return Int8Weight(_rounded(weight / scales), scales)
    return Int8Weight(_compensated(weight / scales, moment), scales)


def _rounded(steps: NDArray[np.floating[Any]]) -> NDArray[np.int8]:
    values: NDArray[np.int8] = np.rint(steps).clip(-WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int8)
    return values


def _compensated(steps: NDArray[np.float32], moment: NDArray[np.float64]) -> NDArray[np.int8]:
    """Round row by row, and let the rows still to come absorb the error of each.

    This is the greedy solution of a least-squares problem in integers (Frantar et al., "GPTQ",
    2022, algorithm 1): with ``U`` the upper Cholesky factor of the inverse moment, rounding row
    ``i`` by ``e`` is best answered by moving row ``j`` by ``-e * U[i, j] / U[i, i]``.  Rows beyond
    a block of rows are moved once per block, as one matrix product.
    """
    inputs = len(steps)
    damped = moment + np.eye(inputs) * (_DAMPING * np.trace(moment) / inputs + _TINY)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    left = steps.astype(np.float64)
    values = np.zeros(steps.shape, np.int8)
    for start in range(0, inputs, _BLOCK):
        stop = min(start + _BLOCK, inputs)
        errors = np.zeros((stop - start, steps.shape[1]))
        for row in range(start, stop):
            values[row] = _rounded(left[row])
            error = (left[row] - values[row]) / upper[row, row]
            left[row + 1 : stop] -= np.outer(upper[row, row + 1 : stop], error)
            errors[row - start] = error
        left[stop:] -= upper[start:stop, stop:].T @ errors
    return values


def quantize_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize an embedding table ``(rows, width)`` row by row, in eight bits.

    A table is only looked up, never multiplied, so its values may use the whole range.

    Returns:
        int8 ``(rows, width)`` and float32 scales ``(rows, 1)``.
    """
    peak = np.abs(table).max(axis=1, keepdims=True)
    scales = np.maximum(peak / np.float32(ACTIVATION_LIMIT), _TINY).astype(np.float32)
    values = np.rint(table / scales).clip(-ACTIVATION_LIMIT, ACTIVATION_LIMIT).astype(np.int8)
    return values, scales
