"""Cross-validation: no stranger was met, limits come from the other folds, int8 is judged."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the workshop's extra [quantize] is not installed")

from edge_agent.core.logtext import normalize  # noqa: E402 - after the check for the extra
from edge_agent.core.wordpairs import WordPairs  # noqa: E402
from quantize.log_crossval import Fold, fitted_limits, scorers  # noqa: E402
from quantize.log_data import Message  # noqa: E402
from quantize.log_network import HEADS  # noqa: E402
from quantize.log_tables import crossed_tables  # noqa: E402

CATEGORIES, SEVERITIES = HEADS["category"], HEADS["severity"]


def message(text, category="normal", severity="info", system="s"):
    return Message(text, category, severity, system, "MIT")


def logits(category, severity, lead=4.0):
    row = np.zeros(len(CATEGORIES) + len(SEVERITIES), np.float32)
    row[CATEGORIES.index(category)] = lead
    row[len(CATEGORIES) + SEVERITIES.index(severity)] = lead
    return row


def fold(answers, *, training=()):
    """Return a fold whose network gives ``answers``: message to logits."""
    strangers = tuple(answers)
    known = {normalize(m.text).text: row for m, row in answers.items()}
    training = tuple(training) or (message("ready", system="t"), message("hot", "thermal", "error"))
    told = {normalize(m.text).text: logits(m.category, m.severity) for m in training}
    met = WordPairs.of(normalize(message.text).text for message in training)
    return Fold(training, training[:1], strangers, (), known | told, known | told, met)


WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "kilo"]


def test_routine_is_lifted_until_few_of_it_are_called_faults():
    answers = {message(word): logits("thermal", "error", lead=1.0) for word in WORDS}
    limits = fitted_limits([fold(answers)])
    assert limits.normal_bias == pytest.approx(1.0, abs=0.01)


def test_a_network_that_knows_routine_needs_no_bias():
    answers = {message(word): logits("normal", "info") for word in WORDS}
    assert fitted_limits([fold(answers)]).normal_bias == 0.0


def test_novel_is_what_best_parts_strangers_from_the_training():
    known = [message("press is ready"), message("press is hot", "thermal", "error")]
    met, new = "press is ready", "strange words altogether here"
    answers = {message(text): logits("normal", "info") for text in (met, new, "press is late")}
    # of "press is late" two pairs of four are new, of the other stranger all
    assert fitted_limits([fold(answers, training=known)]).novel_from == 0.5


def test_the_limits_of_a_fold_come_from_the_others_alone():
    sure = fold({message(word): logits("normal", "info") for word in WORDS})
    wrong = fold({message(word): logits("thermal", "error", lead=2.0) for word in WORDS})
    lenient, strict = scorers([wrong, sure])
    assert lenient.score("alpha").category == "thermal"  # its own mistakes taught it nothing
    assert strict.score("alpha").category == "normal"


def test_the_tables_judge_each_stranger_once():
    first = fold({message("alpha", "thermal", "error"): logits("thermal", "error")})
    second = fold({message("bravo", system="u"): logits("normal", "info")})
    tables = crossed_tables([first, second])
    assert "| ALBERT int8 | 2 | 1.000 | 1.000 | 1.000 | 100.0% | 0.0% |" in (tables["crossed"])
    assert "| thermal |" in tables["confusion"]
