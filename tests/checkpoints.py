"""Tiny networks with random weights, saved as a workshop would get them.

A test module that imports this is skipped, with the reason, where the workshop is not installed.
"""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

REASON = "the workshop (extra [quantize]) is not installed"
torch = pytest.importorskip("torch", reason=REASON)
transformers = pytest.importorskip("transformers", reason=REASON)
safetensors = pytest.importorskip("safetensors.torch", reason=REASON)
pytest.importorskip("onnx", reason=REASON)
networks = pytest.importorskip("quantize.networks", reason=REASON)

WORDS = ("bearing", "temperature", "high", "drive", "stopped", "encoder", "fault", "limit")
VOCABULARY = [
    *[(special, 0.0) for special in ("<pad>", "<unk>", "[CLS]", "[SEP]")],
    *[("▁" + word, -3.0) for word in WORDS],
    *[(letter, -5.0) for letter in "▁abcdefghijklmnopqrstuvwxyz,."],
]
LABELS = (
    *(f"category:{name}" for name in ("normal", "thermal", "mechanical")),
    *(f"severity:{name}" for name in ("info", "error")),
)


def save_lstm(folder: Path, *, features=2, hidden=8, steps=12, clip=8.0, seed=0) -> Path:
    """Save a forecasting LSTM and return its folder."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.save_file(
        networks.ForecastLSTM(features, hidden).state_dict(), folder / "model.safetensors"
    )
    config = {
        "features": features,
        "hidden": hidden,
        "steps": steps,
        "clip": clip,
        "name": "tiny-lstm",
        "version": "1",
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def save_albert(folder: Path, *, labels=LABELS, seed=0, **settings) -> Path:
    """Save an ALBERT classifier whose weights are large enough to make decisions."""
    torch.manual_seed(seed)
    settings = {
        "vocab_size": len(VOCABULARY),
        "embedding_size": 16,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 48,
        **settings,
    }
    network = transformers.AlbertForSequenceClassification(
        transformers.AlbertConfig(
            id2label=dict(enumerate(labels)),
            label2id={label: number for number, label in enumerate(labels)},
            architectures=["AlbertForSequenceClassification"],
            **settings,
        )
    )
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 1.2 / parameter.shape[-1] ** 0.5)
            else:
                parameter.add_(0.05 * torch.randn_like(parameter))
    folder.mkdir(parents=True, exist_ok=True)
    network.config.save_pretrained(folder)
    state = dict(network.state_dict())
    if settings.get("wide_tokens"):
        state["wide.weight"] = torch.randn(settings["vocab_size"], len(labels))
    safetensors.save_file(state, folder / "model.safetensors")
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def tokenizer() -> Tokenizer:
    """Return a Unigram tokenizer of the kind that ALBERT uses."""
    made = Tokenizer(models.Unigram(VOCABULARY, unk_id=1))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made
