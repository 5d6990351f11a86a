"""ALBERT as an ONNX graph: in float32 to compare with, in int8 to ship.

The layers of ALBERT share their weights, so the graph holds each layer body once and runs it in a
``Loop``: the file stores every weight once, and ONNX Runtime packs every weight once, where an
unrolled graph would hold one packed copy per layer in memory.

Where a classifier reads only the first token of each line, the last layer computes no other: its
keys and values look at every token, its queries and everything behind them at one.

The int8 graph gives every token its own activation scale.  A scale over the whole tensor would make
a line's logits depend on the other lines in its batch and on the padding.  Where a weight comes
with the ``reach`` of its inputs, their scale is fixed instead: less work, and as independent.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from quantize.arithmetic import Arithmetic, Float32, Int8, Linear
from quantize.graph import BOOL, FLOAT, INT64, Graph, model, tensor

__all__ = ["Arithmetic", "Float32", "Int8", "Linear", "export"]

Array = NDArray[np.float32]
FIRST, MEAN = "cls", "mean"  # what one line becomes: its first token, or the mean of all
_MASKED = -1e4  # its exponential is 0 in float32
_TO_THE_END = 2**62


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
    ``FIRST`` or ``MEAN``.  ``wide`` is ``(vocabulary, labels)``, what each token says by itself,
    where :mod:`quantize.wide` gave the classifier such a part.
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
    wide: Array | None = None

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


def export(albert: Albert, arithmetic: Arithmetic, *, whole: bool = False) -> onnx.ModelProto:
    """Return the classifier: ``input_ids``, ``attention_mask`` → ``logits``; any batch and length.

    Inside, hidden states are rows, ``(batch * length, width)``; only the attention sees lines.
    The last layer computes every token if all are pooled, or if the ``whole`` of it is asked for,
    which is what older packages hold.
    """
    cut = albert.pooling == FIRST and not whole
    graph = Graph("albert")
    shape = graph.add("Shape", "input_ids")
    encoder = _Encoder(albert, arithmetic, _mask(graph), _heads_shape(graph, albert, shape))
    rows = arithmetic.linear(graph, _embedded(graph, albert, arithmetic, shape), albert.widen)
    for number, group in enumerate(albert.groups):
        last = number == len(albert.groups) - 1
        length = _length(graph, shape) if last and cut else None
        rows = encoder.repeated(graph, f"group{number}", group, rows, length)
    if not cut:
        pool = _first_tokens if albert.pooling == FIRST else _mean_tokens
        rows = pool(graph, _by_line(graph, rows, shape, albert.width))
    pooled = graph.add("Tanh", arithmetic.linear(graph, rows, albert.pooler))
    logits = arithmetic.linear(graph, pooled, albert.classifier)
    if albert.wide is not None:
        logits = graph.add("Add", logits, _by_token(graph, albert.wide, arithmetic))
    graph.rename(logits, "logits")
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


def _length(graph: Graph, shape: str) -> str:
    """Return the number of tokens in a line, ``(1,)``."""
    return graph.add("Gather", shape, graph.constant([1], np.int64))


def _by_line(graph: Graph, rows: str, shape: str, width: int) -> str:
    """Return the hidden states of each line, ``(batch, length, width)``."""
    by_line = graph.add("Concat", shape, graph.constant([width], np.int64), axis=0)
    return graph.add("Reshape", rows, by_line)


def _first_tokens(graph: Graph, lines: str) -> str:
    """Return the hidden state of each line's first token, ``(batch, width)``."""
    return graph.add("Gather", lines, graph.constant(0, np.int64), axis=1)


def _mean_tokens(graph: Graph, lines: str) -> str:
    """Return the mean of each line's tokens without its padding, ``(batch, width)``.

    A product for each line adds its tokens in one order, whatever lines stand beside it; how a
    reduction adds depends on their number.
    """
    seen, tokens = _seen(graph)
    return _summed(graph, graph.add("Div", seen, tokens), lines)


def _by_token(graph: Graph, wide: Array, arithmetic: Arithmetic) -> str:
    """Return what the tokens of each line say by themselves, ``(batch, labels)``."""
    seen, tokens = _seen(graph)
    parts = graph.add("Div", seen, graph.add("Sqrt", tokens))
    return _summed(graph, parts, arithmetic.lookup(graph, wide, "input_ids"))


def _seen(graph: Graph) -> tuple[str, str]:
    """Return 1 for each token and 0 for padding, ``(batch, length)``, and the sum by line."""
    seen = graph.add("Cast", "attention_mask", to=FLOAT)
    return seen, graph.add("ReduceSum", seen, graph.constant([1], np.int64), keepdims=1)


def _summed(graph: Graph, parts: str, lines: str) -> str:
    """Return the sum over each line's tokens, weighted by ``parts``, ``(batch, width)``."""
    middle = graph.constant([1], np.int64)
    summed = graph.add("MatMul", graph.add("Unsqueeze", parts, middle), lines)
    return graph.add("Squeeze", summed, middle)


def _norm(graph: Graph, rows: str, norm: Norm, epsilon: float) -> str:
    weight, bias = (graph.constant(values, np.float32) for values in (norm.weight, norm.bias))
    return graph.add("LayerNormalization", rows, weight, bias, axis=-1, epsilon=epsilon)


@dataclass(frozen=True, slots=True)
class _Cut:
    """How much of each line a layer computes: every token, or in the last turn only the first.

    ``queries`` is their number and ``stride`` the distance of their rows, both ``(1,)``.
    """

    queries: str
    stride: str


def _ending(graph: Graph, turn: str, repeats: int, length: str) -> _Cut:
    """Return what to compute in turn number ``turn``."""
    last = graph.add("Equal", turn, graph.constant(repeats - 1, np.int64))
    one = graph.constant([1], np.int64)
    return _Cut(
        queries=graph.add("Where", last, one, length),
        stride=graph.add("Where", last, length, one),
    )


@dataclass(frozen=True, slots=True)
class _Encoder:
    """Writes layers; ``mask`` and ``heads_shape`` are values of the graph around their bodies."""

    albert: Albert
    arithmetic: Arithmetic
    mask: str
    heads_shape: str

    def repeated(self, graph: Graph, name: str, group: Group, rows: str, length: str | None) -> str:
        """Run ``group`` in a loop whose body, called ``name``, holds its weights.

        Given the ``length`` of the lines, ``(1,)``, only the first row of each comes out.
        """
        body = Graph(name)
        last = f"{name}_in"
        for layer in group.layers[:-1]:
            last = self._layer(body, layer, last, None)
        cut = _ending(body, f"{name}_turn", group.repeats, length) if length else None
        last = self._layer(body, group.layers[-1], last, cut)
        body.rename(f"{name}_go_in", f"{name}_go")
        body.rename(last, f"{name}_out")
        width = self.albert.width
        proto = body.proto(
            [
                tensor(f"{name}_turn", INT64, ()),
                tensor(f"{name}_go_in", BOOL, ()),
                tensor(f"{name}_in", FLOAT, ("rows", width)),
            ],
            [
                tensor(f"{name}_go", BOOL, ()),
                tensor(f"{name}_out", FLOAT, ("kept" if cut else "rows", width)),
            ],
        )
        return graph.add("Loop", graph.constant(group.repeats, np.int64), "", rows, body=proto)

    def _layer(self, graph: Graph, layer: Layer, rows: str, cut: _Cut | None) -> str:
        linear, epsilon = self.arithmetic.linear, self.albert.epsilon
        seen = self._attention(graph, linear(graph, rows, layer.attention), cut)
        if cut is not None:
            start, end, axis = (graph.constant([n], np.int64) for n in (0, _TO_THE_END, 0))
            rows = graph.add("Slice", rows, start, end, axis, cut.stride)
            graph.describe(rows, FLOAT, ("kept", self.albert.width))
        seen = graph.add("Add", rows, linear(graph, seen, layer.attention_output))
        seen = _norm(graph, seen, layer.attention_norm, epsilon)
        activation = ACTIVATIONS[self.albert.activation]
        wide = activation.emit(graph, linear(graph, seen, layer.expand))
        narrow = linear(graph, wide, layer.contract, activation.least)
        return _norm(graph, graph.add("Add", narrow, seen), layer.norm, epsilon)

    def _attention(self, graph: Graph, projected: str, cut: _Cut | None) -> str:
        """Return what each token gathers from its line; query, key and value come side by side."""
        split = graph.add("Reshape", projected, self.heads_shape)
        by_head = graph.add("Transpose", split, perm=[2, 0, 3, 1, 4])
        parts = graph.add_many("Split", 3, by_head, axis=0, num_outputs=3)
        query, key, value = (
            graph.add("Squeeze", part, graph.constant([0], np.int64)) for part in parts
        )
        if cut is not None:
            start, axis = (graph.constant([n], np.int64) for n in (0, 2))
            query = graph.add("Slice", query, start, cut.queries, axis)
        fit = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        scale = (self.albert.width // self.albert.heads) ** -0.5
        scaled = graph.add("Mul", fit, graph.constant(scale, np.float32))
        share = graph.add("Softmax", graph.add("Add", scaled, self.mask), axis=-1)
        by_token = graph.add("Transpose", graph.add("MatMul", share, value), perm=[0, 2, 1, 3])
        rows = graph.constant([-1, self.albert.width], np.int64)
        gathered = graph.add("Reshape", by_token, rows)
        if cut is not None:
            graph.describe(gathered, FLOAT, ("kept", self.albert.width))
        return gathered
