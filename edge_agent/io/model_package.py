"""Reads model packages: folders whose every file has the sum that was recorded for it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edge_agent.core.manifest import Flaw, Manifest, Task, parse
from edge_agent.core.wordpairs import WordPairs
from edge_agent.errors import ModelPackageError
from edge_agent.io.signature import require_signature

MANIFEST = "manifest.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
SELFTEST = "selftest.json"
SUMS = "SHA256SUMS"
PAIRS = "pairs.bin"  # of core.wordpairs; a log package may come without


@dataclass(frozen=True, slots=True)
class Package:
    """A model package whose every file has the sum that was recorded for it.

    ``sha256`` is the fingerprint of ``model.onnx``, which alerts and states carry.  ``names``
    are the files that have a sum.
    """

    path: Path
    manifest: Manifest
    sha256: str
    names: frozenset[str]

    def file(self, name: str) -> Path:
        """Return where ``name`` lies."""
        return self.path / name

    def word_pairs(self) -> WordPairs | None:
        """Return which words its training had beside each other, where it tells."""
        return WordPairs(read(self.file(PAIRS))) if PAIRS in self.names else None


def load_package(path: Path, public_key: Path | None = None) -> Package:
    """Return the package in folder ``path`` after checking its sums and its manifest.

    Args:
        path: The folder.
        public_key: PEM file of the key that must have signed the sums; ``None`` asks for none.

    Raises:
        ModelPackageError: A file is missing, altered or unlisted, the manifest has a flaw, or the
            signature that is asked for is not there or not of this key.
        ConfigError: ``public_key`` is unreadable, or nothing is installed to check it with.
    """
    recorded = read(path / SUMS)
    if public_key is not None:
        require_signature(path, recorded, public_key)
    sums = _parse_sums(path / SUMS, recorded)
    for name, expected in sums.items():
        if hashlib.sha256(read(path / name)).hexdigest() != expected:
            raise ModelPackageError(f"{path / name}: altered, its SHA-256 is not the recorded one")
    manifest = parse(read(path / MANIFEST))
    if isinstance(manifest, Flaw):
        raise ModelPackageError(f"{path / MANIFEST}: {manifest.reason}")
    needed = [MANIFEST, MODEL, SELFTEST]
    if manifest.task is Task.LOG_CLASSIFICATION:
        needed.append(TOKENIZER)
    for name in needed:
        if name not in sums:
            raise ModelPackageError(f"{path / SUMS}: {name} is not listed")
    return Package(path, manifest, sums[MODEL], frozenset(sums))


def _parse_sums(file: Path, recorded: bytes) -> dict[str, str]:
    """Return the recorded SHA-256 of each file, by name."""
    sums = {}
    for line in recorded.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if not name or Path(name).name != name:
            raise ModelPackageError(f"{file}: a line is not '<sha256>  <file name>'")
        sums[name] = digest
    return sums


def read(file: Path) -> bytes:
    """Return the bytes of ``file``.

    Raises:
        ModelPackageError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelPackageError(f"{file}: cannot be read: {error.strerror}") from error
