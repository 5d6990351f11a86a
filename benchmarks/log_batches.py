"""What new log lines gain by sharing a run of the shipped model.

Prints the milliseconds of one core that a line of some tokens costs in runs of some lines, the
best of five, and in how many lines the logits of a shared run differ from those of the line alone.

    python benchmarks/log_batches.py
"""

import time

import numpy as np

from edge_agent.io.model_package import load_package
from edge_agent.io.runtime import OnnxLogModel
from edge_agent.settings import Settings

_TOKENS = (4, 8, 16, 32)
_LINES = (1, 2, 4, 8, 16)
_REPEATS = 16
_WORDS = ("motor", "drive", "fault", "temperature", "pump", "lost", "error", "position")


def main() -> None:
    """Measure and print."""
    model, draw = OnnxLogModel(load_package(Settings().log_model)), np.random.default_rng(0)
    print(f"| tokens | {' | '.join(map(str, _LINES))} | lines that differ |")
    print("|---" * (len(_LINES) + 2) + "|")
    for tokens in _TOKENS:
        texts = [_text(model, tokens, draw) for _ in range(max(_LINES))]
        together = model.logits_each(texts)
        alone = np.array([model.logits(text) for text in texts])
        differ = int((together != alone).any(axis=1).sum())
        costs = (f"{_cost_ms(model, texts[:lines]):.2f}" for lines in _LINES)
        print(f"| {tokens} | {' | '.join(costs)} | {differ} of {len(texts)} |", flush=True)


def _text(model: OnnxLogModel, tokens: int, draw: np.random.Generator) -> str:
    """Return a line of that many tokens, the two that frame it included."""
    text = " ".join(draw.choice(_WORDS, tokens - 2))
    assert len(model.tokens(text)) == tokens, text  # noqa: S101 - each word is one token
    return text


def _cost_ms(model: OnnxLogModel, texts: list[str]) -> float:
    taken = []
    for _ in range(5):
        began_s = time.process_time()
        for _ in range(_REPEATS):
            model.logits_each(texts)
        taken.append(1e3 * (time.process_time() - began_s) / _REPEATS / len(texts))
    return min(taken)


if __name__ == "__main__":
    main()
