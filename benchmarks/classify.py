"""How fast log lines are read, and how many of them the template cache answers.

Every ``*.log`` below the folder is read by the shipped model, as ``edge-agent classify`` does it,
rows written out: cold, with an empty cache, and warm, the same lines again.  Prints a table of
medians, a row a file; lines per second are those of one core.  *Unknown* counts the templates that
nothing fits and that do not call themselves info.

With ``--huggingface N`` as many of the same lines, evenly picked, go through
``transformers.pipeline("text-classification")`` in float32 torch, on one thread: already
normalized, which costs it nothing, one by one and in batches of 32.  Its network has the shape and
the tokenizer of the shipped one and random weights, on which no time depends.

    python benchmarks/classify.py --data DIR [--runs 3] [--huggingface 400]
"""

import argparse
import io
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.core.logscore import LogScorer
from edge_agent.core.logtext import normalize
from edge_agent.core.site import Caps
from edge_agent.io.model_package import TOKENIZER, load_package
from edge_agent.io.runtime import OnnxLogModel
from edge_agent.offline import classify_with
from edge_agent.settings import Settings

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of a list of lines; the time is that of one core."""

    lines_per_s: float
    hit_rate: float


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--huggingface", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    logs = {file.stem: _lines(file) for file in sorted(arguments.data.rglob("*.log"))}
    if not logs:
        parser.error(f"no *.log below {arguments.data}")
    every = [line for lines in logs.values() for line in lines]
    model = OnnxLogModel(load_package(Settings().log_model))
    print(f"{arguments.runs} runs, medians, one thread; {_machine()}\n")
    print("| | lines | templates | unknown | cold lines/s | cold hits | warm lines/s | warm hits |")
    print("|---|---|---|---|---|---|---|---|")
    for name, lines in logs.items():
        _print_row(name, lines, model, arguments.runs)
    cold = _print_row("all, one cache", every, model, arguments.runs)
    if arguments.huggingface:
        _print_beside(every[:: max(1, len(every) // arguments.huggingface)], cold)


def _print_row(name: str, lines: list[bytes], model: OnnxLogModel, runs: int) -> float:
    """Print the figures of one file; return the lines per second that a cold cache allows."""
    cold, warm = [], []
    scorer = LogScorer(model, Caps().templates)
    for _ in range(runs):
        scorer = LogScorer(model, Caps().templates)
        cold.append(_read(scorer, lines))
        warm.append(_read(scorer, lines))
    unknown = {s.template for s in scorer.score_each([_text(line) for line in lines]) if s.unknown}
    cells = [
        f"{statistics.median(p.lines_per_s for p in passes):,.0f} | {passes[0].hit_rate:.1%}"
        for passes in (cold, warm)
    ]
    print(
        f"| {name} | {len(lines)} | {scorer.templates} | {len(unknown)} | {' | '.join(cells)} |",
        flush=True,
    )
    return statistics.median(p.lines_per_s for p in cold)


def _read(scorer: LogScorer, lines: list[bytes]) -> Pass:
    hits, source, out = scorer.hits, io.BytesIO(b"\n".join(lines)), io.StringIO()
    taken_s = _taken_s(lambda: classify_with(scorer, source, out))
    return Pass(len(lines) / taken_s, (scorer.hits - hits) / len(lines))


def _print_beside(lines: list[bytes], ours_per_s: float) -> None:
    texts = [normalize(_text(line)).text or "-" for line in lines]
    read = _huggingface()
    read(texts[:_BATCH], batch_size=1)  # warms up
    print(f'\n| pipeline("text-classification"), {len(texts)} lines | lines/s | ours is |')
    print("|---|---|---|")
    for size in (1, _BATCH):
        taken_s = _taken_s(lambda size=size: read(texts, batch_size=size))  # type: ignore[misc]
        per_s = len(texts) / taken_s
        print(f"| batches of {size} | {per_s:,.0f} | {ours_per_s / per_s:.0f}x |", flush=True)


def _huggingface() -> Callable[..., Any]:
    """Return the pipeline, float32 on one thread."""
    import torch  # noqa: PLC0415 - only where it is compared
    from albert_int8 import NETWORKS  # noqa: PLC0415
    from transformers import (  # noqa: PLC0415
        AlbertConfig,
        AlbertForSequenceClassification,
        PreTrainedTokenizerFast,
        pipeline,
    )

    package = load_package(Settings().log_model)
    log = package.manifest.log
    assert log is not None  # noqa: S101 - the shipped package is one
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    shape = NETWORKS["log-albert"] | {
        "embedding_size": 128,
        "max_position_embeddings": 64,
        "num_labels": sum(map(len, log.heads.values())),
    }
    network: Any = AlbertForSequenceClassification(AlbertConfig(**shape))
    make_tokenizer: Any = PreTrainedTokenizerFast  # it has no types
    tokenizer = make_tokenizer(
        tokenizer_file=str(package.file(TOKENIZER)),
        pad_token="[PAD]",  # noqa: S106
        model_max_length=log.max_tokens,
        model_input_names=["input_ids", "attention_mask"],
    )
    reader: Callable[..., Any] = pipeline(
        "text-classification",
        model=network.eval(),
        tokenizer=tokenizer,
        device="cpu",
        truncation=True,
    )
    return reader


def _taken_s(act: Callable[[], object]) -> float:
    began_s = time.process_time()
    act()
    return time.process_time() - began_s


def _lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines()


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace")


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
