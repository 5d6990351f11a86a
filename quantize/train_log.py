"""The recipe of the default log package: ``quantize train-log`` and ``quantize evaluate-log``.

Both begin with :mod:`quantize.log_crossval`: every network trains on permissive systems alone, and
the folds give honest figures and the thresholds.  Then, for the package that ships, a last network
trains on all of them.  What no licence allows to train on remains strange to that one, too.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from edge_agent.core.logscore import LogScorer
from edge_agent.io.runtime import OnnxLogModel, load_package
from quantize.errors import PackageError
from quantize.log_card import card
from quantize.log_crossval import Pool, crossed, fitted_limits
from quantize.log_data import (
    device_messages,
    labelled_streams,
    loghub_templates,
    permissive,
    restricted,
)
from quantize.log_figures import Judge, majority, table, table_by_system, tfidf
from quantize.log_package import VERSION, quantize_log, write_checkpoint
from quantize.log_recipe import Plan, installed_minilm, own_lines, trained
from quantize.log_tables import TITLES, crossed_tables, scorer_judge, stream_tables
from quantize.package import replace_card

SHIPPED = Path(__file__).parents[1] / "edge_agent" / "models" / "log-albert"
FOLDS = 4
_ALL_TEMPLATES = 100_000


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    plan: Plan | None = None,
    k: int = FOLDS,
) -> None:
    """Cross-validate, train, quantize and write the log package ``out``; an hour on two cores.

    Args:
        data: Folder of ``messages.jsonl`` and ``loghub_*.jsonl``, or its parent.
        out: The package folder.
        seed: Of the lines, the folds, the first weights and the order of training.
        plan: What to train and for how long; by default what ships.
        k: How many folds.

    Raises:
        PackageError: The data or MiniLM are missing.
        GateFailed: int8 costs more than the gates allow.
    """
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    plan = plan or Plan(minilm=installed_minilm())
    data = _log_folder(data)
    pool, hub = _pool(data, seed), loghub_templates(data)
    allowed, strangers, own = pool.devices, pool.judged, pool.own

    began = time.monotonic()
    found = crossed(plan, pool, k=k, seed=seed)
    limits = fitted_limits(found)
    print(f"folds: {time.monotonic() - began:.0f} s, {limits}", flush=True)
    tables = crossed_tables(found)
    _print_tables("Cross-validation", tables)

    began = time.monotonic()
    final = trained(plan, [*allowed, *own], seed)
    print(f"network that ships: {time.monotonic() - began:.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = write_checkpoint(Path(scratch), final, limits)
        quantize_log(checkpoint, out, [*allowed, *own], [*strangers, *hub], seed)

    tables["strangers"] = table(strangers, {"ALBERT int8": _package_judge(out)})
    _print_tables("The package", {"strangers": tables["strangers"]})
    facts = {"device": len(allowed), "own": len(own), "folds": k, "seed": seed}
    replace_card(out, card(VERSION, facts, tables, limits, {m.licence for m in allowed}))


def evaluate(data: Path, package: Path | None = None, *, k: int = FOLDS) -> None:
    """Print what the recipe is worth on strangers, beside the baselines, and what ships.

    First the folds, as :func:`train` makes them, with MiniLM beside.  Then the package: on the
    device systems whose licence forbids training, and on the raw loghub files.

    Args:
        data: Folder of the labelled messages, or its parent.
        package: The package folder; by default the one that ships.
        k: How many folds, half an hour in all on two cores; 0 for the package alone.
    """
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    data = _log_folder(data)
    pool = _pool(data, 0)
    if k:
        plan = Plan(minilm=installed_minilm())
        tables = crossed_tables(crossed(plan, pool, k=k, seed=0), plan.minilm)
        _print_tables("Cross-validation", tables)
    model = OnnxLogModel(load_package(package or SHIPPED))
    strangers, training = pool.judged, [*pool.devices, *pool.own]
    judges: dict[str, Judge] = {
        "log-albert int8": _package_judge(package or SHIPPED),
        "TF-IDF + logistic regression": tfidf(training),
        "majority class": majority(training),
    }
    _print_tables(
        "The package",
        {
            "strangers": table(strangers, judges),
            "systems": table_by_system(strangers, judges["log-albert int8"]),
        },
    )
    _print_tables("The package", stream_tables(pool.streams, LogScorer(model, _ALL_TEMPLATES)))


def _print_tables(what: str, tables: Mapping[str, str]) -> None:
    for name, text in tables.items():
        print(f"\n## {what}: {TITLES[name]}\n\n{text}", flush=True)


def _pool(data: Path, seed: int) -> Pool:
    """Return what the folds are made of: weights learn from permissive messages alone."""
    everything = device_messages(data)
    return Pool(
        permissive(everything),
        own_lines(seed),
        judged=restricted(everything),
        streams=labelled_streams(data),
    )


def _package_judge(package: Path) -> Judge:
    return scorer_judge(LogScorer(OnnxLogModel(load_package(package)), _ALL_TEMPLATES))


def _log_folder(data: Path) -> Path:
    for folder in (data, data / "logs"):
        if (folder / "messages.jsonl").is_file():
            return folder
    raise PackageError(f"{data}: holds no messages.jsonl, neither here nor in logs/")
