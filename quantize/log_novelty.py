"""How well the device tells wordings that it has never met from those that it has."""

from collections.abc import Sequence

import numpy as np

from edge_agent.core.wordpairs import WordPairs
from quantize.log_crossval import Fold, energy, newness
from quantize.log_data import texts_of
from quantize.log_figures import novelty_auroc
from quantize.log_lines import SYSTEM as GENERATED
from quantize.log_phrases import SYSTEM as WRITTEN

_WITHHELD = 5  # one in so many messages of the vendors
_HEADER = "| what tells | AUROC | by fold |\n|---|---|---|"


def novelty_table(found: Sequence[Fold]) -> str:
    """Return, in Markdown, the chance that a stranger's message seems newer than a familiar one.

    Familiar are messages of the training.  For the row of withheld ones a fifth of the vendors'
    messages was kept from the word pairs: new lines of systems that are known.
    """
    measures = {
        "word pairs never met": _of_pairs,
        "the same, against withheld messages of known systems": _of_withheld,
        "energy of the logits": _of_energy,
    }
    rows = []
    for name, measure in measures.items():
        areas = [measure(fold) for fold in found]
        by_fold = ", ".join(f"{area:.3f}" for area in areas)
        rows.append(f"| {name} | {np.mean(areas):.3f} | {by_fold} |")
    return "\n".join([_HEADER, *rows])


def _of_pairs(fold: Fold) -> float:
    known, strange = (newness(fold.pairs, said) for said in (fold.familiar, fold.strangers))
    return novelty_auroc(-known, -strange)


def _of_withheld(fold: Fold) -> float:
    own = [message for message in fold.training if message.system in {GENERATED, WRITTEN}]
    vendors = [message for message in fold.training if message.system not in {GENERATED, WRITTEN}]
    withheld = vendors[::_WITHHELD]
    taught = [message for place, message in enumerate(vendors) if place % _WITHHELD]
    known = WordPairs.of(texts_of([*own, *taught]))
    return novelty_auroc(-newness(known, withheld), -newness(known, fold.strangers))


def _of_energy(fold: Fold) -> float:
    return novelty_auroc(energy(fold.rows(fold.familiar)), energy(fold.rows(fold.strangers)))
