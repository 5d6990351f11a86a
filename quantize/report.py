"""``report.json``: what was measured when a package was made, and how it prints as a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from edge_agent.core.manifest import Manifest
from edge_agent.io.model_package import MODEL
from edge_agent.io.runtime import Session
from quantize import evaluate as measure
from quantize.checkpoint import read_json
from quantize.evaluate import Gate
from quantize.graph import nodes
from quantize.package import REPORT


@dataclass(frozen=True, slots=True)
class Runners:
    """Both graphs in ONNX Runtime, one thread each."""

    full: Session
    small: Session
    small_file: Path


@dataclass(frozen=True, slots=True)
class Pair:
    """The same network in float32 and in int8."""

    full: onnx.ModelProto
    small: onnx.ModelProto

    def saved(self, folder: Path) -> Runners:
        """Write both into ``folder`` and load them as the device does."""
        full, small = folder / f"float32-{MODEL}", folder / MODEL
        full.write_bytes(self.full.SerializeToString())
        small.write_bytes(self.small.SerializeToString())
        return Runners(Session(full), Session(small), small)


def document(
    manifest: Manifest,
    models: Pair,
    gates: Sequence[Gate],
    latency_ms: Mapping[str, Mapping[str, float]],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the report of one quantization; ``facts`` are what only this kind of model has."""
    return {
        "name": manifest.name,
        "version": manifest.version,
        **facts,
        "gates": [gate.document() for gate in gates],
        "bytes": {"float32": models.full.ByteSize(), "int8": models.small.ByteSize()},
        "nodes": dict(Counter(node.op_type for node in nodes(models.small.graph)).most_common()),
        "latency_ms": latency_ms,
        "machine": measure.machine(),
        "versions": measure.versions(),
    }


def table(package: Path) -> str:
    """Return the report of the package in folder ``package`` as text.

    Raises:
        PackageError: There is no readable report.
    """
    report = read_json(package / REPORT)
    return "\n".join(
        [
            f"{report.get('name')} {report.get('version')}: {_sizes(report.get('bytes', {}))}",
            "",
            *_gate_lines(report.get("gates", [])),
            "",
            *_latency_lines(report.get("latency_ms", {})),
            "",
            "nodes: " + ", ".join(f"{n} {op}" for op, n in report.get("nodes", {}).items()),
            "machine: " + ", ".join(str(part) for part in report.get("machine", {}).values()),
            "versions: " + ", ".join(f"{k} {v}" for k, v in report.get("versions", {}).items()),
        ]
    )


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{precision} {size / 1e6:.3f} MB" for precision, size in sizes.items())


def _gate_lines(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"{'gate':34} {'figure':>12}  bound"]
    for gate in gates:
        side = "at_most" if "at_most" in gate else "at_least"
        verdict = "" if gate["passed"] else "  FAILED"
        bound = f"{side.replace('_', ' ')} {gate[side]:g}{verdict}"
        lines.append(f"{gate['name']:34} {gate['value']:12.6g}  {bound}")
    return lines


def _latency_lines(latency: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = [f"{'batch':34} {'float32 ms':>12} {'int8 ms':>12} {'speed-up':>9}"]
    for shape, taken in latency.items():
        times = f"{taken['float32']:12.3f} {taken['int8']:12.3f} {taken['speedup']:9.2f}"
        lines.append(f"{shape:34} {times}")
    return lines
