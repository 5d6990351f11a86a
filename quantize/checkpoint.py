"""Reads trained checkpoints into plain arrays, and says exactly what is wrong with a bad one."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edge_agent.io.model_package import TOKENIZER
from quantize.errors import PackageError
from quantize.export_albert import ACTIVATIONS, FIRST, MEAN, Albert, Group, Layer, Linear, Norm
from quantize.export_lstm import LstmWeights

CONFIG = "config.json"
SAFETENSORS = "model.safetensors"
TORCH_PICKLE = "pytorch_model.bin"
SENTENCEPIECE = "spiece.model"
POOLING = "classifier_pooling"  # a key of config.json, as ModernBERT's configuration calls it
WIDE = "wide_tokens"  # another: whether quantize.wide gave the classifier its part
WIDE_WEIGHT = "wide.weight"  # which is this tensor, (vocabulary, labels)
_MODEL_TYPE = "albert"
_ARCHITECTURE = "AlbertForSequenceClassification"
_ONNX_GATES = (0, 3, 1, 2)  # torch: input, forget, cell, output; ONNX: input, output, forget, cell


@dataclass(frozen=True, slots=True)
class Tensors:
    """The named float32 tensors of one weight file; every one that is taken must be there."""

    file: Path
    by_name: Mapping[str, NDArray[np.float32]] = field(repr=False)

    def take(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Return tensor ``name``, whose shape must be ``shape``.

        Raises:
            PackageError: The tensor is missing, has another shape, or holds NaN or infinity.
        """
        if name not in self.by_name:
            raise PackageError(f"{self.file}: no tensor {name}")
        found = self.by_name[name]
        if found.shape != shape:
            raise PackageError(f"{self.file}: {name} is {found.shape}, {CONFIG} says {shape}")
        if not np.isfinite(found).all():
            raise PackageError(f"{self.file}: {name} holds NaN or infinity")
        return found


def read_config(folder: Path) -> dict[str, Any]:
    """Return ``config.json`` of the checkpoint in ``folder``."""
    return read_json(folder / CONFIG)


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in ``file``.

    Raises:
        PackageError: The file is missing, unreadable or no JSON object.
    """
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise PackageError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PackageError(f"{file}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise PackageError(f"{file}: not a JSON object")
    return document


def read_tensors(folder: Path) -> Tensors:
    """Return the weights of the checkpoint in ``folder``, in float32."""
    import safetensors  # noqa: PLC0415 - torch is slow to import and not needed to verify
    import torch  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    file = folder / SAFETENSORS
    if not file.is_file():
        file = folder / TORCH_PICKLE
    if not file.is_file():
        raise PackageError(f"{folder}: neither {SAFETENSORS} nor {TORCH_PICKLE}")
    try:
        if file.name == SAFETENSORS:
            state = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, safetensors.SafetensorError) as error:
        raise PackageError(f"{file}: not a weight file: {error}") from error
    except (EOFError, KeyError, pickle.UnpicklingError) as error:
        raise PackageError(f"{file}: damaged, or more in it than plain tensors") from error
    floats = {name: tensor.detach().float().numpy() for name, tensor in state.items()}
    return Tensors(file, floats)


def tokenizer_file(folder: Path) -> Path:
    """Return the tokenizer of the checkpoint in ``folder``, in the form that needs least doing.

    Raises:
        PackageError: There is none.
    """
    for name in (TOKENIZER, SENTENCEPIECE):
        if (folder / name).is_file():
            return folder / name
    raise PackageError(f"{folder}: neither {TOKENIZER} nor {SENTENCEPIECE}")


def read_tokenizer(folder: Path) -> bytes:
    """Return the tokenizer of the checkpoint in ``folder`` as the text of a ``tokenizer.json``.

    A SentencePiece model is converted, with its normalization, by ``transformers``.

    Raises:
        PackageError: There is no tokenizer, or it cannot be read.
    """
    file = tokenizer_file(folder)
    content = file.read_bytes() if file.name == TOKENIZER else _converted(file)
    try:
        Tokenizer.from_buffer(content)
    except ValueError as error:
        raise PackageError(f"{file}: not a tokenizer: {error}") from error
    return content


def _converted(file: Path) -> bytes:
    from transformers import AlbertTokenizer  # noqa: PLC0415 - slow to import

    try:
        tokenizer = AlbertTokenizer.from_pretrained(str(file.parent), local_files_only=True)
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise PackageError(f"{file}: not a SentencePiece model: {error}") from error
    text: str = tokenizer.backend_tokenizer.to_str()
    return text.encode()


def whole(config: Mapping[str, Any], key: str, file: Path, default: int | None = None) -> int:
    """Return the positive whole number at ``key`` of a configuration."""
    value = config.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise PackageError(f"{file}: {key} must be a whole number above 0, not {value!r}")
    return value


def read_lstm(folder: Path) -> LstmWeights:
    """Return the network of :class:`quantize.networks.ForecastLSTM` saved in ``folder``."""
    config, file = read_config(folder), folder / CONFIG
    features, hidden = whole(config, "features", file), whole(config, "hidden", file)
    tensors = read_tensors(folder)

    def gates(name: str, *shape: int) -> NDArray[np.float32]:
        stacked = tensors.take(name, 4 * hidden, *shape).reshape(4, hidden, *shape)
        return stacked[list(_ONNX_GATES)]

    return LstmWeights(
        inputs=gates("lstm.weight_ih_l0", features),
        recurrent=gates("lstm.weight_hh_l0", hidden),
        bias=gates("lstm.bias_ih_l0") + gates("lstm.bias_hh_l0"),
        head=tensors.take("head.weight", 2, hidden).T,
        head_bias=tensors.take("head.bias", 2),
    )


def read_albert(
    folder: Path,
    moments: Mapping[str, NDArray[np.float64]] | None = None,
    reaches: Mapping[str, float] | None = None,
) -> Albert:
    """Return the ``AlbertForSequenceClassification`` saved in ``folder``.

    Args:
        folder: The checkpoint.
        moments: The moments that :func:`quantize.reference.observed_inputs` measured, by module.
        reaches: Its reaches, where the products that read a layer normalization shall have one
            fixed activation scale.  Other inputs vary too much from token to token for that.
    """
    config, file = read_config(folder), folder / CONFIG
    architectures = config.get("architectures") or [_ARCHITECTURE]
    if config.get("model_type") != _MODEL_TYPE or _ARCHITECTURE not in architectures:
        raise PackageError(f"{file}: not an {_ARCHITECTURE} but {architectures[0]}")
    activation = str(config.get("hidden_act", "gelu_new"))
    if activation not in ACTIVATIONS:
        raise PackageError(f"{file}: hidden_act {activation} is none of {', '.join(ACTIVATIONS)}")
    reader = _AlbertReader(read_tensors(folder), config, file, moments or {}, reaches or {})
    return reader.albert(activation)


class _AlbertReader:
    """Knows what Hugging Face calls the tensors of ALBERT."""

    def __init__(
        self,
        tensors: Tensors,
        config: Mapping[str, Any],
        file: Path,
        moments: Mapping[str, NDArray[np.float64]],
        reaches: Mapping[str, float],
    ) -> None:
        self._tensors = tensors
        self._moments = moments
        self._reaches = reaches
        self._config = config
        self._file = file
        self._hidden = self._count("hidden_size", 4096)

    def albert(self, activation: str) -> Albert:
        embedding = self._count("embedding_size", 128)
        words = "albert.embeddings.word_embeddings.weight"
        places = "albert.embeddings.position_embeddings.weight"
        kinds = "albert.embeddings.token_type_embeddings.weight"
        positions = self._count("max_position_embeddings", 512)
        take = self._tensors.take
        kind = take(kinds, self._count("type_vocab_size", 2), embedding)[0]
        labels = len(self._config.get("id2label") or {0: "LABEL_0", 1: "LABEL_1"})
        return Albert(
            tokens=take(words, self._count("vocab_size", 30000), embedding),
            positions=take(places, positions, embedding) + kind,
            embedding_norm=self._norm("albert.embeddings.LayerNorm", embedding),
            widen=self._normed(
                "albert.encoder.embedding_hidden_mapping_in", embedding, self._hidden
            ),
            groups=self._groups(),
            pooler=self._linear("albert.pooler", self._hidden, self._hidden),
            classifier=self._linear("classifier", self._hidden, labels),
            heads=self._heads(),
            activation=activation,
            epsilon=float(self._config.get("layer_norm_eps", 1e-12)),
            pooling=self._pooling(),
            wide=self._wide(labels),
        )

    def _pooling(self) -> str:
        pooling = str(self._config.get(POOLING, FIRST))
        if pooling not in {FIRST, MEAN}:
            raise PackageError(f"{self._file}: {POOLING} {pooling} is neither {FIRST} nor {MEAN}")
        return pooling

    def _wide(self, labels: int) -> NDArray[np.float32] | None:
        if not self._config.get(WIDE):
            return None
        return self._tensors.take(WIDE_WEIGHT, self._count("vocab_size", 30000), labels)

    def _heads(self) -> int:
        heads = self._count("num_attention_heads", 64)
        if self._hidden % heads:
            raise PackageError(
                f"{self._file}: hidden_size {self._hidden} is no multiple of {heads} heads"
            )
        return heads

    def _groups(self) -> tuple[Group, ...]:
        """Return the groups that run; ALBERT spreads its layers over them evenly, in order."""
        layers = self._count("num_hidden_layers", 12)
        groups = self._count("num_hidden_groups", 1)
        running = [int(layer / (layers / groups)) for layer in range(layers)]
        inner = range(self._count("inner_group_num", 1))
        return tuple(
            Group(tuple(self._layer(number, place) for place in inner), running.count(number))
            for number in sorted(set(running))
        )

    def _layer(self, group: int, place: int) -> Layer:
        name = f"albert.encoder.albert_layer_groups.{group}.albert_layers.{place}"
        hidden, wide = self._hidden, self._count("intermediate_size", 16384)
        parts = [
            self._normed(f"{name}.attention.{part}", hidden, hidden)
            for part in ("query", "key", "value")
        ]
        return Layer(
            attention=Linear(
                np.concatenate([part.weight for part in parts], axis=1),
                np.concatenate([part.bias for part in parts]),
                parts[0].moment,
                parts[0].reach,
            ),
            attention_output=self._linear(f"{name}.attention.dense", hidden, hidden),
            attention_norm=self._norm(f"{name}.attention.LayerNorm", hidden),
            expand=self._normed(f"{name}.ffn", hidden, wide),
            contract=self._linear(f"{name}.ffn_output", wide, hidden),
            norm=self._norm(f"{name}.full_layer_layer_norm", hidden),
        )

    def _linear(self, name: str, inputs: int, outputs: int) -> Linear:
        take = self._tensors.take
        return Linear(
            take(f"{name}.weight", outputs, inputs).T,
            take(f"{name}.bias", outputs),
            self._moments.get(name),
        )

    def _normed(self, name: str, inputs: int, outputs: int) -> Linear:
        """Return a product that reads a layer normalization."""
        return replace(self._linear(name, inputs, outputs), reach=self._reaches.get(name))

    def _norm(self, name: str, width: int) -> Norm:
        take = self._tensors.take
        return Norm(take(f"{name}.weight", width), take(f"{name}.bias", width))

    def _count(self, key: str, default: int) -> int:
        return whole(self._config, key, self._file, default)
