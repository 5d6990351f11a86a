"""The ALBERT graphs: what torch computes, every weight once, every product in int8."""

from collections import Counter

import numpy as np
import pytest
from checkpoints import safetensors, save_albert, torch, transformers

from edge_agent.io.runtime import Session
from quantize.agreement import padded_logits
from quantize.checkpoint import read_albert
from quantize.errors import PackageError
from quantize.export_albert import ACTIVATIONS, Float32, Int8, export
from quantize.graph import constants, int8_share, nodes
from quantize.reference import observed_inputs, torch_albert

LINES = [[2, 5, 9, 11, 3], [2, 3], [2, *range(4, 30), 3], [2, 7, 7, 7, 3]]
SHAPES = {
    "one shared layer": {},
    "a single layer": {"num_hidden_layers": 1},
    "two groups": {"num_hidden_layers": 5, "num_hidden_groups": 2},
    "two layers in a group": {"inner_group_num": 2},
    "groups of two layers": {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2},
    "more groups than layers": {"num_hidden_layers": 1, "num_hidden_groups": 2},
    "one head": {"num_attention_heads": 1},
    "three token types": {"type_vocab_size": 3},
    "a large epsilon": {"layer_norm_eps": 1e-3},
    "the mean of the tokens": {"classifier_pooling": "mean"},
    "a wide part": {"wide_tokens": True},
    "a wide part beside the mean": {"wide_tokens": True, "classifier_pooling": "mean"},
    **{f"activation {name}": {"hidden_act": name} for name in ACTIVATIONS},
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys(), scope="module")
def checkpoint(request, tmp_path_factory):
    return save_albert(tmp_path_factory.mktemp("albert"), **request.param)


def session(folder, arithmetic):
    file = folder / f"{type(arithmetic).__name__}.onnx"
    file.write_bytes(export(read_albert(folder), arithmetic).SerializeToString())
    return Session(file)


def truth(folder, lines):
    config = transformers.AlbertConfig.from_pretrained(folder)
    network = transformers.AlbertForSequenceClassification(config).eval()
    state = safetensors.load_file(folder / "model.safetensors")
    wide = state.pop("wide.weight", torch.zeros(config.vocab_size, config.num_labels)).numpy()
    network.load_state_dict(state)
    with torch.no_grad():
        return np.concatenate(
            [
                logits_of(network, torch.tensor([line])) + wide[line].sum(axis=0) / len(line) ** 0.5
                for line in lines
            ]
        )


def logits_of(network, ids):
    if getattr(network.config, "classifier_pooling", "cls") == "cls":
        return network(input_ids=ids).logits.numpy()
    mean = network.albert(input_ids=ids).last_hidden_state.mean(dim=1)
    return network.classifier(torch.tanh(network.albert.pooler(mean))).numpy()


def test_the_float32_graph_computes_what_torch_computes(checkpoint):
    found = padded_logits(session(checkpoint, Float32()), LINES)
    assert np.abs(found - truth(checkpoint, LINES)).max() < 1e-4


def test_the_int8_graph_stays_close_to_torch(checkpoint):
    expected = truth(checkpoint, LINES)
    found = padded_logits(session(checkpoint, Int8()), LINES)
    assert np.abs(found - expected).max() < 0.25
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_every_product_with_a_weight_is_in_int8(checkpoint):
    albert = read_albert(checkpoint)
    assert int8_share(export(albert, Int8()).graph) == 1
    assert int8_share(export(albert, Float32()).graph) == 0


def test_every_weight_is_stored_once(checkpoint):
    stored = constants(export(read_albert(checkpoint), Int8()).graph)
    large = [c.raw_data for c in stored if len(c.raw_data) >= 256]
    assert max(Counter(large).values()) == 1


def test_the_graph_does_not_grow_with_the_number_of_layers(tmp_path):
    sizes = []
    for layers in (2, 12):
        folder = save_albert(tmp_path / str(layers), num_hidden_layers=layers)
        sizes.append(len(nodes(export(read_albert(folder), Int8()).graph)))
    assert sizes[0] == sizes[1]


def test_only_standard_operators_are_used(checkpoint):
    used = nodes(export(read_albert(checkpoint), Int8()).graph)
    assert {node.domain for node in used} == {""}


def test_a_line_gets_the_same_logits_alone_and_in_a_padded_batch(checkpoint):
    small = session(checkpoint, Int8())
    together = padded_logits(small, LINES)
    alone = np.concatenate([padded_logits(small, [line]) for line in LINES])
    assert np.abs(together - alone).max() < 1e-3


def test_a_graph_that_computes_every_token_to_the_end_gives_the_same_logits(checkpoint):
    albert = read_albert(checkpoint)
    file = checkpoint / "whole.onnx"
    file.write_bytes(export(albert, Int8(), whole=True).SerializeToString())
    whole, cut = (
        padded_logits(Session(file), LINES),
        padded_logits(session(checkpoint, Int8()), LINES),
    )
    assert np.abs(whole - cut).max() < 1e-3


def test_the_last_layer_computes_one_token_of_each_line_where_no_other_is_read(tmp_path):
    cut, whole = (
        Counter(node.op_type for node in nodes(export(albert, Float32()).graph))["Slice"]
        for albert in (
            read_albert(save_albert(tmp_path / pooling, classifier_pooling=pooling))
            for pooling in ("cls", "mean")
        )
    )
    assert (cut, whole) == (2, 0)


@pytest.fixture
def fixed(checkpoint):
    """The int8 graph with the activation scales that its own lines need."""
    network = torch_albert(checkpoint)
    reaches = {name: seen.reach for name, seen in observed_inputs(network, LINES).items()}
    return export(read_albert(checkpoint, reaches=reaches), Int8())


def test_fixed_scales_stay_close_to_torch(checkpoint, fixed):
    file = checkpoint / "fixed.onnx"
    file.write_bytes(fixed.SerializeToString())
    expected, found = truth(checkpoint, LINES), padded_logits(Session(file), LINES)
    assert np.abs(found - expected).max() < 0.25
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_fixed_scales_are_those_behind_norms_and_every_product_stays_int8(fixed):
    layers = len([node for node in nodes(fixed.graph) if node.op_type == "Softmax"])
    products = Counter(node.op_type for node in nodes(fixed.graph))
    assert products["MatMulIntegerToFloat"] == 1 + 2 * layers
    assert products["MatMulInteger"] == 2 + 2 * layers
    assert int8_share(fixed.graph) == 1


def test_with_fixed_scales_too_a_line_does_not_depend_on_its_batch(checkpoint, fixed):
    file = checkpoint / "fixed.onnx"
    file.write_bytes(fixed.SerializeToString())
    small = Session(file)
    alone = np.concatenate([padded_logits(small, [line]) for line in LINES])
    assert np.abs(padded_logits(small, LINES) - alone).max() < 1e-3


def test_the_longest_line_fits_and_one_token_more_does_not_run(tmp_path):
    folder = save_albert(tmp_path, max_position_embeddings=10)
    small = session(folder, Int8())
    assert np.isfinite(padded_logits(small, [[2] * 10])).all()
    with pytest.raises(Exception, match="ONNX Runtime"):
        padded_logits(small, [[2] * 11])


def test_an_unknown_pooling_is_refused_with_its_name(tmp_path):
    folder = save_albert(tmp_path, classifier_pooling="median")
    with pytest.raises(PackageError, match=r"config\.json: classifier_pooling median is neither"):
        read_albert(folder)
