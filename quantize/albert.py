"""A fine-tuned ALBERT classifier → an int8 model package (``quantize albert``)."""

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AlbertForSequenceClassification

from edge_agent.core.manifest import LogInput, Manifest, Task
from edge_agent.io.model_package import PAIRS
from edge_agent.io.runtime import Session
from quantize import evaluate as measure
from quantize import package, report
from quantize.agreement import AlbertBounds, agreement_gates, logits, padded_logits
from quantize.checkpoint import (
    CONFIG,
    read_albert,
    read_config,
    read_json,
    read_tokenizer,
    tokenizer_file,
    whole,
)
from quantize.errors import ExportMismatch, PackageError
from quantize.evaluate import Gate, at_least, at_most
from quantize.export_albert import Float32, Int8, export
from quantize.graph import int8_share
from quantize.lines import Line, calibration_lines, evaluation_lines
from quantize.reference import observed_inputs, torch_albert, torch_logits
from quantize.report import Pair, Runners

Array = NDArray[np.float32]
EXTRAS = "edge_agent.json"
_MAX_TOKENS = 64
_SINGLE_HEAD = "label"
_EXPORT_LINES = 8
_SELFTEST_LINES = 6
_SELFTEST_TOLERANCE = 0.1  # of a logit: a few int8 activations that round the other way
_TIMED = ((1, 16), (1, 32), (1, 64), (1, 128), (8, 32))
_GATED_SHAPE = "1x32"


def quantize_albert(  # noqa: PLR0913 - the last four are for experts
    checkpoint: Path,
    out: Path,
    calibration: Path | None = None,
    evaluate: Path | None = None,
    *,
    bounds: AlbertBounds | None = None,
    seed: int = 0,
    fixed_scales: bool = False,
    rounded_for: int = 500,
) -> None:
    """Quantize the classifier in ``checkpoint`` and write the package folder ``out``.

    Args:
        checkpoint: A Hugging Face folder: ``config.json``, ``model.safetensors`` or
            ``pytorch_model.bin``, ``tokenizer.json`` or ``spiece.model``; optionally
            ``pairs.bin`` (the word pairs of the training, taken over as they are),
            ``edge_agent.json`` (name, version, max_tokens, temperature by head, abstain_below,
            novel_below, novel_from) and ``MODEL_CARD.md``, which is taken over into the package.
        out: The package folder; it is written whole or not at all.
        calibration: Lines of text, or JSON Lines with ``text``, of the kind that the device will
            see: the weights are rounded so as to serve them best.  Without an evaluation file the
            gates run on them, too.
        evaluate: JSON Lines, ``{"text": ..., "<head>": "<label>", ...}``.
        bounds: What the gates demand.
        seed: Of the random tokens that stand in where no lines are given.
        fixed_scales: Whether products that read a layer normalization get the scale that the
            calibration lines need, instead of one for each token: faster, and less exact.
        rounded_for: How many of the calibration lines are read; more round better and take longer.

    Raises:
        PackageError: The checkpoint or a file of lines is unfit, or there are no lines to fix
            scales with.
        ExportMismatch: The float32 graph does not compute what torch computes.
        GateFailed: The int8 classifier misses a bound.
    """
    if fixed_scales and calibration is None:
        raise PackageError("fixed scales need calibration lines")
    bounds = bounds or AlbertBounds()
    tokenizer_json = read_tokenizer(checkpoint)
    manifest, shape = _manifest(checkpoint)
    albert = read_albert(checkpoint)
    tokenizer = _fitting(checkpoint, tokenizer_json, len(albert.tokens), shape.max_tokens)
    lines = _lines(calibration, evaluate, shape)
    network = torch_albert(checkpoint)
    inputs = observed_inputs(network, _sample(tokenizer, calibration, rounded_for))
    moments = {name: seen.moment for name, seen in inputs.items()}
    reaches = {name: seen.reach for name, seen in inputs.items()} if fixed_scales else {}
    calibrated = read_albert(checkpoint, moments, reaches)
    models = Pair(export(albert, Float32()), export(calibrated, Int8()))
    tokens = [tokenizer.encode(line.text).ids for line in lines] or _random_tokens(
        len(albert.tokens), shape.max_tokens, seed
    )
    with tempfile.TemporaryDirectory() as scratch:
        runners = models.saved(Path(scratch))
        exported = _exported(network, runners, tokens)
        speed = _latency(runners, len(albert.tokens), len(albert.positions), seed)
        gates = [
            *agreement_gates(runners, tokens, lines, shape, bounds),
            at_least("int8_product_share", int8_share(models.small.graph), 1.0),
            at_most(
                "size_ratio", models.small.ByteSize() / models.full.ByteSize(), bounds.size_ratio
            ),
            at_least("speedup_at_1x32", speed[_GATED_SHAPE]["speedup"], bounds.speedup),
        ]
        measure.require(gates)
        sample = _selftest(runners.small, tokenizer, lines)
    facts = {
        "calibrated_on": calibration.name if calibration else "nothing",
        "activation_scales": "fixed behind norms" if fixed_scales else "one for each token",
        "evaluated_on": _source(calibration, evaluate),
        "lines": len(tokens),
        "seed": seed,
    }
    document = report.document(manifest, models, [exported, *gates], speed, facts)
    card, pairs = package.read_card(checkpoint, manifest), checkpoint / PAIRS
    package.write(
        out,
        package.Contents(
            manifest,
            models.small.SerializeToString(),
            document,
            sample,
            card,
            tokenizer_json,
            pairs.read_bytes() if pairs.is_file() else None,
        ),
    )


def heads(labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the labels of each head: ``"severity:info"`` is label ``info`` of head ``severity``.

    Raises:
        ValueError: The labels of a head do not stand together, so they are no slice of the logits.
    """
    grouped: dict[str, list[str]] = {}
    order: list[str] = []
    for label in labels:
        head, colon, name = label.partition(":")
        if not colon:
            head, name = _SINGLE_HEAD, label
        if order[-1:] != [head]:
            order.append(head)
        grouped.setdefault(head, []).append(name)
    if len(order) != len(grouped):
        raise ValueError(f"the labels of one head must stand together, not {', '.join(labels)}")
    return {head: tuple(names) for head, names in grouped.items()}


def _manifest(checkpoint: Path) -> tuple[Manifest, LogInput]:
    config, file = read_config(checkpoint), checkpoint / CONFIG
    extras_file = checkpoint / EXTRAS
    extras = read_json(extras_file) if extras_file.is_file() else {}
    positions = whole(config, "max_position_embeddings", file, 512)
    names = config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    try:
        grouped = heads([names[str(number)] for number in range(len(names))])
        temperatures = dict(extras.get("temperature", {}))
        shape = LogInput(
            max_tokens=whole(extras, "max_tokens", extras_file, min(_MAX_TOKENS, positions)),
            heads=grouped,
            temperature={head: float(temperatures.get(head, 1.0)) for head in grouped},
            abstain_below=float(extras.get("abstain_below", 0.0)),
            novel_below=float(extras.get("novel_below", 0.0)),
            novel_from=float(extras.get("novel_from", 1.0)),
        )
    except (KeyError, AttributeError) as error:
        raise PackageError(
            f"{file}: id2label does not number its labels from 0: {error}"
        ) from error
    except (TypeError, ValueError) as error:
        raise PackageError(f"{file} or {extras_file}: {error}") from error
    if shape.max_tokens > positions:
        raise PackageError(f"{extras_file}: max_tokens {shape.max_tokens} exceeds {positions}")
    name = str(extras.get("name", checkpoint.resolve().name))
    version = str(extras.get("version", "0"))
    return Manifest(name, version, Task.LOG_CLASSIFICATION, "int8", log=shape), shape


def _fitting(checkpoint: Path, content: bytes, vocabulary: int, max_tokens: int) -> Tokenizer:
    """Return the tokenizer as the device sets it up, if it fits the embedding table."""
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    file = tokenizer_file(checkpoint)
    last = max(tokenizer.get_vocab().values(), default=0)
    if last >= vocabulary:
        raise PackageError(f"{file}: has a token {last}, {CONFIG} says vocab_size {vocabulary}")
    if not tokenizer.encode("").ids:
        raise PackageError(f"{file}: adds no [CLS] token, which ALBERT reads")
    return tokenizer


def _lines(calibration: Path | None, evaluate: Path | None, shape: LogInput) -> Sequence[Line]:
    if evaluate is not None:
        return evaluation_lines(evaluate, shape.heads)
    return calibration_lines(calibration) if calibration is not None else ()


def _sample(tokenizer: Tokenizer, calibration: Path | None, size: int) -> list[list[int]]:
    """Return the tokens of about ``size`` calibration lines, evenly picked."""
    if calibration is None:
        return []
    lines = calibration_lines(calibration)
    some = lines[:: max(1, len(lines) // size)]
    return [tokenizer.encode(line.text).ids for line in some]


def _source(calibration: Path | None, evaluate: Path | None) -> str:
    given = evaluate or calibration
    return given.name if given else "random tokens"


def _random_tokens(vocabulary: int, max_tokens: int, seed: int) -> list[list[int]]:
    draw = np.random.default_rng(seed)
    lengths = draw.integers(2, max_tokens + 1, 64)
    return [draw.integers(0, vocabulary, length).tolist() for length in lengths]


def _exported(
    network: AlbertForSequenceClassification, runners: Runners, tokens: Sequence[Sequence[int]]
) -> Gate:
    """Return how far the float32 graph is from torch, on a padded batch.

    Raises:
        ExportMismatch: Too far.
    """
    some = tokens[:_EXPORT_LINES]
    difference = np.abs(padded_logits(runners.full, some) - torch_logits(network, some)).max()
    gate = at_most("export_difference", difference, measure.EXPORT_TOLERANCE)
    if not gate.passed:
        raise ExportMismatch(f"the float32 graph differs from torch: {gate.sentence}")
    return gate


def _latency(
    runners: Runners, vocabulary: int, positions: int, seed: int
) -> dict[str, dict[str, float]]:
    """Return medians on one thread, by batch and length."""
    draw = np.random.default_rng(seed)
    speed = {}
    for batch, length in _TIMED:
        if length > positions:
            continue
        lines = draw.integers(0, vocabulary, (batch, length)).tolist()
        taken = measure.latencies_ms(
            {
                "float32": partial(padded_logits, runners.full, lines),
                "int8": partial(padded_logits, runners.small, lines),
            }
        )
        speed[f"{batch}x{length}"] = {**taken, "speedup": taken["float32"] / taken["int8"]}
    return speed


def _selftest(session: Session, tokenizer: Tokenizer, lines: Sequence[Line]) -> Mapping[str, Any]:
    texts = [line.text for line in lines[:_SELFTEST_LINES]] or [
        "bearing temperature high, drive stopped",
        "",
    ]
    encoded = [(text, tokenizer.encode(text).ids) for text in texts]
    return {
        "tolerance": _SELFTEST_TOLERANCE,
        "lines": [
            {"text": text, "tokens": tokens, "logits": logits(session, tokens).tolist()}
            for text, tokens in encoded
        ],
    }
