"""``edge-agent diagnose``: files in, one JSON object out."""

import csv
import json
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent / "core"))
from machines import RATE_HZ, SHAFT_HZ, striking

from edge_agent.cli import main
from edge_agent.core.bearings import COMMON
from edge_agent.io.waveform_file import read_waveform

BEARING = COMMON["6205"]
SAMPLES = striking(BEARING.outer * SHAFT_HZ)
KNOWN = ["--speed-rpm", str(60 * SHAFT_HZ), "--bearing", "6205"]


@pytest.fixture
def ask(tmp_path, capsys):
    """Return what the command says about some samples."""

    def asked(samples, *options, rate_hz=RATE_HZ):
        path = tmp_path / "block.npy"
        np.save(path, samples)
        assert main(["diagnose", str(path), f"--rate-hz={rate_hz}", *options]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        return json.loads(line)

    return asked


def as_csv(path, rows, delimiter=","):
    with path.open("w", newline="") as out:
        csv.writer(out, delimiter=delimiter).writerows(rows)


def as_wav(path, samples, width, channels=1):
    full = 2 ** (8 * width - 1)
    integers = np.clip(np.rint(samples * full), -full, full - 1).astype("<i4")
    raw = integers.view(np.uint8).reshape(-1, 4)[:, :width]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(int(RATE_HZ))
        out.writeframes(np.repeat(raw[:, None, :], channels, axis=1).tobytes())


def test_the_answer_has_every_promised_field(ask):
    answer = ask(SAMPLES, *KNOWN)
    assert answer["verdict"] == "outer_race"
    assert 0 < answer["confidence"] <= 1
    assert answer["zone"] == "A"
    assert answer["rms"] == pytest.approx(np.std(SAMPLES), rel=1e-6)
    assert answer.keys() >= {
        *("verdict", "confidence", "rms", "velocity_rms_mm_s", "peak", "crest_factor"),
        *("excess_kurtosis", "zone", "lines", "reason", "speed_rpm", "speed_estimated"),
    }
    line = answer["lines"][0]
    assert line.keys() == {
        *("name", "harmonic", "frequency_hz", "expected_hz", "level_db", "sidebands")
    }


@pytest.mark.parametrize("bsf", [BEARING.ball, BEARING.ball / 2])
def test_factors_serve_as_well_as_a_name(ask, bsf):
    given = {"bpfo": BEARING.outer, "bpfi": BEARING.inner, "bsf": bsf, "ftf": BEARING.cage}
    factors = [f"--{name}={value}" for name, value in given.items()]
    assert ask(SAMPLES, *KNOWN[:2], *factors) == ask(SAMPLES, *KNOWN)


def test_unit_scale_and_class_are_heeded(ask):
    in_g = ask(SAMPLES, *KNOWN)
    in_si = ask(9.80665 * SAMPLES, *KNOWN, "--unit", "m_s2")
    assert in_si["velocity_rms_mm_s"] == pytest.approx(in_g["velocity_rms_mm_s"])
    loud = ask(SAMPLES, *KNOWN, "--scale", "15")
    assert loud["rms"] == pytest.approx(15 * in_g["rms"])
    lenient = ask(SAMPLES, *KNOWN, "--scale", "15", "--group", "1", "--support", "flexible")
    assert (loud["zone"], lenient["zone"]) == ("C", "B")


@pytest.mark.parametrize(
    ("speeds", "verdict", "words"),
    [
        ([60 * SHAFT_HZ], "outer_race", "BPFO"),
        ([""], "not_assessable", "no speed"),
        ([0.0], "not_assessable", "speed of 0 rpm"),
        ([1000.0, 60 * SHAFT_HZ], "not_assessable", "changes by 482 rpm"),
    ],
)
def test_the_speed_may_stand_beside_the_samples(tmp_path, capsys, speeds, verdict, words):
    rows = [[f"{x:.6f}", speeds[i % len(speeds)]] for i, x in enumerate(SAMPLES)]
    as_csv(tmp_path / "block.csv", [["acc", "rpm"], *rows])
    given = ["--rate-hz", str(RATE_HZ), "--speed-column", "rpm", "--bearing", "6205"]
    assert main(["diagnose", str(tmp_path / "block.csv"), *given]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == verdict
    assert words in answer["reason"]
    assert not answer["speed_estimated"]


def test_a_healthy_recording_is_compared(ask, tmp_path):
    usual = np.convolve(np.random.default_rng(1).normal(0, 0.02, 25_600), [1, 0.8], "same")
    louder = usual[::-1] * 2
    np.save(tmp_path / "health.npy", np.concatenate((usual, usual[::-1])))
    given = ["--healthy", str(tmp_path / "health.npy")]
    assert ask(usual[::-1], *KNOWN)["verdict"] == "unknown"
    assert ask(usual[::-1], *KNOWN, *given)["verdict"] == "healthy"
    assert "louder than in health" in ask(louder, *KNOWN, *given)["reason"]
    np.save(tmp_path / "health.npy", np.zeros(25_600))
    answer = ask(usual, *KNOWN, *given)
    assert answer["verdict"] == "not_assessable"
    assert "the healthy recording tells nothing: all samples are 0" in answer["reason"]


@pytest.mark.parametrize(
    ("samples", "rate_hz", "options", "reason"),
    [
        (np.where(np.arange(SAMPLES.size) == 9, np.nan, SAMPLES), RATE_HZ, KNOWN, "no finite"),
        (np.empty(0), RATE_HZ, KNOWN, "too few"),
        (SAMPLES, 0, KNOWN, "sampling rate"),
        (SAMPLES, "nan", KNOWN, "sampling rate"),
        (SAMPLES, RATE_HZ, ["--speed-rpm", "0"], "speed"),
        (SAMPLES, RATE_HZ, ["--speed-rpm=-5", "--bearing", "6205"], "speed"),
        (
            SAMPLES,
            RATE_HZ,
            ["--speed-rpm", "1500", "--bpfo=600", "--bpfi=900", "--bsf=700", "--ftf=0.4"],
            "Nyquist",
        ),
        (SAMPLES, RATE_HZ, ["--bpfo=0", "--bpfi=5", "--bsf=4", "--ftf=0.4"], "more than 0"),
        (SAMPLES, RATE_HZ, ["--bpfo=90", "--bpfi=130", "--bsf=70", "--ftf=10"], "not Hz"),
    ],
)
def test_what_cannot_be_judged_is_an_answer_too(ask, samples, rate_hz, options, reason):
    answer = ask(samples, *options, rate_hz=rate_hz)
    assert answer["verdict"] == "not_assessable"
    assert reason in answer["reason"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.npy", None, "cannot be read"),
        ("empty.npy", b"", "holds no waveform"),
        ("text.npy", b"1.0\n2.0\n", "holds no waveform"),
        ("broken.wav", b"RIFF\0\0\0\0WAVE", "holds no waveform"),
        ("words.csv", b"a,b\nc,d\n", "no column of numbers"),
        ("later.csv", b"acc\n1.0\nbroken\n", "holds no waveform"),
        ("bytes.csv", b"\xff\xfe\x00\x01", "holds no waveform"),
        ("block.mat", b"", "neither .npy nor .csv nor .wav"),
    ],
)
def test_a_file_that_is_no_waveform_is_refused_in_one_line(tmp_path, capsys, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["diagnose", str(tmp_path / name), "--rate-hz", "1000"]) == 78
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert name in line
    assert words in line


@pytest.mark.parametrize(
    "array",
    [np.array([{}], dtype=object), np.ones((2, 3)), np.array(["a"]), np.ones(4, dtype=complex)],
)
def test_an_array_that_is_no_waveform_is_refused(tmp_path, capsys, array):
    np.save(tmp_path / "block.npy", array, allow_pickle=True)
    assert main(["diagnose", str(tmp_path / "block.npy"), "--rate-hz", "1000"]) == 78
    assert "holds no waveform" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--bearing", "NU 205"], ["--bpfo", "3.5"]])
def test_a_bearing_that_is_not_known_is_refused(tmp_path, capsys, options):
    np.save(tmp_path / "block.npy", SAMPLES)
    path = str(tmp_path / "block.npy")
    assert main(["diagnose", path, "--rate-hz", "25600", *options]) == 78
    assert "--bpfo" in capsys.readouterr().err


def test_columns_of_text_are_found(tmp_path):
    path = tmp_path / "block.csv"
    values = [0.5, -1.25, 3.0]
    layouts = [
        ([[v] for v in values], ",", None),
        ([["acc"], *([v] for v in values)], ",", None),
        ([["time", "acc", "temp"], *([i, v, 20] for i, v in enumerate(values))], ",", None),
        ([["a", "b"], *([9, v] for v in values)], "\t", "b"),
        ([["t", "x"], *([i, str(v).replace(".", ",")] for i, v in enumerate(values))], ";", None),
    ]
    for rows, delimiter, column in layouts:
        as_csv(path, rows, delimiter)
        np.testing.assert_array_equal(read_waveform(path, column), values)


def test_a_gap_in_text_is_no_number(tmp_path):
    (tmp_path / "block.csv").write_text("t,acc\n0,1\n1,\n2,3\n")
    np.testing.assert_array_equal(read_waveform(tmp_path / "block.csv"), [1, np.nan, 3])
    (tmp_path / "none.csv").write_text("")
    assert read_waveform(tmp_path / "none.csv").size == 0


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("width", "step"), [(2, 2.0**-15), (3, 2.0**-23), (4, 2.0**-31)])
def test_wav_of_every_width_is_read(tmp_path, width, step, channels):
    samples = np.array([0.5, -0.25, 0.125, -1.0, 0.999])
    as_wav(tmp_path / "block.wav", samples, width, channels)
    np.testing.assert_allclose(read_waveform(tmp_path / "block.wav"), samples, atol=step)
