"""The last step of the default log package: a trained network becomes int8 behind the gates."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AlbertForSequenceClassification

from edge_agent.core.logtext import normalize
from edge_agent.core.manifest import LogInput, Manifest, Task
from edge_agent.core.wordpairs import WordPairs
from edge_agent.io.model_package import PAIRS, TOKENIZER
from quantize.albert import EXTRAS, quantize_albert
from quantize.log_data import Message
from quantize.log_network import HEADS, MAX_TOKENS
from quantize.log_training import logits_of

VERSION = "3"
_CALIBRATION = "training.jsonl"
_JUDGED = "strangers.jsonl"
_ROUNDED_FOR = 8000  # lines: rounded for 500, the network of version 3 agrees on 98.9 % only


@dataclass(frozen=True, slots=True)
class Limits:
    """What the held-out systems say about how far the model can be believed.

    ``normal_bias`` is what the logit of ``normal`` lacks, because training saw more faults than a
    plant does; the other figures hold for logits that have it.
    """

    temperature: dict[str, float]
    abstain_below: float
    novel_below: float
    normal_bias: float = 0.0
    novel_from: float = 1.0


@dataclass(frozen=True, slots=True)
class Trained:
    """A network, its tokenizer and the pairs of words it has met, before quantization."""

    network: AlbertForSequenceClassification
    tokenizer: Tokenizer
    pairs: WordPairs | None = None

    def logits(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        """Return the logits of every message, shape ``(messages, labels)``."""
        return self.logits_of([normalize(message.text).text for message in messages])

    def logits_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the logits of texts as the device reads them, shape ``(texts, labels)``."""
        return logits_of(self.network, self.tokenizer, texts)


def manifest(limits: Limits) -> Manifest:
    """Return how the device uses the network, before quantization."""
    log = LogInput(
        max_tokens=MAX_TOKENS,
        heads=HEADS,
        temperature=limits.temperature,
        abstain_below=limits.abstain_below,
        novel_below=limits.novel_below,
        novel_from=limits.novel_from,
    )
    return Manifest("log-albert", VERSION, Task.LOG_CLASSIFICATION, "float32", log=log)


def write_checkpoint(folder: Path, trained: Trained, limits: Limits) -> Path:
    """Write the network into ``folder`` as Hugging Face does, with what the device must know."""
    trained.network.save_pretrained(folder, state_dict=_biased(trained.network, limits.normal_bias))
    trained.tokenizer.save(str(folder / TOKENIZER), pretty=False)
    if trained.pairs is not None:
        (folder / PAIRS).write_bytes(trained.pairs.bits)
    extras = {
        "name": "log-albert",
        "version": VERSION,
        "max_tokens": MAX_TOKENS,
        "temperature": limits.temperature,
        "abstain_below": limits.abstain_below,
        "novel_below": limits.novel_below,
        "novel_from": limits.novel_from,
    }
    (folder / EXTRAS).write_text(json.dumps(extras), encoding="utf-8")
    return folder


def _biased(network: AlbertForSequenceClassification, bias: float) -> dict[str, Tensor]:
    """Return the weights, the logit of ``normal`` raised by ``bias``."""
    state = dict(network.state_dict())
    state["classifier.bias"] = state["classifier.bias"].clone()
    state["classifier.bias"][HEADS["category"].index("normal")] += bias
    return state


def quantize_log(
    checkpoint: Path,
    out: Path,
    training: Sequence[Message],
    judged: Sequence[Message],
    seed: int = 0,
) -> None:
    """Write the package ``out`` from a trained network, by the default gates.

    Args:
        checkpoint: What :func:`write_checkpoint` wrote.
        out: The package folder.
        training: The weights are rounded so as to serve these; a line that is also judged is left
            out of them.
        judged: The gates run on these, which the network has not learnt from.
        seed: Of what the gates draw at random.

    Raises:
        GateFailed: int8 costs more than the gates allow.
    """
    lines = _lines(judged)
    seen = {line["text"] for line in lines}
    calibration = [line for line in _lines(training) if line["text"] not in seen]
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / name for name in (_CALIBRATION, _JUDGED)]
        for file, rows in zip(files, (calibration, lines), strict=True):
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.write_text(text, encoding="utf-8")
        quantize_albert(checkpoint, out, *files, seed=seed, rounded_for=_ROUNDED_FOR)


def _lines(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages as the model reads them, labelled; those without any text are left out."""
    rows = [
        {"text": normalize(m.text).text, "category": m.category, "severity": m.severity}
        for m in messages
    ]
    return [row for row in rows if row["text"]]
