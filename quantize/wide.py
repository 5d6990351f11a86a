"""The wide part of a log classifier: what each token says by itself, added to the deep logits.

A deep network knows what strange words mean and blurs the words of the trade; a linear model over
the tokens is the other way round ("Wide & Deep Learning", Cheng et al., 2016).  Both are trained
apart and joined late, as a weighted mean of their log probabilities: trained together, the wide
part would learn the training lines by heart before the deep one had said anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from quantize.checkpoint import WIDE

_STRENGTH = 10.0  # of the evidence against the prior that a token says nothing
_PASSES = 200
_TWO = 2

Array = NDArray[np.float32]


def fitted(
    lines: Sequence[Sequence[int]],
    labels: Mapping[str, Sequence[str]],
    heads: Mapping[str, Sequence[str]],
    vocabulary: int,
) -> tuple[Array, Array]:
    """Return what each token says about each label, and what no token says.

    The log odds of a line are the sum over its ``n`` tokens, divided by the root of ``n``, plus the
    second array: logistic regression on counts.

    Args:
        lines: Token numbers of every line.
        labels: The right label of every line, by head; heads that are left out get zeros.
        heads: The labels of every head, in the order of the logits.
        vocabulary: How many tokens there are.

    Returns:
        Weights ``(vocabulary, labels)`` and biases ``(labels,)``.
    """
    counts = _counts(lines, vocabulary)
    weights, biases = [], []
    for head, names in heads.items():
        weight, bias = np.zeros((vocabulary, len(names))), np.zeros(len(names))
        if head in labels:
            model = LogisticRegression(C=_STRENGTH, max_iter=_PASSES, tol=1e-3)
            model.fit(counts, [names.index(label) for label in labels[head]])
            sides = np.array([[-0.5], [0.5]]) if len(model.classes_) == _TWO else np.ones((1, 1))
            weight[:, model.classes_] = (sides * model.coef_).T  # of two labels it keeps one row
            bias[model.classes_] = (sides[:, 0] * model.intercept_).T
        weights.append(weight)
        biases.append(bias)
    return np.hstack(weights).astype(np.float32), np.concatenate(biases).astype(np.float32)


def join(network: nn.Module, weight: Array, bias: Array, share: Array) -> None:
    """Give ``network`` a wide part that has ``share`` of the say in each logit; it stays frozen.

    Args:
        network: A trained classifier with a linear layer ``classifier``.
        weight: Of :func:`fitted`, ``(vocabulary, labels)``.
        bias: Of :func:`fitted`, ``(labels,)``.
        share: Between 0 and 1, ``(labels,)``; the same for all labels of a head.
    """
    part = torch.from_numpy(share)
    attach(network, torch.from_numpy(weight) * part)
    deep: Any = network.classifier
    with torch.no_grad():
        deep.weight.mul_(1 - part.unsqueeze(1))
        deep.bias.mul_(1 - part).add_(torch.from_numpy(bias) * part)


def attach(network: nn.Module, weight: Tensor) -> None:
    """Give ``network`` the wide part ``weight`` as it is, ``(vocabulary, labels)``."""
    wide = nn.Embedding(weight.shape[0], weight.shape[1])
    wide.weight = nn.Parameter(weight, requires_grad=False)
    network.wide = wide
    setattr(network.config, WIDE, True)


def said(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor | float:
    """Return what the wide part adds to the logits, ``(lines, labels)``, or 0 without one."""
    wide = getattr(network, "wide", None)
    if wide is None:
        return 0.0
    seen = mask.unsqueeze(-1).to(wide.weight.dtype)
    added: Tensor = (wide(ids) * seen).sum(dim=1) / seen.sum(dim=1).sqrt()
    return added


def _counts(lines: Sequence[Sequence[int]], vocabulary: int) -> csr_matrix:
    rows = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    columns = np.concatenate([np.asarray(line, np.int64) for line in lines])
    values = np.concatenate([np.full(len(line), len(line) ** -0.5) for line in lines])
    return csr_matrix((values, (rows, columns)), (len(lines), vocabulary))
