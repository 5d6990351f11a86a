"""Writes model packages: whole, checked, or not at all."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.core.manifest import Manifest, render
from edge_agent.io.model_package import MANIFEST, MODEL, PAIRS, SELFTEST, SUMS, TOKENIZER
from edge_agent.io.runtime import verify_in_subprocess
from edge_agent.io.signature import SIGNATURE
from quantize.errors import PackageError

REPORT = "report.json"
CARD = "MODEL_CARD.md"
REPORT_SCHEMA = "edge-agent/quantize-report/1"


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that goes into a package but the sums; ``tokenizer`` only where there is text.

    ``pairs`` is the file of :mod:`edge_agent.core.wordpairs`, where the recipe made one.
    """

    manifest: Manifest
    model: bytes
    report: Mapping[str, Any]
    selftest: Mapping[str, Any]
    card: str
    tokenizer: bytes | None = None
    pairs: bytes | None = None

    def files(self) -> dict[str, bytes]:
        """Return the bytes of each file by name."""
        files = {
            MANIFEST: render(self.manifest).encode(),
            MODEL: self.model,
            REPORT: _json({"schema": REPORT_SCHEMA, **self.report}),
            SELFTEST: _json(self.selftest),
            CARD: self.card.encode(),
        }
        if self.tokenizer is not None:
            files[TOKENIZER] = self.tokenizer
        if self.pairs is not None:
            files[PAIRS] = self.pairs
        return files


def write(out: Path, contents: Contents) -> None:
    """Write the package folder ``out``, replacing an older package there.

    The folder is made under another name beside ``out``, passes the device's own self-test there,
    and is then renamed, so that nobody ever sees half a package.

    Raises:
        PackageError: ``out`` is something else than a package, cannot be written, or the finished
            package fails its self-test.
    """
    _publish(out, contents.files())


def replace_card(package: Path, card: str, out: Path | None = None) -> None:
    """Give the package another model card, with figures that only the package itself can tell.

    A signature, which would no longer fit, is left out.

    Args:
        package: A package folder.
        card: Its new card.
        out: Where to write it with that card; by default in its own place.

    Raises:
        PackageError: As :func:`write`.
    """
    derived = {SUMS, SIGNATURE}
    files = {file.name: file.read_bytes() for file in package.iterdir() if file.name not in derived}
    _publish(out or package, {**files, CARD: card.encode()})


def _publish(out: Path, files: Mapping[str, bytes]) -> None:
    if out.exists() and not (out / SUMS).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise PackageError(f"{out}: exists and is not a model package; it is left as it is")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            fresh = Path(scratch) / "fresh"
            _fill(fresh, files)
            flaw = verify_in_subprocess(fresh)
            if flaw is not None:
                raise PackageError(flaw.replace(str(fresh), str(out)))
            _exchange(fresh, out, Path(scratch) / "old")
    except OSError as error:
        raise PackageError(f"{out}: cannot be written: {error.strerror}") from error


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    sums = []
    for name, content in sorted(files.items()):
        (folder / name).write_bytes(content)
        sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    (folder / SUMS).write_text("".join(sums))


def _exchange(fresh: Path, out: Path, old: Path) -> None:
    """Put ``fresh`` where ``out`` is; a folder cannot be renamed over a full one."""
    if out.exists():
        out.rename(old)
    fresh.rename(out)


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def read_card(checkpoint: Path, manifest: Manifest) -> str:
    """Return the model card beside the checkpoint, or a stub that says there is none."""
    card = checkpoint / CARD
    if card.is_file():
        return card.read_text(encoding="utf-8")
    return (
        f"# {manifest.name} {manifest.version}\n\nQuantized from `{checkpoint.name}`, "
        "which came without a model card.  The figures of the quantization are in `report.json`.\n"
    )
