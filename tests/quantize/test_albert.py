"""`quantize albert`, from a checkpoint to a package, and every way to get it wrong."""

import json

import numpy as np
import pytest
from checkpoints import LABELS, safetensors, save_albert, tokenizer, torch

from edge_agent.io.runtime import OnnxLogModel, load_package
from quantize.agreement import AlbertBounds
from quantize.albert import heads, quantize_albert
from quantize.errors import ExportMismatch, GateFailed, PackageError
from quantize.reference import torch_albert, torch_logits

LENIENT = AlbertBounds(
    agreement=0, accuracy_drop=1, macro_f1_drop=1, probability_shift=1, size_ratio=2, speedup=0
)


@pytest.fixture
def checkpoint(tmp_path):
    return save_albert(tmp_path / "tiny-albert")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "packages" / "log"


def report(package):
    return json.loads((package / "report.json").read_text())


def edit(file, **changes):
    document = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))


def rejected(checkpoint, out, error, match, **files):
    with pytest.raises(error, match=match) as caught:
        quantize_albert(checkpoint, out, bounds=LENIENT, **files)
    assert not out.exists()
    assert not out.parent.exists() or not list(out.parent.iterdir())
    return caught.value


def labelled_lines(file, count=40):
    draw = np.random.default_rng(0)
    words = ["bearing", "temperature", "high", "drive", "stopped", "encoder", "fault", "limit"]
    rows = [
        {
            "text": " ".join(draw.choice(words, 4)),
            "category": str(draw.choice(["normal", "thermal"])),
            "severity": str(draw.choice(["info", "error"])),
        }
        for _ in range(count)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_checkpoint_becomes_a_package_that_the_agent_loads(checkpoint, out):
    quantize_albert(checkpoint, out, bounds=LENIENT)
    model = OnnxLogModel(load_package(out))
    assert model.manifest.name == "tiny-albert"
    assert dict(model.manifest.log.heads) == {
        "category": ("normal", "thermal", "mechanical"),
        "severity": ("info", "error"),
    }
    assert model.logits("bearing temperature high").shape == (len(LABELS),)


def test_what_the_checkpoint_says_of_itself_reaches_the_package(checkpoint, out):
    extras = {
        "name": "plant-logs",
        "version": "2.1",
        "max_tokens": 20,
        "temperature": {"category": 1.5},
        "abstain_below": 0.4,
        "novel_below": -3.0,
    }
    (checkpoint / "edge_agent.json").write_text(json.dumps(extras))
    (checkpoint / "MODEL_CARD.md").write_text("# Trained on our own press shop\n")
    quantize_albert(checkpoint, out, bounds=LENIENT)
    manifest = load_package(out).manifest
    assert (manifest.name, manifest.version) == ("plant-logs", "2.1")
    assert manifest.log.max_tokens == 20
    assert manifest.log.temperature == {"category": 1.5, "severity": 1.0}
    assert (manifest.log.abstain_below, manifest.log.novel_below) == (0.4, -3.0)
    assert (out / "MODEL_CARD.md").read_text() == "# Trained on our own press shop\n"


def test_the_report_holds_every_gate_and_where_it_was_measured(checkpoint, out, tmp_path):
    lines = labelled_lines(tmp_path / "held-back.jsonl")
    quantize_albert(checkpoint, out, evaluate=lines, bounds=LENIENT, seed=7)
    found = report(out)
    assert {gate["name"] for gate in found["gates"]} == {
        "export_difference",
        "probability_shift",
        "batch_dependence",
        "agreement",
        "category_accuracy_drop",
        "category_macro_f1_drop",
        "severity_accuracy_drop",
        "severity_macro_f1_drop",
        "int8_product_share",
        "size_ratio",
        "speedup_at_1x32",
    }
    assert all(gate["passed"] for gate in found["gates"])
    assert found["evaluated_on"] == "held-back.jsonl"
    assert found["lines"] == 40
    assert found["seed"] == 7
    assert found["bytes"]["int8"] == (out / "model.onnx").stat().st_size
    assert found["nodes"]["MatMulInteger"] == 7
    assert {"processor", "architecture", "cores"} == set(found["machine"])
    assert {"onnxruntime", "torch"} <= set(found["versions"])


def test_lines_without_labels_still_gate_the_agreement(checkpoint, out, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text('drive stopped\n{"text": "encoder fault"}\n\n')
    quantize_albert(checkpoint, out, calibration=lines, bounds=LENIENT)
    assert report(out)["lines"] == 2
    assert "agreement" in {gate["name"] for gate in report(out)["gates"]}


def test_every_failed_gate_is_named_with_its_figure_and_nothing_is_written(checkpoint, out):
    strict = AlbertBounds(probability_shift=0, size_ratio=0.01, speedup=1000)
    with pytest.raises(GateFailed) as caught:
        quantize_albert(checkpoint, out, bounds=strict)
    names = [failure.split()[0] for failure in caught.value.failures]
    assert names == ["probability_shift", "size_ratio", "speedup_at_1x32"]
    assert all("must be at" in failure for failure in caught.value.failures)
    assert not out.exists()


def test_a_torch_pickle_serves_as_well_as_safetensors(checkpoint, out):
    file = checkpoint / "model.safetensors"
    torch.save(safetensors.load_file(file), checkpoint / "pytorch_model.bin")
    file.unlink()
    quantize_albert(checkpoint, out, bounds=LENIENT)
    assert OnnxLogModel(load_package(out)).logits("fault").shape == (len(LABELS),)


def test_labels_without_a_prefix_form_one_head(tmp_path, out):
    checkpoint = save_albert(tmp_path / "sentiment", labels=("NEGATIVE", "POSITIVE"))
    quantize_albert(checkpoint, out, bounds=LENIENT)
    assert dict(load_package(out).manifest.log.heads) == {"label": ("NEGATIVE", "POSITIVE")}


def test_labels_of_one_head_that_stand_apart_are_refused():
    with pytest.raises(ValueError, match="must stand together"):
        heads(["a:x", "b:x", "a:y"])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named_with_the_reason(checkpoint, out, name):
    (checkpoint / name).unlink()
    reason = {
        "config.json": "{folder}/config.json: cannot be read: No such file or directory",
        "model.safetensors": "{folder}: neither model.safetensors nor pytorch_model.bin",
        "tokenizer.json": "{folder}: neither tokenizer.json nor spiece.model",
    }[name]
    error = rejected(checkpoint, out, PackageError, name)
    assert str(error) == reason.format(folder=checkpoint)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_named_with_the_reason(checkpoint, out, name):
    file = checkpoint / name
    file.write_bytes(b"\x00\x01 cut off")
    reason = {
        "config.json": "not JSON: ",
        "model.safetensors": "not a weight file: ",
        "tokenizer.json": "not a tokenizer: ",
    }[name]
    error = rejected(checkpoint, out, PackageError, name)
    assert str(error).startswith(f"{file}: {reason}")
    assert len(str(error)) > len(f"{file}: {reason}")


def test_a_damaged_torch_pickle_is_named(checkpoint, out):
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "pytorch_model.bin").write_bytes(b"cut off")
    reason = r"pytorch_model\.bin: damaged, or more in it than plain tensors"
    rejected(checkpoint, out, PackageError, reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architectures": ["AlbertForMaskedLM"]}, r"config\.json: .* but AlbertForMaskedLM"),
        ({"model_type": "bert", "architectures": ["BertModel"]}, r"config\.json: not an Albert"),
        ({"hidden_act": "mish"}, "hidden_act mish"),
        ({"hidden_size": 48}, r"is \(.*, config.json says"),
        ({"hidden_size": "wide"}, "hidden_size must be a whole number"),
        ({"num_hidden_layers": 0}, "num_hidden_layers must be a whole number"),
        ({"num_attention_heads": 5}, "no multiple of 5 heads"),
        ({"num_hidden_groups": 2}, "no tensor albert.encoder.albert_layer_groups.1"),
        ({"id2label": {"0": "a", "2": "b"}}, "id2label"),
        ({"id2label": {"0": "a:x", "1": "b:x", "2": "a:y"}}, "must stand together"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(checkpoint, out, changes, reason):
    edit(checkpoint / "config.json", **changes)
    rejected(checkpoint, out, PackageError, reason)


@pytest.mark.parametrize(
    ("extras", "reason"),
    [
        ({"max_tokens": 1000}, "max_tokens 1000 exceeds 48"),
        ({"max_tokens": 0}, "max_tokens must be"),
        ({"temperature": 3}, r"edge_agent\.json"),
        ({"abstain_below": "often"}, r"edge_agent\.json"),
    ],
)
def test_extras_that_make_no_sense_are_refused(checkpoint, out, extras, reason):
    (checkpoint / "edge_agent.json").write_text(json.dumps(extras))
    rejected(checkpoint, out, PackageError, reason)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_named(checkpoint, out, bad):
    file = checkpoint / "model.safetensors"
    state = safetensors.load_file(file)
    state["albert.pooler.weight"][3, 3] = bad
    safetensors.save_file(state, file)
    reason = r"model\.safetensors: albert\.pooler\.weight holds NaN or infinity"
    rejected(checkpoint, out, PackageError, reason)


def test_a_tokenizer_with_more_tokens_than_embeddings_is_refused(tmp_path, out):
    checkpoint = save_albert(tmp_path / "small", vocab_size=20)
    reason = r"small/tokenizer\.json: has a token 40, config\.json says vocab_size 20"
    rejected(checkpoint, out, PackageError, reason)


def test_a_tokenizer_whose_few_tokens_have_large_numbers_is_refused(checkpoint, out):
    file = checkpoint / "tokenizer.json"
    document = json.loads(file.read_text())
    document["model"] = {"type": "WordLevel", "vocab": {"[UNK]": 0, "x": 900}, "unk_token": "[UNK]"}
    file.write_text(json.dumps(document))
    rejected(checkpoint, out, PackageError, r"tokenizer\.json: has a token 900")


def test_a_tokenizer_that_adds_no_first_token_is_refused(checkpoint, out):
    bare = tokenizer()
    document = json.loads(bare.to_str()) | {"post_processor": None}
    (checkpoint / "tokenizer.json").write_text(json.dumps(document))
    rejected(checkpoint, out, PackageError, r"tokenizer\.json: adds no \[CLS\] token")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds no lines"),
        ("not json\n", ":1: no JSON object with a text"),
        ('{"text": "ok"}\n{"category": "normal"}\n', ":2: no JSON object with a text"),
        ('{"text": "ok", "category": "weather"}\n', "category has no label 'weather'"),
    ],
)
def test_an_evaluation_file_that_does_not_fit_is_refused(
    checkpoint, out, tmp_path, content, reason
):
    file = tmp_path / "held-back.jsonl"
    file.write_text(content)
    rejected(checkpoint, out, PackageError, reason, evaluate=file)


def test_an_evaluation_file_that_is_not_there_is_refused(checkpoint, out, tmp_path):
    rejected(checkpoint, out, PackageError, "cannot be read", evaluate=tmp_path / "none.jsonl")


def test_a_graph_that_does_not_compute_what_torch_computes_is_refused(checkpoint, out, monkeypatch):
    monkeypatch.setattr("quantize.export_albert._MASKED", 0.0)  # forgets the attention mask
    rejected(checkpoint, out, ExportMismatch, "export_difference is")


def test_a_sentencepiece_model_is_converted_with_its_normalization(checkpoint, out, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece", reason="no sentencepiece to train with")
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("Bearing temperature high\ndrive stopped, encoder fault\nlimit\n" * 50)
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(checkpoint / "spiece"),
        vocab_size=30,
        hard_vocab_limit=False,
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        minloglevel=2,
    )
    (checkpoint / "tokenizer.json").unlink()
    quantize_albert(checkpoint, out, bounds=LENIENT)
    model = OnnxLogModel(load_package(out))
    plain, accented = (model.tokens(text) for text in ("drive fault", "DRÍVE  fault"))
    assert plain == accented
    assert (plain[0], plain[-1]) == (2, 3)


def test_fixed_scales_need_calibration_lines(checkpoint, out):
    rejected(checkpoint, out, PackageError, "need calibration lines", fixed_scales=True)


def test_fixed_scales_make_a_package_that_says_so(checkpoint, out, tmp_path):
    lines = labelled_lines(tmp_path / "calibration.jsonl", 200)
    quantize_albert(checkpoint, out, lines, bounds=LENIENT, fixed_scales=True)
    assert report(out)["nodes"]["MatMulIntegerToFloat"] == 3
    assert report(out)["activation_scales"] == "fixed behind norms"


def test_calibration_lines_bring_the_logits_closer_to_float32(checkpoint, out, tmp_path):
    calibration = labelled_lines(tmp_path / "calibration.jsonl", 200)
    quantize_albert(checkpoint, out / "blind", bounds=LENIENT)
    quantize_albert(checkpoint, out / "calibrated", calibration, bounds=LENIENT)
    network = torch_albert(checkpoint)

    def error(package):
        model = OnnxLogModel(load_package(package))
        texts = ["drive stopped encoder fault", "bearing high", "limit limit temperature"]
        lines = [(model.logits(text), model.tokens(text)) for text in texts]
        truth = np.concatenate([torch_logits(network, [tokens]) for _, tokens in lines])
        return np.square([logits for logits, _ in lines] - truth).mean()

    assert error(out / "calibrated") < error(out / "blind")
