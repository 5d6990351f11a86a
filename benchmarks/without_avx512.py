"""Runs a Python script as a processor with AVX2, but without AVX-512 and VNNI, would run it.

    .venv/bin/python benchmarks/without_avx512.py benchmarks/albert_int8.py --cpu-time

ONNX Runtime has no setting for that.  A program may only use AVX-512 once it has asked the system,
by the instruction XGETBV, whether it saves the wide registers; so a copy of the library, in a
temporary folder, gets the answer "those of AVX" in place of the question.  The installed library
stays as it is.  Before the script runs, a product of full-range bytes shows that the AVX2 kernel is
at work: that one saturates, those of AVX-512 VNNI do not.  Only for x86-64 Linux.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_QUESTION = bytes.fromhex("31c9 0f01d0")  # xor ecx, ecx; xgetbv
_ANSWER = bytes.fromhex("31c9 b00790")  # xor ecx, ecx; mov al, 7; nop: x87, SSE and AVX, no more
_LIBRARIES = "onnxruntime_pybind11_state*.so"
_PROBE = """
import numpy, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
weight = numpy_helper.from_array(numpy.full((256, 64), 127, numpy.int8), "weight")
node = helper.make_node("MatMulInteger", ["bytes", "weight"], ["sums"])
bytes_, sums = (
    helper.make_tensor_value_info(name, kind, ["n", width])
    for name, kind, width in (("bytes", TensorProto.UINT8, 256), ("sums", TensorProto.INT32, 64))
)
graph = helper.make_graph([node], "probe", [bytes_], [sums], [weight])
opset = [helper.make_opsetid("", 20)]
model = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
found = session.run(None, {"bytes": numpy.full((32, 256), 255, numpy.uint8)})[0]
print("exact" if (found == 255 * 127 * 256).all() else "saturated")
"""


class PatchError(Exception):
    """The installed ONNX Runtime, or this processor, is not what the patch was made for."""


def patched(library: bytes) -> bytes:
    """Return ``library`` with every question for the saved registers answered.

    Raises:
        PatchError: The library nowhere asks in the known way.
    """
    if _QUESTION not in library:
        raise PatchError("ONNX Runtime does not ask for AVX-512 in the known way")
    return library.replace(_QUESTION, _ANSWER)


def copy_without_avx512(folder: Path) -> None:
    """Put a patched copy of the installed ``onnxruntime`` into ``folder``.

    Raises:
        PatchError: It cannot be patched, or still runs other kernels than those of AVX2.
    """
    spec = importlib.util.find_spec("onnxruntime")  # finds without importing
    if spec is None or spec.origin is None:
        raise PatchError("ONNX Runtime is not installed")
    copy = folder / "onnxruntime"
    shutil.copytree(Path(spec.origin).parent, copy)
    found = list((copy / "capi").glob(_LIBRARIES))
    if not found:
        raise PatchError(f"ONNX Runtime holds no {_LIBRARIES}")
    for library in found:
        library.write_bytes(patched(library.read_bytes()))
    probe = [sys.executable, "-c", _PROBE]
    answer = subprocess.run(
        probe, check=False, env=environment(folder), capture_output=True, text=True
    )
    if answer.returncode:
        raise PatchError(f"the patched ONNX Runtime does not run: {answer.stderr.strip()}")
    if answer.stdout.strip() != "saturated":
        raise PatchError("full-range products do not saturate: not the plain AVX2 kernel")


def environment(folder: Path) -> dict[str, str]:
    """Return the variables with which Python takes ONNX Runtime from ``folder``."""
    paths = [str(folder), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    joined = os.pathsep.join(path for path in paths if path)
    return {**os.environ, "PYTHONPATH": joined, "ORT_DISABLE_TELEMETRY": "1"}


def main(script: list[str]) -> int:
    """Run ``script``, a file and its arguments; return its exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            copy_without_avx512(Path(scratch))
        except PatchError as error:
            print(f"without_avx512: {error}", file=sys.stderr)
            return 1
        done = subprocess.run(
            [sys.executable, *script], check=False, env=environment(Path(scratch))
        )
    return done.returncode


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
