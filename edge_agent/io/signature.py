"""Checks the detached Ed25519 signature of a model package, where a plant demands one.

``SHA256SUMS.sig`` holds the 64 bytes of the signature over ``SHA256SUMS``, which vouches for every
other file.  The format is that of ``openssl pkeyutl -sign -rawin``, so a plant may sign with tools
that it trusts already.
"""

from collections.abc import Callable
from pathlib import Path

from edge_agent.errors import ConfigError, ModelPackageError

SIGNATURE = "SHA256SUMS.sig"

Check = Callable[[bytes, bytes], bool]
"""Takes signature and content; tells whether the one belongs to the other."""


def require_signature(package: Path, sums: bytes, public_key: Path) -> None:
    """Do nothing if the package in folder ``package`` is signed with the half of ``public_key``.

    Args:
        package: The folder.
        sums: The content of its ``SHA256SUMS``, as it was read for checking the files.
        public_key: PEM file.

    Raises:
        ConfigError: As :func:`read_public_key`.
        ModelPackageError: There is no signature, or it is not that of this content and key.
    """
    belongs = read_public_key(public_key)
    file = package / SIGNATURE
    try:
        signature = file.read_bytes()
    except FileNotFoundError:
        raise ModelPackageError(
            f"{package}: not signed: {SIGNATURE} is missing, and {public_key} is demanded"
        ) from None
    except OSError as error:
        raise ModelPackageError(f"{file}: cannot be read: {error.strerror}") from error
    if not belongs(signature, sums):
        raise ModelPackageError(f"{file}: not a signature of these sums by the key of {public_key}")


def read_public_key(file: Path) -> Check:
    """Return the check that the public key in the PEM ``file`` makes possible.

    Raises:
        ConfigError: The file cannot be read, holds no public Ed25519 key, or the library that
            checks signatures is not installed.
    """
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    try:  # not before a key is set: the agent runs without the library
        from cryptography.exceptions import (  # noqa: PLC0415
            InvalidSignature,
            UnsupportedAlgorithm,
        )
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_pem_public_key,
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{file} is set as the key of model packages, but the library that checks signatures"
            " is not installed; run: pip install 'edge-agent[sign]'"
        ) from error
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{file} is not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{file} is not an Ed25519 key")

    def belongs(signature: bytes, content: bytes) -> bool:
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
        return True

    return belongs
