import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the workshop's extra [quantize] is not installed")

from safetensors.torch import save_file  # noqa: E402 - after the check for the extra
from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import WordPiece  # noqa: E402
from tokenizers.normalizers import BertNormalizer  # noqa: E402
from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from edge_agent.core.logscore import LogScorer  # noqa: E402
from edge_agent.core.records import Category, Severity  # noqa: E402
from edge_agent.io.runtime import OnnxLogModel, load_package  # noqa: E402
from quantize.agreement import AlbertBounds  # noqa: E402
from quantize.errors import PackageError  # noqa: E402
from quantize.log_data import (  # noqa: E402
    Message,
    device_messages,
    labelled_streams,
    permissive,
    raw_logs,
    restricted,
    roughened,
)
from quantize.log_figures import (  # noqa: E402
    Verdict,
    calibration_error,
    majority,
    measured,
    tfidf,
)
from quantize.log_lines import SYSTEM as GENERATED  # noqa: E402
from quantize.log_lines import filled, generate  # noqa: E402
from quantize.log_network import (  # noqa: E402
    HEADS,
    MAX_TOKENS,
    Shape,
    from_minilm,
    pruned_tokenizer,
)
from quantize.log_package import quantize_log  # noqa: E402
from quantize.log_recipe import Plan  # noqa: E402
from quantize.log_training import Recipe, fine_tune, fitted_temperature, logits_of  # noqa: E402
from quantize.train_log import SHIPPED, train  # noqa: E402

WORDS = ["motor", "jammed", "hot", "cycle", "done", "link", "lost", "zebra", "##ing"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small only wait for each other's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def message(text, category="normal", severity="info", system="s", licence="MIT"):
    return Message(text, category, severity, system, licence)


@pytest.fixture(scope="module")
def minilm(tmp_path_factory) -> Path:
    """Return a folder like MiniLM's, two layers of width 24 over a handful of words."""
    folder = tmp_path_factory.mktemp("minilm")
    unused = [f"[unused{number}]" for number in range(994)]
    tokens = ["[PAD]", *unused, "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", *WORDS]
    tokenizer = Tokenizer(
        WordPiece({token: place for place, token in enumerate(tokens)}, unk_token=tokens[995])
    )
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "vocab_size": len(tokens),
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,  # large enough for a first token that hears the others
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    network = BertModel(BertConfig(**config), add_pooling_layer=False)
    save_file(dict(network.state_dict()), str(folder / "model.safetensors"))
    return folder


def test_our_own_lines_are_the_same_for_the_same_seed():
    assert generate(3, routine=200) == generate(3, routine=200)
    assert generate(3, routine=200) != generate(4, routine=200)


def test_our_own_lines_follow_the_taxonomy():
    lines = generate(0)
    assert all((line.category == "normal") == (line.severity == "info") for line in lines)
    assert {line.category for line in lines} == set(Category)
    assert {line.severity for line in lines} == set(Severity)


def test_our_own_lines_are_filled_in_and_not_repeated():
    lines = generate(0)
    assert not [line.text for line in lines if set("{}|") & set(line.text)]
    repeated = [pair for pair, n in Counter((x.text, x.category) for x in lines).items() if n > 3]
    assert repeated == []


def test_a_shape_offers_every_choice():
    rng = random.Random(0)  # noqa: S311 - variety, not secrecy
    seen = {filled(rng, "{fan|pump {num}|} {stopped|{lost|gone}}").split()[-1] for _ in range(200)}
    assert seen == {"stopped", "lost", "gone"}


@pytest.mark.parametrize(
    "licence", ["MIT", "BSD-3-Clause", "Apache-2.0", "ISC", "MPL-2.0", "BSD (package.xml)"]
)
def test_a_permissive_message_may_be_trained_on(licence):
    assert permissive([message("x", licence=licence)])


@pytest.mark.parametrize(
    "licence",
    [
        "none stated",
        "GPL-3.0",
        "GPL-2.0/BSD (package.xml)",
        "AGPL-3.0",
        "loghub",
        "vendor MIB text",
    ],
)
def test_any_other_message_is_kept_for_evaluation(licence):
    assert permissive([message("x", licence=licence)]) == []
    assert restricted([message("x", licence=licence)])


def test_every_labelled_raw_line_meets_its_label(shared_data):
    streams = labelled_streams(shared_data / "logs")
    assert len(streams) == 24_000
    assert sum(message.alert for _, message in streams) == 143
    assert all(message.text.split()[-1] in raw for raw, message in streams[::97] if message.text)


def test_the_alert_column_of_blue_gene_is_taken_off(shared_data):
    firsts = {
        line.split(" ")[0] for system, _, line in raw_logs(shared_data / "logs") if system == "BGL"
    }
    assert all(first.isdigit() for first in firsts)


def test_roughening_changes_letters_and_keeps_a_message():
    rng = random.Random(0)  # noqa: S311 - variety, not secrecy
    texts = {roughened(rng, "Coolant pump jammed") for _ in range(300)}
    assert len(texts) > 50
    assert all(text.strip() for text in texts)
    assert "Coolant pump jammed" in texts


def test_the_pruned_vocabulary_keeps_used_words_before_frequent_ones(minilm):
    tokenizer, ids = pruned_tokenizer(minilm, ["link lost"], size=9)
    kept = tokenizer.get_vocab()
    assert {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "link", "lost"} == set(kept)
    assert len(ids) == 9
    assert tokenizer.encode("link zebra").tokens == ["[CLS]", "link", "[UNK]", "[SEP]"]


def test_a_long_line_is_cut_to_the_models_length(minilm):
    tokenizer, _ = pruned_tokenizer(minilm, ["link"], size=20)
    assert len(tokenizer.encode("link " * 500).ids) == MAX_TOKENS


def test_a_network_starts_from_the_first_layers_of_its_teacher(minilm):
    _, ids = pruned_tokenizer(minilm, WORDS, size=20)
    network = from_minilm(minilm, ids, Shape(groups=2, layers=2, embedding=8))
    teacher = BertModel(BertConfig(**json.loads((minilm / "config.json").read_text())))
    own = network.albert.encoder.albert_layer_groups[1].albert_layers[0].ffn.weight
    assert own.shape == teacher.encoder.layer[1].intermediate.dense.weight.shape
    assert network.config.id2label[0] == "category:normal"


def test_fine_tuning_learns_what_words_mean(minilm):
    messages = [
        message("motor jammed", "mechanical", "error"),
        message("cycle done"),
        message("link lost", "communication", "warning"),
    ] * 20
    tokenizer, ids = pruned_tokenizer(minilm, WORDS, size=20)
    network = from_minilm(minilm, ids, Shape(groups=1, layers=2, embedding=8))
    recipe = Recipe(epochs=40, batch=8, encoder_rate=1e-3, head_rate=1e-2)
    fine_tune(network, tokenizer, messages, recipe, seed=0)
    best = logits_of(network, tokenizer, ["motor jammed", "cycle done", "link lost"])
    chosen = [HEADS["category"][row.argmax()] for row in best[:, : len(HEADS["category"])]]
    assert chosen == ["mechanical", "normal", "communication"]


def test_fine_tuning_leaves_words_where_the_teacher_put_them(minilm):
    tokenizer, ids = pruned_tokenizer(minilm, WORDS, size=20)
    network = from_minilm(minilm, ids, Shape(groups=1, layers=2, embedding=8))
    words = network.albert.embeddings.word_embeddings.weight
    before, layer = words.detach().clone(), network.albert.encoder.albert_layer_groups[0]
    weights = layer.albert_layers[0].ffn.weight.detach().clone()
    fine_tune(network, tokenizer, [message("motor jammed")] * 8, Recipe(epochs=2), seed=0)
    assert torch.equal(words, before)
    assert not torch.equal(layer.albert_layers[0].ffn.weight, weights)


def test_only_some_of_our_own_lines_enter_an_epoch(minilm, monkeypatch):
    seen = []

    def noted(_rng, text):
        seen.append(text)
        return text

    monkeypatch.setattr("quantize.log_training.roughened", noted)
    tokenizer, ids = pruned_tokenizer(minilm, WORDS, size=20)
    network = from_minilm(minilm, ids, Shape(groups=1, layers=1, embedding=8))
    lines = [message(f"cycle done {n}", system=GENERATED) for n in range(20)]
    fine_tune(
        network, tokenizer, [*lines, message("hot")], Recipe(epochs=2, own={GENERATED: 5}), seed=0
    )
    assert Counter(text == "hot" for text in seen) == {False: 10, True: 2}


def test_logits_do_not_depend_on_the_lines_beside(minilm):
    tokenizer, ids = pruned_tokenizer(minilm, WORDS, size=20)
    network = from_minilm(minilm, ids, Shape(groups=1, layers=2, embedding=8)).eval()
    alone = logits_of(network, tokenizer, ["link lost"])
    beside = logits_of(network, tokenizer, ["link lost", "motor jammed hot cycle done"])
    np.testing.assert_allclose(alone[0], beside[0], atol=1e-5)


def test_the_fitted_temperature_is_the_one_that_spoiled_the_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5)).astype(np.float32)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = [int(rng.choice(5, p=row / row.sum())) for row in chances.astype(np.float64)]
    assert fitted_temperature(logits * 2.5, truth) == pytest.approx(2.5, rel=0.1)


def test_figures_count_faults_and_false_alarms():
    truth = [
        message("a", "thermal", "error"),
        message("b", "thermal", "error"),
        message("c"),
        message("d"),
    ]
    verdicts = [
        Verdict("thermal", "error"),
        Verdict("normal", "info"),
        Verdict("sensor", "error"),
        Verdict("normal", "info"),
    ]
    figures = measured(truth, verdicts)
    assert (figures.found, figures.false_alarms, figures.fault_f1) == (0.5, 0.5, 0.5)
    assert figures.category_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_confidence_that_matches_accuracy_has_no_calibration_error():
    right = np.array([1.0] * 75 + [0.0] * 25)
    assert calibration_error(right, np.full(100, 0.75)) == pytest.approx(0)
    assert calibration_error(right, np.full(100, 0.95)) == pytest.approx(0.2)


def test_the_majority_baseline_says_one_thing():
    judge = majority([message("a"), message("b"), message("c", "thermal", "error")])
    assert judge([message("x"), message("y")]) == [Verdict("normal", "info")] * 2


def test_training_without_data_names_what_is_missing(tmp_path, minilm):
    with pytest.raises(PackageError, match=r"no messages\.jsonl"):
        train(tmp_path, tmp_path / "out", plan=Plan(minilm))


def test_weights_are_rounded_for_training_lines_and_judged_by_others(tmp_path, monkeypatch):
    given = []

    def note(_checkpoint, _out, *files, seed, rounded_for):
        texts = [file.read_text().splitlines() for file in files]
        given.extend([json.loads(row)["text"] for row in rows] for rows in texts)
        assert (seed, rounded_for) == (3, 8000)

    monkeypatch.setattr("quantize.log_package.quantize_albert", note)
    training = [message("motor jammed"), message(""), message("link lost")]
    quantize_log(tmp_path, tmp_path / "out", training, [message("link lost")], seed=3)
    assert given == [["motor jammed"], ["link lost"]]


def test_the_shipped_package_passed_the_gates_that_everybody_gets():
    report = json.loads((SHIPPED / "report.json").read_text())
    gates = {gate["name"]: gate for gate in report["gates"]}
    assert (report["calibrated_on"], report["evaluated_on"]) == (
        "training.jsonl",
        "strangers.jsonl",
    )
    assert gates["agreement"]["at_least"] == AlbertBounds().agreement
    assert all(gate["passed"] for gate in gates.values())


@pytest.fixture(scope="module")
def shipped() -> OnnxLogModel:
    return OnnxLogModel(load_package(SHIPPED))


def test_the_shipped_package_is_small_and_complete(shipped):
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 8_000_000
    assert dict(shipped.manifest.log.heads) == HEADS
    assert "never seen" in (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "category"),
    [
        ("ALARM: Motor winding temperature too high, 143 °C", Category.THERMAL),
        ("EMERGENCY_STOP pressed at operator panel", Category.SAFETY),
        ("Encoder signal lost on axis 3", Category.SENSOR),
        ("Overcurrent in phase U", Category.ELECTRICAL),
        ("PROFINET connection to PLC lost", Category.COMMUNICATION),
        ("Hydraulic oil pressure too low", Category.HYDRAULIC_PNEUMATIC),
        ("login failed for user admin: wrong password", Category.SECURITY),
        ("Program 4711 finished, 120 parts produced", Category.NORMAL),
        ("Jul  3 10:05:25 gw1 sshd[3205]: session closed for user op", Category.NORMAL),
    ],
)
def test_the_shipped_model_knows_plain_messages(shipped, line, category):
    score = LogScorer(shipped, 16).score(line)
    assert score.category is category
    assert not score.abstained


def test_the_shipped_model_beats_both_baselines_on_vendors_it_never_saw(shipped, shared_data):
    everything = device_messages(shared_data / "logs")
    strangers, scorer = restricted(everything), LogScorer(shipped, 10_000)
    scores = [scorer.score(m.text) for m in strangers]
    ours = measured(strangers, [Verdict(s.category, s.severity, s.probability) for s in scores])
    for learn in (majority, tfidf):
        theirs = measured(strangers, learn(permissive(everything))(strangers))
        assert ours.category_f1 > theirs.category_f1
        assert ours.severity_f1 > theirs.severity_f1
        assert ours.false_alarms < theirs.false_alarms


def test_most_alert_lines_of_blue_gene_are_called_faults(shipped, shared_data):
    logs = shared_data / "logs"
    labels = [
        row.split(" ", 1)[0] for row in (logs / "raw" / "BGL_2k.log").read_text().splitlines()
    ]
    lines = [line for system, _, line in raw_logs(logs) if system == "BGL"]
    scorer = LogScorer(shipped, 1000)
    alerts = [scorer.score(x).anomalous for x, y in zip(lines, labels, strict=True) if y != "-"]
    assert len(alerts) == 143
    assert np.mean(alerts) > 0.9
