"""Trains a finished log network on a few hundred lines more, without letting it forget the rest.

Beside every line of the plant run lines from what the network already knew, on which it has to
answer as it did before: "learning without forgetting" (Li and Hoiem, 2016) with the old lines
themselves at hand.
"""

import copy
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AlbertForSequenceClassification

from edge_agent.core.logtext import normalize
from quantize.log_data import Message, roughened
from quantize.log_network import HEADS
from quantize.log_package import Trained
from quantize.pooling import line_logits, padded

_SPLIT = len(HEADS["category"])
_FRESH = ("classifier", "albert.pooler")
_SPREAD = 0.5  # of the logarithm of a temperature, before anything is known about a plant


class Depth(Enum):
    """How much of the network may move."""

    HEADS = "the pooler and the classifier"
    LAST = "the last layer group, too"
    ALL = "everything"


@dataclass(frozen=True, slots=True)
class Tuning:
    """How long and how fast.

    ``replay`` old lines run beside every line of the plant, and ``memory`` weighs what they say
    against it: at 1, a cobot's 114 lines cost 2.7 points of the severity F1 on what was known.
    """

    epochs: int = 15
    batch: int = 16
    replay: int = 2
    memory: float = 4.0
    rate: float = 1e-4
    head_rate: float = 5e-4
    smoothing: float = 0.05
    severity_weight: float = 0.7
    depth: Depth = Depth.LAST


def adapt(
    base: Trained,
    plant: Sequence[Message],
    replay: Sequence[Message],
    tuning: Tuning,
    seed: int,
) -> Trained:
    """Return a network that has learnt ``plant`` and its wording; ``base`` stays as it is.

    Args:
        base: The network to start from.
        plant: What to learn; every epoch roughens every line anew.
        replay: What not to forget; their labels are not used, only what ``base`` says of them.
        tuning: How long and how fast.
        seed: Of the order, the roughening and the dropout.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    network = copy.deepcopy(base.network)
    optimizer = _optimizer(network, tuning)
    steps = tuning.epochs * math.ceil(len(plant) / tuning.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [group["lr"] for group in optimizer.param_groups], total_steps=steps + 1
    )
    network.train()
    for lines in _batches(plant, tuning, rng):
        old = rng.sample(replay, min(len(replay), tuning.replay * len(lines)))
        texts = [*(roughened(rng, line.text) for line in lines), *(line.text for line in old)]
        ids, mask = _padded(base, texts)
        logits = line_logits(network, ids, mask)
        loss = _surprise(logits[: len(lines)], lines, tuning)
        if old:
            with torch.no_grad():
                before = line_logits(base.network, ids[len(lines) :], mask[len(lines) :])
            loss = loss + tuning.memory * _drift(logits[len(lines) :], before)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    network.train(mode=False)
    known = base.pairs.also(normalize(line.text).text for line in plant) if base.pairs else None
    return Trained(network, base.tokenizer, known)


def refitted_temperature(logits: NDArray[np.float32], truth: Sequence[int], before: float) -> float:
    """Return the likeliest temperature after a few lines, given the one from before.

    The maximum of the posterior on a grid: the likelihood of the lines times a log-normal prior
    around ``before``.  Thirty lines that are all answered rightly would otherwise ask for a
    temperature of almost nothing.
    """
    scores, wanted = torch.from_numpy(logits), torch.tensor(truth)

    def cost(heat: float) -> float:
        surprise = nn.functional.cross_entropy(scores / heat, wanted, reduction="sum")
        return float(surprise) + (math.log(heat / before) / _SPREAD) ** 2 / 2

    return min((before * 1.05**step for step in range(-40, 41)), key=cost)


def _surprise(logits: Tensor, lines: Sequence[Message], tuning: Tuning) -> Tensor:
    """Return the loss of the plant's own lines, over both heads."""
    wanted = {
        head: torch.tensor([HEADS[head].index(getattr(line, head)) for line in lines])
        for head in HEADS
    }
    loss = nn.CrossEntropyLoss(label_smoothing=tuning.smoothing)
    category: Tensor = loss(logits[:, :_SPLIT], wanted["category"])
    severity: Tensor = loss(logits[:, _SPLIT:], wanted["severity"])
    return category + tuning.severity_weight * severity


def _drift(logits: Tensor, before: Tensor) -> Tensor:
    """Return Kullback and Leibler's distance of the answers to old lines from those of the base."""
    apart = nn.KLDivLoss(reduction="batchmean")
    parts = (slice(0, _SPLIT), slice(_SPLIT, None))
    drift: Tensor = sum(
        apart(logits[:, part].log_softmax(dim=1), before[:, part].softmax(dim=1)) for part in parts
    )
    return drift


def _optimizer(network: AlbertForSequenceClassification, tuning: Tuning) -> torch.optim.Optimizer:
    last = f"albert.encoder.albert_layer_groups.{network.config.num_hidden_groups - 1}."
    moving = {Depth.HEADS: _FRESH, Depth.LAST: (*_FRESH, last), Depth.ALL: ("",)}[tuning.depth]
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, weight in network.named_parameters():
        weight.requires_grad_(name.startswith(moving))
        if weight.requires_grad:
            groups[name.startswith(_FRESH)].append(weight)
    rates = {True: tuning.head_rate, False: tuning.rate}
    parts = [{"params": some, "lr": rates[head]} for head, some in groups.items() if some]
    return torch.optim.AdamW(parts, weight_decay=0.01)


def _batches(
    messages: Sequence[Message], tuning: Tuning, rng: random.Random
) -> Iterator[Sequence[Message]]:
    for _ in range(tuning.epochs):
        order = rng.sample(messages, len(messages))
        for start in range(0, len(order), tuning.batch):
            yield order[start : start + tuning.batch]


def _padded(trained: Trained, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return token ids and attention mask of ``texts`` as the device would read them."""
    lines = trained.tokenizer.encode_batch([normalize(text).text for text in texts])
    return padded([line.ids for line in lines])
