"""What the export wrote is what the import reads, for every shape of ALBERT."""

from dataclasses import replace

import numpy as np
import pytest
from checkpoints import save_albert
from onnx import helper, numpy_helper
from test_export_albert import SHAPES

from quantize.checkpoint import read_albert
from quantize.errors import PackageError
from quantize.export_albert import Float32, Int8, export
from quantize.import_albert import import_albert
from quantize.int8 import quantize_columns
from quantize.nibbles import rounded


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys(), scope="module")
def albert(request, tmp_path_factory):
    return read_albert(save_albert(tmp_path_factory.mktemp("albert"), **request.param))


@pytest.fixture
def small(tmp_path):
    return read_albert(save_albert(tmp_path))


def test_weights_come_back_as_the_device_multiplies_them(albert):
    back = import_albert(export(albert, Int8()).graph)
    for ours, theirs in ((albert.widen, back.widen), (albert.pooler, back.pooler)):
        np.testing.assert_array_equal(quantize_columns(ours.weight).dequantized(), theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)


def test_every_layer_comes_back_in_its_place(albert):
    back = import_albert(export(albert, Int8()).graph)
    assert [group.repeats for group in back.groups] == [group.repeats for group in albert.groups]
    for ours, theirs in zip(albert.groups, back.groups, strict=True):
        for layer, again in zip(ours.layers, theirs.layers, strict=True):
            for name in ("attention", "attention_output", "expand", "contract"):
                one, other = getattr(layer, name), getattr(again, name)
                step = np.abs(one.weight).max() / 63
                np.testing.assert_allclose(other.weight, one.weight, atol=step)
                np.testing.assert_allclose(other.bias, one.bias, atol=1e-5)
            np.testing.assert_array_equal(again.norm.weight, layer.norm.weight)
            np.testing.assert_array_equal(again.attention_norm.bias, layer.attention_norm.bias)


def test_tables_come_back_within_half_a_step(albert):
    back = import_albert(export(albert, Int8()).graph)
    tables = [(albert.tokens, back.tokens), (albert.positions, back.positions)]
    assert (back.wide is None) == (albert.wide is None)
    if albert.wide is not None:
        tables.append((albert.wide, back.wide))
    for ours, theirs in tables:
        half = np.abs(ours).max(axis=1, keepdims=True) / 127 * 0.501
        assert (np.abs(ours - theirs) <= half).all()


def test_a_table_in_four_bits_comes_back_exactly(small):
    albert = replace(small, tokens=rounded(small.tokens))
    back = import_albert(export(albert, Int8()).graph)
    np.testing.assert_allclose(back.tokens, albert.tokens, rtol=1e-5, atol=1e-9)


def test_what_is_no_weight_comes_back_as_it_was(albert):
    back = import_albert(export(albert, Int8()).graph)
    assert (back.heads, back.width) == (albert.heads, albert.width)
    assert back.epsilon == pytest.approx(albert.epsilon)
    emitted = [export(one, Float32()).graph for one in (albert, back)]
    assert [n.op_type for n in emitted[0].node] == [n.op_type for n in emitted[1].node]


def test_a_graph_in_float32_is_refused(small):
    with pytest.raises(PackageError, match="not the graph of an int8 ALBERT"):
        import_albert(export(small, Float32()).graph)


def test_a_weight_that_no_albert_has_is_named(small):
    graph = export(small, Int8()).graph
    graph.initializer.append(numpy_helper.from_array(np.ones((512, 14), np.float32), "ngrams"))
    with pytest.raises(PackageError, match="what no ALBERT has: ngrams"):
        import_albert(graph)


def test_an_input_that_no_albert_has_is_named(small):
    graph = export(small, Int8()).graph
    graph.input.append(helper.make_tensor_value_info("hashes", 7, ["n"]))
    with pytest.raises(PackageError, match="what no ALBERT has: hashes"):
        import_albert(graph)


def test_a_step_that_no_albert_takes_is_refused(small):
    graph = export(small, Int8()).graph
    graph.node.append(helper.make_node("Neg", ["logits"], ["negative"]))
    with pytest.raises(PackageError, match="steps that are not"):
        import_albert(graph)
