"""How a graph looks up its tables and multiplies with its weights: in float32, or in int8."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quantize import nibbles
from quantize.graph import FLOAT, MICROSOFT, Graph
from quantize.int8 import ACTIVATION_LIMIT, ZERO_POINT, Int8Weight, quantize_columns, quantize_rows

Array = NDArray[np.float32]
_UINT8_MAX = 255
_TINY = 1e-12  # the scale of a row of zeros; keeps the division defined


@dataclass(frozen=True, slots=True)
class Linear:
    """``x @ weight + bias``; ``weight`` is ``(inputs, outputs)``, ``bias`` ``(outputs,)``.

    ``moment`` is ``E[x x^T]``, ``(inputs, inputs)``, where it was measured.  ``reach`` is the
    largest magnitude that ``x`` is expected to have, where its scale is to be fixed.
    """

    weight: Array
    bias: Array
    moment: NDArray[np.float64] | None = None
    reach: float | None = None


class Arithmetic(Protocol):
    """How a graph looks up its tables and multiplies with its weights."""

    def lookup(self, graph: Graph, table: Array, indices: str) -> str:
        """Return the rows of ``table`` at ``indices``, float32."""

    def linear(self, graph: Graph, rows: str, linear: Linear, least: float | None = None) -> str:
        """Return ``rows @ weight + bias`` for ``rows`` of shape ``(n, inputs)``.

        ``least`` is a lower bound of the values in ``rows``, where there is one.
        """


class Float32:
    """The arithmetic of the checkpoint."""

    def lookup(self, graph: Graph, table: Array, indices: str) -> str:
        """Gather from the table."""
        return graph.add("Gather", graph.constant(table, np.float32), indices)

    def linear(self, graph: Graph, rows: str, linear: Linear, least: float | None = None) -> str:
        """Multiply and add; a lower bound is of no use here."""
        del least
        product = graph.add("MatMul", rows, graph.constant(linear.weight, np.float32))
        return graph.add("Add", product, graph.constant(linear.bias, np.float32))


class Int8:
    """Seven-bit weights per output column, eight-bit activations per row."""

    def lookup(self, graph: Graph, table: Array, indices: str) -> str:
        """Gather rows in eight bits and their scales, or in four where the table fits."""
        small = nibbles.fitting(table)
        if small is not None:
            return nibbles.lookup(graph, small, indices)
        values, scales = quantize_rows(table)
        found = graph.add("Gather", graph.constant(values, np.int8), indices)
        scale = graph.add("Gather", graph.constant(scales, np.float32), indices)
        return graph.add("Mul", graph.add("Cast", found, to=FLOAT), scale)

    def linear(self, graph: Graph, rows: str, linear: Linear, least: float | None = None) -> str:
        """Quantize each row, multiply in integers, scale back.

        Values around zero become ``128 ± 127``.  Values with a lower bound close to zero would
        leave half of the bytes unused, so they are shifted to start at 0, and what the shift adds
        to the product, a constant per column, is taken out of the bias.
        """
        weight = quantize_columns(linear.weight, linear.moment)
        if linear.reach is not None:
            return _fixed_product(graph, rows, weight, linear.bias, linear.reach)
        bias = linear.bias
        if least is None:
            reach, zero, steps = graph.add("Abs", rows), ZERO_POINT, ACTIVATION_LIMIT
        else:
            rows = graph.add("Sub", rows, graph.constant(least, np.float32))
            reach, zero, steps = rows, 0, _UINT8_MAX
            bias = bias + np.float32(least) * weight.dequantized().sum(axis=0)
        peak = graph.add("ReduceMax", reach, graph.constant([1], np.int64), keepdims=1)
        peak = graph.add("Max", peak, graph.constant(_TINY, np.float32))
        scale = graph.add("Mul", peak, graph.constant(1 / steps, np.float32))
        per_row = graph.add("Squeeze", scale, graph.constant([1], np.int64))
        zeros = graph.add("Expand", graph.constant(zero, np.uint8), graph.add("Shape", per_row))
        quantized = graph.add("QuantizeLinear", rows, per_row, zeros, axis=0)
        product = graph.add(
            "MatMulInteger",
            quantized,
            graph.constant(weight.values, np.int8),
            graph.constant(zero, np.uint8),
        )
        product = graph.add("Cast", product, to=FLOAT)
        product = graph.add("Mul", product, graph.constant(weight.scales, np.float32))
        return graph.add("Add", graph.add("Mul", product, scale), graph.constant(bias, np.float32))


def _fixed_product(graph: Graph, rows: str, weight: Int8Weight, bias: Array, reach: float) -> str:
    """Quantize all rows with one scale; scaling back and the bias are then part of the product."""
    scale = graph.constant(max(reach, _TINY) / ACTIVATION_LIMIT, np.float32)
    zero = graph.constant(ZERO_POINT, np.uint8)
    return graph.add(
        "MatMulIntegerToFloat",
        graph.add("QuantizeLinear", rows, scale, zero),
        graph.constant(weight.values, np.int8),
        scale,
        graph.constant(weight.scales, np.float32),
        zero,
        "",
        graph.constant(bias, np.float32),
        domain=MICROSOFT,
    )
