"""The log classifier: an ALBERT that starts from what MiniLM knows, its vocabulary and its maths.

Word embeddings are pruned to the words that matter here, factorized to 256 dimensions and rounded
to four bits before anything is trained on them, for they stay as they are; the encoder's layer
groups are MiniLM's first layers.  The checkpoint is a plain ``AlbertForSequenceClassification``;
only how it is pooled (:mod:`quantize.pooling`) is MiniLM's, and what :mod:`quantize.wide` adds.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import AlbertConfig, AlbertForSequenceClassification

from edge_agent.core.records import Category, Severity
from quantize.checkpoint import POOLING
from quantize.export_albert import MEAN
from quantize.nibbles import rounded

HEADS = {
    "category": tuple(category.value for category in Category),
    "severity": tuple(severity.value for severity in Severity),
}
MAX_TOKENS = 48
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_FIRST_WORD = 999  # MiniLM's vocabulary: special and unused tokens first, then signs, then words


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the network: ``groups`` different layers, run ``layers`` times in all."""

    groups: int = 3
    layers: int = 3
    embedding: int = 256
    vocabulary: int = 13000


def pruned_tokenizer(minilm: Path, texts: Iterable[str], size: int) -> tuple[Tokenizer, list[int]]:
    """Return a WordPiece tokenizer over at most ``size`` of MiniLM's tokens, and their old ids.

    Kept are the special tokens, single characters, every token that ``texts`` use, and then
    MiniLM's own order, which is by frequency in English: words that only strangers say still mean
    something.
    """
    full = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    full.no_padding()
    full.no_truncation()
    known = full.get_vocab()
    used = {index for text in texts for index in full.encode(text).ids}
    by_id = {index: token for token, index in known.items()}
    plain = {i for i, token in by_id.items() if token.isascii() and not token.isdigit()}
    single = {i for i in plain if i >= _FIRST_WORD and len(by_id[i].removeprefix("##")) == 1}
    kept = dict.fromkeys(known[token] for token in _SPECIAL)
    kept |= dict.fromkeys(sorted(single | used))
    for index in sorted(plain):
        if len(kept) >= size:
            break
        if index >= _FIRST_WORD:
            kept.setdefault(index)
    ids = list(kept)
    vocabulary = {by_id[index]: place for place, index in enumerate(ids)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=_SPECIAL[1], max_input_chars_per_word=64))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer, ids


def from_minilm(minilm: Path, ids: Sequence[int], shape: Shape) -> AlbertForSequenceClassification:
    """Return an untrained classifier over MiniLM's embeddings ``ids`` and its first layers."""
    teacher = load_file(str(minilm / "model.safetensors"))
    source = json.loads((minilm / "config.json").read_text(encoding="utf-8"))
    labels = [f"{head}:{label}" for head, names in HEADS.items() for label in names]
    network = AlbertForSequenceClassification(
        AlbertConfig(
            vocab_size=len(ids),
            embedding_size=shape.embedding,
            hidden_size=source["hidden_size"],
            num_hidden_layers=shape.layers,
            num_hidden_groups=shape.groups,
            num_attention_heads=source["num_attention_heads"],
            intermediate_size=source["intermediate_size"],
            hidden_act="gelu",
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.1,
            classifier_dropout_prob=0.1,
            max_position_embeddings=64,
            type_vocab_size=1,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=3,
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
        )
    )
    setattr(network.config, POOLING, MEAN)
    network.config._attn_implementation = "eager"  # noqa: SLF001 - quicker on short lines
    for group in range(shape.groups):
        _take_layer(network, group, teacher, f"encoder.layer.{group}.")
    _fit_embeddings(network, teacher, ids)
    words = network.albert.embeddings.word_embeddings.weight
    with torch.no_grad():
        words.copy_(torch.from_numpy(rounded(words.numpy())))
    return network


def _take_layer(
    network: AlbertForSequenceClassification, group: int, teacher: dict[str, Tensor], prefix: str
) -> None:
    groups: Any = network.albert.encoder.albert_layer_groups
    layer = groups[group].albert_layers[0]
    pairs = {
        "attention.self.query": layer.attention.query,
        "attention.self.key": layer.attention.key,
        "attention.self.value": layer.attention.value,
        "attention.output.dense": layer.attention.dense,
        "attention.output.LayerNorm": layer.attention.LayerNorm,
        "intermediate.dense": layer.ffn,
        "output.dense": layer.ffn_output,
        "output.LayerNorm": layer.full_layer_layer_norm,
    }
    with torch.no_grad():
        for name, module in pairs.items():
            module.weight.copy_(teacher[f"{prefix}{name}.weight"])
            module.bias.copy_(teacher[f"{prefix}{name}.bias"])


def _fit_embeddings(
    network: AlbertForSequenceClassification,
    teacher: dict[str, Tensor],
    ids: Sequence[int],
    steps: int = 1500,
) -> None:
    """Make the factorized embeddings answer what MiniLM's answer, for every token and place.

    Starts from the pruned word table's best factorization of that width (SVD), then a regression
    absorbs what ALBERT does differently: its layer normalization lies before the projection.
    """
    embeddings, projection = network.albert.embeddings, network.albert.encoder
    words = teacher["embeddings.word_embeddings.weight"][torch.tensor(ids)]
    places = teacher["embeddings.position_embeddings.weight"][:64]
    kind = teacher["embeddings.token_type_embeddings.weight"][0]
    norm = nn.LayerNorm(words.shape[1], eps=1e-12)
    with torch.no_grad():
        norm.weight.copy_(teacher["embeddings.LayerNorm.weight"])
        norm.bias.copy_(teacher["embeddings.LayerNorm.bias"])
        centre = words.mean(dim=0)
        left, scale, right = torch.linalg.svd(words - centre, full_matrices=False)
        width = embeddings.word_embeddings.weight.shape[1]
        size = (left[:, :width] * scale[:width]).std()
        embeddings.word_embeddings.weight.copy_(left[:, :width] * scale[:width] / size)
        embeddings.position_embeddings.weight.copy_((places @ right[:width].T) / size)
        embeddings.token_type_embeddings.weight.zero_()
        projection.embedding_hidden_mapping_in.weight.copy_(right[:width].T * size * 10)
        projection.embedding_hidden_mapping_in.bias.zero_()
    modules = (embeddings, projection.embedding_hidden_mapping_in)
    parameters = [weight for module in modules for weight in module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    embeddings.eval()
    for _ in range(steps):
        token = torch.randint(len(ids), (64, 16))
        place = torch.randint(MAX_TOKENS, (64, 1)).expand(-1, 16)
        with torch.no_grad():
            wanted = norm(words[token] + places[place] + kind)
        answer = projection.embedding_hidden_mapping_in(
            embeddings(input_ids=token, position_ids=place)
        )
        loss = nn.functional.mse_loss(answer, wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    spread = float(wanted.var())
    print(f"embeddings: {1 - loss.item() / spread:.1%} of the variance kept in {width} dimensions")
