"""Seven-bit weights: small errors, and the same integers on every processor."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the workshop (extra [quantize]) is not installed")

from edge_agent.io.runtime import Session  # noqa: E402 - after the skip
from quantize.export_albert import Float32, Int8, Linear  # noqa: E402
from quantize.graph import FLOAT, Graph, model, tensor  # noqa: E402
from quantize.int8 import quantize_columns, quantize_rows  # noqa: E402


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def linear_session(folder, arithmetic, linear, least=None):
    graph = Graph("linear")
    graph.rename(arithmetic.linear(graph, "rows", linear, least), "answer")
    inputs, outputs = linear.weight.shape
    proto = graph.proto(
        [tensor("rows", FLOAT, ("n", inputs))], [tensor("answer", FLOAT, ("n", outputs))]
    )
    file = folder / f"{type(arithmetic).__name__}-{least}.onnx"
    file.write_bytes(model(proto).SerializeToString())
    session = Session(file)
    return lambda rows: session.run(["answer"], {"rows": rows})[0]


def test_a_weight_is_off_by_at_most_half_a_step_of_its_column():
    weight = draw(64, 32) * np.logspace(-4, 2, 32, dtype=np.float32)
    quantized = quantize_columns(weight)
    assert np.abs(quantized.values).max() == 63
    assert (np.abs(quantized.dequantized() - weight) <= 0.5001 * quantized.scales).all()


def test_a_column_of_zeros_stays_zero():
    assert not quantize_columns(np.zeros((4, 3), np.float32)).dequantized().any()


def test_an_embedding_is_off_by_at_most_half_a_step_of_its_row():
    table = draw(100, 16)
    values, scales = quantize_rows(table)
    assert (np.abs(values * scales - table) <= 0.5001 * scales).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("inputs", [1, 31, 64, 1000, 4096])
def test_extreme_weights_and_activations_do_not_saturate(tmp_path, inputs, sign):
    values = np.full((inputs, 48), 63 * sign, np.int8)
    values[:, ::3] *= -1
    activations = np.full((5, inputs), 255, np.uint8)
    activations[1] = 0
    activations[2, ::2] = 0
    graph = Graph("product")
    zero = graph.constant(0, np.uint8)
    product = graph.add("MatMulInteger", "a", graph.constant(values, np.int8), zero)
    graph.rename(product, "sums")
    proto = graph.proto(
        [tensor("a", onnx.TensorProto.UINT8, ("n", inputs))],
        [tensor("sums", onnx.TensorProto.INT32, ("n", 48))],
    )
    file = tmp_path / "product.onnx"
    file.write_bytes(model(proto).SerializeToString())
    (sums,) = Session(file).run(["sums"], {"a": activations})
    assert np.array_equal(sums, activations.astype(np.int32) @ values.astype(np.int32))


def test_pairs_of_the_largest_products_fit_in_16_bits():
    largest = int(np.abs(quantize_columns(draw(64, 8)).values).max())
    assert 2 * 255 * largest < 2**15


def test_an_int8_product_is_close_to_the_float32_product(tmp_path):
    linear = Linear(draw(256, 64), draw(64))
    rows = draw(20, 256, seed=1)
    full = linear_session(tmp_path, Float32(), linear)(rows)
    small = linear_session(tmp_path, Int8(), linear)(rows)
    assert np.allclose(full, rows @ linear.weight + linear.bias, atol=1e-4)
    assert np.abs(small - full).max() < 0.03 * np.abs(full).max()


def test_a_row_is_multiplied_the_same_whatever_stands_beside_it(tmp_path):
    product = linear_session(tmp_path, Int8(), Linear(draw(64, 32), draw(32)))
    rows = draw(10, 64, seed=2)
    beside_giants = np.concatenate([rows, 1e6 * draw(3, 64, seed=3)])
    assert np.array_equal(product(beside_giants)[:10], product(rows))
    assert np.array_equal(np.concatenate([product(row[None]) for row in rows]), product(rows))


def test_a_row_of_zeros_gives_the_bias(tmp_path):
    linear = Linear(draw(64, 32), draw(32))
    zeros = np.zeros((2, 64), np.float32)
    assert np.allclose(linear_session(tmp_path, Int8(), linear)(zeros), linear.bias)


def test_knowing_a_lower_bound_halves_the_error_of_one_sided_activations(tmp_path):
    linear = Linear(draw(256, 64), draw(64))
    rows = np.maximum(draw(50, 256, seed=4), -0.17)
    truth = rows @ quantize_columns(linear.weight).dequantized() + linear.bias
    blind = np.abs(linear_session(tmp_path, Int8(), linear)(rows) - truth).mean()
    bounded = np.abs(linear_session(tmp_path, Int8(), linear, least=-0.17)(rows) - truth).mean()
    assert bounded < 0.6 * blind


def test_rounding_that_knows_its_inputs_halves_the_error_of_the_product():
    causes = draw(4000, 20, seed=5)  # inputs that vary together, as hidden states do
    inputs = causes @ draw(20, 160, seed=6) + 0.1 * draw(4000, 160, seed=8)
    moment = inputs[:2000].T.astype(np.float64) @ inputs[:2000] / 2000
    weight, fresh = draw(160, 24, seed=7), inputs[2000:]

    def error(quantized):
        return np.square(fresh @ (quantized.dequantized() - weight)).mean() ** 0.5

    plain, knowing = quantize_columns(weight), quantize_columns(weight, moment)
    assert np.abs(knowing.values).max() <= 63
    assert np.array_equal(knowing.scales, plain.scales)
    assert error(knowing) < 0.5 * error(plain)


def test_inputs_that_never_vary_do_not_spoil_the_rounding():
    weight = draw(80, 8)
    quantized = quantize_columns(weight, np.zeros((80, 80)))
    assert np.array_equal(quantized.values, quantize_columns(weight).values)
