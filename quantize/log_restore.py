"""A log package becomes a network that can be trained again.

A package holds rounded weights and no checkpoint.  They are taken as they are: training moves them
anyway, and the same rounding follows again at the end.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from transformers import AlbertConfig, AlbertForSequenceClassification

from edge_agent.core.manifest import LogInput
from edge_agent.io.model_package import MODEL, TOKENIZER, Package
from edge_agent.io.runtime import OnnxLogModel, load_tokenizer
from quantize.checkpoint import POOLING, WIDE_WEIGHT
from quantize.errors import PackageError
from quantize.export_albert import Albert, Layer, Linear, Norm
from quantize.import_albert import import_albert
from quantize.log_network import HEADS
from quantize.log_package import Trained
from quantize.wide import attach

_DROPOUT = 0.1

Array = NDArray[np.float32]


def restored(package: Package) -> Trained:
    """Return the float32 network and the tokenizer of ``package``; its labels stand as in HEADS.

    Raises:
        PackageError: The package does not tell category and severity apart as the agent does, or
            its graph holds more than an ALBERT.
    """
    model = package.file(MODEL)
    order = _label_order(package)
    try:
        albert = import_albert(onnx.load(model).graph)
    except PackageError as error:
        raise PackageError(f"{model}: {error}") from error
    network = AlbertForSequenceClassification(_config(albert))
    setattr(network.config, POOLING, albert.pooling)
    network.config._attn_implementation = "eager"  # noqa: SLF001 - quicker on short lines
    weights = _state(albert)
    if albert.wide is not None:
        weights[WIDE_WEIGHT] = albert.wide[:, order]
        attach(network, torch.tensor(weights[WIDE_WEIGHT]))
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = weights[name][order]
    network.load_state_dict({k: torch.tensor(v) for k, v in weights.items()}, strict=True)
    network.train(mode=False)
    longest = log_input(package).max_tokens
    tokenizer = load_tokenizer(package.file(TOKENIZER), longest)
    return Trained(network, tokenizer, package.word_pairs())


def log_input(package: Package) -> LogInput:
    """Return how ``package`` wants its lines.

    Raises:
        PackageError: It is no log model.
    """
    if package.manifest.log is None:
        raise PackageError(f"{package.path}: not a log model")
    return package.manifest.log


def package_logits(package: Package, texts: Sequence[str]) -> Array:
    """Return what the device computes for normalized ``texts``, shape ``(texts, labels)``.

    Labels stand as in HEADS, whatever their order in the package.
    """
    model, order = OnnxLogModel(package), _label_order(package)
    return np.stack([model.logits(text)[order] for text in texts])


def agreement(one: Array, other: Array) -> float:
    """Return the share of lines to which both give the same label, in the worse head."""
    shares, start = [], 0
    for labels in HEADS.values():
        part = slice(start, start + len(labels))
        shares.append(float((one[:, part].argmax(1) == other[:, part].argmax(1)).mean()))
        start += len(labels)
    return min(shares)


def _label_order(package: Package) -> list[int]:
    """Return where the package keeps each label of HEADS."""
    heads = log_input(package).heads
    if {head: set(labels) for head, labels in heads.items()} != {
        head: set(labels) for head, labels in HEADS.items()
    }:
        raise PackageError(f"{package.path}: its labels are not the agent's categories, severities")
    place = [(head, label) for head, labels in heads.items() for label in labels]
    return [place.index((head, label)) for head, labels in HEADS.items() for label in labels]


def _config(albert: Albert) -> AlbertConfig:
    labels = [f"{head}:{label}" for head, names in HEADS.items() for label in names]
    first = albert.groups[0].layers
    return AlbertConfig(
        vocab_size=len(albert.tokens),
        embedding_size=albert.tokens.shape[1],
        hidden_size=albert.width,
        num_hidden_layers=sum(group.repeats for group in albert.groups),
        num_hidden_groups=len(albert.groups),
        inner_group_num=len(first),
        num_attention_heads=albert.heads,
        intermediate_size=len(first[0].expand.bias),
        hidden_act=albert.activation,
        hidden_dropout_prob=_DROPOUT,
        attention_probs_dropout_prob=_DROPOUT,
        classifier_dropout_prob=_DROPOUT,
        max_position_embeddings=len(albert.positions),
        type_vocab_size=1,
        layer_norm_eps=albert.epsilon,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )


def _state(albert: Albert) -> dict[str, Array]:
    """Return the tensors by Hugging Face's names.

    The position table already holds the embedding of token type 0, so that one is zero.
    """
    embeddings = "albert.embeddings"
    state = {
        f"{embeddings}.word_embeddings.weight": albert.tokens,
        f"{embeddings}.position_embeddings.weight": albert.positions,
        f"{embeddings}.token_type_embeddings.weight": np.zeros_like(albert.positions[:1]),
        **_norm(f"{embeddings}.LayerNorm", albert.embedding_norm),
        **_linear("albert.encoder.embedding_hidden_mapping_in", albert.widen),
        **_linear("albert.pooler", albert.pooler),
        **_linear("classifier", albert.classifier),
    }
    for number, group in enumerate(albert.groups):
        for place, layer in enumerate(group.layers):
            state |= _layer(
                f"albert.encoder.albert_layer_groups.{number}.albert_layers.{place}", layer
            )
    return state


def _layer(name: str, layer: Layer) -> dict[str, Array]:
    parts: Mapping[str, Array] = {}
    columns = np.split(layer.attention.weight, 3, axis=1)
    for part, weight, bias in zip(
        ("query", "key", "value"), columns, np.split(layer.attention.bias, 3), strict=True
    ):
        parts = {**parts, **_linear(f"{name}.attention.{part}", Linear(weight, bias))}
    return {
        **parts,
        **_linear(f"{name}.attention.dense", layer.attention_output),
        **_norm(f"{name}.attention.LayerNorm", layer.attention_norm),
        **_linear(f"{name}.ffn", layer.expand),
        **_linear(f"{name}.ffn_output", layer.contract),
        **_norm(f"{name}.full_layer_layer_norm", layer.norm),
    }


def _linear(name: str, linear: Linear) -> dict[str, Array]:
    return {f"{name}.weight": linear.weight.T, f"{name}.bias": linear.bias}


def _norm(name: str, norm: Norm) -> dict[str, Array]:
    return {f"{name}.weight": norm.weight, f"{name}.bias": norm.bias}
