"""A processor without AVX-512, played on one that has it."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="the workshop (extra [quantize]) is not installed")

TOOL = Path(__file__).parents[2] / "benchmarks" / "without_avx512.py"
CPUINFO = Path("/proc/cpuinfo")
HAS_VNNI = CPUINFO.is_file() and "avx512_vnni" in CPUINFO.read_text()


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOL.parent))
    import without_avx512  # noqa: PLC0415 - not before its folder is on the path

    return without_avx512


def test_the_answer_takes_the_place_of_the_question_and_no_more(tool):
    library = b"\x90before\x31\xc9\x0f\x01\xd0after\x90"
    assert tool.patched(library) == b"\x90before\x31\xc9\xb0\x07\x90after\x90"


def test_a_library_that_asks_in_another_way_is_refused(tool):
    with pytest.raises(tool.PatchError, match="does not ask for AVX-512 in the known way"):
        tool.patched(b"\x0f\x01\xd0")


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not HAS_VNNI, reason="no AVX-512 VNNI to leave out"
)
def test_seven_bit_weights_do_not_saturate_where_full_range_ones_do(tool, tmp_path):
    tool.copy_without_avx512(tmp_path)  # has seen full-range products saturate
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-k", "extreme", "tests/quantize/test_int8.py"],
        env=tool.environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        cwd=TOOL.parents[1],
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    assert "10 passed" in done.stdout


def test_the_script_gets_its_arguments_and_gives_its_exit_code(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "copy_without_avx512", lambda _: None)
    script = tmp_path / "script.py"
    script.write_text("import sys; sys.exit(int(sys.argv[1]))")
    assert tool.main([str(script), "7"]) == 7
