"""A package is written whole or not at all."""

import json

import pytest
from checkpoints import save_lstm

from edge_agent.io.runtime import load_package
from quantize import package
from quantize.cli import main
from quantize.errors import PackageError
from quantize.lstm import LstmBounds, quantize_lstm


@pytest.fixture
def made(tmp_path):
    out = tmp_path / "packages" / "sensor"
    quantize_lstm(save_lstm(tmp_path / "tiny"), out, bounds=LstmBounds(slowdown=1000))
    return out


def contents(folder):
    """Read a package back as what it was written from."""
    loaded = load_package(folder)
    report = json.loads((folder / "report.json").read_text())
    report.pop("schema")
    return package.Contents(
        manifest=loaded.manifest,
        model=(folder / "model.onnx").read_bytes(),
        report=report,
        selftest=json.loads((folder / "selftest.json").read_text()),
        card=(folder / "MODEL_CARD.md").read_text(),
    )


def test_a_package_is_all_that_is_left(made):
    assert [path.name for path in made.parent.iterdir()] == ["sensor"]
    assert {path.name for path in made.iterdir()} == {
        "MODEL_CARD.md",
        "SHA256SUMS",
        "manifest.json",
        "model.onnx",
        "report.json",
        "selftest.json",
    }


def test_a_newer_package_takes_the_place_of_an_older_one(made):
    newer = contents(made)
    object.__setattr__(newer, "card", "# newer\n")
    package.write(made, newer)
    assert (made / "MODEL_CARD.md").read_text() == "# newer\n"
    assert [path.name for path in made.parent.iterdir()] == ["sensor"]


def test_a_package_that_fails_its_self_test_leaves_the_older_one_alone(made):
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    broken = contents(made)
    object.__setattr__(broken, "model", b"no model")
    with pytest.raises(PackageError, match=r"sensor/model\.onnx: ONNX Runtime"):
        package.write(made, broken)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before
    assert [path.name for path in made.parent.iterdir()] == ["sensor"]


def test_another_card_is_vouched_for_and_an_old_signature_is_not_kept(made):
    (made / "SHA256SUMS.sig").write_bytes(b"of the old sums")
    model = load_package(made).sha256
    package.replace_card(made, "# measured\n")
    assert (made / "MODEL_CARD.md").read_text() == "# measured\n"
    assert not (made / "SHA256SUMS.sig").exists()
    assert load_package(made).sha256 == model


def test_a_folder_of_something_else_is_left_alone(made, tmp_path):
    other = tmp_path / "photos"
    other.mkdir()
    (other / "holiday.jpg").write_bytes(b"")
    with pytest.raises(PackageError, match="is not a model package"):
        package.write(other, contents(made))
    assert [path.name for path in other.iterdir()] == ["holiday.jpg"]


def test_a_place_that_cannot_be_written_is_named(made, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PackageError, match="file/sensor: cannot be written"):
        package.write(tmp_path / "file" / "sensor", contents(made))


def test_the_report_prints_as_a_table(made, capsys):
    assert main(["report", str(made)]) == 0
    printed = capsys.readouterr().out
    assert "tiny-lstm 1" in printed
    assert "score_rank_correlation" in printed
    assert "1 DynamicQuantizeLSTM" in printed


def test_a_good_package_is_verified(made, capsys):
    assert main(["verify", str(made)]) == 0
    assert "sums match" in capsys.readouterr().out


def test_an_altered_package_is_not(made, capsys):
    with (made / "report.json").open("a") as report:
        report.write(" ")
    assert main(["verify", str(made)]) == 1
    assert capsys.readouterr().err.endswith("altered, its SHA-256 is not the recorded one\n")


def test_a_bad_checkpoint_ends_in_one_line(tmp_path, capsys):
    assert main(["lstm", str(tmp_path / "none"), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == (
        f"quantize: {tmp_path}/none/config.json: cannot be read: No such file or directory\n"
    )


def test_no_command_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage: quantize" in capsys.readouterr().err
