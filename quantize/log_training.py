"""Fine-tuning and calibrating the log classifier; knows nothing of files."""

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AlbertForSequenceClassification

from edge_agent.core.logtext import normalize
from quantize.log_data import Message, roughened
from quantize.log_lines import SYSTEM as GENERATED
from quantize.log_network import HEADS
from quantize.log_phrases import SYSTEM as WRITTEN
from quantize.pooling import line_logits, padded

_SPLIT = len(HEADS["category"])
_ROUTINE = {"normal", "info"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast to train; ``own`` lines of each of our systems make an epoch."""

    epochs: int = 12
    batch: int = 32
    own: Mapping[str, int] = field(default_factory=lambda: {GENERATED: 1500, WRITTEN: 9000})
    encoder_rate: float = 1.5e-4
    head_rate: float = 1e-3
    smoothing: float = 0.1
    severity_weight: float = 1.0


def fine_tune(
    network: AlbertForSequenceClassification,
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    recipe: Recipe,
    seed: int,
) -> None:
    """Train ``network`` in place; every epoch roughens every line anew.

    The embeddings stay as MiniLM learnt them: a word that only strangers say keeps its place beside
    the words that the training has met.  Both heads are weighted by the inverse square root of
    their class frequency: full balance would make the rare severities louder than their labels
    deserve.  Routine keeps the weight 1, because in a plant it is commoner still than here.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    by_system = _by_system(messages)
    typical = _drawn(by_system, recipe, random.Random(seed))  # noqa: S311 - the same as above
    losses = [
        nn.CrossEntropyLoss(_weights(labels, HEADS[head]), label_smoothing=recipe.smoothing)
        for head, labels in (
            ("category", [message.category for message in typical]),
            ("severity", [message.severity for message in typical]),
        )
    ]
    optimizer = _optimizer(network, recipe)
    steps = recipe.epochs * math.ceil(len(typical) / recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, step / (0.1 * steps)) * max(0.0, 1 - step / steps)
    )
    network.train()
    for epoch in range(recipe.epochs):
        began, total = time.monotonic(), 0.0
        lines = _drawn(by_system, recipe, rng)
        for ids, mask, category, severity in _batches(tokenizer, lines, recipe.batch, rng):
            logits = line_logits(network, ids, mask)
            loss = losses[0](logits[:, :_SPLIT], category)
            loss = loss + recipe.severity_weight * losses[1](logits[:, _SPLIT:], severity)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(ids)
        print(
            f"epoch {epoch + 1}/{recipe.epochs}: loss {total / len(lines):.3f},"
            f" {time.monotonic() - began:.0f} s",
            flush=True,
        )
    network.train(mode=False)


def logits_of(
    network: AlbertForSequenceClassification, tokenizer: Tokenizer, texts: Sequence[str]
) -> NDArray[np.float32]:
    """Return float32 logits, shape ``(texts, labels)``, of lines as the device would read them."""
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
    answers = np.zeros((len(texts), sum(map(len, HEADS.values()))), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            ids, mask = padded([encoded[row] for row in rows])
            answers[rows] = line_logits(network, ids, mask).numpy()
    return answers


def fitted_temperature(logits: NDArray[np.float32], truth: Sequence[int]) -> float:
    """Return the temperature that makes held-out probabilities most truthful.

    The one-parameter minimum of the negative log likelihood (Guo et al., "On Calibration of
    Modern Neural Networks", 2017), found on a grid: the curve has one minimum.
    """
    scores, wanted = torch.from_numpy(logits), torch.tensor(truth)
    grid = [0.3 * 1.05**step for step in range(60)]
    return min(grid, key=lambda heat: float(nn.functional.cross_entropy(scores / heat, wanted)))


def _weights(labels: Sequence[str], names: Sequence[str]) -> Tensor:
    counts = Counter(labels)
    raw = torch.tensor([1 / math.sqrt(max(1, counts[name])) for name in names])
    frequency = torch.tensor([counts[name] / len(labels) for name in names])
    weights = raw / (raw * frequency).sum()
    weights[[name in _ROUTINE for name in names]] = 1.0
    return weights


def _by_system(messages: Sequence[Message]) -> dict[str, list[Message]]:
    systems: dict[str, list[Message]] = {}
    for message in messages:
        systems.setdefault(message.system, []).append(message)
    return systems


def _drawn(
    by_system: Mapping[str, Sequence[Message]], recipe: Recipe, rng: random.Random
) -> list[Message]:
    """Return the lines of one epoch: all of the vendors', and a sample of each system of ours."""
    lines: list[Message] = []
    for system, messages in by_system.items():
        lines += rng.sample(messages, min(len(messages), recipe.own.get(system, len(messages))))
    return lines


def _optimizer(network: AlbertForSequenceClassification, recipe: Recipe) -> torch.optim.Optimizer:
    fresh, frozen = {"pooler", "classifier"}, {"embeddings", "embedding_hidden_mapping_in"}
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, weight in network.named_parameters():
        parts = set(name.split("."))
        weight.requires_grad_(not parts & frozen)
        if weight.requires_grad:
            groups[bool(parts & fresh)].append(weight)
    return torch.optim.AdamW(
        [
            {"params": groups[True], "lr": recipe.head_rate},
            {"params": groups[False], "lr": recipe.encoder_rate},
        ],
        weight_decay=0.01,
    )


def _batches(
    tokenizer: Tokenizer, messages: Sequence[Message], size: int, rng: random.Random
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Yield one epoch in batches of similar length, so that little is computed on padding."""
    texts = [normalize(roughened(rng, message.text)).text for message in messages]
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    order = sorted(range(len(messages)), key=lambda index: len(encoded[index]) + 2 * rng.random())
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(chunks)
    for rows in chunks:
        ids, mask = padded([encoded[row] for row in rows])
        yield (
            ids,
            mask,
            torch.tensor([HEADS["category"].index(messages[row].category) for row in rows]),
            torch.tensor([HEADS["severity"].index(messages[row].severity) for row in rows]),
        )
