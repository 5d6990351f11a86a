"""What can go wrong in the workshop; nothing here is ever raised on a gateway."""

from collections.abc import Sequence


class QuantizeError(Exception):
    """Base of every error that the workshop raises on purpose."""


class ExportMismatch(QuantizeError):  # noqa: N818 - the name says what does not match
    """The ONNX graph does not compute what the checkpoint computes: nothing is built on it."""


class PackageError(QuantizeError):
    """A checkpoint, an evaluation file or a package is unfit; the message names file and reason."""


class GateFailed(QuantizeError):  # noqa: N818 - a gate failed; the model is not the error
    """The quantized model misses at least one requirement.

    Args:
        failures: One sentence per failed gate, with the figure and the bound that it missed.
    """

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__("gates failed: " + "; ".join(failures))
        self.failures = tuple(failures)
