"""The forecasting LSTM as ONNX graphs: in float32 to compare with, in int8 to ship.

``DynamicQuantizeLSTM`` is by far the fastest int8 LSTM of ONNX Runtime, but it takes its activation
scales from whatever is in the batch, so a score would depend on its batch mates.  Two anchors make
the scales constants.  Two extra inputs stand at ±clip in every step, and two extra hidden units
stand at ±1 in every row, where no other input or hidden value can lie beyond: the ranges that the
operator finds are the same for every batch, and all its integers with them.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from quantize.graph import FLOAT, MICROSOFT, Graph, model, tensor
from quantize.int8 import quantize_columns

_GATES = 4
_SATURATED = 40.0  # sigmoid(40) and tanh(40) are exactly 1 in float32
_FINE = 16.0  # how much larger the rest of a rounded input is made before it is rounded itself
_STEPS_OF_UINT8 = 255


@dataclass(frozen=True, slots=True)
class LstmWeights:
    """The network as plain arrays, float32, gates in ONNX's order: input, output, forget, cell.

    ``inputs`` is ``(4, hidden, features)``, ``recurrent`` ``(4, hidden, hidden)``, ``bias``
    ``(4, hidden)``, ``head`` ``(hidden, 2)`` and ``head_bias`` ``(2,)``: mean, then log sigma.
    """

    inputs: NDArray[np.float32]
    recurrent: NDArray[np.float32]
    bias: NDArray[np.float32]
    head: NDArray[np.float32]
    head_bias: NDArray[np.float32]

    @property
    def hidden(self) -> int:
        """The width of the hidden state."""
        return int(self.bias.shape[1])

    @property
    def features(self) -> int:
        """The number of values per step."""
        return int(self.inputs.shape[2])


def float_lstm(weights: LstmWeights, steps: int) -> onnx.ModelProto:
    """Return the network in float32."""
    graph = Graph("lstm")
    by_step = graph.add("Transpose", "sequence", perm=[1, 0, 2])
    last = graph.add_many(
        "LSTM",
        2,
        by_step,
        graph.constant(_flat(weights.inputs), np.float32),
        graph.constant(_flat(weights.recurrent), np.float32),
        graph.constant(_biases(weights.bias), np.float32),
        hidden_size=weights.hidden,
    )[1]
    return _with_head(graph, last, weights, steps)


def int8_lstm(weights: LstmWeights, steps: int, clip: float) -> onnx.ModelProto:
    """Return the network in int8 with constant activation ranges ±``clip`` and ±1."""
    anchored = _anchored(weights)
    inputs = quantize_columns(_flat(anchored.inputs)[0].T)
    recurrent = quantize_columns(_flat(anchored.recurrent)[0].T)
    zeros = np.zeros_like(inputs.scales)[np.newaxis]
    graph = Graph("lstm")
    state, cell = _anchor_states(graph, anchored.hidden)
    last = graph.add_many(
        "DynamicQuantizeLSTM",
        2,
        graph.add("Transpose", _anchored_inputs(graph, clip), perm=[1, 0, 2]),
        graph.constant(inputs.values[np.newaxis], np.int8),
        graph.constant(recurrent.values[np.newaxis], np.int8),
        graph.constant(_biases(anchored.bias), np.float32),
        "",
        state,
        cell,
        "",
        graph.constant(inputs.scales[np.newaxis], np.float32),
        graph.constant(zeros, np.int8),
        graph.constant(recurrent.scales[np.newaxis], np.float32),
        graph.constant(zeros, np.int8),
        domain=MICROSOFT,
        hidden_size=anchored.hidden,
    )[1]
    return _with_head(graph, last, anchored, steps, weights.features)


def _anchored(weights: LstmWeights) -> LstmWeights:
    """Add inputs for the fine digits and the anchors, and the two anchor units."""
    hidden, features = weights.hidden, weights.features
    inputs = np.zeros((_GATES, hidden + 2, 2 * features + 2), np.float32)
    inputs[:, :hidden, :features] = weights.inputs
    inputs[:, :hidden, features : 2 * features] = weights.inputs / np.float32(_FINE)
    recurrent = np.zeros((_GATES, hidden + 2, hidden + 2), np.float32)
    recurrent[:, :hidden, :hidden] = weights.recurrent
    bias = np.zeros((_GATES, hidden + 2), np.float32)
    bias[:, :hidden] = weights.bias
    closed_open_kept = np.array([-_SATURATED, _SATURATED, _SATURATED], np.float32)
    bias[:3, hidden:] = closed_open_kept[:, np.newaxis]  # takes nothing, shows all, forgets nothing
    head = np.zeros((hidden + 2, 2), np.float32)
    head[:hidden] = weights.head
    return LstmWeights(inputs, recurrent, bias, head, weights.head_bias)


def _anchored_inputs(graph: Graph, clip: float) -> str:
    """Return ``sequence`` as coarse digits, fine digits and anchors, along its last axis.

    One byte over ±clip would round a measurement to ``clip / 127``.  The part that the operator is
    going to round off is passed once more, magnified, through weights smaller by the same factor;
    that keeps about four more bits of every measurement and costs nothing noticeable.
    """
    edge = np.float32(clip)
    step = graph.constant(np.float32(2) * edge / np.float32(_STEPS_OF_UINT8), np.float32)
    bounds = [graph.constant(bound, np.float32) for bound in (-edge, edge)]
    clipped = graph.add("Clip", "sequence", *bounds)
    coarse = graph.add("Mul", graph.add("Round", graph.add("Div", clipped, step)), step)
    coarse = graph.add("Clip", coarse, *bounds)
    rest = graph.add("Sub", clipped, coarse)
    fine = graph.add("Mul", rest, graph.constant(_FINE, np.float32))
    batch_and_steps = graph.add("Shape", "sequence", start=0, end=2)
    shape = graph.add("Concat", batch_and_steps, graph.constant([2], np.int64), axis=0)
    anchors = graph.add("Expand", graph.constant([-edge, edge], np.float32), shape)
    return graph.add("Concat", coarse, fine, anchors, axis=2)


def _anchor_states(graph: Graph, hidden: int) -> tuple[str, str]:
    """Return the initial hidden and cell states: zero, but for the two anchor units."""
    signs = np.zeros((1, 1, hidden), np.float32)
    signs[..., -2:] = 1.0, -1.0
    batch = graph.add("Shape", "sequence", start=0, end=1)
    one = graph.constant([1], np.int64)
    shape = graph.add("Concat", one, batch, one, axis=0)
    state = graph.add("Expand", graph.constant(signs, np.float32), shape)
    cell = graph.add("Expand", graph.constant(signs * np.float32(_SATURATED), np.float32), shape)
    return state, cell


def _with_head(
    graph: Graph, last: str, weights: LstmWeights, steps: int, features: int | None = None
) -> onnx.ModelProto:
    """Finish the graph from the last hidden state, ``(1, batch, hidden)``."""
    state = graph.add("Squeeze", last, graph.constant([0], np.int64))
    head = graph.constant(weights.head, np.float32)
    both = graph.add("Gemm", state, head, graph.constant(weights.head_bias, np.float32))
    axis = graph.constant([1], np.int64)
    mean, log_sigma = graph.add_many("Split", 2, both, axis=1, num_outputs=2)
    graph.rename(graph.add("Squeeze", mean, axis), "mean")
    graph.rename(graph.add("Squeeze", log_sigma, axis), "log_sigma")
    shape = ("batch", steps, features or weights.features)
    outputs = [tensor(name, FLOAT, ("batch",)) for name in ("mean", "log_sigma")]
    return model(graph.proto([tensor("sequence", FLOAT, shape)], outputs))


def _flat(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(4, hidden, n)`` as ONNX wants it: ``(1, 4 * hidden, n)``."""
    return weight.reshape(1, -1, weight.shape[2])


def _biases(bias: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ONNX's pair of biases, for the inputs and for the recurrence, which is zero here."""
    flat = bias.reshape(-1)
    return np.concatenate([flat, np.zeros_like(flat)])[np.newaxis]
