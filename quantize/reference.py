"""The checkpoint as torch runs it: the truth that the graphs are compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AlbertConfig, AlbertForSequenceClassification

from quantize.checkpoint import WIDE_WEIGHT, read_config, read_tensors
from quantize.pooling import line_logits, padded
from quantize.wide import attach


def torch_albert(checkpoint: Path) -> AlbertForSequenceClassification:
    """Return the classifier in ``checkpoint``, ready to score."""
    network = AlbertForSequenceClassification(AlbertConfig.from_dict(read_config(checkpoint)))
    by_name = read_tensors(checkpoint).by_name
    if WIDE_WEIGHT in by_name:
        attach(network, torch.tensor(by_name[WIDE_WEIGHT]))
    network.load_state_dict({k: torch.tensor(v) for k, v in by_name.items()}, strict=False)
    network.train(mode=False)
    return network


def torch_logits(
    network: AlbertForSequenceClassification, lines: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """Return the logits of several lines as one padded batch, ``(lines, labels)``."""
    ids, mask = padded(lines)
    with torch.no_grad():
        logits: NDArray[np.float32] = line_logits(network, ids, mask).numpy()
    return logits


def input_moments(
    network: AlbertForSequenceClassification, lines: Sequence[Sequence[int]]
) -> dict[str, NDArray[np.float64]]:
    """Return the moments of :func:`observed_inputs` alone."""
    return {name: seen.moment for name, seen in observed_inputs(network, lines).items()}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a linear module reads: ``moment`` is ``E[x x^T]``, ``reach`` the largest ``|x|``."""

    moment: NDArray[np.float64]
    reach: float


def observed_inputs(
    network: AlbertForSequenceClassification, lines: Sequence[Sequence[int]]
) -> dict[str, Inputs]:
    """Return what each linear module reads while ``network`` scores ``lines``.

    Lines run one by one, so that no padding enters the mean.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    reaches: dict[str, float] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def add(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            rows: Tensor = inputs[0].reshape(-1, inputs[0].shape[-1])
            product = (rows.T @ rows).numpy()
            if name not in sums:
                sums[name], counts[name], reaches[name] = np.zeros(product.shape), 0, 0.0
            sums[name] += product
            counts[name] += len(rows)
            reaches[name] = max(reaches[name], float(rows.abs().max()))

        return add

    linear = [(name, part) for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    hooks = [part.register_forward_pre_hook(watch(name)) for name, part in linear]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # single lines are too small to share, and the threads spin
    for line in lines:
        torch_logits(network, [line])
    torch.set_num_threads(threads)
    for hook in hooks:
        hook.remove()
    return {name: Inputs(sums[name] / counts[name], reaches[name]) for name in sums}
