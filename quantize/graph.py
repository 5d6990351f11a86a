"""Builds ONNX graphs node by node, so that what is in the file is what was meant.

Tracing a torch module writes one copy or one Transpose of a shared weight per use, which is what
makes quantizers miss the shared layer of ALBERT.  Here a constant is stored once however often it
is used, because it is looked up by its content.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

OPSET = 20  # the first with Gelu; known to ONNX Runtime since 1.18
IR_VERSION = 9  # the one that belongs to opset 20
MICROSOFT = "com.microsoft"  # ONNX Runtime's own operators

FLOAT = TensorProto.FLOAT
INT64 = TensorProto.INT64
INT8 = TensorProto.INT8
BOOL = TensorProto.BOOL

_INTEGER_PRODUCTS = ("MatMulInteger", "MatMulIntegerToFloat")
_PRODUCTS = (*_INTEGER_PRODUCTS, "MatMul", "Gemm")


class Graph:
    """A graph under construction; every method returns the name of what it added."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._described: list[onnx.ValueInfoProto] = []
        self._count = 0

    def constant(self, value: ArrayLike, dtype: type[np.generic]) -> str:
        """Store ``value`` once and return its name; equal content gets the same name again."""
        array = np.ascontiguousarray(np.asarray(value, dtype))
        shape = "x".join(str(n) for n in np.shape(value)) or "scalar"
        digest = hashlib.sha256(array.tobytes()).hexdigest()[:12]
        key = f"{self.name}_{array.dtype}_{shape}_{digest}"
        if key not in self._constants:
            stored = numpy_helper.from_array(array.reshape(np.shape(value)), key)
            self._constants[key] = stored
        return key

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:  # noqa: ANN401
        """Add a node with one output; an empty input name leaves an optional input out."""
        return self.add_many(op, 1, *inputs, domain=domain, **attributes)[0]

    def add_many(
        self,
        op: str,
        outputs: int,
        *inputs: str,
        domain: str = "",
        **attributes: Any,  # noqa: ANN401
    ) -> list[str]:
        """Add a node with several outputs and return their names."""
        self._count += 1
        names = [f"{self.name}_{op}_{self._count}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names

    def rename(self, value: str, name: str) -> None:
        """Give ``value`` the name that the outside knows it by."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))

    def describe(self, value: str, kind: int, shape: Sequence[int | str]) -> None:
        """Say what nobody can infer: ONNX Runtime only works in place where it knows the shape."""
        self._described.append(tensor(value, kind, shape))

    def proto(
        self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.GraphProto:
        """Return the finished graph."""
        constants = list(self._constants.values())
        return helper.make_graph(
            self._nodes, self.name, inputs, outputs, constants, value_info=self._described
        )


def tensor(name: str, kind: int, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    """Describe an input or output; a string in ``shape`` names a free axis."""
    return helper.make_tensor_value_info(name, kind, shape)


def model(graph: onnx.GraphProto) -> onnx.ModelProto:
    """Wrap ``graph`` and check it against the ONNX specification."""
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    built = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="quantize"
    )
    onnx.checker.check_model(built)
    return built


def nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return all nodes of ``graph`` and of the graphs inside its nodes."""
    found = []
    for node in graph.node:
        found.append(node)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                found += nodes(attribute.g)
    return found


def constants(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    """Return all stored tensors of ``graph`` and of the graphs inside its nodes."""
    found = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                found += constants(attribute.g)
    return found


def int8_share(graph: onnx.GraphProto) -> float:
    """Return the share of the products with a stored weight that are made in integers.

    Products of two activations, as in attention, have no weight and do not count.
    """
    stored = {constant.name for constant in constants(graph)}
    weighted = [
        node.op_type
        for node in nodes(graph)
        if node.op_type in _PRODUCTS and any(name in stored for name in node.input[:2])
    ]
    return sum(op in _INTEGER_PRODUCTS for op in weighted) / len(weighted)
