"""Leave-systems-out cross-validation of the log recipe, in int8, and the limits that it yields.

Every system is a stranger once, to a network of the recipe that has met none of its kin.  What
these networks say of their strangers is the honest figure of the recipe, and it is also what
calibrates the network that ships: it trains on everything, so nothing else is strange to it.
"""

import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from edge_agent.core.logscore import LogScorer
from edge_agent.core.logtext import normalize
from edge_agent.core.manifest import Manifest
from edge_agent.core.wordpairs import WordPairs
from edge_agent.io.runtime import Session
from quantize import agreement
from quantize.checkpoint import read_albert
from quantize.export_albert import Int8, export
from quantize.log_apart import apart
from quantize.log_data import Message, texts_of
from quantize.log_folds import folds, split
from quantize.log_network import HEADS
from quantize.log_package import Limits, Trained, manifest, write_checkpoint
from quantize.log_recipe import Plan, trained
from quantize.log_training import fitted_temperature
from quantize.reference import observed_inputs, torch_albert

Logits = NDArray[np.float32]
_SPLIT = len(HEADS["category"])
_ALL_TEMPLATES = 100_000
_CALIBRATION_LINES = 500
_FAMILIAR = 600
_ABSTAIN_QUANTILE = 0.05
_NOVEL_QUANTILE = 0.02
_FALSE_ALARMS = 0.16  # of strangers' normal messages called faults; catalogues hold few of them


@dataclass(frozen=True, slots=True)
class Pool:
    """What the folds are made of.

    Attributes:
        devices: Device messages that may be trained on where their system is not held out.
        judged: Device messages that may not be trained on.
        streams: Raw lines of computers with their labels, judged where their system is held out.
        own: Lines of this project, in every training.
    """

    devices: Sequence[Message]
    own: Sequence[Message]
    judged: Sequence[Message] = ()
    streams: Sequence[tuple[str, Message]] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold: its strangers, and what a network answers that has met none of them.

    Attributes:
        training: What the network has learnt from.
        familiar: Some device messages of it.
        strangers: Device messages of the systems held out.
        streams: Raw lines of the systems held out, with their labels.
        int8: Logits of the int8 network by the text that the device makes of a line, for all of
            the above but ``training``; ``float32`` those of the network before.
        pairs: The pairs of words that it has met.
    """

    training: tuple[Message, ...]
    familiar: tuple[Message, ...]
    strangers: tuple[Message, ...]
    streams: tuple[tuple[str, Message], ...]
    int8: Mapping[str, Logits]
    float32: Mapping[str, Logits]
    pairs: WordPairs

    def rows(self, messages: Iterable[Message]) -> Logits:
        """Return the int8 logits of ``messages`` that have any text, ``(messages, labels)``."""
        return np.stack([self.int8[text] for text in texts_of(messages)])


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answers of a network behind the device's interface, so that its own scorer judges."""

    manifest: Manifest
    known: Mapping[str, Logits]
    normal_bias: float
    pairs: WordPairs | None = None

    def logits(self, text: str) -> Logits:
        """Return the logits of a text that the fold has scored, routine moved by the bias."""
        moved = self.known[text].copy()
        moved[HEADS["category"].index("normal")] += self.normal_bias
        return moved

    def logits_each(self, texts: Sequence[str]) -> Logits:
        """Return the logits of several texts, ``(texts, labels)``."""
        return np.stack([self.logits(text) for text in texts])


def crossed(plan: Plan, pool: Pool, *, k: int, seed: int) -> list[Fold]:
    """Train ``k`` networks and return what each says of the systems that it has not met.

    Args:
        plan: The recipe.
        pool: The messages; every system is held out once.
        k: How many folds.
        seed: Of the folds and of every training.
    """
    lines = {(m.system, normalize(raw).text): m for raw, m in pool.streams}
    everything = [*pool.devices, *pool.judged, *lines.values()]
    found = []
    for number, held in enumerate(folds(everything, k, seed), start=1):
        began = time.monotonic()
        devices, strangers = split(pool.devices, held)
        strangers += split(pool.judged, held)[1]
        streams = tuple((raw, message) for raw, message in pool.streams if message.system in held)
        said, streamed = set(texts_of(strangers)), {normalize(raw).text for raw, _ in streams}
        training = [*devices, *apart(pool.own, said, streamed)]
        network = trained(plan, training, seed)
        familiar = devices[:: max(1, len(devices) // _FAMILIAR)]
        unique = sorted({*said, *streamed, *texts_of(familiar)} - {""})
        float32 = dict(zip(unique, network.logits_of(unique), strict=True))
        int8 = dict(zip(unique, _int8_logits(network, training, unique), strict=True))
        found.append(
            Fold(
                training=tuple(training),
                familiar=tuple(familiar),
                strangers=tuple(strangers),
                streams=streams,
                int8=int8,
                float32=float32,
                pairs=WordPairs.of(texts_of(training)),
            )
        )
        print(f"fold {number} of {k}: {time.monotonic() - began:.0f} s", flush=True)
    return found


def fitted_limits(held: Sequence[Fold]) -> Limits:
    """Return the limits that what these folds say of their strangers asks for.

    Plants are routine most of the time and catalogues hardly ever: the logit of ``normal`` is
    raised until at most 16 % of strange normal messages are called faults (a change of the prior).
    Then temperatures make probabilities truthful, the least sure twentieth is abstained from and
    in the fiftieth with the lowest energy the words count as moving nothing.  Novel is what best
    parts strangers from messages of the training (Youden's index).
    """
    truth = [m for fold in held for m in fold.strangers if normalize(m.text).text]
    logits = np.concatenate([fold.rows(fold.strangers) for fold in held])
    bias = _normal_bias(logits, truth)
    logits[:, HEADS["category"].index("normal")] += bias
    parts = {"category": logits[:, :_SPLIT], "severity": logits[:, _SPLIT:]}
    temperature = {
        head: fitted_temperature(part, [HEADS[head].index(getattr(m, head)) for m in truth])
        for head, part in parts.items()
    }
    surest = softmax(parts["category"] / temperature["category"], axis=1).max(axis=1)
    return Limits(
        temperature=temperature,
        abstain_below=float(np.quantile(surest, _ABSTAIN_QUANTILE)),
        novel_below=float(np.quantile(energy(logits), _NOVEL_QUANTILE)),
        normal_bias=bias,
        novel_from=_parting(held),
    )


def _parting(held: Sequence[Fold]) -> float:
    """Return the share of word pairs never met that best parts strangers from the training."""
    strange = np.concatenate([newness(fold.pairs, fold.strangers) for fold in held])
    known = np.concatenate([newness(fold.pairs, fold.familiar) for fold in held])
    limits = np.unique(strange)
    parted = [(strange >= limit).mean() - (known >= limit).mean() for limit in limits]
    return float(limits[int(np.argmax(parted))])


def energy(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the log-sum-exp of the category logits, ``(lines,)``, as ``core.logscore`` does."""
    found: NDArray[np.floating] = logsumexp(logits[:, :_SPLIT], axis=1)
    return found


def newness(known: WordPairs, messages: Iterable[Message]) -> NDArray[np.float64]:
    """Return the share of word pairs never met in each message that has any text."""
    return np.array([known.novelty(text) for text in texts_of(messages)])


def scorers(found: Sequence[Fold], arithmetic: str = "int8") -> list[LogScorer]:
    """Return the device's scorer for each fold, with limits from the other folds alone."""
    made = []
    for place, fold in enumerate(found):
        limits = fitted_limits([*found[:place], *found[place + 1 :]])
        known: Mapping[str, Logits] = getattr(fold, arithmetic)
        made.append(
            LogScorer(
                Remembered(manifest(limits), known, limits.normal_bias, fold.pairs), _ALL_TEMPLATES
            )
        )
    return made


def _normal_bias(logits: Logits, truth: Sequence[Message]) -> float:
    """Return what lifts all but a share of the normal messages over their best other category."""
    normal = HEADS["category"].index("normal")
    routine = logits[[message.category == "normal" for message in truth], :_SPLIT]
    if not len(routine):
        return 0.0
    others = np.delete(routine, normal, axis=1).max(axis=1)
    return max(0.0, float(np.quantile(others - routine[:, normal], 1 - _FALSE_ALARMS)))


def _int8_logits(
    network: Trained, training: Sequence[Message], texts: Sequence[str]
) -> Iterable[Logits]:
    """Yield what the int8 graph answers to each text, one line at a time as on the device."""
    neutral = Limits(dict.fromkeys(HEADS, 1.0), 0.0, 0.0)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = write_checkpoint(Path(scratch), network, neutral)
        sample = texts_of(training)[:: max(1, len(training) // _CALIBRATION_LINES)]
        tokens = [network.tokenizer.encode(text).ids for text in sample]
        seen = observed_inputs(torch_albert(checkpoint), tokens)
        moments = {name: inputs.moment for name, inputs in seen.items()}
        file = checkpoint / "int8.onnx"
        file.write_bytes(export(read_albert(checkpoint, moments), Int8()).SerializeToString())
        session = Session(file)
        for text in texts:
            yield agreement.logits(session, network.tokenizer.encode(text).ids)
