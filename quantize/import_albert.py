"""An int8 ONNX graph back to ALBERT's arrays: the inverse of :mod:`quantize.export_albert`.

A package keeps no checkpoint, so whoever wants to train it further starts from its rounded weights.
Values are read by their place in the graph, never by name: names are hashes of the content.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from quantize.errors import PackageError
from quantize.export_albert import FIRST, MEAN, Albert, Group, Int8, Layer, Linear, Norm, export
from quantize.graph import constants, nodes
from quantize.nibbles import Nibbles

_INPUTS = {"input_ids", "attention_mask"}
_ACTIVATIONS = {"Relu": "relu", "Sigmoid": "silu"}
_LINEARS, _NORMS = 4, 2  # of a layer
_WEIGHTS = (TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8)
_LOOKED_UP = {  # what follows the lookup in a table, up to its scales
    TensorProto.INT8: ("Cast", "Mul"),
    TensorProto.UINT8: ("Cast", "Sub", "Concat", "Sub", "Mul"),
}


def import_albert(graph: onnx.GraphProto) -> Albert:
    """Return the classifier that ``graph`` computes, its weights as the device multiplies them.

    Args:
        graph: What :func:`quantize.export_albert.export` wrote with the arithmetic ``Int8``.

    Raises:
        PackageError: The graph holds something that no ALBERT has, or lacks something.
    """
    main = _Scope(graph)
    try:
        albert = _albert(main)
    except (KeyError, IndexError, ValueError) as error:
        raise PackageError(f"not the graph of an int8 ALBERT: {error}") from error
    _require_nothing_else(graph, albert, main.taken)
    return albert


class _Scope:
    """One graph, the main one or a loop's body, and how its values hang together."""

    def __init__(self, graph: onnx.GraphProto, taken: set[str] | None = None) -> None:
        self.nodes = list(graph.node)
        self.taken: set[str] = set() if taken is None else taken
        self._stored = {constant.name: constant for constant in graph.initializer}
        self._producer = {name: node for node in graph.node for name in node.output}
        self._consumer = {name: node for node in graph.node for name in node.input}

    def of(self, op: str) -> list[onnx.NodeProto]:
        """Return the nodes of one kind, in the order in which they were written."""
        return [node for node in self.nodes if node.op_type == op]

    def value(self, name: str) -> NDArray[Any]:
        """Return a stored tensor, and remember that somebody knew what it is."""
        self.taken.add(name)
        return numpy_helper.to_array(self._stored[name])

    def linears(self) -> list[Linear]:
        """Return the products with a weight, dequantized."""
        return [self._linear(node) for node in self.of("MatMulInteger")]

    def norms(self) -> list[Norm]:
        """Return the layer normalizations."""
        return [
            Norm(self.value(node.input[1]), self.value(node.input[2]))
            for node in self.of("LayerNormalization")
        ]

    def tables(self) -> list[NDArray[np.float32]]:
        """Return the embedding tables, dequantized: rows in eight or four bits, scales by row."""
        found = []
        for node in self.of("Gather"):
            kept = self._stored.get(node.input[0])
            if kept is None or kept.data_type not in _LOOKED_UP:
                continue
            scaled = self._after(node, *_LOOKED_UP[kept.data_type])
            scales = self.value(self._producer[scaled.input[1]].input[0])
            rows = self.value(node.input[0])
            packed = kept.data_type == TensorProto.UINT8
            found.append(Nibbles(rows, scales).table() if packed else rows * scales)
        return found

    def bodies(self) -> list[tuple["_Scope", int]]:
        """Return the body of each loop, and how often it runs."""
        return [
            (_Scope(_attribute(node, "body"), self.taken), int(self.value(node.input[0])))
            for node in self.of("Loop")
        ]

    def _linear(self, product: onnx.NodeProto) -> Linear:
        """Return a weight and its bias, out of which the export took what a shift had added."""
        scaled = self._after(product, "Cast", "Mul")
        bias = self.value(self._after(scaled, "Mul", "Add").input[1])
        weight = self.value(product.input[1]).astype(np.float32) * self.value(scaled.input[1])
        source = self._producer.get(self._producer[product.input[0]].input[0])
        if source is not None and source.op_type == "Sub":
            bias = bias - self.value(source.input[1]) * weight.sum(axis=0)
        return Linear(weight, bias)

    def _after(self, node: onnx.NodeProto, *ops: str) -> onnx.NodeProto:
        """Follow the only consumers of ``node``, which must be ``ops``, and return the last."""
        for op in ops:
            node = self._consumer[node.output[0]]
            if node.op_type != op:
                raise ValueError(f"a {node.op_type} where a {op} belongs")
        return node


def _albert(main: _Scope) -> Albert:
    tokens, positions, *wide = main.tables()
    pooled = len(main.of("ReduceSum")) > len(wide)  # which counts the tokens of a line, too
    widen, pooler, classifier = main.linears()
    (embedding_norm,) = main.norms()
    bodies = main.bodies()
    return Albert(
        tokens=tokens,
        positions=positions,
        embedding_norm=embedding_norm,
        widen=widen,
        groups=tuple(Group(_layers(body), repeats) for body, repeats in bodies),
        pooler=pooler,
        classifier=classifier,
        heads=_heads(main),
        activation=_activation(bodies[0][0]),
        epsilon=float(_attribute(main.of("LayerNormalization")[0], "epsilon")),
        pooling=MEAN if pooled else FIRST,
        wide=wide[0] if wide else None,
    )


def _layers(body: _Scope) -> tuple[Layer, ...]:
    linears, norms = body.linears(), body.norms()
    count = len(norms) // _NORMS
    return tuple(
        Layer(attention, output, attention_norm, expand, contract, norm)
        for (attention, output, expand, contract), (attention_norm, norm) in zip(
            (linears[_LINEARS * i : _LINEARS * (i + 1)] for i in range(count)),
            (norms[_NORMS * i : _NORMS * (i + 1)] for i in range(count)),
            strict=True,
        )
    )


def _heads(main: _Scope) -> int:
    """Return the attention heads, from the shape ``(3, heads, width / heads)`` beside the lines."""
    for node in main.of("Concat"):
        inner = main.value(node.input[1])
        if inner.shape == (3,):
            return int(inner[1])
    raise ValueError("nothing splits the attention into heads")


def _activation(body: _Scope) -> str:
    for node in body.nodes:
        if node.op_type == "Gelu":
            return "gelu_new" if _attribute(node, "approximate", b"none") == b"tanh" else "gelu"
        if node.op_type in _ACTIVATIONS:
            return _ACTIVATIONS[node.op_type]
    raise ValueError("no activation that is known")


def _attribute(node: onnx.NodeProto, name: str, default: object = None) -> Any:  # noqa: ANN401
    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return found.get(name, default)


def _require_nothing_else(graph: onnx.GraphProto, albert: Albert, taken: set[str]) -> None:
    """Check that ``graph`` holds and computes what ``albert`` does, and no more.

    Raises:
        PackageError: A weight or a step is left over; restored without it, the network would be
            another one.
    """
    inputs = {one.name for one in graph.input} - _INPUTS
    weights = [
        one.name
        for one in constants(graph)
        if one.name not in taken and one.data_type in _WEIGHTS and np.prod(one.dims) > 1
    ]
    strange = [*sorted(inputs), *weights]
    if strange:
        raise PackageError(f"holds what no ALBERT has: {', '.join(strange)}")
    steps = [node.op_type for node in nodes(graph)]
    expected, older = (
        [node.op_type for node in nodes(export(albert, Int8(), whole=whole).graph)]
        for whole in (False, True)
    )
    if steps not in (expected, older):
        raise PackageError(
            f"computes {len(steps)} steps that are not the {len(expected)} of ALBERT"
        )
