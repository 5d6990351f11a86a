"""Tables in four bits: exact where they fit, and only there."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the workshop (extra [quantize]) is not installed")

from edge_agent.io.runtime import Session  # noqa: E402 - after the skip
from quantize.export_albert import Float32, Int8  # noqa: E402
from quantize.graph import FLOAT, INT64, Graph, model, tensor  # noqa: E402
from quantize.nibbles import fitting, rounded  # noqa: E402

ROWS = np.random.default_rng(0).normal(0, 1, (50, 24)).astype(np.float32)
ROWS[7] = 0


def looked_up(folder, arithmetic, table, indices):
    graph = Graph("lookup")
    graph.rename(arithmetic.lookup(graph, table, "indices"), "rows")
    proto = graph.proto(
        [tensor("indices", INT64, ("n",))], [tensor("rows", FLOAT, ("n", table.shape[1]))]
    )
    file = folder / "lookup.onnx"
    file.write_bytes(model(proto).SerializeToString())
    return Session(file).run(["rows"], {"indices": np.array(indices)})[0], file.stat().st_size


def test_a_rounded_value_is_off_by_at_most_half_a_step_of_its_row():
    step = np.abs(ROWS).max(axis=1, keepdims=True) / 7
    assert (np.abs(rounded(ROWS) - ROWS) <= 0.5001 * step).all()


def test_rounding_twice_changes_nothing():
    np.testing.assert_allclose(rounded(rounded(ROWS)), rounded(ROWS), rtol=1e-6)


def test_a_rounded_table_fits_and_comes_back():
    np.testing.assert_allclose(fitting(rounded(ROWS)).table(), rounded(ROWS), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("table", [ROWS, rounded(ROWS)[:, :23]], ids=["as it is", "an odd width"])
def test_any_other_table_does_not_fit(table):
    assert fitting(table) is None


def test_the_device_looks_up_what_was_rounded(tmp_path):
    order = [3, 7, 49, 0, 3]
    found, _ = looked_up(tmp_path, Int8(), rounded(ROWS), order)
    np.testing.assert_allclose(found, rounded(ROWS)[order], rtol=1e-5, atol=1e-9)


def test_four_bits_take_half_of_the_bytes_of_eight(tmp_path):
    many = np.tile(ROWS, (40, 1))
    eight = looked_up(tmp_path, Int8(), many, [0])[1]
    four = looked_up(tmp_path, Int8(), rounded(many), [0])[1]
    assert eight - four == pytest.approx(many.size / 2, rel=0.05)


def test_in_float32_nothing_is_packed(tmp_path):
    found, _ = looked_up(tmp_path, Float32(), ROWS, [1])
    np.testing.assert_array_equal(found, ROWS[[1]])
