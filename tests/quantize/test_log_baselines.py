"""The MiniLM baseline, on a BERT small enough to be made up here."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the workshop's extra [quantize] is not installed")

from tokenizers import Tokenizer  # noqa: E402 - after the check for the extra
from tokenizers.models import WordPiece  # noqa: E402
from tokenizers.pre_tokenizers import Whitespace  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from quantize.log_baselines import SentenceEncoder, minilm  # noqa: E402
from quantize.log_data import Message  # noqa: E402

WORDS = ("[PAD]", "[UNK]", "motor", "jammed", "hot", "cycle", "done")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a sentence encoder's folder, of a handful of words."""
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = Tokenizer(WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token=WORDS[1]))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(WORDS), intermediate_size=32, initializer_range=0.5, **shape)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(folder):
    return SentenceEncoder(folder)


def test_an_embedding_does_not_depend_on_the_texts_beside(folder, encoder):
    alone = SentenceEncoder(folder).embeddings(["motor jammed"])
    beside = encoder.embeddings(["cycle done motor hot jammed", "motor jammed"])
    np.testing.assert_allclose(alone[0], beside[1], atol=1e-5)


def test_embeddings_come_in_the_order_of_the_texts_at_length_one(encoder):
    rows = encoder.embeddings(["hot", "cycle done", "hot"])
    np.testing.assert_array_equal(rows[0], rows[2])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)


def test_the_regression_learns_what_embeddings_tell_apart(encoder):
    training = [
        Message("motor jammed", "mechanical", "error", "s", "MIT"),
        Message("motor hot", "thermal", "warning", "s", "MIT"),
        Message("cycle done", "normal", "info", "s", "MIT"),
    ] * 20
    verdicts = minilm(training, encoder)(training[:3])
    assert [(v.category, v.severity) for v in verdicts] == [
        ("mechanical", "error"),
        ("thermal", "warning"),
        ("normal", "info"),
    ]
    assert all(0.5 < v.probability < 1 for v in verdicts)
