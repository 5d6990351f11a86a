"""Signs model packages (``quantize sign``), so that gateways can refuse all others."""

from pathlib import Path

from edge_agent.errors import ModelPackageError
from edge_agent.io.model_package import SUMS, load_package
from edge_agent.io.signature import SIGNATURE
from quantize.errors import PackageError


def sign(package: Path, private_key: Path) -> None:
    """Write the Ed25519 signature of the sums of ``package`` beside them.

    Args:
        package: A package folder whose sums match: nothing altered is signed.
        private_key: PEM file without a password, as ``openssl genpkey -algorithm ed25519`` makes.

    Raises:
        PackageError: The package is not whole, the key is none, or the folder cannot be written.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - the extra [sign]
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    try:
        load_package(package)
        sums = (package / SUMS).read_bytes()
        key = load_pem_private_key(private_key.read_bytes(), password=None)
    except ModelPackageError as error:
        raise PackageError(str(error)) from error
    except OSError as error:
        raise PackageError(f"{error.filename}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PackageError(f"{private_key}: not a private key without password: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise PackageError(f"{private_key}: not an Ed25519 key")
    try:
        (package / SIGNATURE).write_bytes(key.sign(sums))
    except OSError as error:
        raise PackageError(f"{package / SIGNATURE}: cannot be written: {error.strerror}") from error
