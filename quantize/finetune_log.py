"""Fine-tunes a log package on a plant's own lines: ``quantize finetune-log``.

A few hundred labelled lines, minutes on a laptop.  What comes out is judged as the device will run
it, in int8, on plant lines that it has not learnt and on lines that the base package knew: it is
written only if it reads the plant no worse and has forgotten next to nothing.
"""

import json
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.logscore import LogScorer
from edge_agent.core.logtext import normalize
from edge_agent.errors import ModelPackageError
from edge_agent.io.model_package import Package
from edge_agent.io.runtime import OnnxLogModel, load_package
from quantize.albert import EXTRAS
from quantize.checkpoint import read_json
from quantize.errors import PackageError
from quantize.evaluate import Gate, at_least, at_most, require
from quantize.finetune_card import card
from quantize.log_adapt import Tuning, adapt, refitted_temperature
from quantize.log_crossval import energy
from quantize.log_data import Message, device_messages, permissive
from quantize.log_figures import HEADER, Figures, Verdict, measured
from quantize.log_labelled import held_fifth, plant_messages
from quantize.log_network import HEADS
from quantize.log_package import Limits, Trained, quantize_log, write_checkpoint
from quantize.log_recipe import own_lines
from quantize.log_restore import agreement, log_input, package_logits, restored
from quantize.package import CARD, replace_card

_SPLIT = len(HEADS["category"])
_ANY_TEMPLATES = 100_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What fine-tuning may cost, all of it on the int8 package.

    ``restored`` is the agreement of the dequantized network with its package, ``agreement`` that of
    the new package with the base on lines that the base knew, and ``forgotten`` how much of a
    macro-F1 on those may be lost.
    """

    restored: float = 0.99
    agreement: float = 0.95
    forgotten: float = 0.02


@dataclass(frozen=True, slots=True)
class Effort:
    """How to train, what it may cost, and how many old lines judge what was forgotten."""

    tuning: Tuning = field(default_factory=Tuning)
    bounds: Bounds = field(default_factory=Bounds)
    judged: int = 1000


@dataclass(frozen=True, slots=True)
class Lines:
    """The plant's lines and the old ones, each parted into what is learnt and what judges."""

    learnt: Sequence[Message]
    held: Sequence[Message]
    replay: Sequence[Message]
    judged: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one package says of the lines that judge."""

    held: Figures
    judged: Figures
    held_right: Mapping[str, float]  # share of right labels, by head
    logits: NDArray[np.float32]  # of ``judged``


def finetune(  # noqa: PLR0913 - the last three are options
    package: Path,
    labelled: Path,
    out: Path,
    data: Path | None = None,
    *,
    seed: int = 0,
    effort: Effort | None = None,
) -> None:
    """Fine-tune ``package`` on ``labelled`` and write the package folder ``out``.

    Args:
        package: The log package to start from, made by ``quantize``.
        labelled: JSON Lines of ``text``, ``category`` and ``severity``, a few hundred.
        out: The new package; it is written whole or not at all.
        data: Folder of the shared messages, or its parent.  Its permissive messages are kept in
            memory beside the project's own lines, which always are.
        seed: Of the split, the order and the dropout.
        effort: For tests and for experts.

    Raises:
        PackageError: A file or the package is unfit.
        GateFailed: The new package reads the plant's held-out lines worse than the base, has
            forgotten more than the bounds allow, or loses too much in int8.
    """
    began = time.monotonic()
    effort = effort or Effort()
    base = _loaded(package)
    lines = _lines(plant_messages(labelled), _remembered(data, seed), effort.judged, seed)
    before = _reading(base, lines)
    network = restored(base)
    same = at_least(
        "restored_agreement",
        agreement(before.logits, network.logits(lines.judged)),
        effort.bounds.restored,
    )
    require([same])
    tuned = adapt(network, lines.learnt, lines.replay, effort.tuning, seed)
    limits = _limits(base, tuned, lines, before)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint, made = _checkpoint(Path(scratch), base, tuned, limits), Path(scratch) / "made"
        rounded_for = [*lines.learnt, *lines.replay[: len(lines.learnt)]]
        quantize_log(checkpoint, made, rounded_for, [*lines.held, *lines.judged], seed)
        after = _reading(load_package(made), lines)
        table = _table(before, after)
        print(f"{table}\n\n{time.monotonic() - began:.0f} s", flush=True)
        gates = _gates(before, after, effort.bounds)
        require(gates)
        replace_card(made, _card(base, lines, table, [same, *gates]), out)


def _loaded(package: Path) -> Package:
    try:
        return load_package(package)
    except ModelPackageError as error:
        raise PackageError(str(error)) from error


def _remembered(data: Path | None, seed: int) -> list[Message]:
    """Return lines that the base may know: our own, and what ``data`` allows to train on."""
    own = own_lines(seed)
    if data is None:
        return own
    for folder in (data, data / "logs"):
        if (folder / "messages.jsonl").is_file():
            return [*own, *permissive(device_messages(folder))]
    raise PackageError(f"{data}: holds no messages.jsonl, neither here nor in logs/")


def _lines(plant: Sequence[Message], old: Sequence[Message], judged: int, seed: int) -> Lines:
    """Part everything; an old line that reads like one of the plant's is left to the plant."""
    taken = {normalize(message.text).text for message in plant}
    old = [message for message in old if normalize(message.text).text not in taken]
    old = random.Random(seed).sample(old, len(old))  # noqa: S311 - variety, not secrecy
    learnt, held = held_fifth(plant, seed)
    return Lines(learnt, held, old[judged:], old[:judged])


def _reading(package: Package, lines: Lines) -> Reading:
    scorer = LogScorer(OnnxLogModel(package), _ANY_TEMPLATES)

    def verdicts(messages: Sequence[Message]) -> list[Verdict]:
        scores = [scorer.score(message.text) for message in messages]
        return [Verdict(s.category.value, s.severity.value, s.probability) for s in scores]

    held = verdicts(lines.held)
    return Reading(
        held=measured(lines.held, held),
        judged=measured(lines.judged, verdicts(lines.judged)),
        held_right={head: _right(head, lines.held, held) for head in HEADS},
        logits=package_logits(package, [normalize(m.text).text for m in lines.judged]),
    )


def _right(head: str, messages: Sequence[Message], verdicts: Sequence[Verdict]) -> float:
    pairs = zip(messages, verdicts, strict=True)
    return float(np.mean([getattr(m, head) == getattr(v, head) for m, v in pairs]))


def _limits(base: Package, tuned: Trained, lines: Lines, before: Reading) -> Limits:
    """Return temperatures for the plant, and the energy that calls as many old lines novel.

    A probability means after fine-tuning what it meant before, so the bound of abstention stays;
    an energy does not.
    """
    log = log_input(base)
    logits = tuned.logits(lines.held)
    parts = {"category": logits[:, :_SPLIT], "severity": logits[:, _SPLIT:]}
    temperature = {
        head: refitted_temperature(
            part, [HEADS[head].index(getattr(m, head)) for m in lines.held], log.temperature[head]
        )
        for head, part in parts.items()
    }
    novel = float((energy(before.logits) < log.novel_below).mean())
    threshold = float(np.quantile(energy(tuned.logits(lines.judged)), novel))
    return Limits(temperature, log.abstain_below, threshold, novel_from=log.novel_from)


def _checkpoint(folder: Path, base: Package, tuned: Trained, limits: Limits) -> Path:
    """Write the network into ``folder``; name and length of lines are the base's."""
    checkpoint = write_checkpoint(folder, tuned, limits)
    extras = read_json(checkpoint / EXTRAS)
    extras |= {
        "name": base.manifest.name,
        "version": f"{base.manifest.version}+tuned",
        "max_tokens": log_input(base).max_tokens,
    }
    (checkpoint / EXTRAS).write_text(json.dumps(extras), encoding="utf-8")
    return checkpoint


def _card(base: Package, lines: Lines, table: str, gates: Sequence[Gate]) -> str:
    own = base.file(CARD)
    named = {
        "name": base.manifest.name,
        "version": base.manifest.version,
        "sha256": base.sha256,
        "card": own.read_text(encoding="utf-8") if own.is_file() else "(It came without a card.)\n",
    }
    return card(named, {"learnt": lines.learnt, "held": lines.held}, table, gates)


def _gates(before: Reading, after: Reading, bounds: Bounds) -> list[Gate]:
    return [
        *(
            at_least(f"plant_{head}_right", after.held_right[head], before.held_right[head])
            for head in HEADS
        ),
        at_least("replay_agreement", agreement(before.logits, after.logits), bounds.agreement),
        at_most(
            "replay_category_f1_lost",
            before.judged.category_f1 - after.judged.category_f1,
            bounds.forgotten,
        ),
        at_most(
            "replay_severity_f1_lost",
            before.judged.severity_f1 - after.judged.severity_f1,
            bounds.forgotten,
        ),
    ]


def _table(before: Reading, after: Reading) -> str:
    rows = [
        before.held.row("plant, held out: before"),
        after.held.row("plant, held out: after"),
        before.judged.row("known before: before"),
        after.judged.row("known before: after"),
    ]
    return "\n".join([HEADER, *rows])
