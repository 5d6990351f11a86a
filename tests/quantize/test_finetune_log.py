"""Fine-tuning a log package, end to end, on networks that are made up here."""

import json

import numpy as np
import pytest
from checkpoints import safetensors, save_albert, torch

from edge_agent.core.records import Category, Severity
from edge_agent.io.runtime import load_package
from quantize.agreement import AlbertBounds
from quantize.albert import quantize_albert
from quantize.cli import main
from quantize.errors import GateFailed, PackageError
from quantize.finetune_log import Bounds, Effort, finetune
from quantize.log_adapt import Depth, Tuning, adapt, refitted_temperature
from quantize.log_data import Message
from quantize.log_network import HEADS
from quantize.log_restore import agreement, package_logits, restored

BACKWARDS = [
    *(f"severity:{severity}" for severity in reversed(Severity)),
    *(f"category:{category}" for category in reversed(Category)),
]
TEXTS = [f"{a} {b} {c}" for a in "abcde" for b in ("bearing", "drive") for c in ("high", "stopped")]
WORDS = ("bearing temperature high", "drive stopped", "encoder fault", "limit")
PLANT = [
    {"text": f"{word} {a}{b}", "category": category, "severity": severity}
    for a in "abc"
    for b in "xyz"
    for word, category, severity in zip(
        WORDS,
        ("thermal", "normal", "sensor", "safety"),
        ("warning", "info", "error", "critical"),
        strict=True,
    )
]
QUICK = Effort(Tuning(epochs=1, rate=1e-6, head_rate=1e-6), judged=40)
# Nobody's figures: networks with random weights change their minds over a rounding.
EASY = AlbertBounds(
    agreement=0.0,
    accuracy_drop=1.0,
    macro_f1_drop=1.0,
    probability_shift=1.0,
    size_ratio=1.0,
    speedup=0.0,
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small only wait for each other's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(folder, labels):
    """Return a package of a network whose labels stand in the order ``labels``."""
    shape = {"hidden_size": 256, "intermediate_size": 1024, "labels": labels}
    checkpoint = save_albert(folder / "checkpoint", **shape)
    weights = safetensors.load_file(checkpoint / "model.safetensors")
    sure = [9.0 if label in {"category:thermal", "severity:error"} else 0.0 for label in labels]
    weights["classifier.bias"] = torch.tensor(sure)
    safetensors.save_file(weights, checkpoint / "model.safetensors")
    quantize_albert(checkpoint, folder / "base", bounds=EASY)
    return folder / "base"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Return a package that says its labels in another order than HEADS."""
    return made(tmp_path_factory.mktemp("base"), BACKWARDS)


@pytest.fixture
def labelled(tmp_path):
    file = tmp_path / "plant.jsonl"
    file.write_text("\n".join(map(json.dumps, PLANT)))
    return file


def messages(rows):
    return [Message(r["text"], r["category"], r["severity"], "plant", "") for r in rows]


def test_a_restored_network_says_what_its_package_says(base):
    package = load_package(base)
    expected = package_logits(package, TEXTS)
    found = restored(package).logits([Message(text, "", "", "", "") for text in TEXTS])
    assert agreement(expected, found) == 1.0
    assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.999


def test_labels_of_a_package_in_any_order_come_out_in_one(base):
    logits = package_logits(load_package(base), ["bearing"])[0]
    assert HEADS["category"][logits[:10].argmax()] == "thermal"
    assert HEADS["severity"][logits[10:].argmax()] == "error"


def test_a_package_with_other_labels_is_refused(tmp_path):
    quantize_albert(save_albert(tmp_path / "checkpoint"), tmp_path / "base", bounds=EASY)
    with pytest.raises(PackageError, match="not the agent's categories"):
        restored(load_package(tmp_path / "base"))


def test_agreement_is_that_of_the_worse_head():
    one = np.zeros((4, 14), np.float32)
    other = one.copy()
    other[0, [3, 11]] = 1.0
    other[1, 11] = 1.0
    assert agreement(one, other) == 0.5


def test_adapting_learns_the_plant_and_leaves_the_base_alone(base):
    trained = restored(load_package(base))
    before = trained.logits(messages(PLANT))
    tuning = Tuning(epochs=12, rate=1e-3, head_rate=1e-2)
    after = adapt(trained, messages(PLANT), messages(PLANT)[:0], tuning, 0).logits(messages(PLANT))
    truth = [HEADS["category"].index(row["category"]) for row in PLANT]
    assert (before[:, :10].argmax(1) == truth).mean() < 0.3
    assert (after[:, :10].argmax(1) == truth).mean() > 0.8
    np.testing.assert_array_equal(trained.logits(messages(PLANT)), before)


@pytest.mark.parametrize(
    ("depth", "moved", "still"),
    [
        (Depth.HEADS, "classifier.weight", "albert_layer_groups.0"),
        (Depth.LAST, "albert_layer_groups.0", "word_embeddings"),
        (Depth.ALL, "word_embeddings", None),
    ],
)
def test_only_what_may_move_moves(base, depth, moved, still):
    trained = restored(load_package(base))
    tuned = adapt(trained, messages(PLANT)[:8], [], Tuning(epochs=1, depth=depth), 0)
    before = trained.network.state_dict()
    changed = {
        name
        for name, value in tuned.network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert any(moved in name for name in changed)
    assert still is None or not any(still in name for name in changed)


def test_a_few_right_answers_do_not_freeze_the_temperature():
    sure = np.zeros((5, 3), np.float32)
    sure[:, 0] = 1.0
    assert 0.3 < refitted_temperature(sure, [0] * 5, 1.0) < 1.0


def test_many_wrong_answers_move_the_temperature_wherever_it_was():
    rng = np.random.default_rng(0)
    guesses = rng.normal(0, 5, (2000, 4)).astype(np.float32)
    heats = [refitted_temperature(guesses, [0] * 2000, before) for before in (2.0, 4.0)]
    assert heats[0] == pytest.approx(2.0 * 1.05**40, rel=0.01)
    assert heats[1] > heats[0]


def test_a_plant_gets_its_package(base, labelled, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("quantize.albert.AlbertBounds", lambda: EASY)
    finetune(base, labelled, tmp_path / "out", effort=QUICK)
    printed = capsys.readouterr().out
    for row in ("plant, held out: before", "plant, held out: after", "known before: after"):
        assert f"| {row} |" in printed
    package = load_package(tmp_path / "out")
    assert package.manifest.name == load_package(base).manifest.name
    assert package.manifest.version.endswith("+tuned")
    assert package.manifest.log.max_tokens == load_package(base).manifest.log.max_tokens
    text = (tmp_path / "out/MODEL_CARD.md").read_text(encoding="utf-8")
    assert load_package(base).sha256 in text
    assert "learnt 29 lines" in text or "learnt 28 lines" in text
    assert "| category | thermal | 9 |" in text
    assert (base / "MODEL_CARD.md").read_text(encoding="utf-8") in text


def test_what_has_forgotten_too_much_is_not_written(base, labelled, tmp_path, monkeypatch):
    monkeypatch.setattr("quantize.albert.AlbertBounds", lambda: EASY)
    wild = Effort(Tuning(epochs=3, replay=0, head_rate=0.3, rate=1e-3), Bounds(), judged=40)
    with pytest.raises(GateFailed, match=r"replay_agreement is 0.*, must be at least 0\.95"):
        finetune(base, labelled, tmp_path / "out", effort=wild)
    assert not (tmp_path / "out").exists()


def test_a_network_that_is_not_the_packages_is_not_trained(base, labelled, tmp_path):
    strict = Effort(QUICK.tuning, Bounds(restored=1.01), judged=40)
    with pytest.raises(GateFailed, match=r"restored_agreement is 1, must be at least 1\.01"):
        finetune(base, labelled, tmp_path / "out", effort=strict)


def test_the_command_names_a_bad_line_and_writes_nothing(base, labelled, tmp_path, capsys):
    labelled.write_text(labelled.read_text() + '\n{"text": "hot", "category": "heat"}')
    arguments = ["finetune-log", str(base), str(labelled), str(tmp_path / "out")]
    assert main(arguments) == 1
    assert f"plant.jsonl:{len(PLANT) + 1}: no severity" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_base_that_is_no_package_is_named(labelled, tmp_path):
    with pytest.raises(PackageError, match="SHA256SUMS"):
        finetune(tmp_path / "nothing", labelled, tmp_path / "out")


def test_a_data_folder_without_messages_is_named(base, labelled, tmp_path):
    with pytest.raises(PackageError, match=r"no messages\.jsonl"):
        finetune(base, labelled, tmp_path / "out", tmp_path)
