"""How fast log lines are read, and how many of them the template cache answers.

Every ``*.log`` below the folder is read by the shipped model, as ``edge-agent classify`` does it:
cold, with an empty cache, and warm, the same lines again.  Prints a table of medians, a row a file;
lines per second are those of one core.

    python benchmarks/classify.py --data DIR [--runs 3]
"""

import argparse
import os
import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from edge_agent.core.logscore import LogScorer
from edge_agent.core.site import Caps
from edge_agent.io.model_package import load_package
from edge_agent.io.runtime import OnnxLogModel
from edge_agent.settings import Settings


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
    arguments = parser.parse_args()
    logs = {file.stem: _lines(file) for file in sorted(arguments.data.rglob("*.log"))}
    if not logs:
        parser.error(f"no *.log below {arguments.data}")
    logs["all, one cache"] = [line for lines in logs.values() for line in lines]
    model = OnnxLogModel(load_package(Settings().log_model))
    print(f"{arguments.runs} runs, medians, one thread; {_machine()}\n")
    print("| | lines | templates | cold lines/s | cold hits | warm lines/s | warm hits |")
    print("|---|---|---|---|---|---|---|")
    for name, lines in logs.items():
        _print_row(name, lines, model, arguments.runs)


def _print_row(name: str, lines: list[str], model: OnnxLogModel, runs: int) -> None:
    cold, warm, templates = [], [], 0
    for _ in range(runs):
        scorer = LogScorer(model, Caps().templates)
        cold.append(_read(scorer, lines))
        warm.append(_read(scorer, lines))
        templates = scorer.templates
    cells = [
        f"{statistics.median(p.lines_per_s for p in passes):,.0f} | {passes[0].hit_rate:.1%}"
        for passes in (cold, warm)
    ]
    print(f"| {name} | {len(lines)} | {templates} | {' | '.join(cells)} |", flush=True)


def _read(scorer: LogScorer, lines: list[str]) -> Pass:
    hits, began_s = scorer.hits, time.process_time()
    for line in lines:
        scorer.score(line)
    taken_s = time.process_time() - began_s
    return Pass(len(lines) / taken_s, (scorer.hits - hits) / len(lines))


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines()


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
