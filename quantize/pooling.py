"""How a classifier makes one vector of a line: its first token, as ALBERT does, or all its tokens.

A network that starts from a sentence encoder already says what a line means in the mean of its
tokens; its first token has never been asked.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import AlbertForSequenceClassification

from quantize.checkpoint import POOLING
from quantize.export_albert import FIRST
from quantize.wide import said


def line_logits(network: AlbertForSequenceClassification, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the logits of padded lines, ``(lines, labels)``, pooled as the configuration says.

    Args:
        network: The classifier; without :data:`POOLING` in its configuration it is plain ALBERT.
        ids: Token numbers, ``(lines, length)``.
        mask: 1 for a token, 0 for padding, ``(lines, length)``; every line has a token.
    """
    return _deep_logits(network, ids, mask) + said(network, ids, mask)


def _deep_logits(network: AlbertForSequenceClassification, ids: Tensor, mask: Tensor) -> Tensor:
    if getattr(network.config, POOLING, FIRST) == FIRST:
        logits: Tensor = network(input_ids=ids, attention_mask=mask).logits
        return logits
    states = network.albert(input_ids=ids, attention_mask=mask).last_hidden_state
    seen = mask.unsqueeze(-1).to(states.dtype)
    mean = (states * seen).sum(dim=1) / seen.sum(dim=1)
    pooled = network.albert.pooler_activation(network.albert.pooler(mean))
    pooled_logits: Tensor = network.classifier(network.dropout(pooled))
    return pooled_logits


def padded(lines: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return token ids and attention mask of several lines, each ``(lines, longest line)``."""
    longest = max(map(len, lines))
    ids = torch.tensor([[*line, *[0] * (longest - len(line))] for line in lines])
    mask = torch.tensor([[1] * len(line) + [0] * (longest - len(line)) for line in lines])
    return ids, mask
