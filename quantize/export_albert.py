"""ALBERT as an ONNX graph: in float32 to compare with, in int8 to ship.

The layers of ALBERT share their weights, so the graph holds each layer body once and runs it in a
``Loop``: the file stores every weight once, and ONNX Runtime packs every weight once, where an
unrolled graph would hold one packed copy per layer in memory.

The int8 graph gives every token its own activation scale.  A scale over the whole tensor would make
a line's logits depend on the other lines in its batch and on the padding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

from quantize.graph import BOOL, FLOAT, INT64, Graph, model, tensor
from quantize.int8 import ACTIVATION_LIMIT, ZERO_POINT, quantize_columns, quantize_rows

Array = NDArray[np.float32]
_UINT8_MAX = 255
FIRST, MEAN = "cls", "mean"  # what one line becomes: its first token, or the mean of all
_TINY = 1e-12  # the scale of a row of zeros; keeps the division defined
_MASKED = -1e4  # its exponential is 0 in float32


@dataclass(frozen=True, slots=True)
class Linear:
    """``x @ weight + bias``; ``weight`` is ``(inputs, outputs)``, ``bias`` ``(outputs,)``.

    ``moment`` is ``E[x x^T]``, ``(inputs, inputs)``, where it was measured.
    """

    weight: Array
    bias: Array
    moment: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer normalization; both arrays are ``(width,)``."""

    weight: Array
    bias: Array


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer; query, key and value stand side by side in ``attention``."""

    attention: Linear
    attention_output: Linear
    attention_norm: Norm
    expand: Linear
    contract: Linear
    norm: Norm


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that run one after the other, the whole sequence ``repeats`` times."""

    layers: tuple[Layer, ...]
    repeats: int


@dataclass(frozen=True, slots=True)
class Albert:
    """An ALBERT classifier as plain arrays.

    ``tokens`` is ``(vocabulary, embedding)``; ``positions`` is ``(positions, embedding)`` and
    already holds the embedding of token type 0, the only one a single line has.  ``pooling`` is
    ``FIRST`` or ``MEAN``.
    """

    tokens: Array
    positions: Array
    embedding_norm: Norm
    widen: Linear
    groups: tuple[Group, ...]
    pooler: Linear
    classifier: Linear
    heads: int
    activation: str
    epsilon: float
    pooling: str = FIRST

    @property
    def width(self) -> int:
        """The width of the hidden states."""
        return len(self.pooler.bias)


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of the feed-forward layer, and the least value it can give."""

    emit: Callable[[Graph, str], str]
    least: float


_TANH_GELU = Activation(lambda graph, x: graph.add("Gelu", x, approximate="tanh"), -0.1701)
ACTIVATIONS = {
    "gelu": Activation(lambda graph, x: graph.add("Gelu", x), -0.1701),
    "gelu_new": _TANH_GELU,
    "gelu_fast": _TANH_GELU,
    "gelu_pytorch_tanh": _TANH_GELU,
    "relu": Activation(lambda graph, x: graph.add("Relu", x), 0.0),
    "silu": Activation(lambda graph, x: graph.add("Mul", x, graph.add("Sigmoid", x)), -0.2785),
}


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
        """Gather int8 rows and their scales."""
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


def export(albert: Albert, arithmetic: Arithmetic) -> onnx.ModelProto:
    """Return the classifier: ``input_ids``, ``attention_mask`` → ``logits``; any batch and length.

    Inside, hidden states are rows, ``(batch * length, width)``; only the attention sees lines.
    """
    graph = Graph("albert")
    shape = graph.add("Shape", "input_ids")
    encoder = _Encoder(albert, arithmetic, _mask(graph), _heads_shape(graph, albert, shape))
    rows = arithmetic.linear(graph, _embedded(graph, albert, arithmetic, shape), albert.widen)
    for number, group in enumerate(albert.groups):
        rows = encoder.repeated(graph, f"group{number}", group, rows)
    pool = _first_tokens if albert.pooling == FIRST else _mean_tokens
    line = pool(graph, _by_line(graph, rows, shape, albert.width))
    pooled = graph.add("Tanh", arithmetic.linear(graph, line, albert.pooler))
    graph.rename(arithmetic.linear(graph, pooled, albert.classifier), "logits")
    axes = ("batch", "length")
    inputs = [tensor(name, INT64, axes) for name in ("input_ids", "attention_mask")]
    labels = len(albert.classifier.bias)
    return model(graph.proto(inputs, [tensor("logits", FLOAT, ("batch", labels))]))


def _embedded(graph: Graph, albert: Albert, arithmetic: Arithmetic, shape: str) -> str:
    """Return the embedding of each token, ``(batch * length, embedding)``."""
    zero, one = (graph.constant(n, np.int64) for n in (0, 1))
    places = graph.add("Range", zero, graph.add("Gather", shape, one), one)
    words = arithmetic.lookup(graph, albert.tokens, "input_ids")
    lines = graph.add("Add", words, arithmetic.lookup(graph, albert.positions, places))
    width = albert.tokens.shape[1]
    rows = graph.add("Reshape", lines, graph.constant([-1, width], np.int64))
    return _norm(graph, rows, albert.embedding_norm, albert.epsilon)


def _mask(graph: Graph) -> str:
    """Return what to add to the attention of each token: 0, or very little for padding."""
    seen = graph.add("Cast", "attention_mask", to=FLOAT)
    padding = graph.add("Sub", graph.constant(1, np.float32), seen)
    mask = graph.add("Mul", padding, graph.constant(_MASKED, np.float32))
    return graph.add("Unsqueeze", mask, graph.constant([1, 2], np.int64))


def _heads_shape(graph: Graph, albert: Albert, shape: str) -> str:
    """Return the shape ``(batch, length, 3, heads, width / heads)``."""
    inner = graph.constant([3, albert.heads, albert.width // albert.heads], np.int64)
    return graph.add("Concat", shape, inner, axis=0)


def _by_line(graph: Graph, rows: str, shape: str, width: int) -> str:
    """Return the hidden states of each line, ``(batch, length, width)``."""
    by_line = graph.add("Concat", shape, graph.constant([width], np.int64), axis=0)
    return graph.add("Reshape", rows, by_line)


def _first_tokens(graph: Graph, lines: str) -> str:
    """Return the hidden state of each line's first token, ``(batch, width)``."""
    return graph.add("Gather", lines, graph.constant(0, np.int64), axis=1)


def _mean_tokens(graph: Graph, lines: str) -> str:
    """Return the mean of each line's tokens without its padding, ``(batch, width)``."""
    last, middle = (graph.constant([axis], np.int64) for axis in (2, 1))
    seen = graph.add("Cast", "attention_mask", to=FLOAT)
    weighed = graph.add("Mul", lines, graph.add("Unsqueeze", seen, last))
    total = graph.add("ReduceSum", weighed, middle, keepdims=0)
    return graph.add("Div", total, graph.add("ReduceSum", seen, middle, keepdims=1))


def _norm(graph: Graph, rows: str, norm: Norm, epsilon: float) -> str:
    weight, bias = (graph.constant(values, np.float32) for values in (norm.weight, norm.bias))
    return graph.add("LayerNormalization", rows, weight, bias, axis=-1, epsilon=epsilon)


@dataclass(frozen=True, slots=True)
class _Encoder:
    """Writes layers; ``mask`` and ``heads_shape`` are values of the graph around their bodies."""

    albert: Albert
    arithmetic: Arithmetic
    mask: str
    heads_shape: str

    def repeated(self, graph: Graph, name: str, group: Group, rows: str) -> str:
        """Run ``group`` in a loop whose body, called ``name``, holds its weights."""
        body = Graph(name)
        last = f"{name}_in"
        for layer in group.layers:
            last = self._layer(body, layer, last)
        body.rename(f"{name}_go_in", f"{name}_go")
        body.rename(last, f"{name}_out")
        axes = ("rows", self.albert.width)
        proto = body.proto(
            [
                tensor(f"{name}_turn", INT64, ()),
                tensor(f"{name}_go_in", BOOL, ()),
                tensor(f"{name}_in", FLOAT, axes),
            ],
            [tensor(f"{name}_go", BOOL, ()), tensor(f"{name}_out", FLOAT, axes)],
        )
        return graph.add("Loop", graph.constant(group.repeats, np.int64), "", rows, body=proto)

    def _layer(self, graph: Graph, layer: Layer, rows: str) -> str:
        linear, epsilon = self.arithmetic.linear, self.albert.epsilon
        seen = self._attention(graph, linear(graph, rows, layer.attention))
        seen = graph.add("Add", rows, linear(graph, seen, layer.attention_output))
        seen = _norm(graph, seen, layer.attention_norm, epsilon)
        activation = ACTIVATIONS[self.albert.activation]
        wide = activation.emit(graph, linear(graph, seen, layer.expand))
        narrow = linear(graph, wide, layer.contract, activation.least)
        return _norm(graph, graph.add("Add", narrow, seen), layer.norm, epsilon)

    def _attention(self, graph: Graph, projected: str) -> str:
        """Return what each token gathers from its line; query, key and value come side by side."""
        split = graph.add("Reshape", projected, self.heads_shape)
        by_head = graph.add("Transpose", split, perm=[2, 0, 3, 1, 4])
        parts = graph.add_many("Split", 3, by_head, axis=0, num_outputs=3)
        query, key, value = (
            graph.add("Squeeze", part, graph.constant([0], np.int64)) for part in parts
        )
        fit = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        scale = (self.albert.width // self.albert.heads) ** -0.5
        scaled = graph.add("Mul", fit, graph.constant(scale, np.float32))
        share = graph.add("Softmax", graph.add("Add", scaled, self.mask), axis=-1)
        by_token = graph.add("Transpose", graph.add("MatMul", share, value), perm=[0, 2, 1, 3])
        rows = graph.constant([-1, self.albert.width], np.int64)
        return graph.add("Reshape", by_token, rows)
