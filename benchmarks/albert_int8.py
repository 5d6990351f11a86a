"""What int8 makes of an ALBERT classifier: size, load time, memory and latency, six ways.

    .venv/bin/python benchmarks/albert_int8.py [--docs docs] [--repeats 15] [--cpu-time]

Compared are torch in float32, its plain ONNX export, ``quantize_dynamic`` of that export, and the
graph of this workshop in float32, in int8, and in int8 with fixed activation scales behind layer
norms; each on one thread.  Latencies are medians, taken in turns, so that their ratios hold on a
busy machine; ``--cpu-time`` takes the time of the processor instead of that on the wall, which a
very busy one needs.  Weights are random: none of these figures depends on them.
Needs the extra [quantize]; with ``--docs`` also matplotlib, for the plot.  ``without_avx512.py``
beside this file runs it as an older processor would.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AlbertConfig, AlbertForSequenceClassification

from edge_agent.io.runtime import Session
from quantize.agreement import padded_logits
from quantize.checkpoint import read_albert
from quantize.evaluate import latencies_ms, machine
from quantize.export_albert import Float32, Int8, export
from quantize.reference import observed_inputs

SHAPES = ((1, 16), (1, 32), (1, 64), (1, 128), (8, 32))
NETWORKS: dict[str, dict[str, Any]] = {
    "base": {
        "vocab_size": 30_000,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
    "log-albert": {  # the package that ships
        "vocab_size": 14_000,
        "hidden_size": 384,
        "num_hidden_layers": 3,
        "num_hidden_groups": 3,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "hidden_act": "gelu",
    },
}
TORCH, ONNX, NAIVE = "torch float32", "ONNX float32", "quantize_dynamic"
GRAPH, OURS, FIXED = "our graph in float32", "quantize albert", "quantize albert --fixed-scales"


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one way to run one network; ``latency_ms`` by batch x length."""

    way: str
    file_mb: float
    load_s: float
    rss_mb: float
    latency_ms: Mapping[str, float]


def main() -> None:
    """Measure every network and print one table each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, help="write the table and the plot into this folder")
    parser.add_argument("--name", default="albert_int8", help="of the files in that folder")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--cpu-time", action="store_true", help="for a very busy machine")
    parser.add_argument("--load", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        print(*_loaded(given.load[0], Path(given.load[1])))
        return
    torch.set_num_threads(1)
    clock = time.thread_time if given.cpu_time else time.perf_counter
    results = {name: _measured(name, given.repeats, clock) for name in NETWORKS}
    text = "\n\n".join(_table(name, rows) for name, rows in results.items())
    command = " ".join(["python", *sys.argv])
    text += f"\n\n`{command}`, one thread, on {', '.join(map(str, machine().values()))} cores.\n"
    print(text)
    if given.docs:
        (given.docs / f"{given.name}.md").write_text("# int8 ALBERT, measured\n\n" + text)
        _plot(results, given.docs / f"{given.name}.png")


def _measured(name: str, repeats: int, clock: Callable[[], float]) -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files, network = _files(name, folder)
        sessions = {way: Session(file) for way, file in files.items() if way != TORCH}
        latency: dict[str, dict[str, float]] = {way: {} for way in files}
        vocabulary = NETWORKS[name]["vocab_size"]
        for batch, length in SHAPES:
            lines = np.random.default_rng(0).integers(0, vocabulary, (batch, length)).tolist()
            runs: dict[str, Callable[[], object]] = {TORCH: partial(_torch_run, network, lines)}
            for way, session in sessions.items():
                runs[way] = partial(padded_logits, session, lines)
            for way, taken in latencies_ms(runs, repeats, clock).items():
                latency[way][f"{batch}x{length}"] = taken
        rows = []
        for way, file in files.items():
            load_s, rss_mb = _load_in_subprocess(way, file)
            size = file.stat().st_size / 1e6
            rows.append(Row(way, size, load_s, rss_mb, latency[way]))
        return rows


def _files(name: str, folder: Path) -> tuple[dict[str, Path], torch.nn.Module]:
    """Write one random network in all ways."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - telemetry

    torch.manual_seed(0)
    config = AlbertConfig.from_dict({**NETWORKS[name], "num_labels": 14})
    network = AlbertForSequenceClassification(config)
    network.train(mode=False)
    network.save_pretrained(folder)
    files = {
        TORCH: folder / "model.safetensors",
        ONNX: folder / "plain.onnx",
        NAIVE: folder / "naive.onnx",
        GRAPH: folder / "graph.onnx",
        OURS: folder / "ours.onnx",
        FIXED: folder / "fixed.onnx",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of the exporter that works here
        _export_plainly(network, files[ONNX])
        quantize_dynamic(files[ONNX], files[NAIVE], weight_type=QuantType.QInt8)
    seen = observed_inputs(network, [[2, *range(5, 30), 3]])
    fixed = read_albert(folder, reaches={part: inputs.reach for part, inputs in seen.items()})
    albert = read_albert(folder)
    for way, exported in (
        (GRAPH, export(albert, Float32())),
        (OURS, export(albert, Int8())),
        (FIXED, export(fixed, Int8())),
    ):
        files[way].write_bytes(exported.SerializeToString())
    return files, network


def _export_plainly(network: torch.nn.Module, file: Path) -> None:
    """Export as every tutorial does."""
    ids = torch.ones((1, 16), dtype=torch.long)
    axes = {0: "batch", 1: "length"}
    names = ("input_ids", "attention_mask")
    torch.onnx.export(
        network,
        (ids, ids),
        str(file),
        input_names=list(names),
        output_names=["logits"],
        dynamic_axes={**dict.fromkeys(names, axes), "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def _torch_run(network: torch.nn.Module, lines: list[list[int]]) -> object:
    ids = torch.tensor(lines)
    with torch.no_grad():
        return network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


def _load_in_subprocess(way: str, file: Path) -> tuple[float, float]:
    """Return load time and memory, of a process that does nothing else."""
    command = [sys.executable, __file__, "--load", way, str(file)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    load_s, rss_mb = done.stdout.split()[-2:]
    return float(load_s), float(rss_mb)


def _loaded(way: str, file: Path) -> tuple[float, float]:
    """Load in this process and score one line, without which torch would only have mapped the file.

    The growth of the memory leaves out the imported libraries.
    """
    Session(_tiny_graph(file.parent))  # imports ONNX Runtime
    torch.set_num_threads(1)
    line = [[2] * 32]
    before = _rss_mb()
    start = time.perf_counter()
    if way == TORCH:
        network = AlbertForSequenceClassification.from_pretrained(file.parent)
        taken = time.perf_counter() - start
        _torch_run(network, line)
    else:
        session = Session(file)
        taken = time.perf_counter() - start
        padded_logits(session, line)
    return taken, _rss_mb() - before


def _tiny_graph(folder: Path) -> Path:
    from quantize.graph import FLOAT, Graph, model, tensor  # noqa: PLC0415 - only in the child

    graph = Graph("tiny")
    graph.rename("x", "y")
    file = folder / "tiny.onnx"
    proto = graph.proto([tensor("x", FLOAT, (1,))], [tensor("y", FLOAT, (1,))])
    file.write_bytes(model(proto).SerializeToString())
    return file


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _table(name: str, rows: list[Row]) -> str:
    shapes = [f"{batch}x{length}" for batch, length in SHAPES]
    base = next(row for row in rows if row.way == ONNX)
    lines = [
        f"**{name}**: " + ", ".join(f"{k} {v}" for k, v in NETWORKS[name].items()),
        "",
        f"| | file MB | load s | memory MB | {' | '.join(f'{s} ms' for s in shapes)} |",
        "|---|" + "---:|" * (3 + len(shapes)),
    ]
    for row in rows:
        times = [
            f"{row.latency_ms[s]:.1f} ({base.latency_ms[s] / row.latency_ms[s]:.1f}x)"
            for s in shapes
        ]
        cells = [row.way, f"{row.file_mb:.1f}", f"{row.load_s:.2f}", f"{row.rss_mb:.0f}", *times]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _plot(results: Mapping[str, list[Row]], file: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only for --docs

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of the backend

    figure, axes = plt.subplots(1, len(results), figsize=(11, 4), layout="constrained")
    shapes = [f"{batch}x{length}" for batch, length in SHAPES]
    for axis, (name, rows) in zip(axes, results.items(), strict=True):
        width = 0.8 / len(rows)
        for number, row in enumerate(rows):
            places = np.arange(len(shapes)) + number * width
            label = f"{row.way}, {row.file_mb:.0f} MB"
            axis.bar(places, [row.latency_ms[s] for s in shapes], width, label=label)
        axis.set_xticks(np.arange(len(shapes)) + 0.4 - width / 2, shapes)
        axis.set_title(f"ALBERT {name}")
        axis.set_xlabel("batch x length")
        axis.set_ylabel("median latency, ms, one thread")
        axis.set_yscale("log")
        axis.legend()
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
